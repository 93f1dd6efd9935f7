"""A result holds frames and people; as a table each of them is one row, and what is not known is missing or NaN."""

import subprocess
import sys

import numpy as np

from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import Camera, Frame, PersonPose, PoseResult, Source


def person(id: int, seed: int = 0, **more) -> PersonPose:
    random = np.random.default_rng(seed)
    joints = random.normal(size=(17, 3)) * 300 + [0, 0, 4000]
    return PersonPose(id, Box(10, 20, 100), joints[:, :2] / 10, joints, 4000.0, **more)


def result(*frames: tuple[PersonPose, ...]) -> PoseResult:
    """Ten frames a second; every third one was looked at."""
    return PoseResult(
        Source("video", (640, 480), "walk.webm", fps=10.0),
        Camera(np.array([700.0, 700, 320, 240])),
        tuple(Frame(people, 3 * number, 0.3 * number) for number, people in enumerate(frames)),
    )


def test_a_table_has_a_row_for_everybody_in_every_frame():
    sure = np.linspace(0, 1, 17)
    said = result((person(0), person(4, 1)), (), (person(4, 2, confidence=sure),))
    assert said.ids == (0, 4) and [frame.index for frame, _ in said.track(4)] == [0, 6]
    table = said.table()
    assert table.frame.tolist() == [0, 0, 6] and table.person.tolist() == [0, 4, 4]
    np.testing.assert_allclose(table.time_s, [0, 0, 0.6])
    np.testing.assert_array_equal(table.joints_cam_mm[2], person(4, 2).joints_cam_mm)
    assert np.isnan(table.confidence[:2]).all()
    np.testing.assert_array_equal(table.confidence[2], sure)
    assert "covariance_mm2" not in table.arrays() and table.box_px[1].tolist() == [10, 20, 100]


def test_nobody_found_is_an_empty_table():
    table = result((), ()).table()
    assert table.joints_cam_mm.shape == (0, 17, 3) and table.observed.dtype == bool
    assert table.confidence is None


def test_in_front():
    assert person(0).in_front
    behind = person(0).joints_cam_mm - [0, 0, 4000]
    assert not PersonPose(0, Box(0, 0, 1), behind[:, :2], behind, 0.0).in_front


def test_it_is_imported_without_a_network():
    code = "import sys; sys.modules['torch'] = None; import c2fpose.prediction.result"
    subprocess.run([sys.executable, "-c", code], check=True)
