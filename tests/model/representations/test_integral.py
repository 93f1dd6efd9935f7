"""The mean position under a softmax, in plain numpy."""

import numpy as np
import pytest
import torch
from toy_labels import config_of, labels_of

from c2fpose.base.errors import ConfigError
from c2fpose.config.model import ModelConfig
from c2fpose.config.schema import parse
from c2fpose.model.representations import representation_of
from c2fpose.model.volumes.decoding import mirror_volume


def mean_of(volume: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """x, y, z of one volume (D, H, W)."""
    mass = np.exp(scale * volume - (scale * volume).max())
    grids = np.meshgrid(*((np.arange(n) + 0.5) / n for n in volume.shape), indexing="ij")
    return np.array([(grid * mass).sum() / mass.sum() for grid in grids[::-1]])


def test_points_are_means_and_the_loss_is_their_absolute_error():
    integral, labels = representation_of(config_of("integral", representation={"scale": 3.0})), labels_of()
    volumes = [torch.randn(3, 17, depth, 8, 8, dtype=torch.float64) for depth in (1, 8)]
    found = integral.losses(volumes, labels)
    for volume, loss in zip(volumes, found, strict=True):
        means = np.array([[mean_of(joint.numpy(), 3.0) for joint in image] for image in volume])
        axes = 2 if volume.shape[2] == 1 else 3
        errors = np.abs(means - labels.points.numpy())[labels.visible.numpy()][:, :axes]
        assert float(loss) == pytest.approx(errors.sum() / 3 / int(labels.visible.sum()), rel=1e-6)
    torch.testing.assert_close(integral.points(integral.read(volumes[-1])), torch.as_tensor(means))


def test_mirror_images_are_read_with_the_same_scale():
    integral = representation_of(config_of("integral", representation={"scale": 3.0}))
    volume = torch.randn(2, 17, 8, 8, 8)
    torch.testing.assert_close(integral.read(volume, mirror_volume(volume)), integral.read(volume))


def test_with_the_volumes_own_loss():
    labels, volume = labels_of(), torch.rand(3, 17, 8, 8, 8)
    labels = labels._replace(points=labels.points.float())
    alone, own = (representation_of(config_of(head)).losses([volume], labels)[0] for head in ("integral", "volume"))
    both = representation_of(config_of("integral", representation={"volume_weight": 5.0})).losses([volume], labels)[0]
    assert float(both) == pytest.approx(float(alone + 5 * own), rel=1e-5)


def test_growing_depth_is_refused():
    with pytest.raises(ConfigError, match=r"grow_depth=.*head=volume"):
        parse(ModelConfig, {"network": {"head": "integral"}, "grow_depth": [0.5]}, "model")
