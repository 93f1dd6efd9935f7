"""An experiment: the rows of a table, what each of them sets, and the jobs that they make.

The files are ``conf/experiment/*.yaml``. A sweep runs one job for each row and seed, named ``<row>/seed<k>``; the row's
settings are put into the composed configuration here, before it is checked. Light to import.
"""

import re
from typing import Annotated, Any, Literal

from omegaconf import DictConfig, OmegaConf
from pydantic import Field, field_validator, model_validator

from c2fpose.config import Schema, parse
from c2fpose.errors import ConfigError
from c2fpose.protocol import ACTIONS

Seed = Annotated[int, Field(ge=0)]
_JOB = re.compile(r"(?P<row>[\w.-]+)/seed(?P<seed>\d+)")


class RowConfig(Schema):
    """One row of a table."""

    label: str  # as printed
    # The paper's figure, as "table/row" of ``paper.TABLES``; null: the paper has none
    paper: str | None = None
    seeds: tuple[Seed, ...] = (0,)
    # Another row whose trained network is evaluated anew, with decoding and BatchNorm as set here; null: train
    of: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)  # keys of the configuration, dotted, and their values


class SweepConfig(Schema):
    """A table: its rows and what is compared in it."""

    title: str
    # "depth": error against parameters, naive and coarse-to-fine, is drawn; "rows": errors alone
    figure: Literal["rows", "depth"] = "rows"
    actions: tuple[str, ...] = ()  # shown as columns beside the average
    metric: Literal["mpjpe", "reconstruction"] = "mpjpe"
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


def sweep_of(cfg: DictConfig) -> SweepConfig:
    """The experiment in a composed configuration; raises ``ConfigError``."""
    if cfg.get("sweep") is None:
        raise ConfigError("no experiment chosen; add +experiment=..., one of conf/experiment/")
    return parse(SweepConfig, cfg.sweep, "sweep")


def jobs(cfg: DictConfig) -> list[str]:
    """Names of the jobs that a configuration asks for: rows that train first, then those that evaluate them anew.

    Seeds go round before rows do, so that a sweep cut short has every row once.
    """
    sweep = sweep_of(cfg)
    chosen = list(sweep.rows) if cfg.get("rows") is None else [str(name) for name in cfg.rows]
    for name in chosen:
        if name not in sweep.rows:
            raise ConfigError(f"rows: no row {name!r} in {cfg.name}; one of {', '.join(sweep.rows)}")
    if not chosen or len(set(chosen)) < len(chosen):
        raise ConfigError(f"rows={chosen}: name at least one row, and none twice")
    if cfg.get("seeds") is not None and (not len(cfg.seeds) or len(set(cfg.seeds)) < len(cfg.seeds)):
        raise ConfigError(f"seeds={list(cfg.seeds)}: give at least one seed, and none twice")
    pairs = []
    for place, name in enumerate(chosen):
        row = sweep.rows[name]
        seeds = row.seeds if cfg.get("seeds") is None else tuple(cfg.seeds)
        pairs += [(row.of is not None, turn, place, f"{name}/seed{seed}") for turn, seed in enumerate(seeds)]
    return [name for *_, name in sorted(pairs)]


def split_job(job: str) -> tuple[str, int]:
    """Row and seed of a job's name; raises ``ConfigError``."""
    match = _JOB.fullmatch(job)
    if match is None:
        raise ConfigError(f"job={job}: expected <row>/seed<k>, such as d1_64/seed0")
    return match["row"], int(match["seed"])


def with_row(cfg: DictConfig) -> DictConfig:
    """A copy of the configuration with the settings of its job's row and seed in place; raises ``ConfigError``."""
    row, seed = split_job(cfg.job)
    sweep = sweep_of(cfg)
    if row not in sweep.rows:
        raise ConfigError(f"job={cfg.job}: no row {row!r} in {cfg.name}; one of {', '.join(sweep.rows)}")
    merged = cfg.copy()
    for key, value in ({"seed": seed} | sweep.rows[row].set).items():
        OmegaConf.update(merged, key, value, merge=False, force_add=True)  # the schema refuses what it does not know
    return merged


def check_overrides(cfg: DictConfig, overrides: list[str]) -> None:
    """Refuse a command line that sets what the rows set, which would be lost. Raises ``ConfigError``."""
    given = {override.split("=")[0].lstrip("+~") for override in overrides}
    if "seed" in given:
        raise ConfigError("seed is set by the sweep; give seeds=[0,1,2]")
    if "resume" in given:
        raise ConfigError("resume: a sweep goes on by itself; start it again with the same words")
    for name, row in sweep_of(cfg).rows.items():
        for key in row.set:
            if key in given:
                raise ConfigError(
                    f"{key} is what row {name} of {cfg.name} sets; choose rows=[...], or train without it"
                )


def _jobs_resolver(*, _root_: DictConfig) -> str:
    return ",".join(jobs(_root_))


def _directory_resolver(overrides: str) -> str:
    """A plain multirun's overrides as one directory's name of bearable length."""
    import hashlib

    name = overrides.replace("/", "_").replace(" ", "")
    if len(name) <= 150:
        return name or "defaults"
    return f"{name[:130]}_{hashlib.sha256(name.encode()).hexdigest()[:12]}"


OmegaConf.register_new_resolver("jobs", _jobs_resolver, replace=True)
OmegaConf.register_new_resolver("directory", _directory_resolver, replace=True)
