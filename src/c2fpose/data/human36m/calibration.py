"""Lenses and places of Human3.6M's cameras: published constants, the release's ``metadata.xml`` or MMPose's pickle.

World to camera is ``R (X - T)``: T is where the camera stands, in millimetres.
"""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from c2fpose.base.errors import DataError, readable
from c2fpose.data.human36m.sequences import SUBJECTS, TRIALS, camera_of, take_of
from c2fpose.data.pickled import load_arrays_only
from c2fpose.pose.protocol import ACTION_NUMBERS, ACTIONS, CAMERA_SERIALS, LENSES

_W0_LENGTH = 300  # 4 cameras x 11 subjects x 6 for the places, 4 cameras x 9 for the lenses
_W0_SUBJECTS = 11


@dataclass(frozen=True)
class Calibration:
    """All cameras; arrays are indexed by camera index, places by (subject, camera index)."""

    intrinsics_px: Float[np.ndarray, "cameras 4"]  # fx, fy, cx, cy
    distortion: Float[np.ndarray, "cameras 5"]  # k1, k2, k3, p1, p2
    source: str
    places: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)  # R (3, 3), T (3,) mm

    def place(self, subject: int, camera: int) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, " 3"]]:
        """Rotation and position (mm) of a camera; ``DataError`` where they are not known."""
        if (subject, camera) not in self.places:
            raise DataError(
                f"{self.source}: where camera {CAMERA_SERIALS[camera]} of S{subject} stands is not in it; "
                "pass metadata=FILE (the release's metadata.xml, or cameras.pkl of MMPose)"
            )
        return self.places[subject, camera]


def published() -> Calibration:
    """Return the published lenses; no places."""
    lenses = [LENSES[serial] for serial in CAMERA_SERIALS]
    intrinsics, distortion = (np.array([lens[part] for lens in lenses]) for part in (0, 1))
    return Calibration(intrinsics, distortion, "the published lens table")


def read_calibration(path: Path | None) -> Calibration:
    """From ``metadata.xml``, ``cameras.pkl``, or, without a path, the published constants.

    Raises ``DataError`` for anything else.
    """
    if path is None:
        return published()
    if not path.is_file():
        raise DataError(f"{path}: no such file; metadata= takes the release's metadata.xml or MMPose's cameras.pkl")
    return from_pickle(path) if path.suffix == ".pkl" else from_metadata(path)


# --- metadata.xml -------------------------------------------------------------------------------------------------


def from_metadata(path: Path) -> Calibration:
    """Read the release's own cameras (``w0``); checks its table of sequence names against ours on the way."""
    root = _xml(path)
    with readable(path, "w0 is no list of numbers", "take the file of the release"):
        words = re.findall(r"[^\s,;\[\]]+", _text(root, "w0", path))
        numbers = np.array([float(word) for word in words])
        if not np.isfinite(numbers).all():
            raise ValueError("not finite")
    if len(numbers) != _W0_LENGTH:
        raise DataError(f"{path}: w0 holds {len(numbers)} numbers, expected {_W0_LENGTH}; take the file of the release")
    serials = [camera_of(element.text or "", str(path)) for element in root.findall("dbcameras/index2id/*")]
    if serials and serials != list(range(len(CAMERA_SERIALS))):
        raise DataError(f"{path}: cameras are in another order than {', '.join(map(str, CAMERA_SERIALS))}")
    _check_mapping(root, path)
    cameras = len(CAMERA_SERIALS)
    lenses = numbers[-9 * cameras :].reshape(cameras, 9)
    outer = numbers[: 6 * _W0_SUBJECTS * cameras].reshape(cameras, _W0_SUBJECTS, 6)
    places = {
        (subject, camera): (euler_rotation(*outer[camera, subject - 1, :3]), outer[camera, subject - 1, 3:])
        for subject in SUBJECTS
        for camera in range(cameras)
    }
    return Calibration(lenses[:, :4], lenses[:, 4:], str(path), places)


def euler_rotation(x: float, y: float, z: float) -> Float[np.ndarray, "3 3"]:
    """World to camera from the release's three angles (radians): ``Rx Ry Rz``."""
    (cx, cy, cz), (sx, sy, sz) = np.cos([x, y, z]), np.sin([x, y, z])
    rotation_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    rotation_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rotation_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return rotation_x @ rotation_y @ rotation_z


def _xml(path: Path) -> ElementTree.Element:
    with readable(path, "not readable as XML", "copy the release's metadata.xml again"):
        content = path.read_bytes()
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:  # entities can unfold without end, or name other files
            raise ValueError("it declares entities, which the release's file does not")
        return ElementTree.fromstring(content)


def _text(root: ElementTree.Element, name: str, path: Path) -> str:
    text = root.findtext(name)
    if text is None:
        raise DataError(f"{path}: has no <{name}>; expected the metadata.xml of the Human3.6M release")
    return text


def _check_mapping(root: ElementTree.Element, path: Path) -> None:
    """Sub-action numbers of the file against the table that all sources share."""
    rows = [[cell.text or "" for cell in row] for row in root.findall("mapping/*")]
    if not rows:
        raise DataError(f"{path}: has no <mapping> of sequence names; expected the metadata.xml of the release")
    subjects = rows[0][2:]
    for cells in rows[1:]:
        action, trial, *names = (*cells, "", "")
        if not (action.isdigit() and trial.isdigit()) or int(action) not in ACTION_NUMBERS or int(trial) not in TRIALS:
            continue  # the joint recording "_ALL", and rows on other things
        for subject, name in zip(subjects, names, strict=False):
            if not subject.removeprefix("S").isdigit():
                raise DataError(f"{path}: {subject!r} in <mapping> is no subject; take the file of the release")
            number = int(subject.removeprefix("S"))
            expected = (ACTIONS.index(ACTION_NUMBERS[int(action)]), int(trial))
            if number in SUBJECTS and take_of(number, name, str(path)) != expected:
                raise DataError(f"{path}: {name!r} of {subject} is not sub-action {trial} of action {action} elsewhere")


def action_index(number: int, where: str) -> int:
    """Our index of Human3.6M's action number, 2 to 16; ``DataError`` for another one."""
    if number not in ACTION_NUMBERS:
        raise DataError(f"{where}: action number {number}, expected 2 to 16")
    return ACTIONS.index(ACTION_NUMBERS[number])


# --- MMPose's cameras.pkl -----------------------------------------------------------------------------------------


def from_pickle(path: Path) -> Calibration:
    """MMPose's ``cameras.pkl``: by ("S1", "54138969") R transposed, T in metres, f, c, k (3), p (2)."""
    with readable(path, "not readable"):
        content = path.read_bytes()
    cameras = load_arrays_only(content, str(path))
    if not isinstance(cameras, dict) or not all(isinstance(key, tuple) and len(key) == 2 for key in cameras):
        raise DataError(f"{path}: expected a table of cameras by (subject, serial), as MMPose writes it")
    intrinsics, distortion = np.full((4, 4), np.nan), np.full((4, 5), np.nan)
    places = {}
    for (subject, serial), camera in cameras.items():
        where = f"{path}: {subject}, {serial}"
        index = camera_of(serial, where)
        sizes = {"R": (3, 3), "T": (3,), "c": (2,), "f": (2,), "k": (3,), "p": (2,)}
        missing = sizes.keys() - set(camera if isinstance(camera, dict) else ())
        if missing:
            raise DataError(f"{where}: lacks {', '.join(sorted(missing))}")
        with readable(where, "not the numbers of a camera", "write it again with MMPose"):
            value = {key: np.asarray(camera[key], np.float64).reshape(shape) for key, shape in sizes.items()}
            if not all(np.isfinite(part).all() for part in value.values()):
                raise ValueError("not finite")
            places[int(str(subject).removeprefix("S")), index] = (value["R"].T, value["T"] * 1000)
        intrinsics[index] = np.concatenate([value["f"], value["c"]])
        distortion[index] = np.concatenate([value["k"], value["p"]])
    for index in np.flatnonzero(np.isnan(intrinsics).any(1)).tolist():
        raise DataError(f"{path}: camera {CAMERA_SERIALS[index]} is missing; write it again with MMPose")
    return Calibration(intrinsics, distortion, str(path), places)
