"""Figures that the paper reports, each with the version of the paper it is from.

Pavlakos, Zhou, Derpanis and Daniilidis, "Coarse-to-Fine Volumetric Prediction for Single-Image 3D Human Pose",
CVPR 2017, arXiv 1611.07828. Two sets of results exist: the first arXiv version (``v1``) and the second, which is the
CVPR paper (``v2``). They are not from one system, so a column never holds both: ``column`` refuses. All errors in mm on
Human3.6M, training subjects 1, 5, 6, 7, 8, test subjects 9 and 11; every average is over all test frames.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from c2fpose.base.errors import ConfigError
from c2fpose.pose.protocol import ACTIONS

Version = Literal["v1", "v2"]
# The root's depth behind each is an inference: the authors told Tekin et al. (arXiv 1611.05708v3, footnote 2) that
# theirs was known, before the second version was out; the released evaluation fits it to mean limbs by default.
VERSIONS = {
    "v1": "arXiv 1611.07828, first version, very probably with the root's depth given (an inference)",
    "v2": "CVPR 2017, second version of the same, very probably with the root's depth from mean limbs (an inference)",
}


@dataclass(frozen=True)
class Figure:
    """One published row: its average over all test frames, and by action where the paper gives that."""

    version: Version
    average_mm: float
    by_action_mm: dict[str, float]
    metric: Literal["mpjpe", "reconstruction"] = "mpjpe"


def _rows(version: Version, averages: dict[str, float]) -> dict[str, Figure]:
    return {name: Figure(version, average, {}) for name, average in averages.items()}


def _all_actions(version: Version, metric: Literal["mpjpe", "reconstruction"], *values: float) -> Figure:
    return Figure(version, values[-1], dict(zip(ACTIONS, values[:-1], strict=True)), metric)


_T3_ACTIONS = ("Phoning", "Sitting", "SittingDown", "Smoking", "Walking", "WalkTogether")

TABLES: dict[str, dict[str, Figure]] = {
    # Coordinates against volumes, one hourglass. v1 (112.41 and 85.82 stand in v2 as well).
    "T1": _rows("v1", {"coordinates": 112.41, "volume 32": 92.23, "volume 64": 85.82}),
    # Naive stacking against coarse-to-fine. v1 (69.77 stands in v2 as well).
    "T2": _rows(
        "v1",
        {
            "64": 85.82, "64,64": 80.14, "64,64,64": 78.17, "64,64,64,64": 75.06,
            "1,64": 69.77, "8,64": 77.52, "1,2,64": 68.49, "1,4,64": 72.02, "1,2,4,64": 66.92,
        },
    ),
    # Direct ("decoupled") against separated supervision, schedule 1, 64. v1.
    "T3": {
        "direct": Figure("v1", 78.10, dict(zip(_T3_ACTIONS, (75.00, 95.25, 129.97, 75.58, 70.17, 76.01), strict=True))),
        "separated": Figure(
            "v1", 69.77, dict(zip(_T3_ACTIONS, (66.50, 76.99, 103.67, 66.99, 59.12, 62.28), strict=True))
        ),
    },
    # MPJPE by action.
    "T4": {
        "v1": _all_actions(
            "v1", "mpjpe", 58.55, 64.56, 63.66, 62.43, 66.93, 70.74, 57.72, 62.51, 76.84, 103.48, 65.73, 61.56, 69.04,
            56.38, 59.47, 66.92,
        ),
        "v2": _all_actions(
            "v2", "mpjpe", 67.4, 71.9, 66.7, 69.1, 72.0, 77.0, 65.0, 68.3, 83.7, 96.5, 71.7, 65.8, 74.9, 59.1, 63.2,
            71.9,
        ),
    },
    # Reconstruction error by action. v1 gives its average alone.
    "T5": {
        "v1": Figure("v1", 53.2, {}, "reconstruction"),
        "v2": _all_actions(
            "v2", "reconstruction", 47.5, 50.5, 48.3, 49.3, 50.7, 55.2, 46.1, 48.0, 61.1, 78.1, 51.1, 48.3, 52.9, 41.5,
            46.4, 51.9,
        ),
    },
}  # fmt: skip


def figure(reference: str) -> Figure:
    """One row by ``"table/row"``, such as ``"T2/1,64"``; raises ``ConfigError``."""
    table, _, row = reference.partition("/")
    if row not in TABLES.get(table, {}):
        known = ", ".join(f"{name}/{key}" for name, rows in TABLES.items() for key in rows)
        raise ConfigError(f"paper={reference}: no such row of the paper; one of {known}")
    return TABLES[table][row]


def column(references: Iterable[str | None], metric: str = "mpjpe") -> tuple[Version | None, list[Figure | None]]:
    """Find the paper's figures for the rows of one table, and the one version that all are from; gaps stay gaps.

    Raises ``ConfigError`` where the versions differ, and for a figure of another metric than the table's.
    """
    named = list(references)
    figures = [None if reference is None else figure(reference) for reference in named]
    for reference, known in zip(named, figures, strict=True):
        if known is not None and known.metric != metric:
            raise ConfigError(f"paper={reference}: its metric is {known.metric}, the table's (sweep.metric) {metric}")
    versions = {known.version for known in figures if known is not None}
    if len(versions) > 1:
        raise ConfigError("figures of the paper's two versions in one column; choose rows of one of them")
    return (versions.pop() if versions else None), figures
