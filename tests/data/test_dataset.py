"""Truth in millimetres follows augmentation: it projects onto the augmented picture."""

import numpy as np
import pytest
import torch

from c2fpose.config.data import AugmentationConfig, DataConfig
from c2fpose.data.datamodule import PoseData
from c2fpose.data.dataset import Turn
from c2fpose.pose.skeleton import MIRROR


@pytest.fixture
def make_data(make_split):
    def make(image_size=32, **config) -> PoseData:
        files = {"train_file": make_split("train", records=160), "test_file": make_split("test", records=40)}
        data = PoseData(
            DataConfig(**files, image_size=image_size, batch_size=8, eval_batch_size=16, workers=0, **config), seed=0
        )
        data.setup()
        return data

    return make


@pytest.mark.parametrize("mode", ["standard", "released_code"])
def test_augmented_truth_in_mm_projects_onto_the_augmented_picture(make_data, mode):
    wild = AugmentationConfig(
        scale_spread=0.4, scale_limit=0.4, rotation_spread_deg=60, rotation_limit_deg=80, rotation_none_probability=0.1,
        flip_probability=0.5,
    )  # fmt: skip
    turned = out = 0
    for batch in make_data(augmentation=wild, crop_mode=mode).train_dataloader():
        joints, to_ray = batch["joints_turned_mm"].double(), batch["box_to_ray"].double()
        ray = joints[..., :2] / joints[..., 2:] - to_ray[:, None, :, 2]
        box = torch.linalg.solve(to_ray[:, None, :, :2], ray[..., None])[..., 0]
        torch.testing.assert_close(box, batch["joints_box"].double(), atol=2e-5, rtol=0)
        torch.testing.assert_close(
            (joints[..., 2] - joints[:, :1, 2]).float(), batch["depth_rel_mm"], atol=0.01, rtol=0
        )
        own = batch["joints_cam_mm"].double()
        own[batch["flipped"]] = own[batch["flipped"]][:, MIRROR]
        torch.testing.assert_close(torch.cdist(joints, joints), torch.cdist(own, own), atol=0.01, rtol=1e-5)
        inside = ((batch["joints_box"] >= 0) & (batch["joints_box"] < 1)).all(-1)
        assert torch.equal(batch["visible"], inside)
        out += int((~inside[batch["flipped"]]).sum())
        turned += int(((joints - own).abs().amax((1, 2)) > 50).sum())
    assert out > 10  # of mirrored pictures: left and right have changed places
    assert turned > 100  # of 160 records: the test would pass for no augmentation


def test_without_augmentation_truth_in_mm_is_the_records_own(make_data):
    batch = next(iter(make_data(augmentation=None).test_dataloader()))
    torch.testing.assert_close(batch["joints_turned_mm"], batch["joints_cam_mm"], atol=0.01, rtol=0)
    at = batch["box_to_ray"][..., 2] * batch["intrinsics_px"][:, :2] + batch["intrinsics_px"][:, 2:]
    torch.testing.assert_close(at, batch["box_left_top_px"], atol=0.02, rtol=1e-4)  # of the crop's corner


def test_a_moved_box_is_moved_in_both_ways_to_cut_it(make_data):
    """Where labels go, the picture goes: both crops show the same place of the frame, up to their resampling."""
    moved = AugmentationConfig(
        scale_spread=0, rotation_spread_deg=0, flip_probability=0, channel_gain=0, shift_spread=0.2, cut_probability=0.5
    )
    shifts = 0
    standard, released = (
        make_data(augmentation=moved, crop_mode=mode, image_size=64).train for mode in ("standard", "released_code")
    )
    for at in range(20):
        first, second = (data[Turn(at, 1, 0)].sample for data in (standard, released))
        np.testing.assert_array_equal(first["joints_box"], second["joints_box"])
        apart = np.abs(first["image"].astype(float) - second["image"]).mean()
        plain = np.abs(standard[at].sample["image"].astype(float) - second["image"]).mean()
        assert apart < 12, f"record {at}: {apart}, {plain} from the box that was not moved"
        shifts += plain > 24
    assert shifts > 10
