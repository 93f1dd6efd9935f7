"""The ranking loss, pair by pair as the formula stands."""

import math

import numpy as np
import pytest
import torch
from toy_labels import config_of, labels_of

from c2fpose.model.representations import representation_of
from c2fpose.model.volumes.ranking import ranking_loss
from c2fpose.pose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM


def test_ranking_loss_is_the_formula():
    truth = torch.tensor([[0.0, 0.02, 0.3, 0.8]])
    depth, visible = torch.tensor([[0.5, 0.1, 0.7, 0.2]]), torch.tensor([[True, True, True, True]])
    total, pairs = 0.0, 0
    for i in range(4):
        for j in range(i + 1, 4):
            z_i, z_j = float(depth[0, i]), float(depth[0, j])
            if abs(truth[0, i] - truth[0, j]) < 0.05:
                total += (z_i - z_j) ** 2
            elif truth[0, i] < truth[0, j]:  # r = +1: i is closer
                total += math.log(1 + math.exp(z_i - z_j))
            else:
                total += math.log(1 + math.exp(z_j - z_i))
            pairs += 1
    assert float(ranking_loss(depth, truth, visible, 0.05)) == pytest.approx(total / pairs, rel=1e-6)


def test_invisible_joints_take_no_part():
    truth, depth = torch.rand(2, 17), torch.rand(2, 17)
    visible = torch.rand(2, 17) < 0.6
    before = ranking_loss(depth, truth, visible, 0.05)
    depth[~visible] += 3
    assert ranking_loss(depth, truth, visible, 0.05) == before


def test_heatmap_is_trained_towards_a_gaussian_of_mass_1():
    target = {"definition": "paper", "centers": "exact", "sigma": 1.5}
    config = config_of("ordinal_volume", representation={"heatmap_weight": 7.0}, target=target)
    labels = labels_of()
    volume = torch.randn(3, 17, 1, 8, 8, dtype=torch.float64)  # one bin: no ranking beside it
    total = 0.0
    for image, joint in labels.visible.nonzero().tolist():
        x, y = labels.points[image, joint, :2].numpy() * 8 - 0.5
        squared = (np.arange(8)[None] - x) ** 2 + (np.arange(8)[:, None] - y) ** 2
        gaussian, heat = np.exp(-squared / (2 * 1.5**2)), np.exp(volume[image, joint, 0].numpy())
        total += np.square(heat / heat.sum() - gaussian / gaussian.sum()).sum()
    (loss,) = representation_of(config).losses([volume], labels)
    assert float(loss) == pytest.approx(7 * total / int(labels.visible.sum()), rel=1e-6)


def test_depths_are_compared_in_order_beyond_what_counts_as_equal():
    """The mean of each distribution along depth, in numpy; 150 mm are about equally far here."""
    labels, volume = labels_of(), torch.randn(3, 17, 8, 6, 6, dtype=torch.float64)
    keys = {"heatmap_weight": 1e-12, "equal_mm": 150.0}
    mass = np.exp(volume.numpy())
    along = mass.sum((3, 4)) / mass.sum((2, 3, 4))[..., None]
    depth = along @ ((np.arange(8) + 0.5) / 8)
    equal = 150 / (DEPTH_MAX_MM - DEPTH_MIN_MM)
    expected = ranking_loss(torch.as_tensor(depth), labels.points[..., 2], labels.visible, equal)
    assert expected != ranking_loss(torch.as_tensor(depth), labels.points[..., 2], labels.visible, equal / 2)
    (loss,) = representation_of(config_of("ordinal_volume", representation=keys)).losses([volume], labels)
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)


def test_right_order_costs_less_than_wrong_order():
    ordinal, labels = representation_of(config_of("ordinal_volume")), labels_of()
    heights = torch.full((3, 17, 8, 8, 8), -20.0, dtype=torch.float64)
    cells = (labels.points * 8).long()
    for turned in (False, True):
        volume = heights.clone()
        for image in range(3):
            for joint in range(17):
                x, y, z = cells[image, joint].tolist()
                volume[image, joint, 7 - z if turned else z, y, x] = 20.0
        losses = ordinal.losses([volume], labels)
        if not turned:
            right = float(losses[0])
    assert right < float(losses[0])
