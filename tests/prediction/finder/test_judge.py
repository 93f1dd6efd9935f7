"""The judge: a regression that separates what can be separated, and people in pictures by its word."""

import numpy as np
import pytest
from torch import nn

from c2fpose.config.model import ModelConfig
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.finder import judge as module
from c2fpose.prediction.finder.judge import Judge, find_people, fitted
from c2fpose.prediction.finder.measure import by_people
from c2fpose.prediction.finder.peaks import Peak
from c2fpose.prediction.finder.trial import Trial
from c2fpose.prediction.finder.weights import TrainedFinder
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import PersonPose

IMAGE = np.zeros((60, 80, 3), np.uint8)


def examples(count: int = 4000):
    """Boxes of which 1/(1+exp(-(l + 8c - 2))) are people's, l the score's logit and c the confidence."""
    rng = np.random.default_rng(0)
    score, confidence = rng.uniform(0.1, 0.9, count), rng.uniform(0, 0.7, count)
    chance = 1 / (1 + np.exp(-(np.log(score / (1 - score)) + 8 * confidence - 2)))
    return score, confidence, rng.random(count) < chance


def test_the_fit_finds_the_weights_that_made_the_examples():
    score, confidence, right = examples()
    weights = fitted(score, confidence, right)
    np.testing.assert_allclose(weights, (1, 8, -2), rtol=0.15)
    chance = Judge(*weights, least=0.5).chance(score, confidence)
    assert chance[right].mean() > chance[~right].mean() + 0.3 and chance.min() > 0 and chance.max() < 1
    assert chance.mean() == pytest.approx(right.mean(), abs=0.01)  # chances are frequencies


@pytest.fixture
def found(monkeypatch):
    """Three boxes, of scores and confidences that speak against each other."""
    boxes = [(Box(0.0, 0.0, 20.0), 0.6), (Box(20.0, 0.0, 20.0), 0.5), (Box(40.0, 0.0, 20.0), 0.15)]
    monkeypatch.setattr(module, "people_in", lambda finder, image, least: [b for b in boxes if b[1] >= (least or 0.4)])
    monkeypatch.setattr(module, "confidences", lambda predictor, image, found: np.array([0.4, 0.02, 0.6])[: len(found)])
    return boxes


def finder(**said) -> TrainedFinder:
    return TrainedFinder(nn.Identity(), 128, 0.4, said)


WEIGHTS = Judge(1.0, 8.0, -2.0, 0.5)._asdict()


def test_confidence_takes_away_and_brings_back(found, monkeypatch):
    monkeypatch.setattr(module, "calibration_of", lambda provenance: "some")
    predictor = Predictor(ModelConfig(), {}, lambda _: None, "none", "32-true")
    kept = find_people(predictor, finder(judge=WEIGHTS), IMAGE)
    assert [box for box, _ in kept] == [found[0][0], found[2][0]]
    assert kept[0][1] > kept[1][1] > 0.5
    assert len(find_people(predictor, finder(judge=WEIGHTS), IMAGE, 0.01)) == 3
    generous = finder(judge=WEIGHTS | {"least": 0.01})
    assert len(find_people(predictor, generous, IMAGE)) == 3
    often = find_people(predictor, generous, IMAGE, often=True)
    assert [box for box, _ in often] == [found[0][0], found[2][0]]  # of 0.83, 0.14 and 0.74
    strict = finder(judge=WEIGHTS | {"least": 0.8})
    assert len(find_people(predictor, strict, IMAGE, often=True)) == 1  # a file that asks for more is not overruled
    assert find_people(predictor, finder(), IMAGE) == found[:2]  # no judge: the score decides
    monkeypatch.setattr(module, "calibration_of", lambda provenance: None)
    assert find_people(predictor, finder(judge=WEIGHTS), IMAGE) == found[:2]


def test_a_trial_counts_by_number_of_people():
    person = Peak(np.array([0.5, 0.5]), 0.4, 1.0)
    other = Peak(np.array([0.1, 0.1]), 0.1, 0.8)
    trial = Trial(
        [[], [person]], [[other], [person._replace(score=0.2), other]], [np.array([0.0]), np.array([0.6, 0.0])]
    )
    assert trial.examples()[2].tolist() == [False, True, False]
    judged = trial.judged(Judge(1.0, 8.0, -2.0, 0.5))
    assert [round(peak.score, 2) for peak in judged.found[1]] == [0.8, 0.35]
    before, after = (by_people(each.truth, each.found, 0.5) for each in (trial, judged))
    assert [row["0"]["false_alarms"] for row in (before, after)] == [1, 0]
    assert [row["1"]["recall"] for row in (before, after)] == [0, 1]
    assert [row["1"]["precision"] for row in (before, after)] == [0, 1] and after["2"]["pictures"] == 0


def test_no_picture_is_left_out_of_the_rows_by_number_of_people():
    person = Peak(np.array([0.5, 0.5]), 0.4, 1.0)
    truth = [[person] * number for number in (0, 1, 1, 3, 4, 6)]
    rows = by_people(truth, truth, 0.5)
    assert {name: row["pictures"] for name, row in rows.items()} == {"0": 1, "1": 2, "2": 0, "3": 1, "4 or more": 2}
    assert sum(row["people"] for row in rows.values()) == 15 and rows["4 or more"]["people"] == 10
    assert list(by_people(truth, truth, 0.5, most=2)) == ["0", "1", "2 or more"]


def pose_at(left: float, side: float) -> PersonPose:
    """A person upright in a box of the scenes' pixels."""
    px = np.stack([np.full(17, left + side / 2), np.linspace(0, side, 17)], -1)
    return PersonPose(0, Box(left, 0.0, side), px, np.zeros((17, 3)), 5000.0)


def test_a_second_look_gives_its_boxes_and_of_two_on_one_person_the_surer():
    peaks = [Peak(np.array([0.2, 0.2]), 0.3, score) for score in (0.3, 0.9, 0.5)]
    poses = [pose_at(10, 40), pose_at(11, 40), pose_at(60, 20)]
    trial = Trial([[Peak(np.array([0.31, 0.2]), 0.4, 1.0)]], [peaks], [np.zeros(3)], [poses], 100, tuple(range(17)))
    (kept,) = trial.looked_at().found
    assert [peak.score for peak in kept] == [0.9, 0.5]
    np.testing.assert_allclose([[*peak.center, peak.side] for peak in kept], [[0.31, 0.2, 0.4], [0.7, 0.1, 0.2]])
    assert by_people(trial.truth, trial.looked_at().found, 0.5)["1"]["recall"] == 1
