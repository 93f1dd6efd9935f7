"""From postures to bones: trunk, legs, the floor under them, arms; and which of them bodies can do."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from c2fpose.data.synth36.motion.arms import ArmPose, clavicle_turns, reach, way_clear
from c2fpose.data.synth36.motion.bones import aim, attach, bend_trunk, local_rotations, trunk_and_legs, turn_arm
from c2fpose.data.synth36.motion.feet import world_offset
from c2fpose.data.synth36.motion.ik import frame_from, rotation_from_vector, rotation_z, two_bone, unit
from c2fpose.data.synth36.motion.segments import closest_on_segments
from c2fpose.data.synth36.person.body import BONES
from c2fpose.data.synth36.person.rig import (
    CHEST,
    CLAVICLES,
    FEET,
    FOREARMS,
    HANDS,
    HEAD,
    PELVIS,
    SHINS,
    SIDES,
    THIGHS,
    UPPER_ARMS,
    Rig,
    limb_radii_mm,
)
from c2fpose.data.synth_wild.posture import FREE, GROUND, Postures

DOWN = np.array([0.0, 0.0, -1.0])
# A hanging limb as seen by ``frame_from``: along it, its hinge, and their cross product. Knees open backward, elbows
# forward.
LEG_AT_REST, ARM_AT_REST = (frame_from(DOWN, np.array([0.0, y, 0.0])) for y in (-1.0, 1.0))
# Overlaps of capsules, mm, that flesh and cloth allow.
SOFT_MM = 20.0


@dataclass(frozen=True)
class Solved:
    """Bones of ``N`` people on the floor z = 0, each facing +x of the world, and whether a body can be so."""

    heads_mm: Float[np.ndarray, "N 19 3"]
    turns: Float[np.ndarray, "N 19 3 3"]  # from the body frame to the world
    possible: Bool[np.ndarray, "N"]

    def local(self, rig: Rig) -> tuple[Float[np.ndarray, "N 19 3 3"], Float[np.ndarray, "N 3"]]:
        """Rotations and pelvis places as ``body.pose_bones`` takes them."""
        return local_rotations(self.turns, rig), self.heads_mm[:, PELVIS]


def solve(p: Postures, rig: Rig) -> Solved:
    """Bones of all candidates. Those that would enter themselves or the floor are marked, not mended."""
    count = len(p)
    heads, turns = np.zeros((count, len(BONES), 3)), np.zeros((count, len(BONES), 3, 3))
    _trunk(p, rig, heads, turns)
    _legs(p, rig, heads, turns)
    floor_mm = _lowest_mm(heads, turns, rig, range(PELVIS, HEAD + 1), legs=True)
    _arms(p, rig, heads, turns, floor_mm)
    possible = _clear(heads, turns, rig)
    lowest_mm = np.minimum(floor_mm, _arms_lowest_mm(heads, turns, rig))
    possible &= heads[:, PELVIS, 2] - lowest_mm < p.low_mm * rig.scale
    possible &= (floor_mm - lowest_mm < 40.0) | (p.goal == FREE).all(1)
    heads[..., 2] += (p.lifted_mm - lowest_mm)[:, None]
    return Solved(heads, turns, possible)


def _trunk(p: Postures, rig: Rig, heads, turns) -> None:
    pelvis, spine, head = (np.radians(angle) for angle in (p.pelvis_deg, p.spine_deg, p.head_deg))
    zero = np.zeros(len(p))
    # The turn about the body's own axis comes first, then roll and pitch.
    turns[:, PELVIS] = rotation_from_vector(np.stack([pelvis[:, 0], pelvis[:, 1], zero], -1)) @ rotation_z(pelvis[:, 2])
    bend_trunk(heads, turns, rig, spine, head)


def _legs(p: Postures, rig: Rig, heads, turns) -> None:
    middle = 0.5 * heads[:, CHEST] + 0.15 * heads[:, HEAD] - 0.65 * heads[:, PELVIS]
    ground = -p.height * rig.leg_mm - rig.ankle_height_mm
    for side in (0, 1):
        thigh, shin, foot, sign = THIGHS[side], SHINS[side], FEET[side], SIDES[side]
        attach(heads, turns, rig, thigh)
        angle = np.radians(p.thigh_deg[:, side])
        zero = np.zeros(len(p))
        swing = rotation_from_vector(np.stack([sign * angle[:, 0], -angle[:, 1], zero], -1))
        upper = turns[:, PELVIS] @ swing @ rotation_z(sign * angle[:, 2])
        knee = rotation_from_vector(np.stack([zero, np.radians(p.knee_deg[:, side]), zero], -1))
        lower = upper @ knee
        ankle = np.radians(p.ankle_deg[:, side])
        toes = rotation_from_vector(np.stack([zero, ankle, zero], -1))
        sole = lower @ toes
        # Planted feet: the ankle over its place on the floor, the heel raised about the ball of the foot.
        stand = rotation_z(sign * np.radians(p.foot_turn_deg[:, side])) @ toes
        goal = np.zeros((len(p), 3))
        goal[:, 0] = middle[:, 0] + p.foot_mm[:, side, 0] * rig.scale
        goal[:, 1] = middle[:, 1] + sign * p.foot_mm[:, side, 1] * rig.scale
        goal[:, 2] = ground + rig.ankle_height_mm + np.sin(ankle) * rig.toe_mm[0]
        pole = stand[:, :, 0] * [1.0, 1.0, 0.0] + 0.15 * turns[:, PELVIS, :, 0]
        knee_mm, _, hinge = two_bone(
            heads[:, thigh], goal, rig.thigh_mm, rig.shin_mm, np.broadcast_to(DOWN, goal.shape),
            unit(pole * [1.0, 1.0, 0.0]), np.zeros(len(p)), least_angle_rad=0.55,
        )  # fmt: skip
        planted = p.planted[:, side, None]
        along = (
            np.where(planted, knee_mm - heads[:, thigh], upper @ LEG_AT_REST[:, 0]),
            np.where(planted, goal - knee_mm, lower @ LEG_AT_REST[:, 0]),
        )
        hinges = np.where(planted, hinge, upper @ LEG_AT_REST[:, 1])
        for bone, end, direction in zip((thigh, shin), (shin, foot), along, strict=True):
            aim(turns, bone, rig.offsets_mm[end], direction, np.array([0.0, -1.0, 0.0]), hinges)
            attach(heads, turns, rig, end)
        turns[:, foot] = np.where(planted[..., None], stand, sole)


def _arms(p: Postures, rig: Rig, heads, turns, floor_mm) -> None:
    chest, radii = turns[:, CHEST], limb_radii_mm(rig)
    start, end, radius = trunk_and_legs(heads, turns, rig)
    shoulders = [heads[:, CHEST] + world_offset(chest, rig.heads_mm[b] - rig.heads_mm[CHEST]) for b in UPPER_ARMS]
    for side in (0, 1):
        clavicle, upper, fore, hand, sign = CLAVICLES[side], UPPER_ARMS[side], FOREARMS[side], HANDS[side], SIDES[side]
        elevation, azimuth, twist, bend = np.radians(p.arm_deg[:, side]).T
        level = np.cos(elevation)
        direction = np.stack([level * np.cos(azimuth), sign * level * np.sin(azimuth), np.sin(elevation)], -1)
        axis = np.stack([direction[:, 1], -direction[:, 0], np.zeros(len(p))], -1)
        swing = rotation_from_vector(np.arccos(np.clip(-direction[:, 2:], -1, 1)) * unit(axis))
        arm = chest @ swing @ rotation_z(sign * twist)
        fold = rotation_from_vector(np.stack([np.zeros(len(p)), -bend, np.zeros(len(p))], -1))
        forearm = arm @ fold
        freely = shoulders[side] + rig.upper_arm_mm * arm @ DOWN + rig.forearm_mm * forearm @ DOWN
        target = np.where(
            (p.goal[:, side] == FREE)[:, None], freely, _goals(p, rig, heads, turns, shoulders, side, floor_mm)
        )

        attach(heads, turns, rig, clavicle)
        anchors = [[{0: shoulders[0]}, {0: shoulders[1]}]]
        turns[:, clavicle] = chest @ clavicle_turns(target, anchors, chest, side, rig)
        attach(heads, turns, rig, upper)
        outward = world_offset(chest, np.array([20.0, 20.0 * sign, 0.0]))
        pose = ArmPose(target, np.radians(p.swivel_deg[:, side]), np.radians(p.wrist_deg[:, side, 0]),
                       np.radians(p.wrist_deg[:, side, 1]))  # fmt: skip
        bias = np.broadcast_to(np.array([0.0, 0.0, 30.0]), (len(p), len(radius), 3)).copy()
        bias[:, : len(rig.trunk.radius_mm)] = outward[:, None]
        led = np.flatnonzero(p.goal[:, side] != FREE)
        moved, turned = way_clear(heads[:, upper], pose, chest, side, rig, start, end, radius, bias, led, 10.0, 6)
        elbow, wrist, hinge, _ = reach(heads[:, upper], target + moved, pose.swivel_rad + turned, chest, side, rig)
        free = (p.goal[:, side] == FREE)[:, None]
        along = np.where(free, arm @ DOWN, elbow - heads[:, upper])
        along_fore = np.where(free, forearm @ DOWN, wrist - elbow)
        hinge = np.where(free, arm @ ARM_AT_REST[:, 1], hinge)
        turn_arm(turns, rig, side, along, along_fore, hinge, unit(hinge), pose)
        attach(heads, turns, rig, fore)
        attach(heads, turns, rig, hand)
        tip = heads[:, hand] + 80.0 * rig.scale * unit(along_fore)
        start = np.concatenate([start, heads[:, fore, None], heads[:, upper, None]], 1)
        end = np.concatenate([end, tip[:, None], heads[:, fore, None]], 1)
        radius = np.concatenate([radius, [radii["forearm"], radii["forearm"]]])


def _goals(p: Postures, rig: Rig, heads, turns, shoulders, side: int, floor_mm) -> Float[np.ndarray, "N 3"]:
    """Where each led hand's wrist should be."""
    rows = np.arange(len(p))
    offset = p.hand_mm[:, side] * np.array([1.0, SIDES[side], 1.0]) * rig.scale
    middle = heads[:, CHEST] + world_offset(turns[:, CHEST], np.array([0.0, 0.0, 60.0]) * rig.scale)
    upright = np.broadcast_to(np.eye(3), turns[:, 0].shape)
    below = shoulders[side].copy()
    below[:, 2] = floor_mm
    anchors = ((middle, turns[:, CHEST]), (heads[:, HEAD], turns[:, HEAD]), (heads[:, PELVIS], turns[:, PELVIS]),
               (heads[:, SHINS[side]], upright), (heads[:, SHINS[1 - side]], upright),
               (heads[:, FEET[side]], upright), (below, upright))  # fmt: skip
    origins, axes = (np.stack(column) for column in zip(*anchors, strict=True))
    which = np.clip(p.goal[:, side], 0, GROUND)
    return origins[which, rows] + (axes[which, rows] @ offset[..., None])[..., 0]


def _lowest_mm(heads, turns, rig: Rig, bones: range, legs: bool) -> Float[np.ndarray, "N"]:
    """Find the lowest point of trunk, head, knees and soles."""
    start, end = rig.trunk.placed(heads, turns)
    low = (np.minimum(start[..., 2], end[..., 2]) - rig.trunk.radius_mm).min(1)
    radii = limb_radii_mm(rig)
    for side, mirror in ((0, 1.0), (1, -1.0)):
        low = np.minimum(low, heads[:, SHINS[side], 2] - 0.85 * radii["thigh"])
        sole = rig.sole_mm * np.array([1.0, mirror, 1.0])
        points = heads[:, FEET[side], None, 2] + np.einsum("nj,pj->np", turns[:, FEET[side], 2], sole)
        low = np.minimum(low, points.min(1))
    return low


def _arms_lowest_mm(heads, turns, rig: Rig) -> Float[np.ndarray, "N"]:
    radii = limb_radii_mm(rig)
    low = np.full(len(heads), np.inf)
    for fore, hand in zip(FOREARMS, HANDS, strict=True):
        fingers = unit(rig.offsets_mm[hand])  # at rest the hand goes on where the forearm ends
        tip = heads[:, hand] + 165.0 * rig.scale * world_offset(turns[:, hand], fingers)
        low = np.minimum.reduce([low, heads[:, fore, 2] - radii["forearm"], heads[:, hand, 2] - radii["hand"],
                                 tip[:, 2] - 12.0])  # fmt: skip
    return low


# Limbs in the order of ``_clear``, then the trunk's capsules: pelvis, waist, lower and upper chest, head.
_FORE, _UPPER, _SHIN, _THIGH = (0, 1), (2, 3), (4, 5), (6, 7)
_TRUNK = range(8, 13)


def _allowed_mm() -> Float[np.ndarray, "8 13"]:
    """By how much two parts may overlap; infinite for neighbours."""
    allowed = np.full((8, 13), np.inf)
    for side in (0, 1):
        other = 1 - side
        allowed[_FORE[side], list(_TRUNK)] = SOFT_MM
        allowed[_FORE[side], [*_SHIN, *_THIGH]] = SOFT_MM
        allowed[_FORE[side], [_FORE[other], _UPPER[other]]] = SOFT_MM
        allowed[_UPPER[side], [8, 9, 10, 11, 12]] = [30, 35, 60, 60, 25]
        allowed[_UPPER[side], list(_THIGH)] = 35
        allowed[_SHIN[side], list(_TRUNK)] = SOFT_MM
        allowed[_SHIN[side], [_SHIN[other], _THIGH[other]]] = [SOFT_MM, 30]
        allowed[_THIGH[side], [9, 10, 11, 12]] = [70, 50, 40, SOFT_MM]
        allowed[_THIGH[side], _THIGH[other]] = 45
    return allowed


def _clear(heads, turns, rig: Rig) -> Bool[np.ndarray, "N"]:
    """Whether no limb enters another part of the body."""
    radii = limb_radii_mm(rig)
    parts = []
    for side in (0, 1):
        fore, hand = heads[:, FOREARMS[side]], heads[:, HANDS[side]]
        parts.append((fore, hand + 80.0 * rig.scale * unit(hand - fore), 0.9 * radii["forearm"]))
    for side in (0, 1):
        upper, fore = heads[:, UPPER_ARMS[side]], heads[:, FOREARMS[side]]
        parts.append((0.55 * upper + 0.45 * fore, fore, radii["shin"]))
    parts += [(heads[:, SHINS[side]], heads[:, FEET[side]], radii["shin"]) for side in (0, 1)]
    for side in (0, 1):
        hip, knee = heads[:, THIGHS[side]], heads[:, SHINS[side]]
        parts.append((0.6 * hip + 0.4 * knee, knee, radii["thigh"]))
    starts, ends, radius = zip(*parts, strict=True)
    start, end = np.stack(starts, 1), np.stack(ends, 1)
    trunk_start, trunk_end = rig.trunk.placed(heads, turns)
    _, _, _, distance = closest_on_segments(
        start, end, np.concatenate([start, trunk_start], 1), np.concatenate([end, trunk_end], 1)
    )
    both = np.array(radius)[:, None] + np.concatenate([radius, rig.trunk.radius_mm])
    return (both - distance <= _allowed_mm() * rig.scale).all((1, 2))
