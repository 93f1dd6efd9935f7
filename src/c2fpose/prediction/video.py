"""Videos frame by frame, decoded by OpenCV in a thread of its own while the network works on the frames before.

Frames are upright (the container's rotation flag applied) and carry the container's own times, so that variable frame
rates are right. Nothing is kept: memory does not grow with the length.
"""

import math
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from c2fpose.base.errors import DataError
from c2fpose.base.opencv import ERRORS, set_log_level
from c2fpose.data.videos import open_video

AHEAD = 8  # frames decoded before they are asked for
USUAL_FPS = 25.0  # taken where the container gives neither times nor a rate
_PLAUSIBLE_FPS = (0.1, 1000.0)
_MISSING = 0.03  # of the announced duration: what is shorter by more has ended early
_GAP = 1.5  # usual times between frames: more is a gap ...
_EVEN = 0.9  # ... where this share of the others is shorter: elsewhere the rate varies
_SQUARE = 0.02  # relative difference of a pixel's width and height that is none


class VideoFrame(NamedTuple):
    """One frame."""

    index: int  # type: ignore[assignment]  # of the container's frames, from 0; tuples have a method of that name
    time_s: float  # since the first
    image: UInt8[np.ndarray, "rows columns 3"]  # RGB, upright


class Video:
    """A video file, which may be read as often as one likes. Iterating it gives the images alone."""

    def __init__(self, path: str | Path, every: int = 1) -> None:
        """Open a file and look at its first frame; only each ``every``-th is given out.

        Raises ``DataError`` for a file that is missing, no video, or without frames.
        """
        self.path, self.every = Path(path), every
        if not self.path.is_file():
            raise DataError(f"{path}: no such video")
        if self.path.stat().st_size == 0:
            raise DataError(f"{path}: an empty file, not a video")
        cv2, capture = _opened(self.path)
        try:
            there, frame = capture.read()
            if not there:
                raise DataError(f"{path}: a video without frames, or none that can be decoded")
            rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
            wide, high = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
        finally:
            capture.release()
        self.size_px = (frame.shape[1], frame.shape[0])  # columns, rows
        self.fps = rate if math.isfinite(rate) and _PLAUSIBLE_FPS[0] <= rate <= _PLAUSIBLE_FPS[1] else None
        self.announced = int(count) if 0 < count < 1e9 else None  # frames, by the container; not always the truth
        self.pixel_aspect = wide / high if wide > 0 and high > 0 else 1.0  # width of a pixel over its height
        self.decoded = 0  # frames decoded by the last pass so far
        self.note: str | None = None  # after a whole pass: what was wrong with the file, if anything

    def __len__(self) -> int:
        """Frames that will be given out, as far as the container tells."""
        return -(-(self.announced or 0) // self.every)

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "rows columns 3"]]:
        for frame in self.frames():
            yield frame.image

    def frames(self) -> Iterator[VideoFrame]:
        """Decode the video once, up to eight frames ahead of who asks."""
        waiting: queue.Queue[VideoFrame | BaseException | None] = queue.Queue(AHEAD)
        enough = threading.Event()
        thread = threading.Thread(target=self._decode, args=(waiting, enough), daemon=True)
        thread.start()
        try:
            while (item := waiting.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            enough.set()
            while thread.is_alive():  # it may wait for a place in the queue
                try:
                    waiting.get(timeout=0.01)
                except queue.Empty:
                    continue
            thread.join()

    def _decode(self, waiting: "queue.Queue[VideoFrame | BaseException | None]", enough: threading.Event) -> None:
        """Fill the queue; its last entry is None, or what went wrong."""
        last: BaseException | None = None
        try:
            for frame in self._decoded(enough):
                waiting.put(frame)
        except BaseException as error:  # handed on to who reads the queue
            opencv = type(error).__module__.startswith("cv2")
            last = DataError(f"{self.path}: frame {self.decoded} cannot be decoded") if opencv else error
        waiting.put(last)

    def _decoded(self, enough: threading.Event) -> Iterator[VideoFrame]:
        cv2, capture = _opened(self.path)
        step = 1 / (self.fps or USUAL_FPS)
        first = time_s = 0.0
        index = even = 0
        gap_s: float | None = None  # the last frame before the first gap
        try:
            while not enough.is_set() and capture.grab():
                wanted = index % self.every == 0
                there, frame = capture.retrieve() if wanted else (True, None)
                if not there:
                    break
                said = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                if index == 0:
                    first = said if math.isfinite(said) else 0.0
                    time_s = 0.0
                else:  # time runs forward, whatever the container says
                    now_s = said - first if math.isfinite(said) and said - first > time_s else time_s + step
                    if now_s - time_s < _GAP * step:
                        even += 1
                    elif gap_s is None:
                        gap_s = time_s
                    time_s = now_s
                if wanted:
                    yield VideoFrame(index, time_s, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
                index += 1
                self.decoded = index
        finally:
            capture.release()
        if not enough.is_set():
            uneven = even < _EVEN * (index - 1)
            gap = self._gap(index, None if uneven else gap_s)
            notes = (gap, self._what_is_missing(index, time_s), self._oblong())
            self.note = "; ".join(filter(None, notes)) or None

    def _oblong(self) -> str | None:
        if abs(self.pixel_aspect - 1) < _SQUARE:
            return None
        return (
            f"its pixels are {self.pixel_aspect:.3g} times as wide as high and were taken as square: people come out "
            "too narrow or wide; resample it first: ffmpeg -i IN -vf scale=iw*sar:ih,setsar=1 OUT"
        )

    def _gap(self, decoded: int, gap_s: float | None) -> str | None:
        if not self.announced or gap_s is None or decoded >= self.announced:
            return None
        return (
            f"frames are missing after {gap_s:.2f} s ({decoded} of {self.announced} can be decoded); times are right, "
            "frames are numbered without them"
        )

    def _what_is_missing(self, decoded: int, last_s: float) -> str | None:
        """Compare with the announced length, by frames and by time: containers of variable rate give one of them."""
        if not self.announced or decoded >= self.announced * (1 - _MISSING) - 1:
            return None
        announced_s = self.announced / (self.fps or USUAL_FPS)
        if last_s + 2 / (self.fps or USUAL_FPS) >= announced_s * (1 - _MISSING):
            return None
        return f"the video ends early: {decoded} frames ({last_s:.1f} s) of {self.announced} ({announced_s:.1f} s)"


def _opened(path: Path):  # OpenCV and its capture: imported late, it takes long
    if not os.access(path, os.R_OK):
        raise DataError(f"{path}: cannot be read (Permission denied)")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # else the decoder's own messages mix with ours
    set_log_level(ERRORS)  # its variable is read at import, which is over
    capture = open_video(path)
    if not capture.isOpened():
        raise DataError(f"{path}: not a video, or one whose format is not known")
    return cv2, capture
