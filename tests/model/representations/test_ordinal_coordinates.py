"""Squared error across, ranks along."""

import pytest
import torch
from toy_labels import config_of, labels_of

from c2fpose.model.representations import representation_of
from c2fpose.model.volumes.ranking import ranking_loss
from c2fpose.pose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM

EQUAL = 100 / (DEPTH_MAX_MM - DEPTH_MIN_MM)  # in points


def test_loss_is_the_sum_of_both():
    labels, output = labels_of(), torch.randn(3, 17, 3)
    across = (output[..., :2] - (2 * labels.points[..., :2] - 1)).square().sum(-1)[labels.visible].mean()
    ranks = ranking_loss(output[..., 2], labels.points[..., 2], labels.visible, EQUAL)
    (found,) = representation_of(config_of("ordinal_coordinates")).losses([output], labels)
    assert float(found) == pytest.approx(float(100 * across + ranks), rel=1e-5)


def test_any_depth_in_the_same_order_is_as_good_across():
    """Depth is not measured: scaling it changes the loss by the ranks alone."""
    ordinal, labels = representation_of(config_of("ordinal_coordinates")), labels_of()
    perfect = 2 * labels.points - 1
    far = perfect.clone()
    far[..., 2] *= 5
    difference = float(ordinal.losses([far], labels)[0]) - float(ordinal.losses([perfect], labels)[0])
    truth, visible = labels.points[..., 2], labels.visible
    ranks = [float(ranking_loss(output[..., 2].float(), truth, visible, EQUAL)) for output in (far, perfect)]
    assert difference == pytest.approx(ranks[0] - ranks[1], abs=1e-5)
