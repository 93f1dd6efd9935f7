"""COCO's keypoints, labels in the picture alone; also other joints and animals, where the category names them.

``path`` holds the JSON (or annotations/ does) and the pictures, beside it or in train2017/ and val2017/. Joints of
visibility 0 are missing; pelvis and thorax are added as the middle of hips and of shoulders, so that there is a root.
"""

from typing import Any

from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.readers._coco_json import read_labels, records_of
from c2fpose.data.custom.records import Records

UNREAD = ("every", "joints_frame", "cameras")


def read(config: CustomConfig) -> Records:
    """Read the people of one or two files. Raises ``DataError``."""
    return records_of(config, read_labels(config), _keypoints)


def _keypoints(annotation: dict[str, Any]) -> list[float]:
    return annotation.get("keypoints") or []
