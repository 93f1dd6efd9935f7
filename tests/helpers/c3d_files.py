"""C3D files, written by ezc3d from the fixtures' people, with a calibration of two cameras."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from own_data import cameras, people, to_world

from c2fpose.pose.skeleton import C2F17, JOINTS

ezc3d = pytest.importorskip("ezc3d")
CAM_MM = np.array([record["cam_mm"] for record in people(8)[::2]])  # as the left camera sees them
WORLD_MM = to_world(CAM_MM, "left")
BESIDE = np.array([150.0, 0, 40.0])


def write(
    path: Path,
    world_mm: np.ndarray,
    labels=JOINTS,
    unit: str = "mm",
    rate: float = 100.0,
    subject="",
    gone=(),
    analogs: int = 0,
) -> None:
    """``gone``: frames and points that have a place all the same, and a residual of -1."""
    content = ezc3d.c3d()
    content["parameters"]["POINT"]["RATE"]["value"] = [rate]
    content["parameters"]["POINT"]["LABELS"]["value"] = list(labels)
    content["parameters"]["POINT"]["UNITS"]["value"] = [unit]
    if subject:
        content.add_parameter("SUBJECTS", "NAMES", [subject])
    scale = {"mm": 1.0, "m": 0.001, "cm": 0.1}[unit]
    points = np.ones((4, world_mm.shape[1], len(world_mm)))
    points[:3] = world_mm.transpose(2, 1, 0) * scale
    content["data"]["points"] = points
    if gone:
        residuals = np.zeros((1, *points.shape[1:]))
        for frame, point in gone:
            residuals[0, point, frame] = -1
        content["data"]["meta_points"]["residuals"] = residuals
    if analogs:  # forces, ten samples a frame
        content["parameters"]["ANALOG"]["RATE"]["value"] = [10 * rate]
        content["parameters"]["ANALOG"]["LABELS"]["value"] = [f"Force.{n}" for n in range(analogs)]
        content["data"]["analogs"] = np.random.default_rng(0).normal(0, 1, (1, analogs, 10 * len(world_mm)))
    path.parent.mkdir(parents=True, exist_ok=True)
    content.write(str(path))


def folder_of(tmp_path: Path, names=("left",), **options) -> Path:
    write(tmp_path / "anna" / "walk.c3d", WORLD_MM, **options)
    chosen = {name: entry for name, entry in cameras().items() if name in names}
    (tmp_path / "cameras.yaml").write_text(yaml.safe_dump(chosen))
    C2F17.to_file(tmp_path / "skeleton.yaml")
    return tmp_path
