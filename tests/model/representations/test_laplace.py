"""Learned spreads, against scipy's Laplace distribution."""

import numpy as np
import pytest
import scipy.stats
import torch
from toy_labels import config_of, labels_of

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.config.model import ModelConfig
from c2fpose.config.schema import parse
from c2fpose.model.representations import laplace, representation_of
from c2fpose.pose.skeleton import JOINTS


def test_loss_is_the_negative_logarithm_of_the_density():
    labels, output = labels_of(), torch.randn(3, 17, 6)
    mean, raw = (part.double().numpy() for part in output.chunk(2, -1))
    density = scipy.stats.laplace(mean, 1 / (1 + np.exp(-raw)))
    expected = -density.logpdf(2 * labels.points.numpy() - 1).sum(-1)[labels.visible.numpy()].mean()
    (found,) = representation_of(config_of("laplace")).losses([output], labels)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_covariance_is_the_variance_of_the_distribution_and_confidence_falls_with_it():
    asked, output = representation_of(config_of("laplace")), torch.zeros(1, 17, 6)
    output[..., 3:] = torch.linspace(-4, 4, 17)[:, None]
    found = asked.certainty(asked.read(output))
    spread = output[0, :, 3].sigmoid().numpy() / 2  # in points, half the range -1..1
    variance = torch.as_tensor(scipy.stats.laplace(0, spread).var(), dtype=torch.float32)
    torch.testing.assert_close(found.covariance[0].diagonal(dim1=-2, dim2=-1), variance[:, None].expand(-1, 3))
    assert (found.confidence[0].diff() < 0).all() and found.second_mode is None


@pytest.mark.parametrize("head", ["laplace", "rle"])
@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -1.0, 0.0])
def test_a_spread_that_is_no_positive_number_names_its_joint(head, wrong, monkeypatch):
    """A sigmoid makes none but NaN; what stands in its place, or without the smallest spread, might."""
    asked, spread = representation_of(config_of(head)), torch.ones(2, 17, 3)
    spread[1, 5, 1] = wrong
    monkeypatch.setattr(laplace, "_SMALLEST", 0.0)
    monkeypatch.setattr(torch.Tensor, "sigmoid", lambda _: spread)
    output, learned = torch.zeros(2, 17, 6), asked.learned()
    for ask in (
        lambda: asked.losses([output], labels_of(2), learned=learned),
        lambda: asked.certainty(asked.read(output)),
    ):
        with pytest.raises(DataError, match=f"the spread of {JOINTS[5]} is not a positive number") as caught:
            ask()
        assert "\n" not in str(caught.value) and "lower model.optimizer.learning_rate" in str(caught.value)


def test_the_smallest_spread_that_a_network_can_say_is_none_to_refuse():
    """A sigmoid of -200 is 0 in float32."""
    asked, output = representation_of(config_of("laplace")), torch.full((2, 17, 6), -200.0)
    assert torch.isfinite(asked.losses([output], labels_of(2))[0])
    assert (asked.certainty(asked.read(output)).covariance.diagonal(dim1=-2, dim2=-1) > 0).all()


@pytest.mark.parametrize("head", ["laplace", "rle"])
def test_relative_coordinates_are_refused(head):
    network = {"head": head, "depths": [64], "coordinates": "root_relative"}
    with pytest.raises(ConfigError, match=f"coordinates=root_relative is for head=coordinates.*head={head}"):
        parse(ModelConfig, {"network": network}, "model")
    with pytest.raises(ConfigError, match=f"head={head} has one stack"):
        parse(ModelConfig, {"network": {"head": head, "depths": [1, 64]}}, "model")
