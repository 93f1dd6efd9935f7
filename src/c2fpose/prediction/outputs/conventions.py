"""What must be said beside any numbers: units, axes, joints, camera, rule, network. The head of JSON, NPZ and HTML."""

from __future__ import annotations

from typing import Any

from c2fpose.base.provenance import code_version
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.prediction.photo import FOCAL_PER_SIDE
from c2fpose.prediction.result import Camera, PoseResult

FORMAT, FORMAT_VERSION = "c2fpose prediction", 1
CONVENTIONS = {
    "px": "pixels of the upright frame (rotation flags applied): x right, y down; pixel i covers [i, i + 1)",
    "cam_mm": "camera frame, millimetres: x right, y down, z forward, origin at the camera; the same for all people",
    "cov_mm2": "covariance of a joint about its cam_mm, camera frame, mm^2, rows and columns x, y, z; "
    "the root's depth is taken as it was fitted",
    "joints": "arrays of joints have the order of joint_names; left and right are the person's own",
    "ids": "a person keeps its id through all frames of a video",
    "score": "of a box: the chance that it is a person's where a calibrated network judged what the finder found, else "
    "the finder's own score, or that of the file of boxes",
    "time_s": "seconds since the first frame, by the video's own clock",
}
FOCAL_MEANINGS = {
    "exif": "from the picture's EXIF data",
    "fov": "from the given angle of view",
    "given": "given in pixels",
    "assumed": f"assumed: {FOCAL_PER_SIDE} times the longer side of the frame; distances are in proportion to it",
}


def head(result: PoseResult) -> dict[str, Any]:
    """Everything but the frames, as plain values for JSON."""
    source, model = result.source, result.model
    columns, rows = source.size_px
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "code_version": code_version(),
        "conventions": CONVENTIONS,
        "joint_names": list(result.skeleton.names),
        "edges": [list(edge) for edge in result.skeleton.limbs],
        "source": {
            "kind": source.kind,
            "file": source.file,
            "sha256": source.sha256,
            "size_px": [columns, rows],
            "fps": source.fps,
        },
        "camera": camera(result.camera),
        "root_depth": {"rule": result.root_depth_rule, "meaning": ROOT_DEPTH_RULES[result.root_depth_rule]},
        "confidence_meaning": result.confidence_meaning,
        "smoothing": result.smoothing,
        "model": {
            "file": model.file,
            "sha256": model.sha256,
            "code_version": model.code_version,
            "data_fingerprints": model.data_fingerprints,
            "image_size_px": model.image_size_px,
            "decoding": model.decoding,
            "engine": model.engine,
            "precision": model.precision,
            "device": model.device,
        },
        "notes": list(result.notes),
    }


def camera(known: Camera) -> dict[str, Any]:
    """Intrinsics and how they are known."""
    fx, fy, cx, cy = (round(float(value), 3) for value in known.intrinsics_px)
    return {
        "focal_px": [fx, fy],
        "principal_point_px": [cx, cy],
        "distortion": "none",
        "focal_from": known.focal_from,
        "focal_from_meaning": FOCAL_MEANINGS[known.focal_from],
    }
