"""Arms: what the hands reach for, shoulders that follow, elbows, and the way clear of the body."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.feet import world_offset
from c2fpose.data.synth36.ik import closest_on_segments, cross, rotation_from_vector, two_bone, unit
from c2fpose.data.synth36.rig import CHEST, HEAD, PELVIS, SHINS, SIDES, UPPER_ARMS, Rig, limb_radii_mm
from c2fpose.data.synth36.tracks import Track, bump, minimum_jerk

# What a hand's place is measured from. Own shoulder and chest turn with the chest; knees and ground with the heading.
SHOULDER, AT_HEAD, AT_PELVIS, OWN_KNEE, OTHER_KNEE, GROUND, AT_CHEST = range(7)
# A hand's key: anchor, wrist from it (mm: forward, outward, up), elbow swivel, pronation, wrist flexion (radians), share
# of the gait's arm swing, noise (mm), how far the way there swings out (share of its length).
ANCHOR, HX, HY, HZ, H_SWIVEL, PRONATION, FLEX, SWING, NOISE, ARC = range(10)

# The hand's usual way out from the shoulder and the elbow's place then, for the left arm (y is mirrored for the right).
ARM_BASE = unit(np.array([0.62, 0.32, -0.72]))
_POLE = np.array([-0.55, 0.45, -0.3])
ARM_POLE = unit(_POLE - (_POLE @ ARM_BASE) * ARM_BASE)


@dataclass
class ArmPose:
    """One arm's wishes at F frames: wrist places ``(F, 3)`` mm, and angles ``(F,)`` radians."""

    target_mm: np.ndarray
    swivel_rad: np.ndarray
    pronation_rad: np.ndarray
    flex_rad: np.ndarray


def anchors_of(rig: Rig, heads, turns, yaw) -> tuple[np.ndarray, np.ndarray]:
    """Origins ``(2, 7, F, 3)`` and axes ``(7, F, 3, 3)`` of the anchors, by side."""
    chest, pelvis, head = turns[:, CHEST], turns[:, PELVIS], turns[:, HEAD]
    shoulder_from_chest = [rig.heads_mm[b] - rig.heads_mm[CHEST] for b in UPPER_ARMS]
    ground = heads[:, PELVIS] * np.array([1.0, 1.0, 0.0])
    middle = heads[:, CHEST] + world_offset(chest, np.array([0.0, 0.0, 60.0]) * rig.scale)
    origins = []
    for side in (0, 1):
        shoulder = heads[:, CHEST] + world_offset(chest, shoulder_from_chest[side])
        own, other = heads[:, SHINS[side]], heads[:, SHINS[1 - side]]
        origins.append(np.stack([shoulder, heads[:, HEAD], heads[:, PELVIS], own, other, ground, middle]))
    return np.stack(origins), np.stack([chest, head, pelvis, yaw, yaw, yaw, chest])


def arm_targets(
    track: Track, time_s, side: int, anchors, rig: Rig, noise: Float[np.ndarray, "F 6"], swing: Float[np.ndarray, "F"]
) -> ArmPose:
    """Wishes of one arm from its track; each key's place is taken in today's body, then the two are blended."""
    origins, axes = anchors
    before, after, way = track.keys_at(time_s)
    frames = np.arange(len(time_s))
    ends = []
    for index in (before, after):
        key = track.values[index]
        anchor = key[:, ANCHOR].astype(int)
        local = key[:, HX : HZ + 1] * np.array([1.0, SIDES[side], 1.0])
        ends.append(origins[side][anchor, frames] + (axes[anchor, frames] @ local[..., None])[..., 0])
    w = way[:, None]
    target = ends[0] + w * (ends[1] - ends[0])
    rest = track.values[before] + w * (track.values[after] - track.values[before])

    start, duration = track.start_s[after], track.end_s[after] - track.start_s[after]
    far = np.sqrt(((ends[1] - ends[0]) ** 2).sum(-1))
    arc = track.values[after, ARC] * far * bump((time_s - start) / duration)
    out = world_offset(axes[SHOULDER], np.array([0.75, 0.65 * SIDES[side], 0.0]))
    target = target + arc[:, None] * out
    target = target + noise[:, :3] * rest[:, NOISE, None]
    # Arms swing about the shoulder: forward, up a little at both ends, the elbow bends more in front.
    angle = swing * rest[:, SWING]
    gait = np.stack([0.42 * angle, np.zeros_like(angle), 0.10 * angle**2 + 0.05 * angle], -1) * rig.arm_mm
    target = target + (axes[SHOULDER] @ gait[..., None])[..., 0]
    target[:, 2] = np.maximum(target[:, 2], 40.0 * rig.scale)
    return ArmPose(
        target,
        rest[:, H_SWIVEL] + 0.10 * noise[:, 3],
        rest[:, PRONATION] + 0.20 * noise[:, 4],
        rest[:, FLEX] + 0.12 * noise[:, 5],
    )


def clavicle_turns(target_mm, anchors, chest, side: int, rig: Rig) -> Float[np.ndarray, "F 3 3"]:
    """Shoulder girdle: rises with a raised arm, comes forward with a forward reach."""
    reach = (np.swapaxes(chest, -1, -2) @ (target_mm - anchors[0][side][SHOULDER])[..., None])[..., 0] / rig.arm_mm
    rise = -0.06 + 0.42 * minimum_jerk((reach[:, 2] + 0.7) / 1.9)
    forward = 0.30 * (minimum_jerk((reach[:, 0] + 0.6) / 1.8) - 0.3)
    zero = np.zeros_like(rise)
    return rotation_from_vector(SIDES[side] * np.stack([rise, zero, -forward], -1))


def solve_arm(
    shoulder, pose: ArmPose, chest, side: int, rig: Rig, start, end, radius, passes: int = 8
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Elbow, wrist, hinge axis and fingertips ``(F, 3)``, with the forearm pushed out of the obstacle capsules.

    Obstacles: ``start, end (F, O, 3)``, ``radius (O,)``. Each pass moves the wrist's target away from what it touches
    and swivels the elbow away from what that touches.
    """
    mirror = np.array([1.0, SIDES[side], 1.0])
    base, pole = world_offset(chest, ARM_BASE * mirror), world_offset(chest, ARM_POLE * mirror)
    radii = limb_radii_mm(rig)
    target, swivel = pose.target_mm.copy(), pose.swivel_rad.copy()
    palm = 130.0 * rig.scale
    for remaining in range(passes, -1, -1):
        elbow, wrist, hinge = two_bone(
            shoulder, target, rig.upper_arm_mm, rig.forearm_mm, base, pole, SIDES[side] * swivel
        )
        tip = wrist + palm * unit(wrist - elbow)
        if not remaining:
            break
        s, gap, distance = closest_on_segments(elbow[:, None], tip[:, None], start, end)
        girth = radii["forearm"] + s * (radii["hand"] - radii["forearm"])
        depth = np.maximum(radius + girth - distance, 0.0)
        if not depth.any():
            break
        push = gap / np.maximum(distance, 1.0)[..., None] * depth[..., None]
        weight = depth / np.maximum(depth.sum(-1, keepdims=True), 1e-6)
        move = (push * weight[..., None]).sum(1)
        along = (s * weight).sum(-1)
        target = target + move * np.minimum(2.0 * along, 1.0)[:, None]
        to_elbow = elbow - shoulder
        axis = unit(wrist - shoulder)
        radial = to_elbow - (to_elbow * axis).sum(-1, keepdims=True) * axis
        tangent = cross(axis, radial)
        turn = (move * tangent).sum(-1) / np.maximum((radial**2).sum(-1), (70.0 * rig.scale) ** 2)
        swivel = swivel + SIDES[side] * np.clip(turn * (1.0 - along), -0.3, 0.3)
    return elbow, wrist, hinge, tip
