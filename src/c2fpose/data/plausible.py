"""What no correct file holds: the range of every annotation, and how they must fit each other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from c2fpose.base.errors import DataError
from c2fpose.pose.protocol import ACTIONS, BOX_SCALE_UNIT_PX, CAMERA_SERIALS, TEST_SUBJECTS, TRAIN_SUBJECTS

_FAR_PX = 1e5  # a hundred frames away
# Smallest and largest plausible number of each of ``schema.FIELDS``, both allowed; one for each part where they differ
RANGES = {
    "joints_cam_mm": (-2e5, 2e5),
    "joints_px": (-1e6, 1e6),  # joints out of sight can be far away
    "center_px": (-_FAR_PX, _FAR_PX),
    "scale": (0.005, 500),  # a box of 1 px to one of a hundred frames
    "intrinsics_px": ((1, 1, -_FAR_PX, -_FAR_PX), (1e6, 1e6, _FAR_PX, _FAR_PX)),
    "stored_left_top_px": (-_FAR_PX, _FAR_PX),
    "stored_step_px": (1e-3, 1e3),
    "subject": (0, 32767),
    "action": (0, len(ACTIONS) - 1),
    "trial": (1, 32767),
    "camera": (0, 32767),
    "frame": (1, 2**31 - 1),
}
# Data sets whose people and cameras are known by number
_KNOWN = {"h36m", "synth36", "synth_wild"}
_SUBJECTS = (*TRAIN_SUBJECTS, *TEST_SUBJECTS)
_TALLEST_MM, _SMALLEST_MM = 4000, 200
_MOST = 0.5  # of partly labelled records: of a head alone the extent may be small, of most people it is not


def check_annotations(
    annotations: dict[str, np.ndarray],
    dataset: str,
    path: str,
    *,
    cut: bool,
    partial: bool = False,
    any_size: bool = False,
    actions: int = len(ACTIONS),
) -> None:
    """Refuse implausible annotations of one file. Of people that are ``cut`` by their boxes joints may lie anywhere.

    ``partial``: joints may be missing, all their numbers NaN. ``any_size``: of bodies that need not be as large as a
    person. ``actions``: how many the file has.

    Raises ``DataError``, and ``ImplausibleError``, which names the first record at fault and their number.
    """
    if len(annotations["scale"]) == 0:
        raise DataError(f"{path}: holds no record")
    if partial:
        annotations = _without_gaps(annotations, path)
    for fault, rows in _faults(annotations, cut, partial, any_size, actions).items():
        _refuse(rows, fault, path)
    for name in RANGES:
        rows = out_of_range(name, annotations[name]) & (name != "action")  # its range is the file's own
        if rows.any():
            _refuse(rows, _Implausible(name, np.asarray(annotations[name][np.argmax(rows)])).in_words(), path)
    if dataset in _KNOWN:
        _refuse(~np.isin(annotations["subject"], _SUBJECTS), f"a subject that {dataset} does not have", path)
        _refuse(annotations["camera"] >= len(CAMERA_SERIALS), f"a camera that {dataset} does not have", path)


def _without_gaps(annotations: dict[str, np.ndarray], path: str) -> dict[str, np.ndarray]:
    """Fill joints that are not labelled with what breaks no rule, for the checks of the others.

    Raises ``DataError`` for a joint of which a part is a number, and for a record without any label.
    """
    joints, joints_px = (np.array(annotations[name]) for name in ("joints_cam_mm", "joints_px"))
    for name, values in (("joints_cam_mm", joints), ("joints_px", joints_px)):
        missing = np.isnan(values)
        _refuse((missing.any(-1) & ~missing.all(-1)).any(1), f"{name}: a joint of which a part is missing", path)
    no_depth, no_place = np.isnan(joints[..., 0]), np.isnan(joints_px[..., 0])
    _refuse(no_depth.all(1) & no_place.all(1), "no joint has a label", path)
    some = np.array([[-_SMALLEST_MM, 0, 5000], [_SMALLEST_MM, 0, 5000]], joints.dtype)  # of a plausible extent
    few = (~no_depth).sum(1) < 2
    joints[no_depth] = np.broadcast_to(_first(joints, ~no_depth)[:, None], joints.shape)[no_depth]
    joints[few] = some[np.arange(joints.shape[1]) % 2]
    joints_px[no_place] = np.broadcast_to(annotations["center_px"][:, None], joints_px.shape)[no_place]
    return annotations | {"joints_cam_mm": joints, "joints_px": joints_px}


def _first(joints: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Find the first labelled joint of each record."""
    return joints[np.arange(len(joints)), labelled.argmax(1)]


def out_of_range(name: str, values: np.ndarray) -> Bool[np.ndarray, " records"]:
    """Say which records of one field hold a number outside its range, or none."""
    low, high = (np.asarray(limit, np.float64) for limit in RANGES[name])
    inside = (values >= low) & (values <= high)  # False for NaN
    return np.logical_not(inside.all(tuple(range(1, values.ndim))))


@dataclass(frozen=True)
class _Implausible:
    """One record's value that is outside its range."""

    name: str
    value: np.ndarray

    def in_words(self) -> str:
        low, high = (np.broadcast_to(np.asarray(limit, float), self.value.shape) for limit in RANGES[self.name])
        at = np.unravel_index(np.argmin((self.value >= low) & (self.value <= high)), self.value.shape)
        return f"{self.name} is {self.value[at]:g}, expected {low[at]:g} to {high[at]:g}"


class ImplausibleError(DataError):
    """A record that no correct file holds: the first at fault, what is wrong, and how many have the same."""

    def __init__(self, path: str, record: int, fault: str) -> None:
        super().__init__(f"{path}: record {record}: {fault}")
        self.record, self.fault = record, fault


def _refuse(rows: np.ndarray, fault: str, path: str) -> None:
    if rows.any():
        raise ImplausibleError(path, int(np.argmax(rows)), f"{fault} ({int(rows.sum())} such records)")


def _faults(
    annotations: dict[str, np.ndarray], cut: bool, partial: bool, any_size: bool, actions: int
) -> dict[str, np.ndarray]:
    """Find what is wrong between numbers that may each be plausible."""
    joints, joints_px, scale = (annotations[name] for name in ("joints_cam_mm", "joints_px", "scale"))
    with np.errstate(invalid="ignore", over="ignore"):
        extent = np.ptp(joints, axis=1).max(-1)
        small, large = ((extent < _SMALLEST_MM) & (not any_size), (extent > _TALLEST_MM) & (not any_size))
        small &= not partial or small.mean() > _MOST
        half_side = BOX_SCALE_UNIT_PX / 2 * scale
        # Drifted labels reach out of the box a little, by half a box at most
        from_center = np.abs(joints_px - annotations["center_px"][:, None]).max((1, 2))
        beyond = annotations["stored_left_top_px"] >= annotations["center_px"] + half_side[:, None]
        return {
            "NaN or infinite joints": ~np.isfinite(joints).all((1, 2)) | ~np.isfinite(joints_px).all((1, 2)),
            "a joint behind the camera": (joints[..., 2] <= 0).any(1),
            f"a person less than {_SMALLEST_MM} mm in extent; lengths must be millimetres": small,
            f"a person more than {_TALLEST_MM / 1000:g} m in extent; lengths must be millimetres": large,
            "a box without size": ~(scale > 0),
            "an unknown action": (annotations["action"] < 0) | (annotations["action"] >= actions),
            "a joint far outside its box": (from_center > 2 * half_side) & (not cut),
            "the stored image lies beside the person's box": beyond.any(1),
        }
