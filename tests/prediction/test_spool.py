"""Frames that lie on disk are those that were put there, in any order of asking, and memory does not grow with them."""

import tempfile
import tracemalloc

import numpy as np
import pytest

from c2fpose.base.errors import UserError
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import Frame, PersonPose
from c2fpose.prediction.spool import BLOCK, SpooledFrames


def frame(number: int) -> Frame:
    joints = np.random.default_rng(number).normal(size=(17, 3))
    person = PersonPose(0, Box(1.0, 2.0, 3.0), joints[:, :2], joints, float(number), covariance_mm2=None)
    return Frame((person,) if number % 3 else (), number, number / 25)


@pytest.mark.parametrize("count", [0, 1, BLOCK, 2 * BLOCK + 7])
def test_gives_back_what_was_put_in(tmp_path, count):
    frames = SpooledFrames(tmp_path, map(frame, range(count)))
    assert len(frames) == count and [each.index for each in frames] == list(range(count))
    assert [each.index for each in frames[BLOCK - 3 : BLOCK + 3]] == list(range(count))[BLOCK - 3 : BLOCK + 3]
    for at in np.random.default_rng(0).integers(-count, count, 20) if count else []:
        found, wanted = frames[int(at)], frame(int(at) % count)
        assert (found.index, found.time_s, len(found.people)) == (wanted.index, wanted.time_s, len(wanted.people))
        for one, other in zip(found.people, wanted.people, strict=True):
            np.testing.assert_array_equal(one.joints_cam_mm, other.joints_cam_mm)
            assert one.root_depth_mm == other.root_depth_mm and one.box == other.box
    with pytest.raises(IndexError):
        frames[count]
    assert list(tmp_path.iterdir()) == []  # the file has no name


def test_memory_does_not_grow():
    peaks = []
    for count in (2 * BLOCK, 8 * BLOCK):
        tracemalloc.start()
        with tempfile.TemporaryDirectory() as folder:
            frames = SpooledFrames(folder, map(frame, range(count)))
            assert sum(each.index for each in frames) == count * (count - 1) // 2
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_a_short_video_touches_no_disk(tmp_path):
    frames = SpooledFrames(tmp_path / "nowhere", map(frame, range(BLOCK - 1)))
    assert len(list(frames)) == BLOCK - 1


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: cannot be written \(No such file or directory\)$"):
        SpooledFrames(tmp_path / "nowhere", map(frame, range(BLOCK)))
