"""The regression baseline."""

import pytest
import torch

from c2fpose.config.model import ModelConfig, NetworkConfig
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.networks.coordinates import to_absolute, to_relative
from c2fpose.model.representations import network_of
from c2fpose.pose.skeleton import PARENTS


def test_head_differs_and_nothing_else():
    config = dict(width=16, levels=2, residuals=1, image_size=32, heatmap_size=8, depths=(64,))
    coordinates = network_of(ModelConfig(network=dict(config, head="coordinates")))
    volume = CoarseToFine(NetworkConfig(**config))
    assert coordinates(torch.rand(2, 3, 32, 32)).shape == (2, 17, 3)
    trunk = {k for k in coordinates.state_dict() if not k.startswith("coordinates.")}
    assert trunk == {k for k in volume.state_dict() if ".heatmaps." not in k}


@pytest.mark.parametrize("relative_to", ["absolute", "root_relative", "parent_relative"])
def test_relative_and_back(relative_to):
    points = torch.randn(4, 17, 3, dtype=torch.float64)
    torch.testing.assert_close(to_absolute(to_relative(points, relative_to), relative_to), points)


def test_parent_relative_is_the_offset_from_the_parent():
    points = torch.randn(17, 3)
    relative = to_relative(points, "parent_relative")
    for joint in range(1, 17):
        torch.testing.assert_close(relative[joint], points[joint] - points[PARENTS[joint]])
    torch.testing.assert_close(relative[0], points[0])
