"""Source ``videopose3d``: poses alone, ``positions_3d[subject][name] (T, 32, 3)`` of ``data_3d_h36m.npz``, metres.

World frame, and no cameras, so ``metadata=`` must: every pose is written once for each camera.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.data.human36m.calibration import Calibration
from c2fpose.data.human36m.frames import SequenceRecords, Wanted, check_joint_count, sequence_records
from c2fpose.data.human36m.sequences import SUBJECTS, Sequence, take_of
from c2fpose.data.human36m.sources import Source
from c2fpose.data.pickled import pickled_table
from c2fpose.pose.camera import world_to_camera
from c2fpose.pose.protocol import CAMERA_SERIALS
from c2fpose.pose.skeleton import FROM_HUMAN36M_32

SOURCE = Source(holds=("data_3d_h36m*.npz",), stride=5, single_file=True)
FULL_JOINTS = 32
MAX_METRES = 50.0


def read(path: Path, calibration: Calibration, stride: int, wanted: Wanted) -> Iterator[SequenceRecords]:
    """Every pose, seen by each camera. Raises ``DataError``."""
    file = path if path.is_file() else path / "data_3d_h36m.npz"
    positions = pickled_table(file, "positions_3d", "data_3d_h36m.npz of VideoPose3D")
    for subject in SUBJECTS:
        for name, stored in _takes(positions, subject, file):
            where = f"{file}: S{subject} {name}"
            action, trial = take_of(subject, str(name), str(file))
            poses = np.asarray(stored)
            poses = poses[None] if poses.shape == (FULL_JOINTS, 3) else poses  # a single frame, squeezed
            check_joint_count(poses.shape, FULL_JOINTS, where)
            if poses.ndim != 3 or poses.shape[-1] != 3 or poses.dtype.kind not in "fiu" or not len(poses):
                raise DataError(f"{where}: poses have shape {poses.shape} of {poses.dtype}, expected (frames, 32, 3)")
            kept = np.arange(0, len(poses), stride)
            world = poses[kept][:, FROM_HUMAN36M_32].astype(np.float64)
            if np.median(np.abs(world).max((1, 2))) > MAX_METRES:
                raise DataError(f"{where}: poses are in millimetres where VideoPose3D's metres are expected")
            for camera in range(len(CAMERA_SERIALS)):
                sequence = Sequence(subject, action, trial, camera)
                if wanted(sequence) and not sequence.corrupt:
                    joints = world_to_camera(world * 1000, *calibration.place(subject, camera))
                    yield sequence_records(sequence, kept + 1, joints, calibration, None, where)


def _takes(positions: dict[Any, Any], subject: int, file: Path) -> list[tuple[Any, Any]]:
    """Find a subject's sequences; subjects are named "S1", "1" or 1."""
    takes: Any = next((positions[key] for key in (f"S{subject}", str(subject), subject) if key in positions), {})
    if not isinstance(takes, dict):
        raise DataError(f"{file}: positions_3d of S{subject} is no table of sequences")
    return list(takes.items())
