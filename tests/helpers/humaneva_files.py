"""VideoPose3D's files of HumanEva, written from the fixtures' people."""

from pathlib import Path

import cv2
import numpy as np
from own_data import POSES

from c2fpose.data.custom.readers.humaneva import FILE_2D, FILE_3D, NAMES
from c2fpose.pose.skeleton import JOINTS

FRAMES = 12
MATRIX = np.array([[640.0, 0, 330.0], [0, 645.0, 236.0], [0, 0, 1]])
LENS = np.array([-0.2, 0.09, 0, 0, 0])
TURNS = [[1.5, 0.2, 0.1], [1.2, 0.9, 0.6], [1.1, -0.8, -0.7]]
PLACE = np.array([0.0, 200.0, 4200.0])


def world_mm(number: int) -> np.ndarray:
    """People who walk about, z up."""
    chosen = POSES[number * FRAMES : (number + 1) * FRAMES]
    named = np.stack([chosen[:, JOINTS.index(name)] for name in NAMES], 1) - chosen[:, :1]
    upright = named[..., [0, 2, 1]] * [1, 1, -1]
    walk = np.linspace(-1, 1, FRAMES)[:, None, None] * np.array([500.0, 700.0 * (-1) ** number, 0])
    return upright + walk


def seen_px(world: np.ndarray, camera: int) -> np.ndarray:
    return cv2.projectPoints(world.reshape(-1, 3), np.array(TURNS[camera]), PLACE, MATRIX, LENS)[0].reshape(
        *world.shape[:-1], 2
    )


def write(folder: Path, scale: float = 1000, **changes) -> Path:
    poses, labels = {}, {}
    for number, (part, action) in enumerate([("Train", "Walking 1 chunk0"), ("Validate", "Jog 1 chunk2")]):
        world = world_mm(number)
        poses[f"{part}/S1"] = {action: (world / scale).astype(np.float32)}
        labels[f"{part}/S1"] = {action: [seen_px(world, camera).astype(np.float32) for camera in range(3)]}
    np.savez_compressed(folder / FILE_3D, positions_3d=changes.get("poses", poses))
    np.savez_compressed(folder / FILE_2D, positions_2d=changes.get("labels", labels), metadata={"num_joints": 15})
    return folder
