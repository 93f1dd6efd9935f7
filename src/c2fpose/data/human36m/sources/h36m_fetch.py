"""Source ``h36m_fetch``: what anibali's h36m-fetch writes, ``S1/Directions-1/annot.h5`` and ``imageSequence/``.

Its intrinsics are fitted without lens distortion, so they only serve as a check of the calibration. Its default keeps
a selection of frames, not every 5th.
"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from c2fpose.base.errors import DataError, readable
from c2fpose.data.hdf5 import array_of, check_hdf5
from c2fpose.data.human36m.calibration import Calibration, action_index
from c2fpose.data.human36m.frames import SequenceRecords, Wanted, check_joint_count, found_files, sequence_records
from c2fpose.data.human36m.sequences import SUBJECTS, Sequence, camera_of, counted_from_one
from c2fpose.data.human36m.sources import Source
from c2fpose.pose.skeleton import FROM_HUMAN36M_32

SOURCE = Source(holds=("S*/*-[12]/annot.h5", "S*/*-[12]/imageSequence", "processed/S*/*-[12]/annot.h5"))
FULL_JOINTS = 32
NEEDED = ("pose/3d", "frame", "camera", "subject", "action", "subaction")
MAX_FOCAL_DIFFERENCE = 0.1  # fitted to distorted points near one place of the image: no more than a sanity check


def read(path: Path, calibration: Calibration, stride: int, wanted: Wanted) -> Iterator[SequenceRecords]:
    """Every sequence and camera. Raises ``DataError`` naming the file."""
    path = path / "processed" if (path / "processed").is_dir() else path
    for subject in SUBJECTS:
        for file in sorted((path / f"S{subject}").glob("*-[12]/annot.h5")):
            yield from _read_take(path, file, calibration, stride, wanted)


def _read_take(
    path: Path, file: Path, calibration: Calibration, stride: int, wanted: Wanted
) -> Iterator[SequenceRecords]:
    table, fitted = _table(file)
    for name, dimensions in (("pose/2d", 2), ("pose/3d", 3)):
        if name not in table:
            continue
        check_joint_count(table[name].shape, FULL_JOINTS, f"{file}: {name}")
        if table[name].shape[-1] != dimensions:
            raise DataError(f"{file}: {name} has {table[name].shape[-1]} numbers a joint, expected {dimensions}")
    folder = file.parent.relative_to(path).as_posix()
    identity = np.stack([table[name] for name in ("subject", "action", "subaction", "camera")], axis=-1)
    frame = counted_from_one(table["frame"])
    for subject, number, trial, serial in np.unique(identity, axis=0).tolist():
        if subject not in SUBJECTS or trial not in (1, 2):
            raise DataError(f"{file}: subject {subject}, sub-action {trial}: not of Human3.6M's published poses")
        sequence = Sequence(subject, action_index(number, str(file)), trial, camera_of(serial, str(file)))
        if not wanted(sequence) or sequence.corrupt:
            continue
        _check_intrinsics(fitted.get(str(serial)), calibration.intrinsics_px[sequence.camera], sequence, file)
        rows = np.flatnonzero((identity == [subject, number, trial, serial]).all(1) & ((frame - 1) % stride == 0))
        if not len(rows):
            continue
        images = [f"{folder}/imageSequence/{serial}/img_{number:06d}.jpg" for number in table["frame"][rows]]
        yield sequence_records(
            sequence,
            frame[rows],
            table["pose/3d"][rows][:, FROM_HUMAN36M_32],
            calibration,
            found_files([path], images),
            f"{file}: {sequence.name}",
            joints_px=table["pose/2d"][rows][:, FROM_HUMAN36M_32] if "pose/2d" in table else None,
        )


def _table(file: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    check_hdf5(file, lambda: _read_table(file))
    return _read_table(file)


def _read_table(file: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    with (
        readable(file, "not readable as HDF5", "half a download? Process the sequence again"),
        h5py.File(file, "r") as stored,
    ):
        missing = [name for name in NEEDED if name not in stored]
        table = {name: array_of(stored, name, file) for name in (*NEEDED, "pose/2d") if name in stored}
        group = stored.get("intrinsics", {})
        fitted = {serial: array_of(group, serial, file).ravel() for serial in group}
        if missing:
            raise DataError(f"{file}: lacks {', '.join(missing)}; write it with a recent h36m-fetch")
        return _checked(table, file), fitted


def _checked(table: dict[str, np.ndarray], file: Path) -> dict[str, np.ndarray]:
    """Arrays of one row a record: numbers may stand in columns or as text, a single record may have been squeezed."""
    numbers = {name: np.atleast_1d(array).ravel().astype(np.int64) for name, array in table.items() if "/" not in name}
    records = len(numbers["frame"])
    poses = {
        name: array[None] if records == 1 and array.ndim == 2 else array for name, array in table.items() if "/" in name
    }
    for name, array in (numbers | poses).items():
        if len(array) != records:
            raise DataError(f"{file}: {len(array)} rows of {name} for {records} frames; process the sequence again")
    return numbers | poses


def _check_intrinsics(fitted: np.ndarray | None, intrinsics: np.ndarray, sequence: Sequence, file: Path) -> None:
    if fitted is None:
        return
    if len(fitted) != 4 or not np.isfinite(fitted).all():
        raise DataError(f"{file}: intrinsics of {sequence.name} are {fitted}, expected fx, cx, fy, cy")
    focal = np.array([fitted[0], fitted[2]])
    apart = np.abs(focal / intrinsics[:2] - 1).max()
    if not apart <= MAX_FOCAL_DIFFERENCE:
        raise DataError(
            f"{file}: focal length {focal[0]:.0f} of {sequence.name} is {apart:.0%} off the calibration's "
            f"{intrinsics[0]:.0f}; another calibration belongs in metadata="
        )
