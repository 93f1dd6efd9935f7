"""Drawings in pixels: things stand where geometry says, and what is unsure is faint."""

import numpy as np
import pytest

from c2fpose.pictures import frames


def standing() -> np.ndarray:
    random = np.random.default_rng(0)
    return random.uniform(-300, 300, (17, 3)) * [1, 3, 1] + [500, 0, 4000]


def test_a_stage_keeps_everybody_in_sight_from_any_side():
    joints = np.stack([standing(), standing() + np.array([1500, 0, 2000])])
    stage = frames.Stage.around(joints)
    for turn in range(0, 360, 30):
        seen = stage.seen(joints, turn, 200)
        assert ((seen[..., :2] > 0) & (seen[..., :2] < 200)).all()


def test_the_view_turns_about_the_vertical():
    stage = frames.Stage(np.array([0.0, 0, 4000]), 1000, 900)
    point = np.array([[500.0, 200, 4000], [0, 200, 4500]])
    front = stage.seen(point, 0, 200, tilt_deg=0)
    np.testing.assert_allclose(front, [[150, 120, 0], [100, 120, 500]], atol=1e-9)
    side = stage.seen(point, 90, 200, tilt_deg=0)
    np.testing.assert_allclose(side, [[100, 120, -500], [150, 120, 0]], atol=1e-9)
    above = stage.seen(point, 0, 200, tilt_deg=90)  # from above: what is far away is up in the picture
    assert above[1, 1] < above[0, 1]


def test_unsure_joints_are_faint():
    stage = frames.Stage.around(standing()[None])
    ink = [
        (255.0 - frames.pose_panel(stage, [(standing(), sure, "")], 0, 240)).sum()
        for sure in (None, np.ones(17), np.full(17, 0.3))
    ]
    assert ink[0] == pytest.approx(ink[1]) and ink[2] < 0.7 * ink[1]


def test_pixels_count_from_the_corner():
    image = np.zeros((41, 41, 3), np.uint8)
    frames.draw_joints(image, np.full((17, 2), 20.5), np.zeros(17))  # the middle of the picture
    ink = image.sum(-1) / image.sum()
    middle = ink.sum(0) @ (np.arange(41) + 0.5), ink.sum(1) @ (np.arange(41) + 0.5)
    np.testing.assert_allclose(middle, 20.5, atol=0.1)


def test_joints_that_are_nowhere_are_not_drawn():
    image = np.zeros((50, 50, 3), np.uint8)
    frames.draw_joints(image, np.full((17, 2), np.nan), np.zeros(17), label="1")
    frames.draw_joints(image, np.full((17, 2), 1e9), np.zeros(17))
    assert not image.any()
    frames.draw_joints(image, np.linspace(0, 50, 34).reshape(17, 2), np.zeros(17), label="1")
    assert image.any()
