"""Pictures of one's own: files and frames of videos, their sizes, and what of them is stored."""

import io
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from c2fpose.base.errors import DataError, readable
from c2fpose.data.rgb import UnknownRangeError, upright_rgb
from c2fpose.data.videos import VIDEO_ENDINGS, is_video, open_video

ENDINGS = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG", ".bmp", ".webp")  # tried for names without one
KNOWN = {*map(str.lower, ENDINGS), *VIDEO_ENDINGS}
_TURNED = 0x0112  # EXIF's orientation
_SIDEWAYS = (5, 6, 7, 8)


class Cut(NamedTuple):
    """What of a picture is stored, px of the upright picture: a square, or all of it (side None)."""

    left: int
    top: int
    side: int | None
    stored_px: int  # of the side, at most

    @property
    def step_px(self) -> float:
        """Pixels of the picture for each stored one."""
        return 1.0 if self.side is None else max(1.0, self.side / self.stored_px)


def found(images: list[str | None], places: list[str], folders: list[Path]) -> list[Path | None]:
    """Find each record's file in the folders. Raises ``DataError`` for the first that is missing, with their number."""
    known = {name: _first_there(name, folders) for name in dict.fromkeys(images) if name is not None}
    _find_by_bare_names(known, folders)
    lost = [number for number, name in enumerate(images) if name is not None and known[name] is None]
    if lost:
        where = " or ".join(str(folder) for folder in folders)
        more = f" ({len(lost)} records without their picture)" if len(lost) > 1 else ""
        raise DataError(f"{places[lost[0]]}: no picture {images[lost[0]]} in {where}{more}")
    return [None if name is None else known[name] for name in images]


def _first_there(name: str, folders: list[Path]) -> Path | None:
    return next((path for path in _candidates(name, folders) if path.is_file()), None)


def _find_by_bare_names(known: dict[str, Path | None], folders: list[Path]) -> None:
    """Find pictures named by another machine's or program's paths, where the last parts of these are all different."""
    bare = {name: Path(name.replace("\\", "/")).name for name in known}
    lost = [name for name in known if known[name] is None and bare[name] != name]
    if not lost or len(set(bare.values())) < len(bare):
        return
    known |= {name: _first_there(bare[name], folders) for name in lost}
    if there := [name for name in lost if known[name] is not None]:
        print(f"note: {there[0]}: taken to be {known[there[0]]}, as are {len(there)} in all", file=sys.stderr)


def _candidates(name: str, folders: list[Path]) -> Iterator[Path]:
    written = name.replace("\\", "/")
    for folder in folders:
        yield folder / written
        name, ending = Path(written).name, Path(written).suffix
        if ending.lower() in KNOWN:  # .JPG for .jpg: one file where names are told apart by letters alone
            yield from ((folder / written).with_suffix(other) for other in (ending.lower(), ending.upper()))
        else:  # none, or a dot in the name, as in "Walking 1.54138969_000001"
            yield from ((folder / written).with_name(name + end) for end in ENDINGS)


def sizes_px(paths: list[Path | None]) -> np.ndarray:
    """Give width and height of each record's upright picture, ``(N, 2)``; NaN without one. Raises ``DataError``."""
    known = {path: None if path is None else _size(path) for path in dict.fromkeys(paths)}
    return np.array([known[path] or (np.nan, np.nan) for path in paths], np.float64).reshape(-1, 2)


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sort files by name, numbers in it by their value: frame_2 before frame_10."""
    return sorted(paths, key=lambda path: [(part.isdecimal(), int(part) if part.isdecimal() else 0, part)
                                           for part in re.split(r"(\d+)", path.name)])  # fmt: skip


def _size(path: Path) -> tuple[int, int]:
    if is_video(path):
        capture = open_video(path)
        width, height = (int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        capture.release()
        if min(width, height) <= 0:  # 0 or -1, by the version of OpenCV
            raise DataError(f"{path}: not readable as a video")
        return width, height
    with _opened(path) as image:
        width, height = image.size
        return (height, width) if image.getexif().get(_TURNED) in _SIDEWAYS else (width, height)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a picture. Raises ``DataError``, one line, for one that cannot be read, there or in the block."""
    with readable(path, "not readable as an image"):
        try:
            with Image.open(path) as image:
                yield image
        except UnidentifiedImageError:
            raise DataError(f"{path}: not an image of a known format; save it as JPEG or PNG") from None
        except UnknownRangeError as error:
            raise DataError(f"{path}: {error}") from None


class Pictures:
    """Read pictures one after another; a video goes on from the frame before, so ask in the order of frames."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._image: UInt8[np.ndarray, "_ _ 3"] = np.empty((0, 0, 3), np.uint8)
        self._video: cv2.VideoCapture | None = None
        self._next = 1  # frame of the video that is read next

    def encoded(self, path: Path, frame: int, cut: Cut, quality: int) -> bytes:
        """Give what is stored of a picture, as JPEG: its own bytes where all of it is stored and it is one, upright."""
        if cut.side is None and not is_video(path) and (whole := _untouched(path)):
            return whole
        return _jpeg(_cut(self._read(path, frame), cut), quality)

    def _read(self, path: Path, frame: int) -> UInt8[np.ndarray, "_ _ 3"]:
        if not is_video(path):
            if path != self._path:
                with _opened(path) as opened:
                    self._image = upright_rgb(opened)
                self._path, self._video = path, None
            return self._image
        if path != self._path or self._video is None or frame < self._next - 1:
            self._path, self._video, self._next = path, open_video(path), 1
        while self._next <= frame:
            there, image = self._video.read()
            if not there:
                raise DataError(f"{path}: ends before frame {frame}, after {self._next - 1} frames")
            self._image, self._next = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)), self._next + 1
        return self._image


def _untouched(path: Path) -> bytes | None:
    with _opened(path) as image:
        plain = image.format == "JPEG" and image.mode == "RGB" and image.getexif().get(_TURNED, 1) == 1
    jpeg = path.read_bytes() if plain else b""
    return jpeg if jpeg.endswith(b"\xff\xd9") else None  # telephones write more behind the picture: made anew


def _cut(image: UInt8[np.ndarray, "_ _ 3"], cut: Cut) -> UInt8[np.ndarray, "_ _ 3"]:
    """Cut the square, black where it reaches beyond the picture, reduced to what is stored."""
    if cut.side is None:
        return image
    rows, columns = image.shape[:2]
    part = np.zeros((cut.side, cut.side, 3), np.uint8)
    left, top = max(cut.left, 0), max(cut.top, 0)
    right, bottom = min(cut.left + cut.side, columns), min(cut.top + cut.side, rows)
    if right > left and bottom > top:
        part[top - cut.top : bottom - cut.top, left - cut.left : right - cut.left] = image[top:bottom, left:right]
    if cut.side <= cut.stored_px:
        return part
    return cv2.resize(part, (cut.stored_px, cut.stored_px), interpolation=cv2.INTER_AREA)


def _jpeg(image: UInt8[np.ndarray, "_ _ 3"], quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
