"""COCO-WholeBody's body and feet: 17 joints of COCO and six of the feet; faces and hands are left out."""

from typing import Any

from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.readers._coco_json import read_labels, records_of
from c2fpose.data.custom.records import Records

UNREAD = ("every", "joints_frame", "cameras")
BODY = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
FEET = (
    "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
WHOLE = 133  # keypoints with face and hands


def read(config: CustomConfig) -> Records:
    """Read the people of one or two files; ``skeleton=`` may choose fewer joints. Raises ``DataError``."""
    return records_of(config, read_labels(config, (*BODY, *FEET)), _keypoints)


def _keypoints(annotation: dict[str, Any]) -> list[float]:
    """Body, then feet: none of them where the annotation's feet are not valid."""
    body = annotation.get("keypoints") or []
    if len(body) == 3 * WHOLE:  # as some programs write them: body, feet, face, hands in one list
        return body[: 3 * len(BODY + FEET)]
    feet = annotation.get("foot_kpts") if annotation.get("foot_valid", True) else None
    return [*body, *(feet or [0.0] * 3 * len(FEET))] if body else []
