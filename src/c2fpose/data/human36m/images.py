"""Encoded images of the records: taken as they are, or cut out of frames and encoded again.

What is encoded again goes to shards, one a sequence, whole or absent, so that a killed run goes on where it was.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Int

from c2fpose.base.errors import DataError
from c2fpose.base.files import blamed_on, reason, written_whole
from c2fpose.data.crops.standard import PADDING
from c2fpose.data.human36m.frames import Files, SequenceRecords, Video
from c2fpose.data.videos import open_video
from c2fpose.pose.protocol import BOX_SCALE_UNIT_PX

_END_OF_IMAGE = b"\xff\xd9"


@dataclass(frozen=True)
class Cut:
    """What of each frame is stored."""

    crop: str  # "box": the person's box with a margin; "none": the whole frame
    margin: float = 1.25  # side of the cut in sides of the box
    quality: int = 95  # of the JPEG, where one is made


def edges_px(part: SequenceRecords, cut: Cut) -> tuple[Int[np.ndarray, "n 2"], Int[np.ndarray, "n 2"]]:
    """Left-top and right-bottom edges of the stored images, whole pixels, from 0, open to the right.

    Right and bottom are not yet held within the frame, whose size only its image tells.
    """
    if cut.crop == "none":
        return np.zeros((len(part), 2), np.int64), np.full((len(part), 2), np.iinfo(np.int32).max)
    half = BOX_SCALE_UNIT_PX * part.scale[:, None] * cut.margin / 2
    left_top = np.maximum(np.floor(part.center_px - half), 0)
    return left_top.astype(np.int64), np.ceil(part.center_px + half).astype(np.int64)


def is_untouched(part: SequenceRecords, cut: Cut) -> bool:
    """Whether the source's own JPEG bytes are stored."""
    return isinstance(part.images, Files) and cut.crop == "none"


def files_of(part: SequenceRecords) -> Files:
    """Find the image files of a sequence that has some."""
    assert isinstance(part.images, Files), f"{part.sequence.name}: its pictures are no files"
    return part.images


def check_files(parts: list[SequenceRecords], where: Path) -> list[np.ndarray]:
    """Sizes of all image files, bytes. Raises ``DataError`` with the number of missing files and the first of them."""
    sizes, missing, first, total = [], 0, "", 0
    for part in parts:
        files = files_of(part)
        root, names = os.fspath(files.root), files.names
        stats = np.zeros(len(names), np.int64)
        for i, name in enumerate(names):
            total += 1
            try:
                stats[i] = os.stat(os.path.join(root, name)).st_size
            except OSError:
                missing, first = missing + 1, first or name
        sizes.append(stats)
    if missing:
        raise DataError(f"{where}: {missing} of {total} images are missing, first {first}; half a download?")
    return sizes


def read_files(part: SequenceRecords, start: int, stop: int) -> list[bytes]:
    """Read the image files of some records, whole. Raises ``DataError`` for one that is cut off or no JPEG."""
    files = files_of(part)
    return [read_jpeg(os.path.join(files.root, name)) for name in files.names[start:stop]]


def read_jpeg(path: str | Path) -> bytes:
    """Read a JPEG file's bytes; ``DataError`` for one that is missing, cut off or no JPEG."""
    try:
        with open(path, "rb") as file:
            jpeg = file.read()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    if jpeg[:2] != b"\xff\xd8":
        raise DataError(f"{path}: not a JPEG file ({len(jpeg)} bytes); copy it again")
    if _END_OF_IMAGE not in jpeg[-PADDING:]:
        raise DataError(f"{path}: JPEG cut off after {len(jpeg)} bytes; copy it again")
    return jpeg


def encode(part: SequenceRecords, cut: Cut) -> Iterator[bytes]:
    """Cut and encode the images of one sequence, in the order of its records.

    Raises ``DataError`` for an unreadable image and for a video that ends before its annotation.
    """
    frames = _video_frames(part, part.images) if isinstance(part.images, Video) else _file_frames(part)
    left_top, right_bottom = edges_px(part, cut)
    for i, frame in enumerate(frames):
        (left, top), (right, bottom) = left_top[i], np.minimum(right_bottom[i], frame.shape[1::-1])
        if right <= left or bottom <= top:
            raise DataError(f"{part.sequence.name}: frame {part.frames[i]}: the box lies outside the image")
        done, jpeg = cv2.imencode(".jpg", frame[top:bottom, left:right], [cv2.IMWRITE_JPEG_QUALITY, cut.quality])
        assert done
        yield jpeg.tobytes()


def _file_frames(part: SequenceRecords) -> Iterator[np.ndarray]:
    files = files_of(part)
    for name in files.names:
        path = os.path.join(files.root, name)
        frame = cv2.imdecode(np.frombuffer(read_jpeg(path), np.uint8), cv2.IMREAD_COLOR)
        if frame is None:
            raise DataError(f"{path}: JPEG cannot be decoded; copy it again")
        yield frame


def _video_frames(part: SequenceRecords, film: Video) -> Iterator[np.ndarray]:
    """One pass through the video; frames between are decoded (they are needed) but not converted."""
    video = open_video(film.path)
    number = 0
    try:
        for wanted in part.frames:
            frame = None
            while number < wanted:
                if not video.grab():
                    raise DataError(
                        f"{film.path}: ends after {number} frames, its annotation goes on to "
                        f"{part.frames[-1]}; half a download?"
                    )
                number += 1
            _, frame = video.retrieve()
            if frame is None:
                raise DataError(f"{film.path}: frame {wanted} cannot be decoded")
            yield frame
    finally:
        video.release()


# --- shards -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shard:
    """Encoded images of one sequence in one file; the sizes beside it say that it is complete."""

    path: Path

    @property
    def sizes_path(self) -> Path:
        """Where the sizes of the images are kept."""
        return self.path.with_suffix(self.path.suffix + ".npy")

    def sizes(self, records: int) -> np.ndarray | None:
        """Bytes of each image, or None where the shard is not complete."""
        try:
            sizes = np.load(self.sizes_path, allow_pickle=False)
            complete = sizes.shape == (records,) and sizes.sum() == self.path.stat().st_size
        except (OSError, ValueError, EOFError):  # missing, or cut off
            return None
        return sizes if complete else None

    def write(self, part: SequenceRecords, cut: Cut) -> np.ndarray:
        """Encode all images of the sequence; returns their sizes."""
        sizes = []
        with written_whole(self.path, durable=False) as temporary, open(temporary, "wb") as file:
            for jpeg in encode(part, cut):
                sizes.append(file.write(jpeg))
        with written_whole(self.sizes_path, durable=False) as temporary:
            np.save(temporary, np.array(sizes, np.int64))
        return np.array(sizes, np.int64)

    def read(self, start_byte: int, sizes: np.ndarray) -> list[bytes]:
        """Read some images of a complete shard."""
        try:
            with open(self.path, "rb") as file:
                file.seek(start_byte)
                return [file.read(size) for size in sizes]
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({reason(error)}); the same command goes on") from None


def write_folder(part: SequenceRecords, cut: Cut, folder: Path) -> None:
    """Encode all images of the sequence into a folder of its own, which has its name when it is complete."""
    partial = folder.with_name(folder.name + ".partial")
    with blamed_on(folder, partial):
        partial.mkdir(parents=True, exist_ok=True)
    for frame, jpeg in zip(part.frames, encode(part, cut), strict=True):
        with blamed_on(folder, file := partial / f"{frame:06d}.jpg"):
            file.write_bytes(jpeg)
    with blamed_on(folder, partial):
        os.replace(partial, folder)
