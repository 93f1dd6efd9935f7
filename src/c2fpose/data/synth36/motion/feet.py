"""Feet: planted footfalls, steps between them, heel strike and toe-off, and the sole's contact with the floor."""

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.motion.ik import apply, rotation_from_vector, rotation_z, soft_min
from c2fpose.data.synth36.motion.path import Path, Stepping
from c2fpose.data.synth36.motion.tracks import Track, TrackBuilder, bump
from c2fpose.data.synth36.person.rig import SIDES, Rig

# A foot's key: place of the flat foot's ankle (mm), height above contact, heading, pitch (toes down), roll, how far the
# knee turns outwards (radians), and for the move that leads there: lift (mm), toe-off and heel-strike pitch (radians),
# detour
# from the straight way at its middle (mm).
X, Y, Z, YAW, PITCH, ROLL, SWIVEL, LIFT, TOE_OFF, STRIKE, VIA_X, VIA_Y = range(12)


def foot_key(
    x: float, y: float, yaw: float, *, z: float = 0.0, pitch: float = 0.0, roll: float = 0.0, swivel: float = 0.0,
    lift: float = 30.0, toe_off: float = 0.0, strike: float = 0.0,
) -> Float[np.ndarray, "12"]:  # fmt: skip
    """Write a row of a foot's track."""
    return np.array([x, y, z, yaw, pitch, roll, swivel, lift, toe_off, strike, 0.0, 0.0])


def standing_key(
    place_mm: Float[np.ndarray, "2"],
    heading_rad: float,
    side: int,
    half_width_mm: float,
    ahead_mm: float,
    **fields: float,
) -> Float[np.ndarray, "12"]:
    """Put a flat foot beside a standing place: half the stance width out, ``ahead_mm`` forward, toes a little out."""
    toe_out = fields.pop("toe_out", 0.12)
    forward = np.array([np.cos(heading_rad), np.sin(heading_rad)])
    left = np.array([-forward[1], forward[0]])
    spot = place_mm + SIDES[side] * half_width_mm * left + ahead_mm * forward
    return foot_key(spot[0], spot[1], heading_rad + SIDES[side] * toe_out, **fields)


def plan_steps(
    builders: tuple[TrackBuilder, TrackBuilder],
    path: Path,
    stepping: Stepping,
    half_width_mm: float,
    final_keys: tuple[np.ndarray, np.ndarray],
    toe_out: float = 0.12,
) -> None:
    """Append one stretch of steps to both feet's tracks.

    A foot lands where the pelvis will be at the middle of its stance; the last step of each foot lands on its final
    key. Pitch and lift grow with the length of the step.
    """
    step_s = stepping.step_s
    k = np.arange(stepping.count)
    landing_s = stepping.start_s + (k + 1) * step_s
    place, heading = path.at(landing_s + 0.6 * step_s)
    # Where the pelvis passes while the foot is in the air: the foot passes beside it, not through the standing leg.
    passing, passing_heading = path.at(landing_s - 0.4 * step_s)
    for i in k:
        side = int(stepping.first_side + i) % 2
        last = i >= stepping.count - 2
        key = (
            final_keys[side].copy()
            if last
            else standing_key(place[i], heading[i], side, half_width_mm, 0.0, toe_out=toe_out)
        )
        begin = builders[side].last
        beside = SIDES[side] * np.array([-np.sin(passing_heading[i]), np.cos(passing_heading[i])])
        middle = 0.5 * (begin[:2] + key[:2]) - passing[i]
        key[VIA_X:] = max(half_width_mm - middle @ beside, 0.0) * beside
        length = np.hypot(*(key[:2] - begin[:2]))
        stride = min(length / 900.0, 1.3)
        key[SWIVEL] = begin[SWIVEL]
        key[LIFT], key[TOE_OFF], key[STRIKE] = 30.0 + 25.0 * stride, 0.12 + 0.55 * stride, 0.3 * stride
        builders[side].move(stepping.start_s + (i + 0.16) * step_s, 0.84 * step_s, key)


def foot_pose(track: Track, time_s: Float[np.ndarray, "F"], rig: Rig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ankles ``(F, 3)`` mm, foot rotations ``(F, 3, 3)`` (body frame to world) and knee swivels ``(F,)``.

    While the foot pitches it turns about its toe (toe-off) or its heel (strike), so the planted point does not slide;
    the ankle's height follows from the lowest point of the sole.
    """
    before, after, way = track.keys_at(time_s)
    values = track.values[before] + way[:, None] * (track.values[after] - track.values[before])
    following = np.minimum(after + 1, len(track.start_s) - 1)
    pitch = np.zeros_like(time_s)
    for index, also in ((after, np.ones_like(time_s)), (following, (following != after).astype(float))):
        start, duration = track.start_s[index], track.end_s[index] - track.start_s[index]
        moved = track.values[index]
        pitch += also * moved[:, TOE_OFF] * bump((time_s - start + 0.6 * duration) / (1.3 * duration))
        pitch -= also * moved[:, STRIKE] * bump((time_s - start - 0.6 * duration) / (0.7 * duration))
    # The strike of the move before the last one may still fade when the next has begun: rare, and below 1 degree.
    start, duration = track.start_s[after], track.end_s[after] - track.start_s[after]
    u = np.clip((time_s - start) / duration, 0.0, 1.0)
    aloft = bump(u)
    lift = track.values[after, LIFT] * (4.0 * u * (1.0 - u)) ** 2  # off the floor before it goes far

    zero = np.zeros_like(time_s)
    turn = rotation_z(values[:, YAW])
    tilt = rotation_from_vector(np.stack([zero, values[:, PITCH] + pitch, zero], -1))
    roll = rotation_from_vector(np.stack([values[:, ROLL], zero, zero], -1))
    rotation = turn @ tilt @ roll

    ankle_height = rig.ankle_height_mm
    pivot = np.where(pitch > 0, rig.sole_mm[:, 0].max(), rig.sole_mm[:, 0].min())
    slide = pivot - (pivot * np.cos(pitch) - ankle_height * np.sin(pitch))
    ankle = np.zeros((len(time_s), 3))
    ankle[:, :2] = values[:, :2] + turn[:, :2, 0] * slide[:, None] + aloft[:, None] * track.values[after, VIA_X:]
    lowest = (rotation[:, None, 2, :] * rig.sole_mm).sum(-1).min(-1)
    ankle[:, 2] = -lowest + values[:, Z] + lift
    return ankle, rotation, values[:, SWIVEL]


def root_limits_mm(
    root_xy: np.ndarray, hips_from_root: np.ndarray, ankles: np.ndarray, nearest_mm: float, reach_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest pelvis height ``(F,)`` at which both legs reach their ankles.

    Hips and ankles: ``(2, F, 3)``.
    """
    across = ((root_xy + hips_from_root[..., :2] - ankles[..., :2]) ** 2).sum(-1)
    above = ankles[..., 2] - hips_from_root[..., 2]
    # A foot that is far aside sets no least height: there the root turns negative.
    inside = nearest_mm**2 - across
    low = above + inside / (inside**2 + (0.1 * nearest_mm) ** 4) ** 0.25
    high = above + np.sqrt(np.maximum(reach_mm**2 - across, (0.1 * reach_mm) ** 2))
    return -soft_min(-low[0], -low[1], 12.0), soft_min(high[0], high[1], 12.0)


def world_offset(turn: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Turn a constant vector of the body frame into each frame's world."""
    return apply(turn, np.broadcast_to(v, (*turn.shape[:-2], 3)))
