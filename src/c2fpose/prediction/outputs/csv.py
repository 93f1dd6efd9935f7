"""A result as a table: a row a joint, person and frame, units and frames of reference in the columns' names."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from c2fpose.base.files import written_whole
from c2fpose.prediction.outputs.formats import Format, Pictures
from c2fpose.prediction.result import PoseResult

FORMAT = Format(endings=(".csv",))
COLUMNS = ("frame", "time_s", "person", "joint", "x_px", "y_px", "x_cam_mm", "y_cam_mm", "z_cam_mm", "observed")
# Upper triangle of the covariance, and the names of its columns
_COVARIANCE = (("xx", 0, 0), ("xy", 0, 1), ("xz", 0, 2), ("yy", 1, 1), ("yz", 1, 2), ("zz", 2, 2))


def write(result: PoseResult, pictures: Pictures | None, path: Path) -> list[Path]:
    """Write ``COLUMNS``, and ``box_score``, ``confidence``, ``cov_xx_mm2`` ... that anybody has; empty: not known."""
    columns = list(COLUMNS)
    if any(pose.box_score is not None for _, pose in result.people()):
        columns.append("box_score")
    if any(pose.confidence is not None for _, pose in result.people()):
        columns.append("confidence")
    if any(pose.covariance_mm2 is not None for _, pose in result.people()):
        columns += [f"cov_{name}_mm2" for name, _, _ in _COVARIANCE]
    with written_whole(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(_rows(result))
    return [path]


def _rows(result: PoseResult) -> Iterator[dict[str, Any]]:
    for frame, pose in result.people():
        for joint, name in enumerate(result.skeleton.names):
            x_px, y_px = pose.joints_px[joint]
            x, y, z = pose.joints_cam_mm[joint]
            row: dict[str, Any] = {
                "frame": frame.index, "time_s": f"{frame.time_s:.4f}", "person": pose.id, "joint": name,
                "x_px": f"{x_px:.2f}", "y_px": f"{y_px:.2f}",
                "x_cam_mm": f"{x:.2f}", "y_cam_mm": f"{y:.2f}", "z_cam_mm": f"{z:.2f}",
                "observed": int(pose.observed),
            }  # fmt: skip
            if pose.box_score is not None:
                row["box_score"] = f"{pose.box_score:.4f}"
            if pose.confidence is not None and np.isfinite(pose.confidence[joint]):
                row["confidence"] = f"{pose.confidence[joint]:.4f}"
            if pose.covariance_mm2 is not None and np.isfinite(pose.covariance_mm2[joint]).all():
                row |= {f"cov_{part}_mm2": f"{pose.covariance_mm2[joint][i, j]:.1f}" for part, i, j in _COVARIANCE}
            yield row
