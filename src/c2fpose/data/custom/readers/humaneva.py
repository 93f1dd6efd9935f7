"""HumanEva-I through VideoPose3D's files: data_3d_humaneva15.npz and data_2d_humaneva15_gt.npz. 15 joints, no pictures.

Poses are in metres in the world's frame, labels in px for three cameras; the files hold no lenses. ``cameras=`` names a
cameras.yaml in ``path`` with cameras S1_C1, S1_C2, ... to S3_C3; without it each camera is found from its own labels,
lens included. "Train/S1" is for training, "Validate/S1" for testing, as the data set has it, so both hold the same
people; with ``test_subjects=`` all of a subject is for testing, and both parts of others for training. The head marker
of S3's Walking 1 sits on the chest in the training part: leave it out of what you compare.
"""

import re
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float

from c2fpose.base.errors import DataError, readable
from c2fpose.data.custom.cameras import FARTHEST, Camera
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.readers.table import cameras_of
from c2fpose.data.custom.records import Records
from c2fpose.data.pickled import pickled_table
from c2fpose.pose.anatomy import guessed

UNREAD = ("skeleton",)
NAMES = (
    "pelvis", "thorax", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
    "left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle", "head",
)  # fmt: skip
SIZE_PX = (640, 480)
FILE_3D, FILE_2D = "data_3d_humaneva15.npz", "data_2d_humaneva15_gt.npz"
_MOST_POINTS = 3000  # of which a camera is found
GOOD_FIT_PX = 5.0


def read(config: CustomConfig) -> Records:
    """Read both files. Raises ``DataError``, one line."""
    poses = pickled_table(config.path / (config.table or FILE_3D), "positions_3d", f"{FILE_3D} of VideoPose3D")
    labels = pickled_table(config.path / FILE_2D, "positions_2d", f"{FILE_2D} of VideoPose3D")
    rows: dict[str, list[Any]] = {
        key: [] for key in ("place", "subject", "action", "trial", "camera", "frame", "split")
    }
    px, mm = [], []
    for key, takes in poses.items():
        part, _, subject = str(key).rpartition("/")
        if not isinstance(takes, dict) or not isinstance(labels.get(key) or {}, dict):
            raise DataError(f"{FILE_3D}: {key}: no table of sequences")
        for name, pose in takes.items():
            where = f"{key} {name}"
            world = _world_mm(pose, where)
            action, trial = _take(str(name))
            views = (labels.get(key) or {}).get(name)
            if not isinstance(views, list | tuple | np.ndarray) or len(views) != 3:
                raise DataError(f"{FILE_2D}: {where}: no labels of three cameras")
            for number, view in enumerate(views, start=1):
                with readable(f"{FILE_2D}: {where}, C{number}", "no array of numbers"):
                    seen = np.asarray(view, float)[..., :2]
                if seen.shape != (len(world), len(NAMES), 2):
                    raise DataError(
                        f"{FILE_2D}: {where}, C{number}: shape {seen.shape}, expected {world.shape[:2]} x 2"
                    )
                kept = np.arange(0, len(world), config.every)
                px.append(seen[kept])
                mm.append(world[kept])
                rows["place"] += [f"{where}, C{number}, frame {frame + 1}" for frame in kept]
                rows["frame"] += (kept + 1).tolist()
                for column, value in (
                    ("subject", subject), ("action", action), ("trial", trial), ("camera", f"{subject}_C{number}"),
                    ("split", "test" if part.startswith("Validate") else "train"),
                ):  # fmt: skip
                    rows[column] += [value] * len(kept)
    if not px:
        raise DataError(f"{config.path / (config.table or FILE_3D)}: no sequence in it")
    return _records(config, rows, np.concatenate(px), np.concatenate(mm))


def _records(
    config: CustomConfig, rows: dict[str, list[Any]], px: Float[np.ndarray, "N 15 2"], mm: Float[np.ndarray, "N 15 3"]
) -> Records:
    cameras = cameras_of(config)
    owner = np.array(rows["camera"])
    notes = []
    for name in sorted(set(rows["camera"]) - set(cameras)):
        cameras[name], off = found_camera(px[owner == name], mm[owner == name], name)
        notes.append(f"camera {name}: found from its labels, {off:.2f} px off in the mean")
    split = rows["split"]
    if config.test_subjects is not None:
        split = []
    elif set(split) == {"train", "test"}:  # the data set's own protocol: the same people, other moments
        rows["subject"] = [
            f"{who} {'Validate' if part == 'test' else 'Train'}"
            for who, part in zip(rows["subject"], split, strict=True)
        ]
        notes.append("the same people are in training (Train) and test (Validate), as this data set has it")
    skeleton, _ = guessed(NAMES)
    return Records(
        skeleton, rows["place"], [None] * len(owner), rows["subject"], rows["action"], rows["trial"], rows["camera"],
        rows["frame"], px, mm, np.full((len(owner), 3), np.nan), split, "world", cameras, notes=notes,
    )  # fmt: skip


def _world_mm(pose: Any, where: str) -> Float[np.ndarray, "N 15 3"]:
    with readable(f"{FILE_3D}: {where}", "no array of numbers"):
        world = np.asarray(pose, float)
    if world.ndim != 3 or world.shape[1:] != (len(NAMES), 3):
        raise DataError(f"{FILE_3D}: {where}: shape {world.shape}, expected frames x {len(NAMES)} x 3")
    if np.nanmedian(np.abs(world)) > 50:
        raise DataError(f"{FILE_3D}: {where}: in millimetres, where VideoPose3D's metres are expected")
    return world * 1000


def _take(name: str) -> tuple[str, int]:
    """Read an action and a number that tells its sequences apart off a name such as "Walking 1 chunk0"."""
    found = re.fullmatch(r"(.*?)(?: (\d+))?(?: chunk(\d+))?", name)
    if found is None:  # of several lines
        raise DataError(f"{FILE_3D}: {name!r}: no name of a sequence")
    action, trial, chunk = found[1] or name, int(found[2] or 1), int(found[3] or 0)
    return action, 100 * (trial - 1) + chunk + 1


def found_camera(
    px: Float[np.ndarray, "N J 2"], world_mm: Float[np.ndarray, "N J 3"], name: str
) -> tuple[Camera, float]:
    """Find a camera, its lens (two radial terms) and its pose from labels of the same joints, and what is left, px.

    Raises ``DataError`` where no camera explains them to within 5 px.
    """
    px, world = px.reshape(-1, 2), world_mm.reshape(-1, 3)
    known = (np.abs(np.hstack([px, world])) < FARTHEST).all(1)
    chosen = np.flatnonzero(known)[:: max(1, int(known.sum()) // _MOST_POINTS)]
    if len(chosen) < 20:
        raise DataError(f"camera {name}: {len(chosen)} labelled joints are too few to find it; give cameras=FILE")
    px, world = px[chosen], world[chosen]
    flags = cv2.CALIB_USE_INTRINSIC_GUESS | cv2.CALIB_ZERO_TANGENT_DIST | cv2.CALIB_FIX_K3
    try:
        matrix = _linear(px, world)
        _, matrix, lens, turn, place = cv2.calibrateCamera(
            [world.astype(np.float32)], [px.astype(np.float32)], SIZE_PX, matrix, np.zeros(5), flags=flags
        )
    except (cv2.error, np.linalg.LinAlgError):
        raise DataError(f"camera {name}: joints in px and in mm fit no camera; give cameras=FILE") from None
    expected = cv2.projectPoints(world, turn[0], place[0], matrix, lens)[0][:, 0]
    off = float(np.linalg.norm(expected - px, axis=1).mean())
    rotation = cv2.Rodrigues(turn[0])[0]
    in_front = ((world @ rotation.T + place[0].ravel())[:, 2] > 0).mean()
    if off > GOOD_FIT_PX or in_front < 1:
        raise DataError(f"camera {name}: joints in px and in mm fit no camera ({off:.0f} px off); give cameras=FILE")
    intrinsics = tuple(matrix[[0, 1, 0, 1], [0, 1, 2, 2]].tolist())
    x, y, z = place[0].ravel().tolist()
    return Camera(
        intrinsics, SIZE_PX, "opencv", tuple(lens.ravel()[:5].tolist()), tuple(map(tuple, rotation.tolist())),
        (x, y, z),
    ), off  # fmt: skip


def _linear(px: Float[np.ndarray, "N 2"], world: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "3 3"]:
    """Intrinsics by the direct linear transform, which needs no start (Hartley and Zisserman, section 7.1)."""
    scale_px, scale_mm = px.std(), world.std()
    middle_px, middle_mm = px.mean(0), world.mean(0)
    x, y = ((px - middle_px) / scale_px).T
    points = np.column_stack([(world - middle_mm) / scale_mm, np.ones(len(world))])
    zero = np.zeros_like(points)
    equations = np.concatenate([
        np.hstack([points, zero, -x[:, None] * points]), np.hstack([zero, points, -y[:, None] * points])
    ])  # fmt: skip
    solution = np.linalg.svd(equations, full_matrices=False)[2][-1].reshape(3, 4)
    back = np.array([[scale_px, 0, middle_px[0]], [0, scale_px, middle_px[1]], [0, 0, 1]])
    matrix = cv2.decomposeProjectionMatrix(back @ solution)[0]
    matrix = np.abs(matrix / matrix[2, 2])
    matrix[0, 1] = 0
    return matrix
