"""Pixels for video: joints over a frame, and poses of several people on a floor, seen from any side. Fast, by OpenCV.

The colours are the figures': the person's left blue, right orange. Joints of low confidence are faint.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from c2fpose.pictures.palette import COLORS, ON_PHOTOGRAPHS, joint_side, rgb
from c2fpose.pose.skeleton import C2F17, Skeleton

Image = UInt8[np.ndarray, "_ _ 3"]
Joints = Float[np.ndarray, "J 3"]

Colour = tuple[int, int, int]
PAPER, LINES, LETTERS = (255, 255, 255), (221, 221, 221), (90, 90, 90)
GRID_MM = 500.0
_SHIFT = 4  # OpenCV draws between pixels in sixteenths
FAINTEST = 0.15


def draw_joints(
    image: Image,
    joints_px: Float[np.ndarray, "J 2"],
    depth_mm: Float[np.ndarray, " J"],
    confidence: Float[np.ndarray, " J"] | None = None,
    label: str = "",
    skeleton: Skeleton = C2F17,
) -> None:
    """Draw a person over ``image``, in place: limbs from far to near with white rims, ``label`` above the head."""
    width = max(2, round(min(image.shape[:2]) / 160))
    from_centres = joints_px - 0.5  # as OpenCV counts; ours begin at the corner
    _draw_skeleton(image, from_centres, depth_mm, confidence, ON_PHOTOGRAPHS, width, None, skeleton)
    if label and np.isfinite(joints_px).all():
        x, y = joints_px[np.argmin(joints_px[:, 1])] - [0, 6 * width]
        _write(image, label, (float(x), float(y)), size=width / 4.5, color=(255, 255, 255), rim=(30, 30, 30))


@dataclass(frozen=True)
class Stage:
    """The space that a panel shows: all people of all frames stand in it, so that their movement is seen."""

    centre_cam_mm: Float[np.ndarray, " 3"]
    radius_mm: float  # half the panel's side
    floor_mm: float  # y of the floor, camera frame (y down)

    @classmethod
    def around(cls, joints_cam_mm: Float[np.ndarray, "N J 3"]) -> Stage:
        """Make room for all poses but for what a few percent of stray joints reach."""
        joints = joints_cam_mm.reshape(-1, 3)
        low, high = np.percentile(joints, 2, axis=0), np.percentile(joints, 98, axis=0)
        centre = (low + high) / 2
        reach = np.linalg.norm((joints - centre)[:, [0, 2]], axis=-1)
        radius = max(float(np.percentile(reach, 98)), float(high[1] - low[1]) / 2, 600.0)
        return cls(centre, 1.2 * radius, float(np.percentile(joints[:, 1], 98)))

    def seen(self, points_cam_mm: np.ndarray, turn_deg: float, side_px: int, tilt_deg: float = 14.0) -> np.ndarray:
        """Place points of the camera frame on a square panel: x, y in px and the distance to the eye in mm.

        Without perspective; ``turn_deg`` goes about the vertical, 0 is the camera's view, tilted down a little.
        """
        x, y, z = np.moveaxis(np.asarray(points_cam_mm, float) - self.centre_cam_mm, -1, 0)
        turn, tilt = np.deg2rad(turn_deg), np.deg2rad(tilt_deg)
        right, away = x * np.cos(turn) + z * np.sin(turn), z * np.cos(turn) - x * np.sin(turn)
        down, away = y * np.cos(tilt) - away * np.sin(tilt), away * np.cos(tilt) + y * np.sin(tilt)
        half = side_px / 2
        return np.stack([half + right / self.radius_mm * half, half + down / self.radius_mm * half, away], axis=-1)


def pose_panel(
    stage: Stage,
    people: list[tuple[Joints, Float[np.ndarray, " J"] | None, str]],
    turn_deg: float,
    side_px: int,
    skeleton: Skeleton = C2F17,
) -> Image:
    """Draw people (joints in the camera frame, confidence, label) on the stage's floor, from a side."""
    panel = np.full((side_px, side_px, 3), PAPER, np.uint8)
    _draw_floor(panel, stage, turn_deg)
    width = max(2, side_px // 160)
    seen = [(stage.seen(joints, turn_deg, side_px), sure, label) for joints, sure, label in people]
    for points, sure, label in sorted(seen, key=lambda person: -float(person[0][:, 2].mean())):
        _draw_skeleton(panel, points[:, :2], points[:, 2], sure, COLORS, width, PAPER, skeleton)
        if label:
            x, y, _ = points[np.argmin(points[:, 1])]
            _write(panel, label, (float(x), float(y) - 5 * width), size=width / 4.5, color=LETTERS, rim=PAPER)
    return panel


def _draw_floor(panel: Image, stage: Stage, turn_deg: float) -> None:
    side = len(panel)
    reach = np.ceil(stage.radius_mm / GRID_MM) * GRID_MM
    steps = np.arange(-reach, reach + 1, GRID_MM)
    ends = np.array([-reach, reach])
    middle_x, middle_z = np.round(stage.centre_cam_mm[[0, 2]] / GRID_MM) * GRID_MM
    for step in steps:
        for x, z in ((np.full(2, step), ends), (ends, np.full(2, step))):
            line = np.stack([x + middle_x, np.full(2, stage.floor_mm), z + middle_z], axis=-1)
            _line(panel, stage.seen(line, turn_deg, side)[:, :2], LINES, 1)


def _draw_skeleton(
    image: Image,
    points_px: Float[np.ndarray, "J 2"],
    depth: Float[np.ndarray, " J"],
    confidence: Float[np.ndarray, " J"] | None,
    colors: dict[str, str],
    width: int,
    behind: Colour | None,
    skeleton: Skeleton,
) -> None:
    """Far limbs first. Faint limbs are mixed with the paper ``behind`` them, or thinner where there is a picture."""
    if not np.isfinite(points_px).all() or abs(points_px).max() > 1e5:
        return
    sure = np.ones(skeleton.joints) if confidence is None else np.clip(np.nan_to_num(confidence), FAINTEST, 1)
    for start, end in sorted(skeleton.limbs, key=lambda edge: -(depth[edge[0]] + depth[edge[1]])):
        color = np.array(rgb(colors[joint_side(end, skeleton)]), float)
        share = float(min(sure[start], sure[end]))
        thick = width if behind is not None else max(1, round(width * (0.35 + 0.65 * share)))
        if behind is not None:
            color = share * color + (1 - share) * np.array(behind)
        line = points_px[[start, end]]
        _line(image, line, (255, 255, 255), thick + 2)
        _line(image, line, _whole(color), thick)
    rim = width + 1
    for joint in np.argsort(-np.asarray(depth)):
        center = tuple(int(value) for value in np.round(points_px[joint] * 2**_SHIFT))
        share = float(sure[joint])
        color = np.array(rgb(colors[joint_side(int(joint), skeleton)]), float)
        color = share * color + (1 - share) * 255
        cv2.circle(image, center, round(rim * 1.2 * 2**_SHIFT), (255, 255, 255), -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(image, center, round(rim * 0.8 * 2**_SHIFT), _whole(color), -1, cv2.LINE_AA, _SHIFT)


def _whole(color: Float[np.ndarray, 3]) -> Colour:
    red, green, blue = (int(part) for part in color)
    return red, green, blue


def _line(image: Image, ends_px: Float[np.ndarray, "2 2"], color: Colour, width: int) -> None:
    (x0, y0), (x1, y1) = np.round(np.clip(ends_px, -1e5, 1e5) * 2**_SHIFT).astype(int)
    cv2.line(image, (int(x0), int(y0)), (int(x1), int(y1)), color, width, cv2.LINE_AA, _SHIFT)


def _write(
    image: Image,
    text: str,
    at_px: tuple[float, float],
    size: float,
    color: Colour,
    rim: Colour,
) -> None:
    """Write a line of text centred above a point, with a rim that sets it off."""
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    corner = (round(at_px[0] - width / 2), round(at_px[1]))
    cv2.putText(image, text, corner, cv2.FONT_HERSHEY_SIMPLEX, size, rim, 3, cv2.LINE_AA)
    cv2.putText(image, text, corner, cv2.FONT_HERSHEY_SIMPLEX, size, color, 1, cv2.LINE_AA)
