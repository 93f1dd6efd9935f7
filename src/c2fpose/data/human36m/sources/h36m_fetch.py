"""Source ``h36m_fetch``: what anibali's h36m-fetch writes, ``S1/Directions-1/annot.h5`` and ``imageSequence/``.

Its intrinsics are fitted without lens distortion, so they only serve as a check of the calibration. Its default keeps
a selection of frames, not every 5th.
"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.data.human36m.calibration import Calibration, action_index
from c2fpose.data.human36m.frames import Files, SequenceRecords, Wanted, check_joint_count, sequence_records
from c2fpose.data.human36m.sequences import SUBJECTS, Sequence, camera_of
from c2fpose.pose.skeleton import FROM_HUMAN36M_32

FULL_JOINTS = 32
KEYS = ("pose/2d", "pose/3d", "frame", "camera", "subject", "action", "subaction")
MAX_FOCAL_DIFFERENCE = 0.1  # fitted to distorted points near one place of the image: no more than a sanity check


def read(path: Path, calibration: Calibration, stride: int, wanted: Wanted) -> Iterator[SequenceRecords]:
    """Every sequence and camera. Raises ``DataError`` naming the file."""
    for subject in SUBJECTS:
        for file in sorted((path / f"S{subject}").glob("*-[12]/annot.h5")):
            yield from _read_take(path, file, calibration, stride, wanted)


def _read_take(
    path: Path, file: Path, calibration: Calibration, stride: int, wanted: Wanted
) -> Iterator[SequenceRecords]:
    table, fitted = _table(file)
    for name, dimensions in (("pose/2d", 2), ("pose/3d", 3)):
        check_joint_count(table[name].shape, FULL_JOINTS, f"{file}: {name}")
        if table[name].shape[-1] != dimensions:
            raise DataError(f"{file}: {name} has {table[name].shape[-1]} numbers a joint, expected {dimensions}")
    folder = file.parent.relative_to(path).as_posix()
    identity = np.stack([table[name] for name in ("subject", "action", "subaction", "camera")], axis=-1)
    for subject, number, trial, serial in np.unique(identity, axis=0).tolist():
        if subject not in SUBJECTS or trial not in (1, 2):
            raise DataError(f"{file}: subject {subject}, sub-action {trial}: not of Human3.6M's published poses")
        sequence = Sequence(subject, action_index(number, str(file)), trial, camera_of(serial, str(file)))
        if not wanted(sequence) or sequence.corrupt:
            continue
        _check_intrinsics(fitted.get(str(serial)), calibration.intrinsics_px[sequence.camera], sequence, file)
        rows = np.flatnonzero(
            (identity == [subject, number, trial, serial]).all(1) & ((table["frame"] - 1) % stride == 0)
        )
        frames = table["frame"][rows]
        images = [f"{folder}/imageSequence/{serial}/img_{frame:06d}.jpg" for frame in frames]
        yield sequence_records(
            sequence,
            frames,
            table["pose/3d"][rows][:, FROM_HUMAN36M_32],
            calibration,
            Files(path, images),
            f"{file}: {sequence.name}",
            joints_px=table["pose/2d"][rows][:, FROM_HUMAN36M_32],
        )


def _table(file: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    try:
        with h5py.File(file, "r") as stored:
            missing = [name for name in KEYS if name not in stored]
            table = {name: stored[name][:] for name in KEYS if name in stored}
            fitted = {serial: values[:] for serial, values in stored.get("intrinsics", {}).items()}
    except OSError as error:
        raise DataError(
            f"{file}: not readable as HDF5 ({error}); half a download? Process the sequence again"
        ) from None
    if missing:
        raise DataError(f"{file}: lacks {', '.join(missing)}; write it with a recent h36m-fetch")
    return table, fitted


def _check_intrinsics(fitted: np.ndarray | None, intrinsics: np.ndarray, sequence: Sequence, file: Path) -> None:
    if fitted is None:
        return
    focal = np.array([fitted[0], fitted[2]])  # stored as fx, cx, fy, cy
    apart = np.abs(focal / intrinsics[:2] - 1).max()
    if apart > MAX_FOCAL_DIFFERENCE:
        raise DataError(
            f"{file}: focal length {focal[0]:.0f} of {sequence.name} is {apart:.0%} off the calibration's "
            f"{intrinsics[0]:.0f}; another calibration belongs in metadata="
        )
