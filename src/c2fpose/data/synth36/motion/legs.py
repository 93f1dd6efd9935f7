"""Legs: knees over planted or lifted feet, the way clear of the other leg, and the trunk's way clear of both."""

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.motion.feet import world_offset
from c2fpose.data.synth36.motion.ik import apply, cross, rotation_from_vector, two_bone, unit
from c2fpose.data.synth36.motion.segments import closest_on_segments
from c2fpose.data.synth36.person.rig import FEET, PELVIS, SHINS, THIGHS, Rig, limb_radii_mm

KNEE_BASE = unit(np.array([0.5, 0.0, -0.87]))
KNEE_POLE = unit(np.array([0.87, 0.0, 0.5]))
KNEE_CLOSED_RAD = 0.45
KNEE_OVER_FLOOR_MM = 58.0
THIGH_FROM = 0.25  # above this share of their length thighs touch each other anyhow
HIP_CREASE = 0.33  # above this share they meet the trunk anyhow: hips bend by some 120 degrees
FOOT_RADIUS_MM = 30.0  # typical


def solve_leg(
    hip: Float[np.ndarray, "*side F 3"],
    ankle: Float[np.ndarray, "*side F 3"],
    outward: Float[np.ndarray, "*side F"],
    facing: Float[np.ndarray, "F 3 3"],
    rig: Rig,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Knees, ankles and hinge axes ``(*side, F, 3)`` of legs that reach for their ankles, knees above the floor."""
    base, pole = world_offset(facing, KNEE_BASE), world_offset(facing, KNEE_POLE)
    for _ in range(3):
        knee, end, hinge = two_bone(
            hip, ankle, rig.thigh_mm, rig.shin_mm, base, pole, outward, KNEE_CLOSED_RAD, 0.9995
        )  # fmt: skip
        sunk = KNEE_OVER_FLOOR_MM * rig.scale - knee[..., 2]
        if (sunk < 0).all():
            break
        # A knee that would sink into the floor turns up about the line from hip to ankle; one right below that
        # line has no side to turn to and stays.
        rise = cross(unit(end - hip), knee - hip)[..., 2]
        outward = outward + np.clip(np.maximum(sunk, 0.0) * rise / (rise**2 + 150.0**2), -0.3, 0.3)
    return knee, end, hinge


def legs_apart(
    hips: Float[np.ndarray, "2 F 3"],
    ankles: Float[np.ndarray, "2 F 3"],
    outward: Float[np.ndarray, "2 F"],
    toes: Float[np.ndarray, "2 F 3"],
    facing: Float[np.ndarray, "F 3 3"],
    rig: Rig,
    allowed_mm: float,
    passes: int = 8,
) -> tuple[np.ndarray, np.ndarray]:
    """How far to move the ankles ``(2, F, 3)`` mm and to swivel the knees ``(2, F)`` so that the legs clear each other.

    ``toes``: from the ankles. A lifted foot gives way, in any direction; planted feet share the way, along the floor.
    Overlaps below ``allowed_mm`` are left: flesh gives way.
    """
    radii = limb_radii_mm(rig)
    girth = np.array([radii["thigh"], radii["shin"], FOOT_RADIUS_MM * rig.scale])
    reach = girth[:, None] + girth - allowed_mm
    moved, turned = np.zeros_like(ankles), np.zeros_like(outward)
    touching = np.arange(ankles.shape[1])
    lifted = np.clip((ankles[..., 2] - rig.ankle_height_mm - 15.0) / 60.0, 0.0, 1.0)
    for _ in range(passes):
        f = touching
        hip = hips[:, f]
        knee, ankle, _ = solve_leg(hip, ankles[:, f] + moved[:, f], outward[:, f] + turned[:, f], facing[f], rig)
        start = np.stack([hip + THIGH_FROM * (knee - hip), knee, ankle], 2)
        end = np.stack([knee, ankle, ankle + toes[:, f]], 2)
        # Parts of the left leg along axis 1, of the right leg along axis 2.
        s, t, gap, distance = closest_on_segments(start[0], end[0], start[1], end[1])
        depth = np.maximum(reach - distance, 0.0)
        hit = depth.any((1, 2))
        if not hit.any():
            break
        touching, f = f[hit], f[hit]
        s, t, gap, depth, start, end = s[hit], t[hit], gap[hit], depth[hit], start[:, hit], end[:, hit]
        # Nearly crossing axes: the higher foot goes over.
        over = np.tanh((ankles[0, f, 2] - ankles[1, f, 2]) / 40.0)
        away = unit(gap + np.array([0.0, 0.0, 15.0]) * over[:, None, None, None])
        weight = depth / depth.sum((1, 2), keepdims=True)
        push = away * (depth * weight)[..., None]
        for side, along in ((0, s), (1, t)):
            sign = (1.0, -1.0)[side]
            share = 0.5 + 0.5 * (lifted[side, f] - lifted[1 - side, f])
            part = np.arange(3)[:, None] if side == 0 else np.arange(3)
            at_knee = np.where(part == 0, THIGH_FROM + (1 - THIGH_FROM) * along, np.where(part == 1, 1.0 - along, 0.0))
            at_ankle = np.where(part == 0, 0.5 * along, np.where(part == 1, np.maximum(along, 0.5), 1.0))
            move = sign * share[:, None] * (push * at_ankle[..., None]).sum((1, 2))
            move[:, 2] = np.where(move[:, 2] > 0, 1.0, lifted[side, f]) * move[:, 2] * (lifted[side, f] > 0)
            moved[side, f] += move
            knee, ankle, hip = end[side, :, 0], end[side, :, 1], hips[side, f]
            axis = unit(ankle - hip)
            radial = knee - hip
            radial -= (radial * axis).sum(-1, keepdims=True) * axis
            bend = sign * 0.5 * (push * at_knee[..., None]).sum((1, 2))
            turn = (bend * cross(axis, radial)).sum(-1) / np.maximum((radial**2).sum(-1), (90.0 * rig.scale) ** 2)
            turned[side, f] += np.clip(turn, -0.2, 0.2)
    size = np.sqrt((moved**2).sum(-1, keepdims=True))
    return moved * np.minimum(1.0, 150.0 * rig.scale / np.maximum(size, 1.0)), np.clip(turned, -0.6, 0.6)


def lean_off_legs(
    heads: Float[np.ndarray, "F 19 3"], turns: Float[np.ndarray, "F 19 3 3"], rig: Rig, allowed_mm: float
) -> Float[np.ndarray, "F"]:
    """How far to tilt the trunk back, pelvis and all, for thighs and shins to clear it, radians.

    The tilt is about the line through both hips, so the legs stay as they are. Overlaps below ``allowed_mm`` are left.
    """
    start, end = (each[:, 1:] - heads[:, None, PELVIS] for each in rig.trunk.placed(heads, turns))
    hips, knees, ankles = (heads[:, list(bones)] - heads[:, None, PELVIS] for bones in (THIGHS, SHINS, FEET))
    upper, lower = np.concatenate([hips + HIP_CREASE * (knees - hips), knees], 1), np.concatenate([knees, ankles], 1)
    radii = limb_radii_mm(rig)
    reach = np.repeat([radii["thigh"], radii["shin"]], 2)[:, None] + rig.trunk.radius_mm[1:] - allowed_mm
    left = turns[:, PELVIS, None, :, 1]
    lean, touching = np.zeros(len(heads)), np.arange(len(heads))
    for _ in range(5):
        f = touching
        back = rotation_from_vector(-lean[f, None, None] * left[f])
        low, high = apply(back, start[f]), apply(back, end[f])
        _, along, gap, distance = closest_on_segments(upper[f], lower[f], low, high)
        depth = np.maximum(reach - distance, 0.0)
        hit = depth.any((1, 2))
        if not hit.any():
            break
        touching, at = f[hit], (low[:, None] + along[..., None] * (high - low)[:, None])[hit]
        # What a tilt gains at each contact, mm per radian.
        gain = (cross(np.broadcast_to(left[touching, None], at.shape), at) * unit(gap[hit])).sum(-1)
        lean[touching] += np.minimum((depth[hit] / np.maximum(gain, 100.0)).max((1, 2)), 0.2)
    return lean
