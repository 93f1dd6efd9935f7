"""Scenes: people where the labels say, nobody where they say nothing."""

import numpy as np
import pytest

from c2fpose.prediction.finder.cutouts import Cutout, Room
from c2fpose.prediction.finder.find import FRAME_PER_PICTURE
from c2fpose.prediction.finder.scenes import mirrored, scene

SIZE = 128


@pytest.fixture(scope="module")
def cutouts():
    """A plain figure: a bright green column with joints from top to bottom."""
    image = np.zeros((144, 144, 3), np.uint8)
    image[..., 1] = 255
    alpha = np.zeros((144, 144), np.uint8)
    alpha[17:127, 55:89] = 255
    joints = np.column_stack([np.full(17, 72.0), np.linspace(17, 127, 17)])
    joints[[5, 6], 0] = 56, 88
    joints[0] = 72, 72
    return [Cutout(image, alpha, joints)]


def scenes(cutouts, count=60, rooms=()):
    return [scene(1, number, SIZE, cutouts, list(rooms)) for number in range(count)]


def test_labels_are_where_people_are(cutouts):
    """Somebody fills a good part of every labelled box, at the pelvis above all; the rest of the frame has nobody."""
    inside, people = [], 0
    for sight in scenes(cutouts):
        assert sight.image.shape == (SIZE, SIZE, 3)
        people += len(sight.side)
        for pelvis, center, side in zip(sight.pelvis, sight.center, sight.side, strict=True):
            assert np.abs(pelvis - center).max() < 0.2 * side  # the figure's pelvis is its middle
            inside.append((np.abs(center - 0.5) < 0.5).all())
    assert 30 < people < 120 and np.mean(inside) > 0.8
    counts = {len(sight.side) for sight in scenes(cutouts)}
    assert {0, 1, 2} <= counts


def test_about_the_picture_is_black(cutouts):
    for sight in scenes(cutouts, 10):
        shown = sight.image.max(-1) > 0
        rows, columns = shown.any(1).sum(), shown.any(0).sum()
        assert max(rows, columns) <= round(SIZE / FRAME_PER_PICTURE)


def test_a_pure_function_of_seed_and_number(cutouts):
    first, second = (scene(4, 9, SIZE, cutouts, []) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.center, second.center)
    assert not np.array_equal(first.image, scene(4, 10, SIZE, cutouts, []).image)


def test_rooms_bring_their_people(cutouts):
    joints = cutouts[0].joints_px[None] + 20
    room = Room(np.full((208, 208, 3), 90, np.uint8), joints)
    alone = [sight for sight in scenes(cutouts, 80, [room]) if len(sight.side)]
    expected = 1.12 * np.ptp(joints[0], axis=0).max() / 208 / FRAME_PER_PICTURE
    assert sum(np.isclose(sight.side, expected, rtol=0.03).any() for sight in alone) > 10


def test_mirroring_twice_changes_nothing(cutouts):
    sight = next(each for each in scenes(cutouts) if len(each.side) == 2)
    again = mirrored(mirrored(sight))
    np.testing.assert_array_equal(again.image, sight.image)
    np.testing.assert_allclose(again.center, sight.center)
    np.testing.assert_allclose(mirrored(sight).pelvis[:, 0], 1 - sight.pelvis[:, 0])
