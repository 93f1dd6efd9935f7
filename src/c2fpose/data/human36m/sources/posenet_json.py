"""Source ``posenet_json``: the JSON files of Moon et al., ``Human36M_subject{S}_{data,camera,joint_3d}.json``.

World joints in millimetres, right leg first; no labels in the image and no lens distortion, which the calibration
gives. The trap: ``t`` is T of ``R (X - T)`` in some files and t of ``R X + t`` in others; the boxes tell which.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from c2fpose.base.errors import DataError, readable
from c2fpose.data.human36m.calibration import Calibration, action_index
from c2fpose.data.human36m.frames import (
    Files,
    SequenceRecords,
    Wanted,
    check_joint_count,
    found_files,
    sequence_records,
)
from c2fpose.data.human36m.sequences import SUBJECTS, TRIALS, Sequence
from c2fpose.data.human36m.sources import Source
from c2fpose.pose.camera import project, world_to_camera
from c2fpose.pose.protocol import CAMERA_SERIALS
from c2fpose.pose.skeleton import NUM_JOINTS, RIGHT_LEG_FIRST

SOURCE = Source(holds=("annotations/Human36M_subject*.json", "Human36M_subject*.json"), stride=5)
MAX_BOX_CENTRE_PX = 25.0  # their boxes are made without lens distortion, and with another margin
MAX_FOCAL_DIFFERENCE_PX = 1.0
PROBES = 50  # records of each camera that decide between t and T


def read(path: Path, calibration: Calibration, stride: int, wanted: Wanted) -> Iterator[SequenceRecords]:
    """Every sequence of every subject's files, one subject in memory at a time. Raises ``DataError``."""
    folder = path / "annotations" if (path / "annotations").is_dir() else path
    for subject in SUBJECTS:
        file = folder / f"Human36M_subject{subject}_data.json"
        if not any((folder / f"Human36M_subject{subject}_{kind}.json").is_file() for kind in ("data", "joint_3d")):
            continue
        yield from _read_subject(path, folder, subject, calibration, stride, wanted, str(file))


def _read_subject(
    path: Path, folder: Path, subject: int, calibration: Calibration, stride: int, wanted: Wanted, where: str
) -> Iterator[SequenceRecords]:
    rows_of: dict[Sequence, list[tuple[dict[str, Any], list[float]]]] = {}
    data = _json(folder / f"Human36M_subject{subject}_data.json", "images", "annotations")
    with readable(where, "not the annotation of Moon et al."):
        boxes = {str(annotation["image_id"]): annotation["bbox"] for annotation in data["annotations"]}
        first = min((int(image["frame_idx"]) for image in data["images"]), default=0)  # 0, or 1 in other versions
        for image in data["images"]:
            if (int(image["frame_idx"]) - min(first, 1)) % stride:
                continue
            sequence = _sequence_of(image, subject, where)
            if wanted(sequence) and not sequence.corrupt:
                if str(image["id"]) not in boxes:
                    raise DataError(f"{where}: image {image['file_name']} has no annotation; half a download?")
                rows_of.setdefault(sequence, []).append((image, boxes[str(image["id"])]))
    if not rows_of:
        return
    del data, boxes
    joints = _json(folder / f"Human36M_subject{subject}_joint_3d.json")
    cameras = _json(folder / f"Human36M_subject{subject}_camera.json")
    places: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    files = found_files([path / "images", path], [image["file_name"] for rows in rows_of.values() for image, _ in rows])
    file_of = dict(zip((i["file_name"] for rows in rows_of.values() for i, _ in rows), files.names, strict=True))
    for sequence, rows in sorted(rows_of.items()):
        with readable(where, "poses of the joint_3d file are no lists of numbers"):
            world = np.array([_joints_of(joints, image, where) for image, _ in rows], np.float64)
        if world.shape[1:] == (NUM_JOINTS + 1, 3):
            world = world[:, :NUM_JOINTS]  # later versions add a thorax at the end
        check_joint_count(world.shape, NUM_JOINTS, where)
        world = world[:, RIGHT_LEG_FIRST]
        if sequence.camera not in places:
            table = _camera(cameras, sequence.camera, calibration, f"{folder}/Human36M_subject{subject}_camera.json")
            places[sequence.camera] = _place(table, world, [box for _, box in rows], f"{where}: {sequence.name}")
        yield sequence_records(
            sequence,
            np.array([int(image["frame_idx"]) for image, _ in rows]) + 1 - min(first, 1),
            world_to_camera(world, *places[sequence.camera]),
            calibration,
            Files(files.root, [file_of[image["file_name"]] for image, _ in rows]),
            f"{where}: {sequence.name}",
        )


def _sequence_of(image: dict[str, Any], subject: int, where: str) -> Sequence:
    image["file_name"] = str(image["file_name"])
    camera, trial = int(image["cam_idx"]) - 1, int(image["subaction_idx"])
    if not 0 <= camera < len(CAMERA_SERIALS):
        raise DataError(f"{where}: cam_idx {image['cam_idx']} of {image['file_name']}, expected 1 to 4")
    if int(image["subject"]) != subject or trial not in TRIALS:
        raise DataError(f"{where}: subject {image['subject']}, subaction_idx {trial} of {image['file_name']}")
    return Sequence(subject, action_index(int(image["action_idx"]), where), trial, camera)


def _json(path: Path, *keys: str) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"{path}: no such file, though others of this subject are there; half a download?")
    with readable(path, "not readable as JSON"):
        content = json.loads(path.read_bytes())
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no table; expected the annotation of Moon et al.")
    missing = [key for key in keys if key not in content]
    if missing:
        raise DataError(f"{path}: lacks {', '.join(missing)}; expected the annotation of Moon et al.")
    return content


def _joints_of(joints: dict[str, Any], image: dict[str, Any], where: str) -> list[list[float]]:
    try:
        return joints[str(image["action_idx"])][str(image["subaction_idx"])][str(image["frame_idx"])]
    except (KeyError, TypeError):
        raise DataError(
            f"{where}: {image['file_name']} has no pose in the joint_3d file beside it; half a download?"
        ) from None


def _camera(cameras: dict[str, Any], index: int, calibration: Calibration, where: str) -> dict[str, np.ndarray]:
    if str(index + 1) not in cameras:
        raise DataError(f"{where}: camera {index + 1} ({CAMERA_SERIALS[index]}) is missing")
    with readable(where, f"camera {index + 1} is not R, t, f and c"):
        sizes = {"R": (3, 3), "t": (3,), "f": (2,), "c": (2,)}
        camera = cameras[str(index + 1)]
        table = {key: np.asarray(camera[key], np.float64).reshape(shape) for key, shape in sizes.items()}
    apart = np.abs(np.concatenate([table["f"], table["c"]]) - calibration.intrinsics_px[index]).max()
    if not apart <= MAX_FOCAL_DIFFERENCE_PX:
        raise DataError(
            f"{where}: f and c of camera {index + 1} differ by {apart:.1f} px from {calibration.source}; another "
            "calibration belongs in metadata="
        )
    return table


def _place(
    table: dict[str, np.ndarray], world: np.ndarray, boxes: list[list[float]], where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and position, whichever of the two meanings of ``t`` puts the joints into their boxes."""
    rotation, t = table["R"], table["t"]
    intrinsics = np.concatenate([table["f"], table["c"]])
    with readable(where, "bbox is not x, y, width and height"):
        box = np.array(boxes[:PROBES], np.float64).reshape(-1, 4)
    centres = box[:, :2] + box[:, 2:] / 2
    errors = {}
    for meaning, position in (("R X + t", -rotation.T @ t), ("R (X - t)", t)):
        joints = world_to_camera(world[:PROBES], rotation, position)
        with np.errstate(divide="ignore", invalid="ignore"):
            px = project(joints, intrinsics)
        apart = np.abs((px.min(1) + px.max(1)) / 2 - centres).max(-1)
        in_front = (joints[..., 2] > 0).all(1)
        errors[meaning] = (np.median(np.where(in_front, apart, np.inf)), position)
    best, position = min(errors.values(), key=lambda error: error[0])
    if not best <= MAX_BOX_CENTRE_PX:
        raise DataError(f"{where}: neither R X + t nor R (X - t) puts the joints into their boxes ({best:.0f} px off)")
    return rotation, position
