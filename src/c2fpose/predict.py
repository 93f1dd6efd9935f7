"""``python -m c2fpose.predict input=photo.jpg ckpt=...``: the 3D pose of a person in a photograph."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from pydantic import Field, field_validator

from c2fpose.command_line import as_text, options
from c2fpose.config import Schema
from c2fpose.errors import DataError, exits_cleanly

if TYPE_CHECKING:
    from c2fpose.engines import Predictor
    from c2fpose.photo import Box

ROOT_DEPTH_RULE = "mean_limbs"  # the only one that needs to know nothing about the person
PICTURE_PX = 640  # side of the crop in the picture
_TEXTS = ("input", "ckpt", "out", "box")


class PredictSettings(Schema):
    """The keys of ``conf/predict.yaml``."""

    input: str
    ckpt: str
    box: tuple[float, float, float] | None = None
    focal_px: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    out: str | None = None
    engine: Literal["auto", "torch", "onnxruntime", "openvino"] = "auto"
    precision: Literal["auto", "bf16-mixed", "32-true"] = "32-true"

    @field_validator("box", mode="before")
    @classmethod
    def _three_numbers(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            left, top, side = (float(part) for part in value.strip("[]() ").split(","))
        except ValueError:
            raise ValueError(f"{value!r}: expected x,y,side, three numbers in px with commas between them") from None
        return left, top, side


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

    from c2fpose.camera import back_project, root_depth_mm
    from c2fpose.photo import crop_box
    from c2fpose.poses import box_to_frame_px
    from c2fpose.volume import from_points

    configuration = predictor.provenance.get("configuration") or {}
    mode = (configuration.get("data") or {}).get("crop_mode", "standard")
    crop, box = crop_box(image, box, predictor.config.network.image_size, mode)
    points = predictor.predict_points(torch.from_numpy(crop.transpose(2, 0, 1).copy())[None])
    joints_box, depth_rel_mm = (part[0].double().cpu().numpy() for part in from_points(points))
    joints_px = box_to_frame_px(joints_box, np.array([box.left, box.top]), np.array(box.side))
    root_mm = root_depth_mm(ROOT_DEPTH_RULE, joints_px, depth_rel_mm, intrinsics_px)
    joints_cam_mm = back_project(joints_px, depth_rel_mm + root_mm, intrinsics_px)
    return Prediction(joints_px, joints_box, joints_cam_mm, float(root_mm), intrinsics_px, box)


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """One photograph: a picture and a JSON file."""
    words = sys.argv[1:] if words is None else words
    settings = options(PredictSettings, "predict.yaml", as_text(words, _TEXTS))
    from c2fpose.photo import Box, assumed_intrinsics_px, check_box, read_photo, whole_box

    photo = Path(settings.input)
    image = read_photo(photo)
    box = check_box(Box(*settings.box), image) if settings.box else whole_box(image)
    folder = _made(Path(settings.out) if settings.out else photo.parent)

    from c2fpose.engines import load_predictor

    predictor = load_predictor(settings.ckpt, settings.engine, settings.precision)
    prediction = predict(predictor, image, box, assumed_intrinsics_px(image, settings.focal_px))
    picture, numbers = (folder / f"{photo.stem}_pose{ending}" for ending in (".png", ".json"))
    focal = f"{'given' if settings.focal_px else 'assumed'} focal length of {prediction.intrinsics_px[0]:.0f} px"
    _draw(prediction, image, f"{photo.name}: root at {prediction.root_depth_mm / 1000:.2f} m, {focal}", picture)
    _write_json(describe(prediction, image, predictor, settings), numbers)
    if not prediction.in_front:
        print(
            "warning: no plausible distance found: a joint lies behind the camera; try a tighter box", file=sys.stderr
        )
    print(f"picture: {picture}\nnumbers: {numbers}")


def describe(
    prediction: Prediction, image: UInt8[np.ndarray, "rows columns 3"], predictor: Predictor, settings: PredictSettings
) -> dict[str, Any]:
    """What the JSON file says: joints by name, and all that they depend on."""
    from c2fpose.camera import ROOT_DEPTH_RULES
    from c2fpose.photo import FOCAL_PER_SIDE
    from c2fpose.provenance import code_version, file_hash
    from c2fpose.skeleton import JOINTS

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
            "focal_from": "given" if settings.focal_px else f"assumed: {FOCAL_PER_SIDE} times the longer image side",
            "principal_point_px": [cx, cy],
        },
        "box": {
            "left_px": prediction.box.left,
            "top_px": prediction.box.top,
            "side_px": prediction.box.side,
            "from": "given" if settings.box else "whole image, padded to a square",
        },
        "image": {"file": settings.input, "sha256": file_hash(Path(settings.input)), "size_px": [*image.shape[1::-1]]},
        "checkpoint": {
            "file": settings.ckpt,
            "sha256": file_hash(Path(settings.ckpt)),
            "code_version": trained.get("code_version"),
            "data_fingerprints": trained.get("data_fingerprints"),
            "decoding": predictor.config.decoding.model_dump(),
        },
        "engine": {"name": predictor.name, "precision": predictor.precision},
        "code_version": code_version(),
    }


def _draw(prediction: Prediction, image: UInt8[np.ndarray, "rows columns 3"], caption: str, path: Path) -> None:
    from c2fpose.photo import crop_box
    from c2fpose.show import Person, pose_figure, save_png

    crop, _ = crop_box(image, prediction.box, PICTURE_PX)
    save_png(pose_figure(Person(crop, prediction.joints_box, prediction.joints_cam_mm, caption=caption)), path)


def _write_json(values: dict[str, Any], path: Path) -> None:
    partial = path.with_name(f".{path.name}.partial")
    text = json.dumps(values, indent=2, allow_nan=False)
    text = re.sub(
        r"\[\n[^\[\]]*\]", lambda numbers: "".join(numbers[0].split()).replace(",", ", "), text
    )  # a point on one line
    partial.write_text(text + "\n")
    os.replace(partial, path)


def _made(folder: Path) -> Path:
    """The directory, made if need be; found unusable before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise DataError(f"out={folder}: not a directory, and none can be made there") from None
    if not os.access(folder, os.W_OK):
        raise DataError(f"out={folder}: cannot be written to; give another directory")
    return folder


if __name__ == "__main__":
    main()
