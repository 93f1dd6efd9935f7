"""Of several box sizes the surest look is kept; networks that are not calibrated look once."""

import numpy as np
import pytest

from c2fpose.base.errors import ConfigError
from c2fpose.config.model import ModelConfig
from c2fpose.prediction import sizes as under_test
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.people import Seen
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import PersonPose
from c2fpose.prediction.sizes import SIZES, sizes_for, surest_poses

IMAGE = np.zeros((100, 100, 3), np.uint8)
CAMERAS = np.full((2, 4), 100.0)


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> Predictor:
    """A network that says how sure it is."""
    monkeypatch.setattr(under_test, "calibration_of", lambda provenance: object())
    config = ModelConfig(network={"depths": [1, 2], "depth_bins": 2})
    return Predictor(config, {}, lambda crops: crops, "torch", "32-true")


def poses(surest_side: dict[int, float | None]):
    """Stand in for ``poses_of``: sure of the person in the box at x when its side is the one given for x."""

    def poses_of(predictor, images, boxes, intrinsics_px):
        people = []
        for at, (box, source, score, _) in enumerate(boxes):
            best = surest_side[round(box.left + box.side / 2)]
            sure = None if best is None else np.full(17, np.exp(-abs(box.side - best) / 10))
            pose = np.zeros((17, 2)), np.zeros((17, 3))
            people.append(PersonPose(at, box, *pose, 1000.0, source, score, confidence=sure))
        return people

    return poses_of


def test_each_person_keeps_the_surest_size_about_the_same_centre(monkeypatch, calibrated):
    monkeypatch.setattr(under_test, "poses_of", poses({30: 44.0, 70: 25.0}))
    boxes = [Seen(Box(10, 10, 40), "given"), Seen(Box(60, 10, 20), "found", 0.7)]
    first, second = surest_poses(calibrated, [IMAGE] * 2, boxes, CAMERAS, SIZES)
    assert first.box == pytest.approx(Box(8, 8, 44)) and first.id == 0
    assert second.box == pytest.approx(Box(57.5, 7.5, 25)) and second.id == 1 and second.box_score == 0.7


def test_nobody_is_nobody(calibrated):
    assert surest_poses(calibrated, [], [], CAMERAS[:0], SIZES) == []


def test_without_confidence_the_first_size_stands(monkeypatch, calibrated):
    monkeypatch.setattr(under_test, "poses_of", poses({30: None}))
    (person,) = surest_poses(calibrated, [IMAGE], [Seen(Box(10, 10, 40), "given")], CAMERAS[:1], (1.0, 2.0))
    assert person.box.side == 40


def test_sizes_need_a_calibrated_network(calibrated, monkeypatch):
    assert sizes_for(calibrated, None, "found") == sizes_for(calibrated, None, "whole") == SIZES
    assert sizes_for(calibrated, None, "given") == (1.0,)  # a box that somebody gave is taken to be right
    assert sizes_for(calibrated, [1.5], "given") == (1.5,)
    monkeypatch.setattr(under_test, "calibration_of", lambda provenance: None)
    assert sizes_for(calibrated, None, "found") == (1.0,)
    assert sizes_for(calibrated, [1.5], "found") == (1.5,)
    with pytest.raises(ConfigError, match=r"sizes=\[1, 2\].*calibrate"):
        sizes_for(calibrated, [1, 2], "found")
