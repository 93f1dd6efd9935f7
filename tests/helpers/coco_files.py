"""COCO's form of keypoints, written from the fixtures' people."""

import json
from pathlib import Path

import numpy as np
from own_data import SIZE_PX

from c2fpose.data.custom.readers.coco_wholebody import BODY
from c2fpose.pose.skeleton import JOINTS

NAMES = [name for name in BODY if name in JOINTS]  # what the people have of COCO's joints
LIMBS = [[NAMES.index("left_hip") + 1, NAMES.index("left_knee") + 1]]


def keypoints_of(record: dict, names: list[str]) -> list[float]:
    values = []
    for name in names:
        if name in JOINTS and np.isfinite(record["px"][JOINTS.index(name)]).all():
            values += [*record["px"][JOINTS.index(name)].tolist(), 2]
        else:
            values += [0, 0, 0]
    return values


def content(records: list[dict], names: list[str] = NAMES, **more) -> dict:
    images = [
        {"id": 7 * n + 3, "file_name": Path(record["image"]).name, "width": SIZE_PX[0], "height": SIZE_PX[1]}
        for n, record in enumerate(records)
    ]
    annotations = []
    for number, record in enumerate(records):
        low, high = np.nanmin(record["px"], 0), np.nanmax(record["px"], 0)
        annotations.append({
            "id": 100 + number, "image_id": 7 * number + 3, "category_id": 1, "iscrowd": 0,
            "keypoints": keypoints_of(record, names), "num_keypoints": 14,
            "bbox": [*low.tolist(), *(high - low).tolist()],
        })  # fmt: skip
    category = {"id": 1, "name": "person", "keypoints": names, "skeleton": LIMBS}
    return {"images": images, "annotations": annotations, "categories": [category]} | more


def write(folder: Path, made: dict, name: str = "people.json") -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(made))
    return folder
