"""Schemas of an experiment: the rows of a table and what each of them sets."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from c2fpose.config.schema import Schema
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.pose.protocol import ACTIONS

Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _at_least_one(directories: tuple[Path, ...]) -> tuple[Path, ...]:
    if not directories:
        raise ValueError("give at least one sweep directory, such as runs/ablation_depth/laptop")
    return directories


# Of tables and dashboards: the directories of one experiment's sweeps, of one machine or several
SweepDirectories = Annotated[tuple[Path, ...], AfterValidator(_at_least_one)]


def _known_rule(rule: str) -> str:
    if rule not in ROOT_DEPTH_RULES:
        raise ValueError(f"{rule!r} is no rule for the root's depth; one of {', '.join(ROOT_DEPTH_RULES)}")
    return rule


# Of tables and dashboards: under which rule errors are shown
RootDepth = Annotated[str, AfterValidator(_known_rule)]


class RowConfig(Schema):
    """One row of a table."""

    label: str  # as printed
    # The paper's figure, as "table/row" of ``paper.TABLES``; null: the paper has none
    paper: str | None = None
    seeds: tuple[Seed, ...] = (0,)
    # Another row whose trained network is evaluated again, with decoding and BatchNorm as set here; null: train
    of: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)  # keys of the configuration, dotted, and their values

    @property
    def own_data(self) -> bool:
        """Whether the row names what it is trained on, so that other rows may be trained on other data."""
        return any(key == "data.train_file" or key.startswith("data.mix") for key in self.set)


class SweepConfig(Schema):
    """A table: its rows and what is compared in it."""

    title: str
    # "depth": error against parameters, naive and coarse-to-fine, is drawn; "rows": errors alone
    figure: Literal["rows", "depth"] = "rows"
    actions: tuple[str, ...] = ()  # shown as columns beside the average
    metric: Literal["mpjpe", "reconstruction"] = "mpjpe"
    # Shown as columns too: the error along x, y and depth apart, and how true the networks' certainties are
    apart: bool = False
    rows: dict[str, RowConfig]
    compare: tuple[tuple[str, str], ...] = ()  # pairs of rows whose difference is tested, the worse expected first
    # Rows of the paper's tables shown beside ours though no row here repeats them, as "table/row"
    paper_rows: tuple[str, ...] = ()

    @field_validator("rows")
    @classmethod
    def _names(cls, rows: dict[str, RowConfig]) -> dict[str, RowConfig]:
        for name, row in rows.items():
            if not re.fullmatch(r"[\w.-]+", name):
                raise ValueError(f"row {name!r}: a row's name is a directory's: letters, digits, _ . - only")
            if row.of is not None and (row.of not in rows or rows[row.of].of is not None):
                raise ValueError(f"row {name}: of={row.of} is not a row that is trained")
        return rows

    @model_validator(mode="after")
    def _consistent(self) -> "SweepConfig":
        for name in (name for pair in self.compare for name in pair):
            if name not in self.rows:
                raise ValueError(f"compare: no row {name!r}; one of {', '.join(self.rows)}")
        unknown = set(self.actions) - set(ACTIONS)
        if unknown:
            raise ValueError(f"actions: unknown {min(unknown)!r}; one of {', '.join(ACTIONS)}")
        return self
