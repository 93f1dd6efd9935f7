"""Arms: what the hands reach for, shoulders that follow, elbows, and the way clear of the body."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.motion.feet import world_offset
from c2fpose.data.synth36.motion.ik import cross, rotation_from_vector, two_bone, unit
from c2fpose.data.synth36.motion.segments import closest_on_segments
from c2fpose.data.synth36.motion.tracks import Track, bump, minimum_jerk
from c2fpose.data.synth36.person.rig import CHEST, HEAD, PELVIS, SHINS, SIDES, THIGHS, UPPER_ARMS, Rig, limb_radii_mm
from c2fpose.data.synth36.scene.scene import SEAT_SIZE_MM, SeatRequest

# What a hand's place is measured from. Own shoulder and chest turn with the chest; knees and ground with the heading.
SHOULDER, AT_HEAD, AT_PELVIS, OWN_KNEE, OTHER_KNEE, GROUND, AT_CHEST, OWN_THIGH = range(8)
# A hand's key: anchor, wrist from it (mm: forward, outward, up), elbow swivel, pronation, wrist flexion (radians),
# share
# of the gait's arm swing, noise (mm), how far the way there swings out (share of its length, forward
# and outward).
ANCHOR, HX, HY, HZ, H_SWIVEL, PRONATION, FLEX, SWING, NOISE, ARC_X, ARC_Y = range(11)

# Elbows point down for an arm held forward and outward, and from there follow the shortest rotation. The way opposite,
# inward behind the neck, is the one that no arm goes. Values for the left arm; y is mirrored for the right.
ARM_BASE = np.array([0.8, 0.6, 0.0])
ARM_POLE = np.array([0.0, 0.0, -1.0])
UP, FORWARD = (0.0, 0.0, 30.0), (0.0, 30.0, 0.0)  # ways out of a seat, in its own frame
PALM_MM = 80.0  # from the wrist to the end of the palm, typical; fingers bend out of the way


@dataclass
class ArmPose:
    """One arm's wishes at F frames: wrist places ``(F, 3)`` mm, and angles ``(F,)`` radians."""

    target_mm: np.ndarray
    swivel_rad: np.ndarray
    pronation_rad: np.ndarray
    flex_rad: np.ndarray

    def at(self, rows: slice) -> "ArmPose":
        """Take some of the frames."""
        return ArmPose(self.target_mm[rows], self.swivel_rad[rows], self.pronation_rad[rows], self.flex_rad[rows])


def anchors_of(rig: Rig, heads, turns, yaw) -> tuple[np.ndarray, np.ndarray]:
    """Origins ``(2, 8, F, 3)`` and axes ``(8, F, 3, 3)`` of the anchors, by side."""
    chest, pelvis, head = turns[:, CHEST], turns[:, PELVIS], turns[:, HEAD]
    shoulder_from_chest = [rig.heads_mm[b] - rig.heads_mm[CHEST] for b in UPPER_ARMS]
    ground = heads[:, PELVIS] * np.array([1.0, 1.0, 0.0])
    middle = heads[:, CHEST] + world_offset(chest, np.array([0.0, 0.0, 60.0]) * rig.scale)
    origins = []
    for side in (0, 1):
        shoulder = heads[:, CHEST] + world_offset(chest, shoulder_from_chest[side])
        own, other = heads[:, SHINS[side]], heads[:, SHINS[1 - side]]
        thigh = heads[:, THIGHS[side]] + 0.62 * (own - heads[:, THIGHS[side]])
        origins.append(np.stack([shoulder, heads[:, HEAD], heads[:, PELVIS], own, other, ground, middle, thigh]))
    return np.stack(origins), np.stack([chest, head, pelvis, yaw, yaw, yaw, chest, yaw])


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
    aside = (
        track.values[after, ARC_X:] * np.array([1.0, SIDES[side]]) * (far * bump((time_s - start) / duration))[:, None]
    )
    target = target + (axes[SHOULDER][:, :, :2] @ aside[..., None])[..., 0]
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


def reach(shoulder, target_mm, swivel_rad, chest, side: int, rig: Rig) -> tuple[np.ndarray, ...]:
    """Elbow, wrist, hinge axis and end of the palm ``(F, 3)`` of an arm that reaches for its target."""
    mirror = np.array([1.0, SIDES[side], 1.0])
    base, pole = world_offset(chest, ARM_BASE * mirror), world_offset(chest, ARM_POLE * mirror)
    # A hand does not come nearer to its shoulder than the flesh of the arm allows.
    short = 165.0 * rig.scale - np.sqrt(((target_mm - shoulder) ** 2).sum(-1))
    target_mm = target_mm + (0.5 * (short + np.sqrt(short**2 + 40.0**2)))[:, None] * base
    # A hanging arm's elbow turns outward and back.
    downward = -((target_mm - shoulder) * chest[:, :, 2]).sum(-1) / rig.arm_mm
    swivel = SIDES[side] * (swivel_rad + 0.2 + 0.85 * minimum_jerk(0.5 + 0.5 * downward))
    elbow, wrist, hinge = two_bone(shoulder, target_mm, rig.upper_arm_mm, rig.forearm_mm, base, pole, swivel)
    return elbow, wrist, hinge, wrist + PALM_MM * rig.scale * unit(wrist - elbow)


def way_clear(
    shoulder,
    pose: ArmPose,
    chest,
    side: int,
    rig: Rig,
    start,
    end,
    radius,
    bias,
    rows,
    allowed_mm: float,
    passes: int = 8,
) -> tuple[np.ndarray, np.ndarray]:
    """How far to move the wrist's target ``(F, 3)`` mm and to swivel the elbow ``(F,)`` to clear the obstacles.

    Obstacles are capsules: ``start, end (F, O, 3)``, ``radius (O,)``; only ``rows`` of the frames are looked at, and
    overlaps below ``allowed_mm`` are left. Each pass moves the target away from what the forearm and hand touch, and
    swivels the elbow away from what that touches. ``bias (F, O, 3)`` mm is the way out for a limb that is deep inside:
    up from the legs, forward and outward from the trunk.
    """
    radii = limb_radii_mm(rig)
    moved, turned = np.zeros_like(pose.target_mm), np.zeros_like(pose.swivel_rad)
    touching = rows
    for _ in range(passes if len(rows) else 0):
        f = touching
        elbow, wrist, _, tip = reach(
            shoulder[f], pose.target_mm[f] + moved[f], pose.swivel_rad[f] + turned[f], chest[f], side, rig
        )
        s, _, gap, distance = (
            each[:, 0] for each in closest_on_segments(elbow[:, None], tip[:, None], start[f], end[f])
        )
        girth = radii["forearm"] + s * (radii["hand"] - radii["forearm"])
        depth = np.maximum(radius + girth - allowed_mm - distance, 0.0)
        hit = depth.any(-1)
        if not hit.any():
            break
        touching, f = f[hit], f[hit]
        s, depth, elbow, wrist = s[hit], depth[hit], elbow[hit], wrist[hit]
        push = unit(gap[hit] + bias[f]) * depth[..., None]
        weight = depth / depth.sum(-1, keepdims=True)
        move = (push * weight[..., None]).sum(1)
        along = (s * weight).sum(-1)
        moved[f] += move * np.minimum(0.3 + 2.0 * along, 1.0)[:, None]
        axis = unit(wrist - shoulder[f])
        radial = elbow - shoulder[f]
        radial -= (radial * axis).sum(-1, keepdims=True) * axis
        turn = (move * cross(axis, radial)).sum(-1) / np.maximum((radial**2).sum(-1), (70.0 * rig.scale) ** 2)
        turned[f] += SIDES[side] * np.clip(turn * (1.0 - along), -0.3, 0.3)
    # Squeezed between two parts of the body there is no way out: better a touch than a leap.
    size = np.sqrt((moved**2).sum(-1, keepdims=True))
    return moved * np.minimum(1.0, 170.0 * rig.scale / np.maximum(size, 1.0)), np.clip(turned, -0.9, 0.9)


def seat_capsules(seat: SeatRequest | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lay out the seat's edges and backrest as obstacles for arms.

    Start, end ``(N, 3)`` mm, radius ``(N,)`` mm, and the way out for a limb that is deep inside ``(N, 3)`` mm: upwards
    from edges and armrests, forward from a backrest.
    """
    if seat is None:
        return np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros((0, 3))
    width, depth = (0.5 * size for size in SEAT_SIZE_MM[seat.kind])
    rows = []
    if seat.kind == "sofa":
        rows += [((x, -depth - 60.0, 120.0), (x, depth, 120.0), 75.0, UP) for x in (-width - 80.0, width + 80.0)]
        rows += [((-width, -depth - 40.0, z), (width, -depth - 40.0, z), 80.0, FORWARD) for z in (60.0, 190.0, 320.0)]
    else:
        levels = (35.0, 130.0, 230.0) if seat.kind == "box" else (35.0,)
        x, y = width - 35.0, depth - 35.0
        rows += [((side * x, -y, -z), (side * x, y, -z), 35.0, UP) for side in (-1, 1) for z in levels]
    if seat.kind == "chair":
        x, y = width - 30.0, -depth + 10.0
        rows += [((-x, y, z), (x, y, z), 32.0, FORWARD) for z in (40.0, 130.0, 220.0, 310.0, 400.0)]
    start, end, radius, out = (np.array(column) for column in zip(*rows, strict=True))
    turn = rotation_from_vector(np.array([0.0, 0.0, seat.yaw])).T
    origin = np.array([*seat.position_mm, seat.seat_height_mm])
    return start @ turn + origin, end @ turn + origin, radius, out @ turn
