"""The overlay video lasts as long as its source, shows joints and poses, and is whole or not there."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from c2fpose.prediction.outputs import video as output
from c2fpose.prediction.result import Frame

resource = pytest.importorskip("resource")


def frames_of(path) -> tuple[list[np.ndarray], float]:
    reader = cv2.VideoCapture(str(path))
    frames = []
    while (read := reader.read())[0]:
        frames.append(read[1])
    return frames, reader.get(cv2.CAP_PROP_FPS)


@pytest.mark.parametrize("name", ["out.webm", "out.mp4"])
def test_a_video(name, video, pictures, tmp_path, capfd):
    (path,) = output.write(video, pictures, tmp_path / name)
    frames, fps = frames_of(path)
    assert len(frames) == 11 and fps == pytest.approx(10)
    assert frames[0].shape == (480, 640 + 480, 3)
    panels = np.stack(frames)[:, :, 640:].astype(int)
    blue = (panels[..., 0] - panels[..., 2]) > 100  # somebody's left side
    assert (blue.sum((1, 2)) > 200).all()
    assert abs(np.diff(panels, axis=0)).max((1, 2, 3)).min() > 50  # it moves
    plain = np.stack([frame[:, :640, ::-1] for frame in frames]).astype(int)
    assert (abs(plain - np.stack(pictures)).max(-1) > 60).sum() > 2000  # joints over the pictures
    assert not capfd.readouterr().err


def test_the_stage_holds_whoever_is_there_for_a_moment(video, monkeypatch):
    """Of thousands of frames few tell how large it is; who is in one alone tells too."""
    monkeypatch.setattr(output, "_FRAMES_ON_STAGE", 20)
    empty = [dataclasses.replace(video.frames[0], people=(), index=at) for at in range(40)]
    for place in (0, 7, 39):
        frames = [*empty[:place], video.frames[0], *empty[place:]]
        stage = output.stage_of(dataclasses.replace(video, frames=frames))
        alone = output.stage_of(dataclasses.replace(video, frames=video.frames[:1]))
        np.testing.assert_array_equal(stage.centre_cam_mm, alone.centre_cam_mm)
    assert output.stage_of(dataclasses.replace(video, frames=empty)) is None
    thinned, whole = output.stage_of(dataclasses.replace(video, frames=video.frames * 50)), output.stage_of(video)
    assert thinned.radius_mm == pytest.approx(whole.radius_mm, rel=0.1)
    np.testing.assert_allclose(thinned.centre_cam_mm, whole.centre_cam_mm, atol=0.1 * whole.radius_mm)


def test_uneven_times_are_shown_at_the_right_moments(video, tmp_path):
    """Frames at 0, 0.1, 0.2 s and, after a gap, 0.6 s: white until then, black after it."""
    times = (0.0, 0.1, 0.2, 0.6)
    frames = tuple(Frame((), number, time) for number, time in enumerate(times))
    shown = [np.full((120, 160, 3), 250 if time < 0.6 else 5, np.uint8) for time in times]
    (path,) = output.write(dataclasses.replace(video, frames=frames), shown, tmp_path / "out.mp4")
    read, fps = frames_of(path)
    assert fps == pytest.approx(10) and [frame[:, :160].mean() > 128 for frame in read] == [True] * 6 + [False]


def test_few_frames_a_second_and_tiny_ones_are_written_whole(video, tmp_path):
    """Each hundredth frame of a video: one in four seconds."""
    frames = tuple(Frame((), number, 4.0 * number) for number in range(6))
    shown = [np.full((2, 2, 3), 40 * number, np.uint8) for number in range(6)]
    (path,) = output.write(dataclasses.replace(video, frames=frames), shown, tmp_path / "out.webm")
    read, fps = frames_of(path)
    assert len(read) / fps == pytest.approx(21, abs=0.1)


def test_a_picture_turns_for_some_seconds(image, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(output, "STILL_S", 1.2)
    (path,) = output.write(image, pictures[3:4], tmp_path / "out.mp4")
    frames, fps = frames_of(path)
    assert len(frames) / fps == pytest.approx(output.STILL_S)


def test_a_disk_that_fills_leaves_no_file(tmp_path):
    """Files that may not grow beyond some bytes stand for the full disk, in a process of its own."""
    code = (
        "import resource, signal, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from conftest import make_pictures, make_video\n"
        "from c2fpose.prediction.outputs import write\n"
        "from c2fpose.base.errors import exits_cleanly\n"
        f"signal.signal({int(signal.SIGXFSZ)}, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))\n"
        "exits_cleanly(write)(make_video(), 'out.mp4', make_pictures())\n"
    )
    folder = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, folder], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr == "error: out.mp4: the video could not be written whole; is the disk full?\n"
    assert not list(tmp_path.iterdir())
