"""Losses of labels in part against voxel by voxel computation; no NaN reaches a gradient; full labels lose nothing."""

import numpy as np
import pytest
import torch

from c2fpose.config.model import TargetConfig
from c2fpose.model.volumes.partial import EMPTY, partial_volume_loss
from c2fpose.model.volumes.targets import target_profiles, volume_loss

BINS, CELLS, JOINTS = 8, 12, 5
NAN = float("nan")
CONFIGS = [TargetConfig(), TargetConfig(definition="paper", centers="exact", sigma=1.3)]


def scene(seed: int = 0, bins: int = BINS):
    random = torch.Generator().manual_seed(seed)
    volume = torch.rand(3, JOINTS, bins, CELLS, CELLS, generator=random, dtype=torch.float64)
    points = torch.rand(3, JOINTS, 3, generator=random, dtype=torch.float64)
    visible = torch.rand(3, JOINTS, generator=random) < 0.8
    return volume.requires_grad_(), points, visible


def target(point, seen, shape, config) -> np.ndarray:
    profiles = target_profiles(point[None, None], seen[None, None], shape, config, BINS)
    return profiles.volume()[0, 0].numpy()


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("way", ["mask", "one_bin", "marginals"])
@pytest.mark.parametrize("bins", [1, BINS])
def test_every_kind_of_label_voxel_by_voxel(config, way, bins):
    volume, points, visible = scene(1, bins)
    points[0, :, 2] = NAN  # an image labelled in the picture alone
    points[1, 2] = NAN  # a joint without a label
    total, taught = 0.0, 0
    for image in range(3):
        for joint in range(JOINTS):
            at, seen, voxels = points[image, joint], visible[image, joint], volume[image, joint].detach().numpy()
            if at[:2].isnan().any():
                continue
            middle = at.nan_to_num(0.5)
            expected = target(middle, seen, voxels.shape, config)
            if bins == 1 or not seen or not at[2].isnan():
                total += ((voxels - expected) ** 2).sum()
            elif way == "one_bin":
                continue
            elif way == "mask":
                plane = expected.max(0) / expected.max() if expected.max() else expected.max(0)
                total += (voxels**2 * (plane < EMPTY)).sum()
            else:
                along = expected.sum((1, 2)) / expected.sum((1, 2)).max()
                flat = voxels.sum(0) - expected.sum(0)
                total += (flat**2).sum() * (along**2).sum() / along.sum() ** 2
            taught += 1
    found = partial_volume_loss(volume, points, visible, config, BINS, way)
    assert float(found.detach()) == pytest.approx(total / (taught * bins * CELLS**2), rel=2e-4)


@pytest.mark.parametrize("way", ["mask", "one_bin", "marginals"])
def test_full_labels_are_the_plain_loss(way):
    volume, points, visible = scene(2)
    plain = volume_loss(volume, target_profiles(points, visible, tuple(volume.shape[2:]), TargetConfig(), BINS))
    found = partial_volume_loss(volume, points, visible, TargetConfig(), BINS, way)
    assert float(found) == pytest.approx(float(plain), rel=1e-9)
    for loss in (plain, found):
        loss.backward(retain_graph=True)
    slope = torch.autograd.grad(found, volume)[0]
    torch.testing.assert_close(slope, torch.autograd.grad(plain, volume)[0])


def test_an_empty_volume_costs_the_same_by_marginals_as_with_depth():
    points, visible = torch.tensor([[[0.5, 0.5, 0.45]]]), torch.ones(1, 1, dtype=torch.bool)
    empty = torch.zeros(1, 1, 64, 64, 64)
    whole = partial_volume_loss(empty, points, visible, TargetConfig(), 64, "marginals")
    points[..., 2] = NAN
    assert float(partial_volume_loss(empty, points, visible, TargetConfig(), 64, "marginals")) == pytest.approx(
        float(whole), rel=1e-5
    )


@pytest.mark.parametrize("way", ["mask", "one_bin", "marginals"])
def test_gradients_are_finite_and_unlabelled_joints_have_none(way):
    volume, points, visible = scene(3)
    visible[:] = True
    points[0, :, 2] = points[1, 0] = points[2] = NAN
    partial_volume_loss(volume, points, visible, TargetConfig(), BINS, way).backward()
    assert volume.grad.isfinite().all()
    assert not volume.grad[2].any() and not volume.grad[1, 0].any() and volume.grad[1, 1].any()
    assert bool(volume.grad[0].any()) == (way != "one_bin")


def test_nothing_labelled_at_all_is_a_loss_of_nothing():
    volume, points, visible = scene(4)
    loss = partial_volume_loss(volume, torch.full_like(points, NAN), visible, TargetConfig(), BINS, "marginals")
    loss.backward()
    assert float(loss.detach()) == 0 and not volume.grad.any()
