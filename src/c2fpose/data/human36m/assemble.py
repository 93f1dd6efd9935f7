"""One split's HDF5 from annotations and encoded images, which goes on where it was after a kill.

The file is laid out and closed first, with room for all images; their bytes then go straight to their places, and a
journal beside the file says how far they are on disk. HDF5 itself never has the file open while it grows.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.base.files import blamed_on, sync, write_text
from c2fpose.data.schema import SplitInfo, checked_arrays, write_annotations, write_header

CHECKPOINT_BYTES = 256 << 20
T = TypeVar("T")


@dataclass(frozen=True)
class Block:
    """Some consecutive records and how their images are read."""

    records: int
    load: Callable[[], list[bytes]]


def write_embedded(
    path: Path,
    annotations: dict[str, np.ndarray],
    sizes: np.ndarray,
    blocks: list[Block],
    executor: Executor,
    advance: Callable[[int], Any],
    *,
    plan: str,
    dataset: str,
    split: str,
    provenance: dict[str, Any],
) -> SplitInfo:
    """Write one split with embedded images of known ``sizes`` (bytes); the same file as ``schema.write_split``'s.

    ``plan`` identifies annotations and images: only a partial file of the same plan is continued. ``advance`` is told
    of every number of records done. Raises ``DataError`` where an image has not the size that it had, and
    ``OutputError`` where the file cannot be written.
    """
    arrays = checked_arrays(path, annotations)
    partial, journal = path.with_name(path.name + ".partial"), path.with_name(path.name + ".partial.json")
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    with blamed_on(path, partial, journal):
        done = _resumable(partial, journal, plan, offsets)
        if done is None:
            journal.unlink(missing_ok=True)
            _lay_out(partial, arrays, offsets)
            done = 0
        digest = hashlib.sha256()
        for name, array in arrays.items():
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        start = _image_offset(partial)
        with open(partial, "r+b") as file:
            file.seek(start)
            _hash(file, int(offsets[done]), digest)
            advance(done)
            _append(file, blocks, done, offsets, executor, advance, digest, lambda n: _note(journal, plan, n))
        info = SplitInfo(str(path), dataset, split, len(sizes), digest.hexdigest(), provenance)
        journal.unlink(missing_ok=True)  # killed while HDF5 has it open again, it is begun again
        with _hdf5(partial, "r+") as file:
            write_header(file, info, arrays | {"jpeg_offsets": offsets})
        sync(partial)
        os.replace(partial, path)
    return info


@contextmanager
def _hdf5(path: Path, mode: str) -> Iterator[h5py.File]:
    """Open a file; what h5py raises where it cannot be written becomes an ``OSError``."""
    try:
        with h5py.File(path, mode) as file:
            yield file
    except RuntimeError as error:
        raise OSError(str(error)) from None


def _lay_out(partial: Path, arrays: dict[str, np.ndarray], offsets: np.ndarray) -> None:
    """Everything but the images, and room for them in one piece."""
    partial.parent.mkdir(parents=True, exist_ok=True)
    with _hdf5(partial, "w") as file:
        write_annotations(file, arrays, hashlib.sha256())
        file.create_dataset("jpeg_offsets", data=offsets)
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_layout(h5py.h5d.CONTIGUOUS)
        layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        layout.set_obj_track_times(False)  # the same records give the same file to the byte
        space = h5py.h5s.create_simple((int(offsets[-1]),))
        h5py.h5d.create(file.id, b"jpeg_bytes", h5py.h5t.STD_U8LE, space, layout)


def _image_offset(partial: Path) -> int:
    with h5py.File(partial, "r") as file:
        return file["jpeg_bytes"].id.get_offset()


def _resumable(partial: Path, journal: Path, plan: str, offsets: np.ndarray) -> int | None:
    """How many records a partial file of the same plan holds, or None where it must be begun again."""
    try:
        note = json.loads(journal.read_text(encoding="utf-8"))
        with h5py.File(partial, "r") as file:
            same = note["plan"] == plan and np.array_equal(file["jpeg_offsets"][:], offsets)
        done = int(note["records"])
        return done if same and 0 <= done < len(offsets) else None
    except Exception:  # a damaged HDF5 file raises nearly anything
        return None


def _note(journal: Path, plan: str, records: int) -> None:
    write_text(journal, json.dumps({"plan": plan, "records": records}))


def _hash(file: Any, length: int, digest: Any) -> None:
    while length:
        piece = file.read(min(length, 16 << 20))
        if not piece:
            raise DataError(f"{file.name}: shorter than its journal says; delete it and start again")
        digest.update(piece)
        length -= len(piece)


def _append(
    file: Any,
    blocks: list[Block],
    done: int,
    offsets: np.ndarray,
    executor: Executor,
    advance: Callable[[int], Any],
    digest: Any,
    note: Callable[[int], None],
) -> None:
    """Write the images of all records from ``done`` on, in order."""
    remaining, skip = list(blocks), done
    while remaining and skip >= remaining[0].records:
        skip -= remaining.pop(0).records
    unsaved = 0
    for images in in_order(executor, (block.load for block in remaining)):
        images, skip = images[skip:], 0
        for jpeg in images:
            if len(jpeg) != offsets[done + 1] - offsets[done]:
                raise DataError(f"{file.name}: image of record {done} changed its size while it was being copied")
            file.write(jpeg)
            digest.update(jpeg)
            unsaved += len(jpeg)
            done += 1
        advance(len(images))
        if unsaved >= CHECKPOINT_BYTES:
            file.flush()
            os.fsync(file.fileno())
            note(done)
            unsaved = 0
    file.flush()
    os.fsync(file.fileno())
    note(done)
    if done != len(offsets) - 1:
        raise DataError(f"{file.name}: {done} images for {len(offsets) - 1} records")


def in_order(executor: Executor, tasks: Iterable[Callable[[], T]], ahead: int = 8) -> Iterator[T]:
    """Results of ``tasks`` in their order, with at most ``ahead`` running or waiting: memory stays flat."""
    tasks = iter(tasks)
    waiting: list[Future[T]] = [executor.submit(task) for task in islice(tasks, ahead)]
    try:
        while waiting:
            result = waiting.pop(0).result()
            waiting.extend(executor.submit(task) for task in islice(tasks, 1))
            yield result
    finally:
        for future in waiting:
            future.cancel()
