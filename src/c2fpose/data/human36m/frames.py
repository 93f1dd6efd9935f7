"""What every source delivers, the checks that all of them pass, and the arrays that are written.

A source reads its own files and converts at its edge: C2F joint order, millimetres, camera frame, full-frame pixels.
"""

from collections.abc import Callable
from collections.abc import Sequence as ListOf
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from c2fpose.base.errors import DataError
from c2fpose.data.human36m.calibration import Calibration
from c2fpose.data.human36m.sequences import Sequence, bare_name
from c2fpose.pose.box import person_box
from c2fpose.pose.camera import project
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import NUM_JOINTS, ROOT, left_is_left

MAX_REPROJECTION_PX = 2.0  # labels and projected joints come from the same pose: more means another lens or pose
MAX_BOX_DIFFERENCE_PX = 2.0
MIN_HANDED_SHARE = 0.5  # of all frames: bent and lying people break the rule in few frames of correct data

Wanted = Callable[[Sequence], bool]  # whether a sequence is asked for


@dataclass(frozen=True)
class Video:
    """Frames of a video file, to be cut out."""

    path: Path


@dataclass(frozen=True)
class Files:
    """Image files, one a record; names are below ``root``, with ``/``."""

    root: Path
    names: ListOf[str]


_PROBES = 20  # names that decide how all are written
_ENDINGS = (".jpg", ".jpeg", ".JPG", ".JPEG", "")


def found_files(roots: ListOf[Path], names: ListOf[str]) -> Files:
    r"""Find image files of an annotation's names, which may have folders, with / or \, and an ending, others or none.

    Decided by some of the names for all; where no file is found at all, the names are kept as they are, with ``.jpg``.
    """
    spread = [names[i] for i in np.linspace(0, len(names) - 1, min(len(names), _PROBES)).astype(int)]
    ways: list[Callable[[str], str]] = [_jpg]
    ways += [partial(_spelled, bare=bare, ending=ending) for bare in (False, True) for ending in _ENDINGS]
    for root in roots:
        for way in ways:
            if any((root / way(name)).is_file() for name in spread):
                return Files(root, [way(name) for name in names])
    return Files(roots[0], [_jpg(name) for name in names])


def _jpg(name: str) -> str:
    return name if bare_name(name) != name.rpartition("/")[2] else f"{name}.jpg"


def _spelled(name: str, *, bare: bool, ending: str) -> str:
    folder, slash, _ = name.strip().replace("\\", "/").rpartition("/")
    return f"{'' if bare else folder + slash}{bare_name(name)}{ending}"


@dataclass(frozen=True)
class SequenceRecords:
    """The records of one sequence from one camera, in the order of their frames."""

    sequence: Sequence
    frames: Int[np.ndarray, " n"]  # from 1, at 50 fps
    joints_cam_mm: Float[np.ndarray, "n 17 3"]
    joints_px: Float[np.ndarray, "n 17 2"]  # full frame, lens distortion included
    center_px: Float[np.ndarray, "n 2"]
    scale: Float[np.ndarray, " n"]  # units of 200 px
    intrinsics_px: Float[np.ndarray, "n 4"]  # fx, fy, cx, cy
    images: Video | Files | None

    def __len__(self) -> int:
        return len(self.frames)


def sequence_records(
    sequence: Sequence,
    frames: Int[np.ndarray, " n"],
    joints_cam_mm: Float[np.ndarray, "n 17 3"],
    calibration: Calibration,
    images: Video | Files | None,
    where: str,
    *,
    joints_px: Float[np.ndarray, "n 17 2"] | None = None,
    box: tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]] | None = None,
    intrinsics_px: Float[np.ndarray, "n 4"] | None = None,
) -> SequenceRecords:
    """Make records from poses in C2F order, camera frame, mm, after the checks that every source shares.

    The projection by the calibration stands for image labels and boxes that a source does not give; those that it
    gives (``joints_px``, ``box`` as centre in px and scale by the C2F rule) must agree with it, and are kept.
    Raises ``DataError``, naming ``where`` and the first frame at fault.
    """
    order = np.argsort(frames, kind="stable")
    frames, joints = np.asarray(frames)[order], np.asarray(joints_cam_mm, np.float64)[order]
    if len(frames) > 1 and (np.diff(frames) == 0).any():
        raise DataError(f"{where}: frame {frames[np.argmin(np.diff(frames))]} occurs twice")
    check_poses(joints, where)
    if intrinsics_px is None:
        intrinsics = np.tile(calibration.intrinsics_px[sequence.camera], (len(frames), 1))
    else:
        intrinsics = np.asarray(intrinsics_px, np.float64)[order]
    projected = project(joints, intrinsics, calibration.distortion[sequence.camera])
    if joints_px is None:
        pixels = projected
    else:
        pixels = np.asarray(joints_px, np.float64)[order]
        apart = np.abs(pixels - projected).max((1, 2))
        if not (median := np.median(apart)) <= MAX_REPROJECTION_PX:
            raise DataError(
                f"{where}: image labels lie {median:.1f} px from the projected joints; poses, labels and lens "
                f"({calibration.source}) do not belong together"
            )
    center, scale = person_box(pixels)
    if box is not None:
        given_center, given_scale = (np.asarray(part, np.float64)[order] for part in box)
        apart = np.maximum(np.abs(given_center - center).max(-1), 200 * np.abs(given_scale.reshape(-1) - scale))
        if not (median := np.median(apart)) <= MAX_BOX_DIFFERENCE_PX:
            raise DataError(
                f"{where}: boxes lie {median:.1f} px from those of the projected joints by the C2F rule; other poses, "
                f"or another lens than {calibration.source}"
            )
        center, scale = given_center, given_scale.reshape(-1)
    if isinstance(images, Files):
        images = Files(images.root, [images.names[i] for i in order])
    return SequenceRecords(sequence, frames, joints, pixels, center, np.asarray(scale), intrinsics, images)


def check_joint_count(shape: tuple[int, ...], expected: int, where: str) -> None:
    """Refuse poses ``(n, joints, ...)`` with another number of joints, in words.

    Raises ``DataError``.
    """
    count = shape[1] if len(shape) > 1 else 0
    if count == expected:
        return
    kinds = {
        16: "16 joints are MPII's layout, or Human3.6M without the neck/nose",
        17: "17 joints are already a selection",
        32: "32 joints are the release's full layout",
    }
    raise DataError(
        f"{where}: poses with {count} joints, expected {expected} ({kinds.get(count, 'an unknown layout')})"
    )


def check_poses(joints_cam_mm: Float[np.ndarray, "n 17 3"], where: str) -> None:
    """Refuse poses that are not in C2F order, millimetres and the camera frame.

    Raises ``DataError`` that says which convention they follow instead.
    """
    joints = joints_cam_mm
    check_joint_count(joints.shape, NUM_JOINTS, where)
    if not len(joints):
        raise DataError(f"{where}: no frames")
    if not np.isfinite(joints).all():
        raise DataError(f"{where}: NaN or infinite joints, first in row {np.argmin(np.isfinite(joints).all((1, 2)))}")
    extent = np.median(np.ptp(joints, axis=1).max(-1))
    if extent < 10:
        raise DataError(f"{where}: people {extent:.2g} units tall: metres where millimetres are expected")
    if not 200 < extent < 4000:
        raise DataError(f"{where}: people {extent:.4g} mm in extent; expected millimetres")
    if np.median(np.abs(joints[:, ROOT, 2])) < 100:
        raise DataError(f"{where}: poses are relative to the pelvis; camera-frame positions are expected")
    if (joints[..., 2] <= 0).any():
        row = int(np.argmax((joints[..., 2] <= 0).any(1)))
        raise DataError(f"{where}: a joint behind the camera in row {row}; is it the world frame, or another camera?")


def check_handedness(parts: ListOf[SequenceRecords], where: str) -> None:
    """Refuse poses whose left is the body's right, judged by geometry over all of them.

    Raises ``DataError`` that says which limbs are exchanged.
    """
    shoulders, hips = np.concatenate([left_is_left(part.joints_cam_mm) for part in parts]).mean(0)
    if shoulders < MIN_HANDED_SHARE and hips < MIN_HANDED_SHARE:
        raise DataError(f"{where}: left and right are exchanged (mirrored poses, or right limbs first)")
    if hips < MIN_HANDED_SHARE:
        raise DataError(f"{where}: right leg first, where the C2F order has the left leg first")
    if shoulders < MIN_HANDED_SHARE:
        raise DataError(f"{where}: right arm first, where the C2F order has the left arm first")


def collect(parts: ListOf[SequenceRecords]) -> dict[str, np.ndarray]:
    """All annotation arrays of the schema except where the stored image lies, in the order of ``parts``."""
    count = [len(part) for part in parts]

    def repeated(name: str) -> np.ndarray:
        return np.repeat([getattr(part.sequence, name) for part in parts], count)

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    assert max(part.sequence.action for part in parts) < len(ACTIONS)
    return {
        **{name: joined(name) for name in ("joints_cam_mm", "joints_px", "center_px", "scale", "intrinsics_px")},
        **{name: repeated(name) for name in ("subject", "action", "trial", "camera")},
        "frame": joined("frames"),
    }
