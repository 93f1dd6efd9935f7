"""How sure a volume is: its height against that of the target it is trained towards."""

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
