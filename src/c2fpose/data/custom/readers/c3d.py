"""C3D files of points (motion capture) with a cameras.yaml: every pose is seen by every camera that has a place.

``path`` holds the files, in folders that name subjects if it likes: anna/walk.c3d. Points are in the world's frame, in
the unit that the file names. ``markers.yaml`` says of which markers a joint is the mean (``left_knee: [LKNE, LKNI]``);
without it joints are points of their own name. Pictures: walk.CAMERA.mp4 (or .avi, ...) beside the file, beginning at
the same moment, at a rate of its own, or a folder walk.CAMERA of files, a frame each; without any, poses alone. Points
that the file calls invalid, or that lie in the origin, are missing; moments out of a camera's sight are left out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import yaml
from jaxtyping import Float, Int

from c2fpose.base.errors import DataError, readable
from c2fpose.data.custom.cameras import Camera
from c2fpose.data.custom.images import ENDINGS, in_order
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.readers._c3d_file import read_file
from c2fpose.data.custom.readers.table import cameras_of, read_skeleton
from c2fpose.data.custom.records import Records
from c2fpose.data.videos import VIDEO_ENDINGS, open_video
from c2fpose.pose.anatomy import guessed
from c2fpose.pose.skeleton import Skeleton

UNREAD = ("table",)
_MM = {"mm": 1.0, "millimeters": 1.0, "millimetres": 1.0, "cm": 10.0, "m": 1000.0, "meters": 1000.0, "metres": 1000.0}


class _Points(NamedTuple):
    """What one file holds."""

    labels: list[str]  # as they stand there, such as Anna:LKNE
    points_mm: Float[np.ndarray, "T P 3"]  # NaN: missing
    rate: float  # a second
    subject: str


def read(config: CustomConfig) -> Records:
    """Read all files below ``path``. Raises ``DataError``, one line."""
    files = sorted(config.path.rglob("*.[cC]3[dD]"))
    if not files:
        raise DataError(f"{config.path}: no .c3d file there")
    cameras = {name: camera for name, camera in cameras_of(config).items() if camera.has_pose}
    if not cameras:
        raise DataError(f"{config.path}: no cameras.yaml with rotation and place; points alone make no picture")
    markers = _markers(config.path / "markers.yaml")
    skeleton = _skeleton(config, markers)
    rows: dict[str, list[Any]] = {key: [] for key in ("place", "image", "subject", "action", "camera", "frame")}
    poses, unseen = [], 0
    notes: list[str] = []
    for path in files:
        points = _read_points(path)
        joints = _joints(points, skeleton, markers, path)
        for name, camera in cameras.items():
            images, frames = _moments(path, name, points.rate, len(joints), config, notes)
            seen = _in_sight(camera, joints[frames])
            unseen += int((~seen).sum())
            for number in np.flatnonzero(seen):
                rows["place"].append(f"{path.relative_to(config.path)}, {name}, frame {frames[number] + 1}")
                rows["image"].append(images[number][0] if images else None)
                rows["frame"].append(images[number][1] if images else int(frames[number]) + 1)
                rows["subject"].append(points.subject or _folder(path, config.path))
                rows["action"].append(path.stem)
                rows["camera"].append(name)
            poses.append(joints[frames][seen])
    count = len(rows["place"])
    if not count:
        raise DataError(
            f"{config.path}: no pose is in sight of a camera; do cameras.yaml and the points share a frame?"
        )
    if unseen:
        notes.append(f"{unseen} moments out of a camera's sight, or without a point, are left out")
    return Records(
        skeleton, rows["place"], rows["image"], rows["subject"], rows["action"], [1] * count, rows["camera"],
        rows["frame"], np.full((count, skeleton.joints, 2), np.nan), np.concatenate(poses), np.full((count, 3), np.nan),
        [], "world", cameras, notes=notes,
    )  # fmt: skip


def _read_points(path: Path) -> _Points:
    with readable(path, "not readable as C3D"):
        labels, points, unit, rate, subjects = read_file(path)
    unit = unit.lower()
    if unit not in _MM:
        raise DataError(f"{path}: points in {unit!r}; known are mm, cm and m")
    if len(labels) < points.shape[1]:
        raise DataError(f"{path}: {points.shape[1]} points and {len(labels)} labels")
    points[(points == 0).all(-1)] = np.nan
    return _Points(
        [label.strip() for label in labels[: points.shape[1]]],
        points * _MM[unit],
        rate,
        subjects[0] if len(subjects) == 1 else "",
    )


def _markers(path: Path) -> dict[str, list[str]]:
    """Which points make a joint."""
    if not path.is_file():
        return {}
    with readable(path, "not readable as YAML", "expected JOINT: [POINT, POINT]"):
        content = yaml.safe_load(path.read_text("utf-8-sig"))
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path}: expected JOINT: [POINT, POINT] for each joint")
    return {
        str(joint): [str(each) for each in (made if isinstance(made, list) else [made])]
        for joint, made in content.items()
    }


def _skeleton(config: CustomConfig, markers: dict[str, list[str]]) -> Skeleton:
    if not markers or config.skeleton or (config.path / "skeleton.yaml").is_file():
        return read_skeleton(config)
    return guessed(tuple(markers), where=str(config.path / "markers.yaml"))[0]


def _joints(
    points: _Points, skeleton: Skeleton, markers: dict[str, list[str]], path: Path
) -> Float[np.ndarray, "T J 3"]:
    """Take the means of their points; missing where one of them is."""
    joints = []
    for name in skeleton.names:
        parts = markers.get(name, [name])
        joints.append(points.points_mm[:, [_place(points.labels, part, name, path) for part in parts]].mean(1))
    return np.stack(joints, axis=1)


def _place(labels: list[str], part: str, joint: str, path: Path) -> int:
    """Find the point of this name, with its subject's name before it or without."""
    if part in labels:
        return labels.index(part)
    found = [place for place, label in enumerate(labels) if label.rpartition(":")[2].strip() == part]
    if not found:
        raise DataError(
            f"{path}: no point {part} for joint {joint}; it has {', '.join(labels[:12])}; "
            "markers.yaml says which points make a joint"
        )
    if len(found) > 1:
        raise DataError(
            f"{path}: {labels[found[0]]} or {labels[found[1]]} for joint {joint}? Name one of them in markers.yaml"
        )
    return found[0]


def _moments(
    path: Path, camera: str, rate: float, count: int, config: CustomConfig, notes: list[str]
) -> tuple[list[tuple[str, int]], Int[np.ndarray, " M"]]:
    """Pictures with their frame number, if there are any, and the point frame of each moment."""
    stem = path.with_suffix("")
    for end in (*VIDEO_ENDINGS, *map(str.upper, VIDEO_ENDINGS)):
        video = Path(f"{stem}.{camera}{end}")
        if video.is_file():
            capture = open_video(video)
            per_second, frames = capture.get(cv2.CAP_PROP_FPS), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            capture.release()
            if per_second <= 0 or frames <= 0:
                raise DataError(f"{video}: not readable as a video")
            if rate <= 0:
                raise DataError(f"{path}: says nothing of its points' rate, which {video.name} needs")
            seen = np.arange(0, frames, config.every)
            at = np.round(seen * rate / per_second).astype(int)
            name = str(video.relative_to(config.path))
            return [(name, int(frame) + 1) for frame in seen[at < count]], at[at < count]
    folder = Path(f"{stem}.{camera}")
    if folder.is_dir():
        files = in_order(each for each in folder.iterdir() if each.suffix in ENDINGS)
        if len(files) != count:  # of another rate?
            notes.append(
                f"warning: {folder}: {len(files)} pictures for {count} frames of points: the first is taken for the "
                "first, and so on; a video is read by its rate"
            )
        files = files[:count]
        kept = np.arange(0, len(files), config.every)
        return [(str(files[number].relative_to(config.path)), int(number) + 1) for number in kept], kept
    return [], np.arange(0, count, config.every)


def _in_sight(camera: Camera, joints_mm: Float[np.ndarray, "M J 3"]) -> np.ndarray:
    """Moments in which all labelled joints are before the camera, and most of them in its picture."""
    cam = camera.to_camera(joints_mm)
    known = np.isfinite(cam[..., 2])
    before = (np.nan_to_num(cam[..., 2], nan=1) > 0).all(1)
    px = camera.project(np.where(before[:, None, None], cam, np.nan))
    inside = np.isfinite(px[..., 0])
    if camera.image_size_px is not None:
        with np.errstate(invalid="ignore"):
            inside &= ((px >= 0) & (px <= np.array(camera.image_size_px))).all(-1)
    return before & known.any(1) & (inside.sum(1) > known.sum(1) / 2)


def _folder(path: Path, base: Path) -> str:
    parts: Iterator[str] = iter(path.relative_to(base).parts[:-1])
    return next(parts, "subject")
