"""A folder as people have it: pictures, a table of joints, a skeleton, two cameras; of the fixtures' people."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import yaml
from PIL import Image

from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.preparation import prepare
from c2fpose.data.schema import SplitReader
from c2fpose.pose.skeleton import C2F17, JOINTS

POSES = np.load(Path(__file__).parents[1] / "fixtures" / "evaluation.npz")["joints_cam_mm"]
SIZE_PX = (320, 240)
THIRTEEN = C2F17.subset([name for name in JOINTS if name not in ("nose", "head", "spine", "thorax")])
LENSES = {
    "left": {"model": "opencv", "coefficients": [-0.1, 0.02, 0.001, -0.0005, 0.0]},
    "right": {"model": "fisheye", "coefficients": [0.01, -0.004, 0.001, 0.0]},
}
INTRINSICS = {"left": [300.0, 305.0, 160.0, 118.0], "right": [280.0, 280.0, 158.0, 121.0]}
TURNS = {"left": [0.1, 0.8, -0.05], "right": [-0.05, -0.6, 0.02]}
PLACES = {"left": [-300.0, 120.0, 900.0], "right": [200.0, 0.0, 1500.0]}


def cameras(**changes) -> dict:
    """What cameras.yaml holds; ``changes`` go into each camera, None takes a key out."""
    made = {}
    for name in INTRINSICS:
        entry = {
            "intrinsics_px": INTRINSICS[name], "image_size_px": list(SIZE_PX), "distortion": LENSES[name],
            "rotation": TURNS[name], "translation_mm": PLACES[name],
        } | changes  # fmt: skip
        made[name] = {key: value for key, value in entry.items() if value is not None}
    return made


def project(joints_cam_mm: np.ndarray, camera: str) -> np.ndarray:
    """OpenCV's own projection, point by point: the tests' reference."""
    fx, fy, cx, cy = INTRINSICS[camera]
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    lens = np.array(LENSES[camera]["coefficients"])
    work = cv2.fisheye.projectPoints if LENSES[camera]["model"] == "fisheye" else cv2.projectPoints
    return np.array(
        [work(p.reshape(1, 1, 3), np.zeros(3), np.zeros(3), matrix, lens)[0].ravel() for p in joints_cam_mm]
    )


def to_world(joints_cam_mm: np.ndarray, camera: str) -> np.ndarray:
    """Undo a camera's pose."""
    turn = cv2.Rodrigues(np.array(TURNS[camera]))[0]
    return (joints_cam_mm - PLACES[camera]) @ turn


def people(count: int = 8) -> list[dict]:
    """Records in the paper's joints: poses in front of two cameras, four subjects."""
    records = []
    for number in range(count):
        camera = ("left", "right")[number % 2]
        pose = POSES[number * 5] - POSES[number * 5, :1] + [100.0 * (number % 3 - 1), 50.0, 3500.0]
        records.append({
            "image": f"pictures/{number:03d}.jpg", "subject": ["anna", "ben", "cleo", "dora"][number // 2 % 4],
            "action": ("walk", "sit")[number % 2], "camera": camera, "frame": number + 1,
            "cam_mm": pose, "px": project(pose, camera),
        })  # fmt: skip
    return records


def write_pictures(folder: Path, records: list[dict], size_px: tuple[int, int] = SIZE_PX) -> None:
    """Draw each record's joints as dots of one colour a joint, on grey."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for record in records:
        image = np.full((size_px[1], size_px[0], 3), 90, np.uint8)
        for joint, (x, y) in enumerate(np.nan_to_num(record["px"], nan=-99)):
            cv2.circle(image, (int(x), int(y)), 3, (40 + 12 * joint, 250 - 12 * joint, 128), -1)
        Image.fromarray(image).save(folder / record["image"], quality=95)


def write_table(folder: Path, records: list[dict], skeleton=C2F17, without: tuple[str, ...] = ()) -> None:
    """Write records.csv of the skeleton's joints; ``without``: of px, mm and words."""
    words = [name for name in ("image", "subject", "action", "camera", "frame", "split") if name in records[0]]
    header = [word for word in words if word not in without]
    parts = {"px": "xy", "mm": "xyz"}
    header += [f"{j}_{a}_{u}" for u, axes in parts.items() if u not in without for j in skeleton.names for a in axes]
    with open(folder / "records.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for record in records:
            row = {word: record[word] for word in words}
            for unit, axes, joints in (("px", "xy", record["px"]), ("mm", "xyz", record["cam_mm"])):
                for name in skeleton.names:
                    values = joints[JOINTS.index(name)]
                    row |= {f"{name}_{a}_{unit}": "" if np.isnan(v) else f"{v:.4f}" for a, v in zip(axes, values)}  # noqa: B905
            writer.writerow([row[name] for name in header])


def write_as(folder: Path, records: list[dict], form: str) -> Path:
    """Write the table as records.jsonl or records.npz, the joints in another order where it names them."""
    words, path = ("image", "subject", "action", "camera", "frame"), folder / f"records.{form}"
    if form == "jsonl":
        lines = [
            {word: record[word] for word in words}
            | {"joints_px": dict(zip(JOINTS, record["px"].tolist(), strict=True))}
            | {"joints_mm": record["cam_mm"].tolist()}
            for record in records
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
        return path
    turned = [JOINTS.index(name) for name in sorted(JOINTS)]
    arrays = {word: [record[word] for record in records] for word in words}
    joints = {
        f"joints_{unit}": [record[key][turned] for record in records] for unit, key in (("px", "px"), ("mm", "cam_mm"))
    }
    np.savez(path, joints=sorted(JOINTS), **arrays, **joints)
    return path


def make_folder(folder: Path, records: list[dict] | None = None, skeleton=C2F17, **cameras_changed) -> Path:
    """Make all of it; returns the folder."""
    records = people() if records is None else records
    folder.mkdir(parents=True, exist_ok=True)
    write_pictures(folder, records)
    write_table(folder, records, skeleton)
    skeleton.to_file(folder / "skeleton.yaml")
    (folder / "cameras.yaml").write_text(yaml.safe_dump(cameras(**cameras_changed)))
    return folder


def prepared(folder: Path, **options) -> dict[str, SplitReader]:
    """Prepare such a folder into its ``out/``; readers by split."""
    config = CustomConfig(source="custom", path=folder, out=folder / "out", **options)
    return {info.split: SplitReader(info.path) for info in prepare(config)}
