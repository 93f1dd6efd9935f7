"""Joints read by a power in pictures: the one asked for, else the one for pictures, else that of training."""

import numpy as np
import pytest
import torch
from toy_labels import config_of

from c2fpose import PosePredictor
from c2fpose.base.errors import ConfigError
from c2fpose.model.checkpoints.builtin import PREDICT_POWER
from c2fpose.prediction.engines import Predictor, load_predictor
from c2fpose.prediction.reading import read_as_asked

EXPECTATION = {"method": "expectation", "power": 2.0}


def predictor(head: str = "volume", output: torch.Tensor | None = None, **decoding) -> Predictor:
    config = config_of(head, decoding={"flip": False} | decoding)
    return Predictor(config, {}, lambda crops: output, "torch", "32-true")


@pytest.mark.parametrize("head", ["volume", "simcc"])
@pytest.mark.parametrize(
    ("for_pictures", "asked", "read_by"), [(None, None, 2.0), (4.0, None, 4.0), (4.0, 3.0, 3.0), (None, 8.0, 8.0)]
)
def test_what_is_asked_comes_before_what_is_configured(head, for_pictures, asked, read_by):
    found = read_as_asked(predictor(head, **EXPECTATION, predict_power=for_pictures), power=asked)
    assert found.config.decoding.power == read_by and not found.config.decoding.flip


def test_a_higher_power_reads_nearer_to_the_highest_voxel():
    volume = torch.full((1, 17, 8, 16, 16), 0.02)
    volume[..., 6, 3, 12] = 1.0
    peak = torch.tensor([12.5 / 16, 3.5 / 16, 6.5 / 8])
    image = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    made = predictor(output=volume, **EXPECTATION)
    off = [
        float((read_as_asked(made, power=power).predict_points(image) - peak).norm(dim=-1).max())
        for power in (1, 2, 4, 8, 32)
    ]
    assert off == sorted(off, reverse=True) and off[0] > 0.2 and off[-1] < 1e-6


@pytest.mark.parametrize(
    ("head", "decoding"), [("volume", {"method": "argmax"}), ("integral", EXPECTATION), ("coordinates", {})]
)
def test_other_networks_have_no_power_to_change(head, decoding):
    made = predictor(head, **decoding, predict_power=4.0)
    with pytest.raises(ConfigError, match=r"power=4 is for networks whose joints are read by .*expectation"):
        read_as_asked(made, power=4.0)
    assert read_as_asked(made).config.decoding.power == made.config.decoding.power


@pytest.mark.parametrize("power", [0, -1, 33, float("nan")])
def test_a_power_that_is_none(power):
    with pytest.raises(ConfigError, match=r"power=.*: expected more than 0, at most 32"):
        read_as_asked(predictor(**EXPECTATION), power=power)


def test_the_packages_own_network_is_read_so_in_pictures_and_as_trained_elsewhere():
    assert load_predictor("builtin", precision="32-true").config.decoding.power == 2.0
    predict = PosePredictor("builtin", shift=0)
    assert predict.predictor.config.decoding.power == predict.model.decoding["power"] == PREDICT_POWER
    image = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    as_trained, so = (
        PosePredictor("builtin", shift=0, sizes=[1], power=power)(image).frames[0].people[0].joints_px
        for power in (2.0, None)
    )
    assert np.linalg.norm(as_trained - so, axis=1).max() > 0.5
