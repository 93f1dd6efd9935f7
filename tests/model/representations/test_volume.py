"""How sure a volume is: its height against that of the target it is trained towards, and the rest by hand."""

import numpy as np
import pytest
import torch
from toy_labels import config_of, labels_of

from c2fpose.model.representations import representation_of


@pytest.mark.parametrize("target", [{"definition": "released_code"}, {"definition": "paper", "sigma": 1.5}])
def test_confidence_is_the_height_in_shares_of_the_targets_peak(target):
    """Whole cells: a Gaussian's highest voxel is its peak."""
    target = target | {"centers": "whole"}
    volume, labels = representation_of(config_of("volume", target=target)), labels_of()
    everywhere = labels._replace(visible=torch.ones_like(labels.visible))
    perfect = volume.targets(everywhere, (8, 8, 8)).volume()
    for height in (1.0, 0.5, 3.0):
        found = volume.certainty(volume.read(height * perfect))
        torch.testing.assert_close(found.confidence, torch.full((3, 17), min(height, 1.0)))


@pytest.mark.parametrize("head", ["volume", "integral"])
def test_depths_beyond_the_bins_are_taught_as_the_nearest_bin(head):
    representation, labels = representation_of(config_of(head)), labels_of()
    outputs, losses = [torch.randn(3, 17, depth, 8, 8) for depth in (2, 8)], []
    for far, near in ((1.3, -0.4), (15 / 16, 0.0)):
        points = labels.points.float()
        points[0, :, 2], points[1, :, 2] = far, near
        losses.append([float(loss) for loss in representation.losses(outputs, labels._replace(points=points))])
    assert losses[0] == losses[1]


@pytest.mark.parametrize("head", ["volume", "integral"])
def test_certainty_by_hand(head):
    """Of two peaks apart: the spread about the point, and the second peak's place and share."""
    representation = representation_of(config_of(head))
    output = torch.randn(2, 17, 8, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    output[..., 1, 2, 1], output[..., 6, 5, 6] = 6.0, 5.0
    reading = representation.read(output)
    found, points = representation.certainty(reading), representation.points(reading).double().numpy()
    voxels = np.stack(np.mgrid[:8, :8, :8], -1)  # z, y, x
    places = (voxels[..., ::-1] + 0.5) / 8  # x, y, z
    near, other = ((abs(voxels - peak) <= 1).all(-1) for peak in ([1, 2, 1], [6, 5, 6]))
    for image, joint in np.ndindex(2, 17):
        heights = output[image, joint].numpy()
        mass = np.maximum(heights, 0) ** 2 if head == "volume" else np.exp(heights)
        off = places - points[image, joint]
        spread = np.einsum("zyx,zyxi,zyxj->ij", mass, off, off) / mass.sum() + np.eye(3) / (12 * 64)
        np.testing.assert_allclose(found.covariance[image, joint], spread, rtol=1e-4, atol=1e-7)
        share = mass[other].sum() / (mass[other].sum() + mass[near].sum())
        assert float(found.second_weight[image, joint]) == pytest.approx(share, rel=1e-4)
        place = np.average(places[other], axis=0, weights=mass[other])
        np.testing.assert_allclose(found.second_mode[image, joint], place, rtol=1e-4)
        if head == "integral":
            assert float(found.confidence[image, joint]) == pytest.approx(mass[near].sum() / mass.sum(), rel=1e-4)
