"""Bones set one on the other, for whole batches of bodies.

Heads are ``(N, 19, 3)`` mm in the world, turns ``(N, 19, 3, 3)`` lead from the body frame to the world; both are filled
in place, parents before children.
"""

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.motion.arms import ArmPose
from c2fpose.data.synth36.motion.feet import world_offset
from c2fpose.data.synth36.motion.ik import apply, cross, frame_from, rotation_from_vector, unit
from c2fpose.data.synth36.person.body import BONE_PARENTS
from c2fpose.data.synth36.person.rig import (
    CHEST,
    FEET,
    FOREARMS,
    HANDS,
    HEAD,
    NECK,
    SHINS,
    SIDES,
    SPINE,
    THIGHS,
    UPPER_ARMS,
    Rig,
    limb_radii_mm,
)


def local_rotations(turns: Float[np.ndarray, "N 19 3 3"], rig: Rig) -> Float[np.ndarray, "N 19 3 3"]:
    """Tell each bone's rotation against its parent's, as the body's forward kinematics take them."""
    world = turns @ rig.to_body
    local = world.copy()
    local[:, 1:] = np.swapaxes(world[:, list(BONE_PARENTS[1:])], -1, -2) @ world[:, 1:]
    return local


def attach(heads: np.ndarray, turns: np.ndarray, rig: Rig, bone: int) -> None:
    """Set a bone's head where its parent carries it."""
    parent = BONE_PARENTS[bone]
    heads[:, bone] = heads[:, parent] + world_offset(turns[:, parent], rig.offsets_mm[bone])


def aim(turns: np.ndarray, bone: int, rest_direction, direction, rest_hinge, hinge) -> None:
    """Turn a bone so that its rest direction and hinge axis come to the given ones, ``(3,)`` and ``(N, 3)``."""
    turns[:, bone] = frame_from(direction, hinge) @ frame_from(rest_direction, rest_hinge).T


def bend_trunk(
    heads: np.ndarray, turns: np.ndarray, rig: Rig, spine: Float[np.ndarray, "N 3"], head: Float[np.ndarray, "N 3"]
) -> None:
    """Set spine, chest, neck and head on the pelvis; ``spine``, ``head``: their bends, rotation vectors in radians."""
    for bone, bend in ((SPINE, 0.45 * spine), (CHEST, 0.55 * spine), (NECK, 0.4 * head), (HEAD, 0.6 * head)):
        attach(heads, turns, rig, bone)
        turns[:, bone] = turns[:, BONE_PARENTS[bone]] @ rotation_from_vector(bend)


def turn_arm(
    turns: np.ndarray, rig: Rig, side: int, along, along_fore, elbow_hinge, wrist_hinge, pose: ArmPose
) -> None:
    """Turn an arm's bones into the directions of its two parts, ``(N, 3)``; forearm and hand share the pronation.

    ``wrist_hinge``: what the wrist bends about before the pronation, the elbow's hinge at length one.
    """
    upper, fore, hand = UPPER_ARMS[side], FOREARMS[side], HANDS[side]
    rest_hinge = cross(rig.offsets_mm[fore], np.array([-1.0, 0.0, 0.0]))
    aim(turns, upper, rig.offsets_mm[fore], along, rest_hinge, elbow_hinge)
    along_fore = unit(along_fore)
    aim(turns, fore, rig.offsets_mm[hand], along_fore, rest_hinge, elbow_hinge)
    roll = SIDES[side] * pose.pronation_rad[:, None]
    turns[:, fore] = rotation_from_vector(0.5 * roll * along_fore) @ turns[:, fore]
    across = unit(apply(rotation_from_vector(roll * along_fore), wrist_hinge))
    bend = rotation_from_vector(pose.flex_rad[:, None] * across)
    turns[:, hand] = bend @ rotation_from_vector(0.5 * roll * along_fore) @ turns[:, fore]


def trunk_and_legs(
    heads: Float[np.ndarray, "N 19 3"], turns: Float[np.ndarray, "N 19 3 3"], rig: Rig
) -> tuple[Float[np.ndarray, "N O 3"], Float[np.ndarray, "N O 3"], Float[np.ndarray, "O"]]:
    """Place the capsules that arms keep clear of, the trunk's, then thighs and shins: start, end and radius, mm."""
    start, end = rig.trunk.placed(heads, turns)
    radii = limb_radii_mm(rig)
    legs = [(heads[:, a], heads[:, b], radii[name]) for a, b, name in
            ((THIGHS[0], SHINS[0], "thigh"), (THIGHS[1], SHINS[1], "thigh"),
             (SHINS[0], FEET[0], "shin"), (SHINS[1], FEET[1], "shin"))]  # fmt: skip
    start = np.concatenate([start, np.stack([a for a, _, _ in legs], 1)], 1)
    end = np.concatenate([end, np.stack([b for _, b, _ in legs], 1)], 1)
    return start, end, np.concatenate([rig.trunk.radius_mm, [r for _, _, r in legs]])
