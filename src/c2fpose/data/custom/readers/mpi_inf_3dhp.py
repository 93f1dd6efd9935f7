"""MPI-INF-3DHP as it is distributed: S1/Seq1/annot.mat with videos, TS1/annot_data.mat with pictures. 17 joints.

``path`` holds S1, S2, ... for training and TS1, TS2, ... (or mpi_inf_3dhp_test_set/TS1) for testing, as many of them as
there are; ``every=`` thins out. Poses are those of the camera's frame (annot3), mm. Intrinsics come from
camera.calibration, where it lies beside annot.mat, else they are fitted to the labels. Pictures are taken from
imageSequence/video_C.avi, or from files in imageSequence/video_C/ or imageFrames/video_C/ in the order of their names;
sequences without either are poses alone. The joints are the 17 that both parts have.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Float

from c2fpose.base.errors import DataError, readable
from c2fpose.data.custom.cameras import Camera, fitted_intrinsics
from c2fpose.data.custom.images import ENDINGS, in_order
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.records import Records
from c2fpose.data.hdf5 import check_hdf5
from c2fpose.data.matlab import load_mat5
from c2fpose.pose.anatomy import guessed

UNREAD = ("table", "skeleton", "cameras", "joints_frame")
NAMES = (
    "head_top", "thorax", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "pelvis", "spine", "head",
)  # fmt: skip
FROM_28 = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6)  # of the training part's 28 joints
GOOD_FIT_PX = 5.0
_FOLDERS = ("imageSequence", "imageFrames", ".")  # where pictures may be


@dataclass
class _Sequence:
    """One camera of one sequence."""

    place: str
    subject: str
    action: str
    camera: str
    frames: list[int]  # from 1
    px: Float[np.ndarray, "N 17 2"]
    mm: Float[np.ndarray, "N 17 3"]
    images: list[str | None]
    split: str
    made: Camera = field(default_factory=lambda: Camera((1.0, 1.0, 0.0, 0.0)))


def read(config: CustomConfig) -> Records:
    """Read all sequences that are there. Raises ``DataError``, one line, for what is not in this form."""
    if not config.path.is_dir():
        raise DataError(f"path={config.path}: no such directory")
    training = sorted(config.path.glob("S[0-9]*/Seq[0-9]*/annot.mat"))
    testing = sorted([*config.path.glob("TS[0-9]*/annot_data.mat"), *config.path.glob("*/TS[0-9]*/annot_data.mat")])
    if not training and not testing:
        raise DataError(f"{config.path}: no S1/Seq1/annot.mat and no TS1/annot_data.mat; see docs/own_data.md")
    sequences = [each for path in training for each in _training(path, config)]
    sequences += [_testing(path, config) for path in testing]
    if any(name is None for each in sequences for name in each.images) and (
        any(name is not None for each in sequences for name in each.images)
    ):
        lost = next(each for each in sequences if None in each.images)
        raise DataError(f"{lost.place}: no pictures, and others have some; unpack its imageSequence, or move it away")
    skeleton, _ = guessed(NAMES)
    count = [len(each.frames) for each in sequences]

    def spread(name: str) -> list[str]:
        return [getattr(each, name) for each, times in zip(sequences, count, strict=True) for _ in range(times)]

    places = [f"{each.place}, frame {frame}" for each in sequences for frame in each.frames]
    return Records(
        skeleton, places, [name for each in sequences for name in each.images], spread("subject"), spread("action"),
        [1] * sum(count), spread("camera"), [frame for each in sequences for frame in each.frames],
        np.concatenate([each.px for each in sequences]), np.concatenate([each.mm for each in sequences]),
        np.full((sum(count), 3), np.nan), spread("split") if training and testing else [], "camera",
        {each.camera: each.made for each in sequences},
    )  # fmt: skip


def _training(path: Path, config: CustomConfig) -> list[_Sequence]:
    """Read the cameras of one training sequence."""
    content = _load(path, ("annot2", "annot3"))
    if len(content["annot2"]) != len(content["annot3"]):
        raise DataError(f"{path}: {len(content['annot2'])} cameras in annot2, {len(content['annot3'])} in annot3")
    subject, sequence = path.parts[-3:-1]
    calibration = _calibration(path.with_name("camera.calibration"))
    found = []
    for number, (px, mm) in enumerate(zip(content["annot2"], content["annot3"], strict=True)):
        place = f"{path}, camera {number}"
        px, mm = _joints(px, 2, place), _joints(mm, 3, place)
        rows = np.arange(min(len(px), len(mm)))[:: config.every]
        images = _pictures(path.parent, number, len(px), config.path)
        if images is None and number in calibration and _has_pictures(path.parent):
            continue  # some cameras alone were unpacked
        made = calibration.get(number) or _fitted(px[rows], mm[rows], place)
        found.append(_Sequence(
            place, subject, sequence, f"{subject}_{sequence}_{number}", (rows + 1).tolist(), px[rows], mm[rows],
            [None if images is None else images[row] for row in rows], "train", made,
        ))  # fmt: skip
    return found


def _has_pictures(sequence: Path) -> bool:
    """Whether those of some camera are there."""
    return any(any((sequence / folder).glob("video_*")) for folder in _FOLDERS)


def _testing(path: Path, config: CustomConfig) -> _Sequence:
    """One test sequence: its valid frames."""
    content = _load(path, ("annot2", "annot3", "valid_frame"))
    px, mm = (_frames(content[name], width, f"{path}: {name}") for name, width in (("annot2", 2), ("annot3", 3)))
    valid = np.asarray(content["valid_frame"]).ravel() > 0
    if not len(px) == len(mm) == len(valid):
        raise DataError(f"{path}: {len(px)} labels in px, {len(mm)} in mm, {len(valid)} frames")
    rows = np.flatnonzero(valid)[:: config.every]
    images = _named((path.parent / "imageSequence").glob("*"), config.path)
    if images and len(images) < len(px):
        raise DataError(f"{path.parent / 'imageSequence'}: {len(images)} pictures for {len(px)} frames")
    name = path.parent.name
    return _Sequence(
        str(path), name, "test", name, (rows + 1).tolist(), px[rows], mm[rows],
        [images[row] if images else None for row in rows], "test", _fitted(px[rows], mm[rows], str(path)),
    )  # fmt: skip


def _load(path: Path, names: tuple[str, ...]) -> dict:
    """Read variables of a .mat of either kind: cells as lists, arrays with the frames first, as HDF5 holds them."""
    with readable(path, "not readable as a MATLAB file"):
        if not h5py.is_hdf5(path):
            stored = load_mat5(path, names)
            content = {
                name: list(stored[name].ravel()) if stored[name].dtype == object else stored[name].T
                for name in names if name in stored
            }  # fmt: skip
        else:
            check_hdf5(path, lambda: _hdf5_variables(path, names))
            content = _hdf5_variables(path, names)
    if missing := [name for name in names if name not in content]:
        raise DataError(f"{path}: lacks {missing[0]}")
    return content


def _hdf5_variables(path: Path, names: tuple[str, ...]) -> dict:
    with h5py.File(path, "r") as file:
        return {name: _unpacked(file, file[name]) for name in names if name in file}


def _unpacked(file: h5py.File, stored: h5py.Dataset) -> list | np.ndarray:
    """HDF5 holds cells as references, and arrays with their axes turned round."""
    if stored.dtype == h5py.ref_dtype:
        return [np.asarray(file[reference]).T for reference in np.asarray(stored).ravel()]
    return np.asarray(stored)  # HDF5 turns MATLAB's axes round: frames, 1, joints, coordinates


def _frames(values: list | np.ndarray, width: int, place: str) -> Float[np.ndarray, "N 17 D"]:
    """Labels of the test set: frames x 1 x joints x coordinates; of a single frame MATLAB drops the first two axes."""
    with readable(place, "no array of numbers"):
        array = np.asarray(values, float)
    if array.ndim < 2 or array.shape[-2:] != (len(NAMES), width):
        raise DataError(f"{place}: shape {array.shape}, expected frames x 1 x {len(NAMES)} x {width}")
    return array.reshape(-1, len(NAMES), width)


def _joints(values: np.ndarray, width: int, place: str) -> Float[np.ndarray, "N 17 D"]:
    """28 joints of a row each, of which those of the test set are kept."""
    with readable(place, "labels that are no numbers"):
        values = np.asarray(values, float)
    if values.ndim != 2 or values.shape[1] != 28 * width:
        raise DataError(f"{place}: labels of shape {values.shape}, expected frames x {28 * width} (28 joints)")
    return values.reshape(-1, 28, width)[:, FROM_28]


def _pictures(folder: Path, camera: int, frames: int, base: Path) -> list[str] | None:
    """Find the video of a camera, or its frames as files in the order of their names."""
    for place in _FOLDERS:
        video = folder / place / f"video_{camera}.avi"
        if video.is_file():
            return [str(video.relative_to(base))] * frames
        if (folder / place / f"video_{camera}").is_dir():
            images = _named((folder / place / f"video_{camera}").glob("*"), base)
            if len(images) < frames:
                raise DataError(f"{folder / place / f'video_{camera}'}: {len(images)} pictures for {frames} frames")
            return images
    return None


def _named(files: Iterable[Path], base: Path) -> list[str]:
    return [str(path.relative_to(base)) for path in in_order(files) if path.suffix in ENDINGS]


def _fitted(px: np.ndarray, mm: np.ndarray, place: str) -> Camera:
    fit = fitted_intrinsics(px, mm)
    if fit is None or fit[1] > GOOD_FIT_PX:
        off = "" if fit is None else f" ({fit[1]:.0f} px off)"
        raise DataError(f"{place}: joints in px and in mm fit no camera{off}; is camera.calibration missing?")
    return Camera(fit[0])


def _calibration(path: Path) -> dict[int, Camera]:
    """Intrinsics by camera of a camera.calibration: blocks of lines, each a word and numbers."""
    if not path.is_file():
        return {}
    with readable(path, "not readable as camera.calibration"):
        cameras, number, size = {}, -1, (0, 0)
        for line in path.read_text("utf-8", errors="replace").splitlines():
            word, *values = line.split() or [""]
            if word == "name":
                number = int(re.sub(r"\D", "", values[0]))
            elif word == "size":
                size = (int(float(values[0])), int(float(values[1])))
            elif word == "intrinsic":
                matrix = np.array(values, float).reshape(4, 4)
                fx, fy, cx, cy = matrix[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
                cameras[number] = Camera((fx, fy, cx, cy), size if all(size) else None)
    return cameras
