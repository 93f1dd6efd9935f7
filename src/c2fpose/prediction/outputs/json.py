"""A result as JSON: the conventions first, then one line a person and frame (docs/prediction.schema.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from c2fpose.base.files import written_whole
from c2fpose.prediction.outputs.conventions import head
from c2fpose.prediction.outputs.formats import Format, Pictures
from c2fpose.prediction.result import Frame, PersonPose, PoseResult

FORMAT = Format(endings=(".json",))


def write(result: PoseResult, pictures: Pictures | None, path: Path) -> list[Path]:
    """Write ``path``, frame by frame: an hour of video is never one text in memory."""
    beginning = json.dumps(head(result), indent=2, allow_nan=False, ensure_ascii=False).removesuffix("\n}")
    with written_whole(path) as partial, open(partial, "w", encoding="utf-8") as file:
        file.write(f'{beginning},\n  "frames": [')
        for number, frame in enumerate(result.frames):
            file.write(("," if number else "") + "\n    " + _frame_text(frame))
        file.write("\n  ]\n}\n" if result.frames else "]\n}\n")
    return [path]


def person(pose: PersonPose) -> dict[str, Any]:
    """One person of one frame as plain values; what is not known is left out."""
    left, top, side = (round(float(value), 3) for value in pose.box)
    said: dict[str, Any] = {
        "id": pose.id,
        "box": {"left_px": left, "top_px": top, "side_px": side, "from": pose.box_from},
        "observed": pose.observed,
        "root_depth_mm": round(float(pose.root_depth_mm), 2),
        "in_front_of_camera": pose.in_front,
        "joints_px": _rounded(pose.joints_px, 2),
        "joints_cam_mm": _rounded(pose.joints_cam_mm, 2),
    }
    if pose.box_score is not None:
        said["box"]["score"] = round(float(pose.box_score), 4)
    if pose.confidence is not None:
        said["confidence"] = _rounded(pose.confidence, 4)
    if pose.covariance_mm2 is not None:
        said["joints_cov_mm2"] = _rounded(pose.covariance_mm2, 1)
    if pose.second_mode_cam_mm is not None and pose.second_mode_weight is not None:
        said["second_mode"] = {
            "joints_cam_mm": _rounded(pose.second_mode_cam_mm, 2),
            "weight": _rounded(pose.second_mode_weight, 4),
        }
    return said


def _frame_text(frame: Frame) -> str:
    opening = f'{{"index": {frame.index}, "time_s": {round(float(frame.time_s), 6)!r}, "people": ['
    people = (
        "\n      " + json.dumps(person(pose), allow_nan=False, ensure_ascii=False, separators=(", ", ": "))
        for pose in frame.people
    )
    return opening + ",".join(people) + ("\n    ]}" if frame.people else "]}")


def _rounded(values: np.ndarray, digits: int) -> list[Any]:
    """Nested lists with null for NaN: JSON has no other way to say that there is nothing."""
    return _without_nan(np.round(np.asarray(values, float), digits).tolist())


def _without_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return value if np.isfinite(value) else None
