"""Source ``mmpose``: what MMPose's converter writes, ``annotation_body3d/fps*/h36m_{train,test}.npz`` and images.

Poses in metres, camera frame, right leg first; boxes by another rule (made again here); cameras in ``cameras.pkl``.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from c2fpose.base.errors import DataError, readable
from c2fpose.data.human36m.calibration import Calibration
from c2fpose.data.human36m.frames import (
    Files,
    SequenceRecords,
    Wanted,
    check_joint_count,
    found_files,
    sequence_records,
)
from c2fpose.data.human36m.sequences import counted_from_one, parse_image_name, rows_by_sequence
from c2fpose.data.human36m.sources import Source
from c2fpose.data.pickled import check_members, checked_array
from c2fpose.pose.skeleton import NUM_JOINTS, RIGHT_LEG_FIRST

SOURCE = Source(
    holds=("annotation_body3d", "annotation_body3d/fps*/h36m_*.npz"), cameras="annotation_body3d/cameras.pkl"
)
NEEDED = {"imgname", "S"}  # part, the labels in the image, is checked where it is there
MAX_METRES = 50.0  # Human3.6M's room; larger numbers are no metres


def read(path: Path, calibration: Calibration, stride: int, wanted: Wanted) -> Iterator[SequenceRecords]:
    """Every sequence of both files. Raises ``DataError`` for what is missing or does not fit together."""
    folder = annotation_folder(path)
    for split in ("train", "test"):
        file = folder / f"h36m_{split}.npz"
        if file.is_file():
            yield from _read_split(path, file, calibration, stride, wanted)


def annotation_folder(path: Path) -> Path:
    """Find the folder of the NPZ files: 10 fps where there, else 50 fps. ``DataError`` where there is none."""
    for name in ("fps10", "fps50", "."):
        folder = path / "annotation_body3d" / name
        if any((folder / f"h36m_{split}.npz").is_file() for split in ("train", "test")):
            return folder
    raise DataError(f"{path}: has no annotation_body3d/fps10/h36m_train.npz or h36m_test.npz; run MMPose's converter")


def _read_split(
    path: Path, file: Path, calibration: Calibration, stride: int, wanted: Wanted
) -> Iterator[SequenceRecords]:
    where = str(file)
    table = _table(file)
    metres = table["S"][..., :3].astype(np.float64)
    if np.median(np.abs(metres).max((1, 2))) > MAX_METRES:
        raise DataError(f"{where}: poses are in millimetres where MMPose's metres are expected")
    names = [name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in table["imgname"]]
    parsed = [parse_image_name(name, where) for name in names]
    frames = counted_from_one(np.array([frame for _, frame in parsed]))
    files = found_files([path / "images", path], names)
    for sequence, rows in rows_by_sequence(parsed, frames, stride, wanted):
        take = np.array(rows)[:, None], np.array(RIGHT_LEG_FIRST)
        part = table["part"][take][..., :2] if "part" in table else None
        yield sequence_records(
            sequence,
            frames[rows],
            metres[take] * 1000,
            calibration,
            Files(files.root, [files.names[row] for row in rows]),
            f"{where}: {sequence.name}",
            joints_px=part,
        )


def _table(file: Path) -> dict[str, np.ndarray]:
    with readable(file, "not readable as NPZ", "half a download? Write or copy it again"):
        with np.load(file, allow_pickle=False) as stored:
            missing = NEEDED - set(stored)
            check_members(file)
            table = {name: np.atleast_1d(checked_array(stored[name])) for name in (NEEDED | {"part"}) & set(stored)}
    if missing:
        raise DataError(f"{file}: lacks {', '.join(sorted(missing))}; expected the NPZ of MMPose's converter")
    if len({len(array) for array in table.values()}) != 1:
        raise DataError(f"{file}: {', '.join(f'{len(array)} {name}' for name, array in sorted(table.items()))} rows")
    for name, least in (("S", 3), ("part", 2)):
        if name in table:
            check_joint_count(table[name].shape, NUM_JOINTS, f"{file}: {name}")
            if table[name].ndim != 3 or table[name].shape[-1] < least or table[name].dtype.kind not in "fiu":
                raise DataError(f"{file}: {name} has shape {table[name].shape} of {table[name].dtype}")
    return table
