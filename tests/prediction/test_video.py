"""Frames, times and faults of videos, on small files written here."""

import re
import struct
import subprocess
import sys
import threading
import time
import tracemalloc

import cv2
import numpy as np
import pytest

from c2fpose.base.errors import DataError
from c2fpose.prediction import video
from c2fpose.prediction.video import Video

FRAMES, FPS, COLUMNS, ROWS = 12, 10, 64, 48


def write(path, code="mp4v", frames=FRAMES):
    """A video whose left half is red and whose brightness rises from frame to frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), FPS, (COLUMNS, ROWS))
    for number in range(frames):
        image = np.full((ROWS, COLUMNS, 3), 16 * (number % 12), np.uint8)
        image[:, : COLUMNS // 2, 2] = 255
        writer.write(image)
    writer.release()
    return path


@pytest.mark.parametrize(("name", "code"), [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.webm", "VP80")])
def test_frames_in_order_with_times_and_rgb(tmp_path, name, code):
    clip = Video(write(tmp_path / name, code))
    frames = list(clip.frames())
    assert clip.size_px == (COLUMNS, ROWS) and clip.fps == FPS and len(clip) == FRAMES and clip.note is None
    assert [frame.index for frame in frames] == list(range(FRAMES))
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(FRAMES) / FPS, atol=1e-3)
    for number, frame in enumerate(frames):
        left, right = frame.image[:, 8:24].mean((0, 1)), frame.image[:, 40:56].mean((0, 1))
        assert left[0] > 220 and abs(right[1] - 16 * number) < 12
    assert len(list(clip)) == FRAMES  # once more


def test_every_nth_frame_keeps_its_time(tmp_path):
    frames = list(Video(write(tmp_path / "a.mp4"), every=5).frames())
    assert [(frame.index, round(frame.time_s, 3)) for frame in frames] == [(0, 0.0), (5, 0.5), (10, 1.0)]


def test_variable_frame_rate(tmp_path):
    """Times of a Matroska file's blocks written over in place: 16 bits each, ms in the cluster."""
    times_ms = [0, 40, 80, 200, 240, 700, 740, 800, 830]
    data = bytearray(write(tmp_path / "a.webm", "VP80", len(times_ms)).read_bytes())
    changed = 0
    for block in re.finditer(rb"\xa3[\x40-\x7f\x81-\xff].{0,3}?\x81", bytes(data), re.S):
        at = slice(block.end(), block.end() + 2)
        if changed < len(times_ms) and struct.unpack(">h", data[at])[0] == 1000 // FPS * changed:
            data[at] = struct.pack(">h", times_ms[changed])
            changed += 1
    assert changed == len(times_ms)
    (tmp_path / "vfr.webm").write_bytes(data)
    clip = Video(tmp_path / "vfr.webm")
    np.testing.assert_allclose([frame.time_s for frame in clip.frames()], np.array(times_ms) / 1000, atol=1e-6)
    assert clip.note is None


def test_rotation_flag(tmp_path):
    """A quarter turn in the track header's matrix, as telephones write it."""
    data = bytearray(write(tmp_path / "a.mp4").read_bytes())
    matrix = data.find(b"tkhd") + 44
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, ROWS << 16, 0, 1 << 30)
    (tmp_path / "turned.mp4").write_bytes(data)
    clip = Video(tmp_path / "turned.mp4")
    assert clip.size_px == (ROWS, COLUMNS)
    straight, turned = next(iter(Video(tmp_path / "a.mp4"))), next(iter(clip))
    np.testing.assert_array_equal(np.rot90(straight, -1), turned)


def test_one_that_ends_early_says_so(tmp_path):
    whole = write(tmp_path / "a.webm", "VP80").read_bytes()
    (tmp_path / "cut.webm").write_bytes(whole[: len(whole) // 2])
    clip = Video(tmp_path / "cut.webm")
    assert 1 <= len(list(clip)) < FRAMES - 2
    assert re.match(r"the video ends early: \d frames \(0\.\d s\) of 12 \(1\.2 s\)", clip.note)


def test_frames_that_are_missing_in_the_middle_are_counted(tmp_path):
    """Blocks of a Matroska file that become padding: as a damaged stretch, which the decoder skips."""
    data = bytearray(write(tmp_path / "a.webm", "VP80", 30).read_bytes())
    for number in (10, 11, 12):
        time = re.escape(struct.pack(">h", 1000 // FPS * number))
        block = re.search(rb"\xa3(?:[\x81-\xff]|[\x40-\x7f].)\x81" + time, bytes(data), re.S)
        data[block.start()] = 0xEC
    (tmp_path / "damaged.webm").write_bytes(data)
    clip = Video(tmp_path / "damaged.webm")
    said = [(frame.index, round(frame.time_s, 3)) for frame in clip.frames()]
    assert said[8:12] == [
        (8, 0.8),
        (9, 0.9),
        (10, 1.3),
        (11, 1.4),
    ]
    assert clip.note.startswith("frames are missing after 0.90 s (27 of 30 can be decoded); times are right")


def test_pixels_that_are_not_square_are_said(tmp_path):
    """A width to be shown in, in the track header, that is 4/3 of the frame's: as camcorders write it."""
    data = bytearray(write(tmp_path / "a.mp4").read_bytes())
    width = data.find(b"tkhd") + 44 + 36
    assert struct.unpack(">I", data[width : width + 4])[0] == COLUMNS << 16
    data[width : width + 4] = struct.pack(">I", COLUMNS * 4 // 3 << 16)
    (tmp_path / "wide.mp4").write_bytes(data)
    clip = Video(tmp_path / "wide.mp4")
    assert len(list(clip)) == FRAMES and clip.size_px == (COLUMNS, ROWS)
    assert clip.note.startswith("its pixels are 1.33 times as wide as high")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such video"), (b"", "an empty file"), (b"hello" * 99, "not a video"), ("frameless", "without frames")],
)
def test_no_video(tmp_path, content, message):
    path = tmp_path / "a.avi"
    if content == "frameless":
        write(path, "MJPG", 0)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        Video(path)


def test_a_relative_path_with_a_colon(tmp_path, monkeypatch):
    """What stands before it is no protocol."""
    write(tmp_path / "a.mp4")
    (tmp_path / "a.mp4").rename(tmp_path / "10:20.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(list(Video("10:20.mp4"))) == FRAMES


def test_a_video_that_may_not_be_read_is_not_called_none(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\)"):
        Video(write(tmp_path / "a.mp4"))


def test_decoding_runs_ahead_but_not_far_and_stops_with_the_reader(tmp_path):
    clip = Video(write(tmp_path / "a.mp4", frames=60))
    before = threading.active_count()
    frames = clip.frames()
    next(frames)
    deadline = time.monotonic() + 60
    while clip.decoded < 1 + video.AHEAD and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 1 + video.AHEAD <= clip.decoded <= 3 + video.AHEAD  # in the queue, and one waiting for a place
    frames.close()
    assert threading.active_count() == before and clip.note is None


def test_memory_is_flat(tmp_path):
    """Twenty times as many frames take no more memory than a few."""
    peaks = []
    for frames in (20, 400):
        clip = Video(write(tmp_path / f"{frames}.avi", "MJPG", frames))
        tracemalloc.start()
        for _ in clip:
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 100_000


def test_nothing_is_said_beside_the_error(tmp_path):
    """OpenCV would warn, and FFmpeg too, of a file that neither can read. In a process that has used neither before."""
    path = tmp_path / "half.mp4"
    path.write_bytes(bytes(range(256)) * 8)
    code = (
        "import sys\nfrom c2fpose.base.errors import DataError\nfrom c2fpose.prediction.video import Video\n"
        "try: Video(__import__('pathlib').Path(sys.argv[1]))\nexcept DataError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{path}: not a video, or one whose format is not known\n", "")
