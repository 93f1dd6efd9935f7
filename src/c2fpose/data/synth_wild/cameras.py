"""Cameras of synth_wild, the box around the person, and where the photograph ends."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.cameras import FRAME_PX, Camera

FIELD_OF_VIEW_DEG = (20.0, 100.0)
DISTANCE_MM = (1500.0, 15000.0)
NEAREST_MM = 500.0  # no part of the person is nearer to the camera
PLAIN_FOCAL_PX, PLAIN_DISTANCE_MM, PLAIN_HEIGHT_MM = 1147.0, (4000.0, 5500.0), 1500.0  # about synth36's
PLAIN_BOX = 1.14  # side, in the person's larger extent


def draw_camera(rng: np.random.Generator, vertices_mm: Float[np.ndarray, "N 3"]) -> Camera:
    """Place a camera somewhere around a person, aimed roughly at them.

    The field of view is drawn first, then how large the person is in the frame, which gives the distance.
    """
    low, high = vertices_mm.min(0), vertices_mm.max(0)
    middle, extent = 0.5 * (low + high), float(np.linalg.norm(high - low))
    view = np.radians(rng.triangular(FIELD_OF_VIEW_DEG[0], 50.0, FIELD_OF_VIEW_DEG[1]))
    focal_px = 0.5 * FRAME_PX / np.tan(0.5 * view)
    share = rng.uniform(0.25, 1.05)
    distance = np.clip(focal_px * extent / (share * FRAME_PX), *DISTANCE_MM)
    azimuth = rng.uniform(0, 2 * np.pi)
    kind = rng.random()
    if kind < 0.62:  # held by somebody
        height = rng.normal(1500.0, 220.0)
    elif kind < 0.82:  # from the knee to the hip
        height = rng.uniform(350.0, 1100.0)
    else:  # up to the ceiling, or from a storey
        height = middle[2] + distance * np.tan(np.radians(rng.uniform(10.0, 60.0)))
    rise = np.clip((height - middle[2]) / distance, -0.85, 0.9)
    level = distance * np.sqrt(1 - rise**2)
    place = middle + np.array([level * np.cos(azimuth), level * np.sin(azimuth), rise * distance])
    place[2] = max(place[2], 200.0)
    roll = rng.normal(0, np.radians(4.0)) if rng.random() < 0.85 else rng.uniform(-0.45, 0.45)
    # Aimed beside the person, up to a third of the frame.
    beside = rng.uniform(-0.3, 0.3, 2) * FRAME_PX / focal_px
    rotation = _beside(beside) @ _looking_at(place, middle, roll)
    return Camera(rotation, place, np.array([focal_px, focal_px, 0.5 * FRAME_PX, 0.5 * FRAME_PX]))


def plain_camera(rng: np.random.Generator, vertices_mm: Float[np.ndarray, "N 3"]) -> Camera:
    """Place a camera about as synth36's: at eye height, some metres away, level, aimed at the person."""
    middle = 0.5 * (vertices_mm.min(0) + vertices_mm.max(0))
    azimuth, distance = rng.uniform(0, 2 * np.pi), rng.uniform(*PLAIN_DISTANCE_MM)
    place = np.array([*(middle[:2] + distance * np.array([np.cos(azimuth), np.sin(azimuth)])), PLAIN_HEIGHT_MM])
    half = 0.5 * FRAME_PX
    return Camera(_looking_at(place, middle, 0.0), place, np.array([PLAIN_FOCAL_PX, PLAIN_FOCAL_PX, half, half]))


def _looking_at(place: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"], roll: float) -> Float[np.ndarray, "3 3"]:
    """From the world to a camera that looks from a place at another, rolled about its axis (radians)."""
    forward = target - place
    right = np.cross(forward, (0.0, 0.0, 1.0))
    forward, right = forward / np.linalg.norm(forward), right / np.linalg.norm(right)
    down = np.cross(forward, right)
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return np.vstack([turn @ np.stack([right, down]), forward])


def _beside(offset: Float[np.ndarray, "2"]) -> Float[np.ndarray, "3 3"]:
    """Turn a camera a little, so that what was straight ahead lies at ``offset`` (x, y, in focal lengths)."""
    forward = np.array([-offset[0], -offset[1], 1.0])
    right = np.cross((0.0, 1.0, 0.0), forward)
    forward, right = forward / np.linalg.norm(forward), right / np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


@dataclass(frozen=True)
class Box:
    """The person's box and the photograph's edges, in px of the full frame."""

    center_px: Float[np.ndarray, "2"]
    side_px: float
    photo_px: Float[np.ndarray, "2 2"]  # low and high corner of what the photograph shows


def draw_box(
    rng: np.random.Generator, surface_px: Float[np.ndarray, "N 2"], joints_px: Float[np.ndarray, "17 2"]
) -> Box:
    """Draw a box around what can be seen of the person, tight or loose, and the photograph's edges.

    In a quarter of the images the photograph ends within the person, or the box leaves a part out.
    """
    low, high = surface_px.min(0), surface_px.max(0)
    size = high - low
    photo = np.array([low - 10 * size.max(), high + 10 * size.max()])
    seen_low, seen_high = low.copy(), high.copy()
    kind = rng.random()
    if kind < 0.27:
        cut = _cut(rng, joints_px, low, high)
        seen_low, seen_high = np.maximum(low, cut[0]), np.minimum(high, cut[1])
        if rng.random() < 0.6:  # by the photograph's edge
            photo = np.where(np.abs(cut) < 1e8, cut, photo)
    elif kind < 0.4:  # an edge beside the person
        axis, side = rng.integers(2), rng.integers(2)
        edge = (low, high)[side][axis] + (2 * side - 1) * rng.uniform(0.0, 0.2) * size.max()
        photo[side, axis] = edge
    seen = seen_high - seen_low
    loose = rng.triangular(0.98, 1.14, 1.5)
    side_px = float(max(seen.max(), 1.0)) * loose
    jitter = rng.normal(0, 0.03, 2) + rng.uniform(-0.3, 0.3, 2) * (loose - 1.0)
    return Box(0.5 * (seen_low + seen_high) + jitter * side_px, side_px, photo)


def plain_box(surface_px: Float[np.ndarray, "N 2"]) -> Box:
    """Box the whole person, in the middle, within a photograph that ends nowhere near."""
    low, high = surface_px.min(0), surface_px.max(0)
    side = float((high - low).max())
    return Box(0.5 * (low + high), PLAIN_BOX * side, np.array([low - 10 * side, high + 10 * side]))


def _cut(rng, joints_px, low, high) -> Float[np.ndarray, "2 2"]:
    """Low and high corner of what stays: without feet, legs, one side, or (seldom) the top or all but the bust."""
    cut = np.array([[-1e9, -1e9], [1e9, 1e9]])
    hips, knees, ankles = (joints_px[pair].mean(0) for pair in ([1, 4], [2, 5], [3, 6]))
    chest = joints_px[8]
    line = {
        "feet": knees + rng.uniform(0.45, 1.0) * (ankles - knees),
        "knees": hips + rng.uniform(0.25, 1.0) * (knees - hips),
        "waist": joints_px[0] + rng.uniform(-0.3, 0.3) * (chest - joints_px[0]),
        "bust": joints_px[0] + rng.uniform(0.35, 0.6) * (chest - joints_px[0]),
    }
    kind = rng.choice(["feet", "knees", "waist", "bust", "side", "top"], p=[0.32, 0.28, 0.16, 0.04, 0.14, 0.06])
    if kind == "side":
        axis, side = (0, rng.integers(2)) if rng.random() < 0.8 else (1, 1)
        share = rng.uniform(0.08, 0.38)
        cut[side, axis] = (low, high)[side][axis] + (1 - 2 * side) * share * (high - low)[axis]
        return cut
    if kind == "top":
        cut[0, 1] = low[1] + rng.uniform(0.03, 0.13) * (high - low)[1]
        return cut
    place = line[kind]
    away = place - joints_px[9 if kind != "bust" else 10]
    axis = int(np.argmax(np.abs(away)))
    cut[int(away[axis] > 0), axis] = place[axis]
    # At least a quarter of the person stays.
    least = 0.25 * (high - low)[axis]
    cut[1, axis], cut[0, axis] = max(cut[1, axis], low[axis] + least), min(cut[0, axis], high[axis] - least)
    return cut
