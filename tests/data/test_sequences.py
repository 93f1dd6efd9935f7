"""Which sequences are held out, and every n-th record of each."""

import numpy as np
import pytest

from c2fpose.data.sequences import held_out_of_few, held_out_sequences, thinned


def test_thinning_keeps_every_nth_of_each_sequence_and_camera():
    frames, cameras = np.meshgrid([1, 6, 11, 16, 21], [0, 1, 2])
    order = np.random.default_rng(0).permutation(15)
    rows = {"frame": frames.ravel()[order], "camera": cameras.ravel()[order]}
    rows |= {name: np.ones(15, int) for name in ("trial", "action", "subject")}
    kept = thinned(rows, np.arange(15), 2)
    assert sorted(zip(rows["camera"][kept].tolist(), rows["frame"][kept].tolist(), strict=True)) == [
        (camera, frame) for camera in (0, 1, 2) for frame in (1, 11, 21)
    ]


def test_held_out_sequences_keep_cameras_together():
    rows = {
        "subject": np.repeat([1, 5], 40),
        "action": np.tile(np.repeat(np.arange(10), 4), 2),
        "trial": np.ones(80, int),
    }
    held = held_out_sequences(rows, np.arange(80), 5)
    assert held.sum() == 16 and (held.reshape(20, 4) == held.reshape(20, 4)[:, :1]).all()
    assert np.flatnonzero(held[::4]).tolist() == [2, 7, 12, 17]  # the same ones always: else results do not compare


def sequences(count: int, frames: int = 4) -> dict[str, np.ndarray]:
    """``frames`` records of each of so many trials of one action of one subject."""
    rows = {"subject": np.ones(count * frames, int), "action": np.zeros(count * frames, int)}
    return rows | {"trial": np.repeat(np.arange(1, count + 1), frames), "frame": np.tile(np.arange(frames) + 1, count)}


@pytest.mark.parametrize("count", [3, 4, 9, 16])
def test_where_there_are_enough_sequences_the_rule_is_the_plain_one(count):
    rows = sequences(count)
    held, note = held_out_of_few(rows, np.arange(4 * count), 4)
    np.testing.assert_array_equal(held, held_out_sequences(rows, np.arange(4 * count), 4))
    assert held.any() and note == ""


@pytest.mark.parametrize("count", [2, 5, 8])
def test_of_too_few_sequences_one_is_held_out_whole(count):
    rows = sequences(count)
    assert not held_out_sequences(rows, np.arange(4 * count), 16).any()
    held, note = held_out_of_few(rows, np.arange(4 * count), 16)
    assert len(set(rows["trial"][held])) == 1 and held.sum() == 4
    assert note.startswith(f"{count} sequences") and "validation_every=16" in note


def test_of_a_single_sequence_the_last_moments_are_held_out_with_all_their_cameras():
    rows = sequences(1, frames=8)
    rows = {name: np.repeat(values, 2) for name, values in rows.items()}  # two cameras
    held, note = held_out_of_few(rows, np.arange(16), 4)
    assert set(rows["frame"][held]) == {7, 8} and held.sum() == 4 and "flatters" in note
    held, _ = held_out_of_few(rows, np.arange(2), 4)  # one moment: nothing would be left
    assert held.all()
