"""What small test files hold: stick people and blurred noise; ``make_split`` in conftest.py writes them."""

import cv2
import h5py
import numpy as np

from c2fpose.data.schema import FIELDS, index_fingerprint
from c2fpose.pose.box import person_box

INTRINSICS_PX = np.array([1145.0, 1144.0, 512.0, 515.0])


def people(records: int, seed: int, split: str) -> dict[str, np.ndarray]:
    """Annotations that any reader accepts: two trials of 15 actions in four cameras, subject after subject."""
    random = np.random.default_rng(seed)
    joints = random.uniform(-800, 800, (records, 17, 3)) + np.array([0, 0, 5000])
    joints[:, 0] = (0, 0, 5000)
    joints_px = joints[..., :2] / joints[..., 2:] * INTRINSICS_PX[:2] + INTRINSICS_PX[2:]
    center, scale = person_box(joints_px)
    number = np.arange(records)
    subjects = (1, 5, 6, 7, 8) if split == "train" else (9, 11)
    side = 1.2 * 200 * scale
    return {
        "joints_cam_mm": joints,
        "joints_px": joints_px,
        "center_px": center,
        "scale": scale,
        "intrinsics_px": np.tile(INTRINSICS_PX, (records, 1)),
        "stored_left_top_px": center - side[:, None] / 2,
        "stored_step_px": side / 256,
        "subject": np.array(subjects)[number % len(subjects)],
        "action": number // len(subjects) % 15,
        "trial": number // (len(subjects) * 15) % 2 + 1,
        "camera": number // (len(subjects) * 30) % 4,
        "frame": 1 + 5 * (number // (len(subjects) * 120)),
    }


def jpeg(seed: int, size: int = 256) -> bytes:
    """A blurred random picture with some fine detail."""
    random = np.random.default_rng(seed)
    picture = cv2.resize(random.integers(0, 256, (16, 16, 3), dtype=np.uint8), (size, size))
    picture[:, ::16] = 255 - picture[:, ::16]
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def reseal(file: h5py.File) -> None:
    """Make an edited file (open for writing) pass for one that was written so."""
    index = {name: file[name][:].astype(field.dtype) for name, field in FIELDS.items()}
    index |= {name: file[name][:] for name in ("jpeg_offsets", "image_names") if name in file}
    file.attrs["index_fingerprint"] = index_fingerprint(file.attrs, index)
