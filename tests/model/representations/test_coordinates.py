"""The squared error of the paper's baseline, and coordinates relative to a joint."""

import numpy as np
import pytest
import torch
from toy_labels import NETWORK, config_of, labels_of

from c2fpose.config.model import ModelConfig
from c2fpose.model.networks.coordinates import to_relative
from c2fpose.model.representations import representation_of
from c2fpose.model.volumes.points import mirror_points


def test_loss_is_the_mean_squared_error_of_visible_joints():
    labels, output = labels_of(), torch.randn(3, 17, 3)
    target = 2 * labels.points.numpy() - 1
    expected = np.square(output.numpy() - target)[labels.visible.numpy()].mean()
    (found,) = representation_of(config_of("coordinates")).losses([output], labels)
    assert float(found) == pytest.approx(expected)


def test_points_are_the_coordinates_and_mirror_images_their_mean():
    coordinates, output = representation_of(config_of("coordinates")), torch.randn(3, 17, 3)
    torch.testing.assert_close(coordinates.points(coordinates.read(output)), (output + 1) / 2)
    turned = output[:, list(coordinates.skeleton.mirror)] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(coordinates.points(coordinates.read(output, turned)), (output + 1) / 2)


@pytest.mark.parametrize("relative_to", ["absolute", "root_relative", "parent_relative"])
def test_relative_coordinates_are_read_as_they_are_taught(relative_to):
    network = NETWORK | {"head": "coordinates", "depths": (8,), "coordinates": relative_to}
    coordinates, points = representation_of(ModelConfig(network=network)), torch.rand(3, 17, 3)
    straight, mirrored = (to_relative(2 * each - 1, relative_to) for each in (points, mirror_points(points)))
    torch.testing.assert_close(coordinates.points(coordinates.read(straight)), points)
    torch.testing.assert_close(coordinates.points(coordinates.read(straight, mirrored)), points)
