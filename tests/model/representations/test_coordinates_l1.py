"""The absolute error, and the same head."""

import pytest
import torch
from toy_labels import config_of, labels_of

from c2fpose.model.representations import network_of, representation_of


def test_loss_is_the_mean_absolute_error_of_visible_joints():
    labels, output = labels_of(), torch.randn(3, 17, 3)
    expected = (output - (2 * labels.points - 1))[labels.visible].abs().mean()
    found = representation_of(config_of("coordinates_l1")).losses([output], labels)
    assert [float(loss) for loss in found] == pytest.approx([float(expected)])


def test_the_network_is_that_of_the_baseline():
    networks = [network_of(config_of(head)).state_dict() for head in ("coordinates_l1", "coordinates")]
    ours, baseline = ({name: value.shape for name, value in network.items()} for network in networks)
    assert ours == baseline
