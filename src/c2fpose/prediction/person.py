"""The 3D pose of the person in a box of a photograph, as numbers and as a picture."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from c2fpose.base.errors import DataError

if TYPE_CHECKING:
    from c2fpose.prediction.engines import Predictor
    from c2fpose.prediction.photo import Box

ROOT_DEPTH_RULE = "mean_limbs"  # the only one that needs to know nothing about the person
PICTURE_PX = 640  # side of the crop in the picture


class Prediction(NamedTuple):
    """One person. Joints in C2F order."""

    joints_px: Float[np.ndarray, "17 2"]  # in the upright photograph
    joints_box: Float[np.ndarray, "17 2"]  # across ``box``, 0..1
    joints_cam_mm: Float[np.ndarray, "17 3"]  # camera frame: x right, y down, z forward
    root_depth_mm: float
    intrinsics_px: Float[np.ndarray, " 4"]
    box: Box  # as it was shown to the network

    @property
    def in_front(self) -> bool:
        """Whether all joints lie in front of the camera; where the fit of the root's depth fails, they do not."""
        return bool(self.joints_cam_mm[:, 2].min() > 0)


def predict(
    predictor: Predictor,
    image: UInt8[np.ndarray, "rows columns 3"],
    box: Box,
    intrinsics_px: Float[np.ndarray, " 4"],
) -> Prediction:
    """The pose of the person in a box of an RGB image; the root's depth fitted to mean limb lengths."""
    import torch

    from c2fpose.model.volumes.points import from_points
    from c2fpose.pose.camera import back_project, root_depth_mm
    from c2fpose.pose.to_millimetres import box_to_frame_px
    from c2fpose.prediction.photo import crop_box

    configuration = predictor.provenance.get("configuration") or {}
    mode = (configuration.get("data") or {}).get("crop_mode", "standard")
    crop, box = crop_box(image, box, predictor.config.network.image_size, mode)
    points = predictor.predict_points(torch.from_numpy(crop.transpose(2, 0, 1).copy())[None])
    joints_box, depth_rel_mm = (part[0].double().cpu().numpy() for part in from_points(points))
    joints_px = box_to_frame_px(joints_box, np.array([box.left, box.top]), np.array(box.side))
    root_mm = root_depth_mm(ROOT_DEPTH_RULE, joints_px, depth_rel_mm, intrinsics_px)
    joints_cam_mm = back_project(joints_px, depth_rel_mm + root_mm, intrinsics_px)
    return Prediction(joints_px, joints_box, joints_cam_mm, float(root_mm), intrinsics_px, box)


class Asked(NamedTuple):
    """What was asked for, as far as the result says so."""

    input: str  # the photograph's file
    ckpt: str
    focal_given: bool
    box_given: bool


def describe(
    prediction: Prediction, image: UInt8[np.ndarray, "rows columns 3"], predictor: Predictor, asked: Asked
) -> dict[str, Any]:
    """Describe a prediction as the JSON file does: joints by name, and all that they depend on."""
    from c2fpose.base.provenance import code_version, file_hash
    from c2fpose.pose.camera import ROOT_DEPTH_RULES
    from c2fpose.pose.skeleton import JOINTS
    from c2fpose.prediction.photo import FOCAL_PER_SIDE

    joints = zip(JOINTS, prediction.joints_px, prediction.joints_cam_mm, strict=True)
    fx, _, cx, cy = prediction.intrinsics_px.tolist()
    trained = predictor.provenance
    return {
        "conventions": {
            "px": "pixels of the upright image (EXIF rotation applied): x right, y down, pixel i covers [i, i + 1)",
            "camera_mm": "camera frame, millimetres: x right, y down, z forward",
        },
        "joints": {
            name: {"px": np.round(px, 3).tolist(), "camera_mm": np.round(mm, 2).tolist()} for name, px, mm in joints
        },
        "root_depth": {
            "mm": round(prediction.root_depth_mm, 2),
            "in_front_of_camera": prediction.in_front,
            "rule": ROOT_DEPTH_RULE,
            "meaning": ROOT_DEPTH_RULES[ROOT_DEPTH_RULE],
        },
        "camera": {
            "focal_px": fx,
            "focal_from": "given" if asked.focal_given else f"assumed: {FOCAL_PER_SIDE} times the longer image side",
            "principal_point_px": [cx, cy],
        },
        "box": {
            "left_px": prediction.box.left,
            "top_px": prediction.box.top,
            "side_px": prediction.box.side,
            "from": "given" if asked.box_given else "whole image, padded to a square",
        },
        "image": {"file": asked.input, "sha256": file_hash(Path(asked.input)), "size_px": [*image.shape[1::-1]]},
        "checkpoint": {
            "file": asked.ckpt,
            "sha256": file_hash(Path(asked.ckpt)),
            "code_version": trained.get("code_version"),
            "data_fingerprints": trained.get("data_fingerprints"),
            "decoding": predictor.config.decoding.model_dump(),
        },
        "engine": {"name": predictor.name, "precision": predictor.precision},
        "code_version": code_version(),
    }


def draw(prediction: Prediction, image: UInt8[np.ndarray, "rows columns 3"], caption: str, path: Path) -> None:
    from c2fpose.pictures.figure import save_png
    from c2fpose.pictures.people import Person, pose_figure
    from c2fpose.prediction.photo import crop_box

    crop, _ = crop_box(image, prediction.box, PICTURE_PX)
    save_png(pose_figure(Person(crop, prediction.joints_box, prediction.joints_cam_mm, caption=caption)), path)


def write_json(values: dict[str, Any], path: Path) -> None:
    partial = path.with_name(f".{path.name}.partial")
    text = json.dumps(values, indent=2, allow_nan=False)
    text = re.sub(
        r"\[\n[^\[\]]*\]", lambda numbers: "".join(numbers[0].split()).replace(",", ", "), text
    )  # a point on one line
    partial.write_text(text + "\n")
    os.replace(partial, path)


def made(folder: Path) -> Path:
    """The directory, made if need be; found unusable before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise DataError(f"out={folder}: not a directory, and none can be made there") from None
    if not os.access(folder, os.W_OK):
        raise DataError(f"out={folder}: cannot be written to; give another directory")
    return folder
