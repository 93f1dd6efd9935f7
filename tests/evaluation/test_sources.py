"""Test people of a source, measured by hand: joints without a label count nowhere."""

from types import SimpleNamespace

import pytest
import torch

from c2fpose.evaluation.sources import evaluate_sources
from c2fpose.pose.space import PAPER


def test_near_joints_are_counted_among_the_labelled(tmp_path):
    """Of two people without poses in mm; seven joints of the second have no label at all."""
    joints_box = torch.rand(2, 17, 2)
    off = torch.zeros(2, 17, 2)
    off[0, :5, 0], off[1, :3, 1], off[0, 5] = 0.2, -0.15, 0.06  # eight far ones, and one that is not
    points = torch.cat([joints_box + off, torch.full((2, 17, 1), 0.5)], -1)
    joints_box[1, 10:] = torch.nan
    batch = {
        "image": torch.zeros(2, 3, 8, 8, dtype=torch.uint8),
        "joints_box": joints_box,
        "joints_cam_mm": torch.full((2, 17, 3), torch.nan),
        "intrinsics_px": torch.tensor([[1000.0, 1000.0, 500.0, 500.0]] * 2),
        "box_left_top_px": torch.zeros(2, 2),
        "box_side_px": torch.full((2,), 400.0),
    }
    module = SimpleNamespace(
        training=False, eval=lambda: None, train=lambda mode: None, device=torch.device("cpu"),
        config=SimpleNamespace(pose_space=PAPER), predict_points=lambda image, read_as: points,
    )  # fmt: skip
    data = SimpleNamespace(test_sources={"photos": None}, source_loader=lambda source: [batch])
    (row,) = evaluate_sources(module, data, tmp_path)
    assert (row["source"], row["images"], row["mpjpe_mm"]) == ("photos", 2, "")
    assert row["near_percent"] == pytest.approx(100 * (27 - 8) / 27, abs=1e-3)
    assert row["off_percent"] == pytest.approx(100 * (5 * 0.2 + 3 * 0.15 + 0.06 * 2**0.5) / 27, abs=1e-2)
