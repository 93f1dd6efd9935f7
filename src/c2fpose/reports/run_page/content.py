"""What a run has left in its directory: configuration, curves, evaluation, pictures; each may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jaxtyping import Float, Int
from numpy import ndarray

from c2fpose.base.errors import DataError, first_line
from c2fpose.evaluation.scores import Evaluation
from c2fpose.reports.dashboard.html import logged, step_of

Curve = tuple[Int[ndarray, " N"], Float[ndarray, " N"]]  # optimiser steps, values

LOSS, ERROR = "train/loss", "val/mpjpe_mm"
STACK_LOSSES = tuple(f"train/loss_stack{number}" for number in range(1, 9))
# Pictures that an evaluation or a training may have left, as (folder, pattern, heading); the last of a pattern is shown
PICTURES = (
    ("evaluation", "sheet.png", "Best, median and worst test images, by MPJPE with the root depth given"),
    ("evaluation", "calibration.png", "How often the truth lies where the network says it does"),
    ("evaluation", "confidence.png", "Error against confidence"),
    ("pictures", "step_*_volumes.png", "Volumes of a validation image, coarse to fine"),
    ("pictures", "step_*_poses.png", "Validation images"),
)


@dataclass(frozen=True)
class Picture:
    """One picture of a run."""

    path: Path
    heading: str


@dataclass(frozen=True)
class Run:
    """What is known about a run."""

    directory: Path
    configuration: dict[str, Any] | None
    curves: dict[str, Curve]
    evaluation: Evaluation | None
    pictures: tuple[Picture, ...]

    @property
    def name(self) -> str:
        """The run's name and directory."""
        return (self.configuration or {}).get("name") or self.directory.resolve().name


def read_run(directory: str | Path) -> Run:
    """Read a run's directory. Raises ``DataError`` where it holds neither curves nor an evaluation."""
    directory = Path(directory)
    if not directory.is_dir():
        raise DataError(f"{directory}: no such directory; give one that python -m c2fpose.train has made")
    curves = {name: curve for name in (LOSS, ERROR, *STACK_LOSSES) if (curve := logged(directory, name)) is not None}
    evaluated = (directory / "evaluation" / "evaluation.json").is_file()
    if not curves and not evaluated:
        inside = sorted(path.parent for path in directory.glob("*/config.yaml"))
        hint = f"; perhaps you mean {inside[-1]}" if inside else ""
        raise DataError(f"{directory}: neither logs of a training nor an evaluation{hint}")
    return Run(
        directory,
        _configuration(directory / "config.yaml"),
        curves,
        Evaluation.read(directory / "evaluation") if evaluated else None,
        tuple(
            Picture(found[-1], heading)
            for folder, pattern, heading in PICTURES
            if (found := sorted((directory / folder).glob(pattern), key=step_of))
        ),
    )


def _configuration(path: Path) -> dict[str, Any] | None:
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot be read ({first_line(error)})") from None
    return values if isinstance(values, dict) else None
