"""Learned spreads, against scipy's Laplace distribution."""

import numpy as np
import pytest
import scipy.stats
import torch
from toy_labels import config_of, labels_of

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.config.model import ModelConfig
from c2fpose.config.schema import parse
from c2fpose.model.representations import representation_of
from c2fpose.pose.skeleton import JOINTS


def test_loss_is_the_negative_logarithm_of_the_density():
    labels, output = labels_of(), torch.randn(3, 17, 6)
    mean, raw = (part.double().numpy() for part in output.chunk(2, -1))
    density = scipy.stats.laplace(mean, 1 / (1 + np.exp(-raw)))
    expected = -density.logpdf(2 * labels.points.numpy() - 1).sum(-1)[labels.visible.numpy()].mean()
    (found,) = representation_of(config_of("laplace")).losses([output], labels)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_covariance_is_the_variance_of_the_distribution_and_confidence_falls_with_it():
    laplace, output = representation_of(config_of("laplace")), torch.zeros(1, 17, 6)
    output[..., 3:] = torch.linspace(-4, 4, 17)[:, None]
    found = laplace.certainty(laplace.read(output))
    spread = output[0, :, 3].sigmoid().numpy() / 2  # in points, half the range -1..1
    variance = torch.as_tensor(scipy.stats.laplace(0, spread).var(), dtype=torch.float32)
    torch.testing.assert_close(found.covariance[0].diagonal(dim1=-2, dim2=-1), variance[:, None].expand(-1, 3))
    assert (found.confidence[0].diff() < 0).all() and found.second_mode is None


def test_a_spread_that_is_no_number_names_its_joint():
    laplace, output = representation_of(config_of("laplace")), torch.zeros(2, 17, 6)
    output[1, 5, 4] = torch.nan
    for ask in (lambda: laplace.losses([output], labels_of(2)), lambda: laplace.certainty(laplace.read(output))):
        with pytest.raises(DataError, match=f"the spread of {JOINTS[5]} is not") as caught:
            ask()
        assert "\n" not in str(caught.value) and "learning_rate" in str(caught.value)


@pytest.mark.parametrize("head", ["laplace", "rle"])
def test_relative_coordinates_are_refused(head):
    network = {"head": head, "depths": [64], "coordinates": "root_relative"}
    with pytest.raises(ConfigError, match=f"coordinates=root_relative is for head=coordinates.*head={head}"):
        parse(ModelConfig, {"network": network}, "model")
    with pytest.raises(ConfigError, match=f"head={head} has one stack"):
        parse(ModelConfig, {"network": {"head": head, "depths": [1, 64]}}, "model")
