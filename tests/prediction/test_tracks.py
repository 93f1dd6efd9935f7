"""Ids that stay: people who cross, pause and return, by their joints alone."""

import numpy as np
import pytest

from c2fpose.prediction.person_box import square_box
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import PersonPose
from c2fpose.prediction.tracks import Tracker

CAMERA = np.array([1000.0, 1000.0, 500.0, 500.0])


def pose(seed: int, x_mm: float, z_mm: float = 4000) -> PersonPose:
    """Somebody of an own shape at some place."""
    mm = np.random.default_rng(seed).normal(0, 300, (17, 3))
    mm[0] = 0
    mm += (x_mm, 0, z_mm)
    px = mm[:, :2] / mm[:, 2:] * 1000 + 500
    return PersonPose(0, Box(0.0, 0.0, 1.0), px, mm, float(mm[0, 2]))


def test_two_who_cross_keep_their_ids():
    tracker, random = Tracker(), np.random.default_rng(0)
    for number in range(60):
        left, right = pose(1, -900 + 30 * number), pose(2, 900 - 30 * number)
        people = [left, right] if random.random() < 0.5 else [right, left]
        tracks = tracker.assign(people, number / 25)
        ids = {id(person): track.id for person, track in zip(people, tracks, strict=True)}
        if number == 0:
            first = ids[id(left)], ids[id(right)]
        assert (ids[id(left)], ids[id(right)]) == first


def test_somebody_else_far_away_is_new_and_the_ended_do_not_come_back():
    tracker = Tracker()
    (one,) = tracker.assign([pose(1, 0)], 0.0)
    (same, other) = tracker.assign([pose(1, 20), pose(3, 2500)], 0.04)
    assert same is one and other.id != one.id
    tracker.end([one])
    (again,) = tracker.assign([pose(1, 40)], 0.08)
    assert again.id not in (one.id, other.id)


@pytest.mark.parametrize("step", [0.04, 0.2])
def test_the_expected_box_moves_on(step):
    tracker = Tracker()
    for number in range(8):
        (track,) = tracker.assign([pose(1, 500 * number * step)], number * step)
    before, after = track.expected_box(7 * step), track.expected_box(8 * step)
    assert after.left - before.left == pytest.approx(500 * step / 4, rel=0.25)  # joints are 3 to 5 m away
    assert after.side == pytest.approx(before.side, rel=1e-2)


def test_the_box_of_somebody_who_comes_nearer_grows():
    tracker = Tracker()
    for number in range(8):
        (track,) = tracker.assign([pose(1, 0, 4000 - 100 * number)], number / 10)
    _, side = square_box(pose(1, 0, 3200).joints_px)
    assert track.expected_box(0.8).side == pytest.approx(side, rel=0.01)
