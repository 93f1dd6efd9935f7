"""A video to look at: each frame with its people's joints, beside their poses on a floor that turns slowly.

WebM (VP8) plays in browsers; MP4 (MPEG-4 part 2, which OpenCV can write without further libraries) is written some ten
times as fast, and plays in most players. Frames have even times; a source of uneven ones is shown at the right moments.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from c2fpose.base.files import OutputError, written_whole
from c2fpose.base.opencv import NOTHING, set_log_level
from c2fpose.base.progress import track
from c2fpose.pictures.frames import Stage, draw_joints, pose_panel
from c2fpose.pose.skeleton import Skeleton
from c2fpose.prediction.outputs.formats import Format, Pictures
from c2fpose.prediction.result import Frame, PersonPose, PoseResult

FORMAT = Format(endings=(".webm", ".mp4"), needs_pictures=True)
LARGEST_SIDE_PX, LEAST_SIDE_PX = 640, 16  # of a frame in the video; encoders refuse smaller ones
PANEL_PX = 480  # most; never higher than the frame
FULL_TURN_S = 12.0
STILL_S, STILL_FPS = 6.0, 25.0  # a single picture: its pose turns for so long
LOWEST_FPS, HIGHEST_FPS = 1.0, 60.0  # of a WebM of less than a half a second OpenCV miscounts the frames
CODECS = {".webm": "VP80", ".mp4": "mp4v"}
_FRAMES_ON_STAGE = 4000  # of a long video: so many with people, or up to twice as many, say how large the stage is
_LOOK_BACK, _LEAST_FREE = 50, 2**20  # frames between two looks at the disk, and bytes that must be free there

Image = UInt8[np.ndarray, "_ _ 3"]


def write(result: PoseResult, pictures: Pictures, path: Path) -> list[Path]:
    """Write ``path``. None where the source has no frames. Raises ``OutputError`` where the disk is full."""
    if not result.frames:
        return []
    fps, count = _clock(result)
    level = set_log_level(NOTHING)  # on a full disk it writes a line for each frame
    try:
        with written_whole(path, check=lambda partial: _check(partial, path, count)) as partial:
            _encode(result, pictures, partial, path, fps, count)
    finally:
        set_log_level(level)
    return [path]


def _clock(result: PoseResult) -> tuple[float, int]:
    """Frames a second and their number, so that the video lasts as long as its source."""
    times = np.array([frame.time_s for frame in result.frames])
    steps = np.diff(times)
    if not (steps > 0).any():
        return STILL_FPS, round(STILL_S * STILL_FPS)
    fps = float(np.clip(1 / np.median(steps[steps > 0]), LOWEST_FPS, HIGHEST_FPS))
    return fps, round((times[-1] - times[0]) * fps) + 1


def _encode(result: PoseResult, pictures: Pictures, partial: Path, path: Path, fps: float, count: int) -> None:
    stage = stage_of(result)
    writer = None
    try:
        shown = zip(range(count), _at_even_times(result, pictures, fps, count), strict=True)
        for number, (frame, image) in track(shown, f"{path.name}", total=count):
            page = _page(result.skeleton, frame, image, stage, 360 * number / fps / FULL_TURN_S)
            if writer is None:
                code = cv2.VideoWriter.fourcc(*CODECS[path.suffix.lower()])
                with _muted():
                    writer = cv2.VideoWriter(str(partial), code, fps, page.shape[1::-1])
                if not writer.isOpened():
                    raise OutputError(f"{path}: no video can be written there")
            writer.write(cv2.cvtColor(page, cv2.COLOR_RGB2BGR))
            if number % _LOOK_BACK == 0 and shutil.disk_usage(partial.parent).free < _LEAST_FREE:
                raise OutputError(f"{path}: the disk is full; the video needs more room")
    finally:
        if writer is not None:
            writer.release()


def stage_of(result: PoseResult) -> Stage | None:
    """Make room for everybody; None for nobody. Of a long video some frames tell, that memory does not grow with it."""
    kept: list[list[np.ndarray]] = []  # everybody in every so many-th frame that has somebody
    every = 1
    for number, people in enumerate(frame.people for frame in result.frames if frame.people):
        if number % every == 0:
            kept.append([person.joints_cam_mm for person in people])
        if len(kept) == 2 * _FRAMES_ON_STAGE:
            kept, every = kept[::2], 2 * every
    return Stage.around(np.array([pose for each in kept for pose in each], np.float64)) if kept else None


def _at_even_times(result: PoseResult, pictures: Pictures, fps: float, count: int) -> Iterator[tuple[Frame, Image]]:
    """Find the frame that is on at each moment of the video, and its picture; the pictures are gone through once."""
    start = result.frames[0].time_s
    images = iter(pictures)
    frame, image, position = result.frames[0], next(images), 0
    for number in range(count):
        while position + 1 < len(result.frames) and (
            result.frames[position + 1].time_s - start <= (number + 0.5) / fps
        ):
            position += 1
            frame, image = result.frames[position], next(images)
        yield frame, image


def _page(skeleton: Skeleton, frame: Frame, image: Image, stage: Stage | None, turn_deg: float) -> Image:
    """One frame of the video: the picture with joints, and the panel beside it; even numbers of rows and columns."""
    scale = min(1.0, LARGEST_SIDE_PX / max(image.shape[:2]))
    rows, columns = (max(LEAST_SIDE_PX, round(side * scale / 2) * 2) for side in image.shape[:2])
    small = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    side = min(rows, PANEL_PX)
    several = len(frame.people) > 1
    people: list[PersonPose] = sorted(frame.people, key=lambda person: -person.root_depth_mm)
    for person in people:
        ratio = np.array([columns / image.shape[1], rows / image.shape[0]])
        label = str(person.id) if several else ""
        draw_joints(small, person.joints_px * ratio, person.joints_cam_mm[:, 2], person.confidence, label, skeleton)
    page = np.full((rows, columns + side, 3), 255, np.uint8)
    page[:, :columns] = small
    if stage is not None:
        shown = [(person.joints_cam_mm, person.confidence, str(person.id) if several else "") for person in people]
        top = (rows - side) // 2
        page[top : top + side, columns:] = pose_panel(stage, shown, turn_deg, side, skeleton)
    return page


def _check(partial: Path, path: Path, frames: int) -> None:
    """Refuse a file that was cut off: OpenCV says nothing when a disk fills."""
    with _muted():
        reader = cv2.VideoCapture(str(partial))
        found = reader.get(cv2.CAP_PROP_FRAME_COUNT) if reader.isOpened() else -1
        reader.release()
    if abs(found - frames) > 1:
        raise OutputError(f"{path}: the video could not be written whole; is the disk full?")


@contextmanager
def _muted() -> Iterator[None]:
    """Keep off what the video library itself prints, a remark for each WebM among it."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
