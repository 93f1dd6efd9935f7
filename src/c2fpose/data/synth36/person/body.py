"""The parametric body of synth36: shapes, forward kinematics, skinning, and the 17 joints.

World frame: millimetres, right-handed, z up, the floor at z = 0. The rest body stands upright with its pelvis over the
origin and faces +y; its left is -x. Arms hang about 45 degrees from the vertical, legs are slightly apart. Shoes add
``SOLE_MM`` under the feet, and the rest surface is lifted by as much.

The surface comes from MakeHuman (CC0, see assets/BODY_LICENSE.md); ``scripts/build_body_pack.py`` made the pack.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from c2fpose.data.synth36.person.skinning import blend
from c2fpose.pose.protocol import TEST_SUBJECTS, TRAIN_SUBJECTS
from c2fpose.pose.skeleton import JOINTS

PACK_PATH = Path(__file__).parents[1] / "assets" / "body_pack.npz"
SOLE_MM = 22.0

BONES = (
    "pelvis", "spine", "chest", "neck", "head",
    "left_clavicle", "left_upper_arm", "left_forearm", "left_hand",
    "right_clavicle", "right_upper_arm", "right_forearm", "right_hand",
    "left_thigh", "left_shin", "left_foot", "right_thigh", "right_shin", "right_foot",
)  # fmt: skip
BONE_PARENTS = (-1, 0, 1, 2, 3, 2, 5, 6, 7, 2, 9, 10, 11, 0, 13, 14, 0, 16, 17)

# Frames that carry the skin: the bones, the limbs without their twist (for the skin near the shoulder, elbow and
# hip), and the forearm with the twist of the hand (for the skin near the wrist).
TWIST_LIMBS = ("left_upper_arm", "left_forearm", "left_thigh", "right_upper_arm", "right_forearm", "right_thigh")
SKIN_FRAMES = (*BONES, *(f"{limb}_swing" for limb in TWIST_LIMBS), "left_wrist_twist", "right_wrist_twist")
_LIMB_END = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "hand": "fingers"}

_BONE = {name: index for index, name in enumerate(BONES)}
_STREAM = 101  # key of this module in seed sequences


@dataclass(frozen=True)
class Pack:
    """The body pack, decoded."""

    mean_mm: Float[np.ndarray, "V 3"]  # mean rest surface, the coordinates that procedural textures use
    basis_mm: Float[np.ndarray, "24 V 3"]  # for one standard deviation each
    landmark_index: dict[str, int]
    landmarks_mm: Float[np.ndarray, "L 3"]
    landmark_basis_mm: Float[np.ndarray, "24 L 3"]
    training_scores: Float[np.ndarray, "240 24"]  # coefficients of the shapes that the PCA was made of
    maleness: Float[np.ndarray, "25"]  # 0..1 as an affine function of the coefficients
    skin_frames: Int[np.ndarray, "V 5"]  # into SKIN_FRAMES
    skin_weights: Float[np.ndarray, "V 5"]  # summing to 1
    center_offset_mm: Float[np.ndarray, "V 3"]  # centre of rotation less vertex
    finger_curl_mm: Float[np.ndarray, "2 V 3"]  # offsets of relaxed and gripping fingers
    sky: Float[np.ndarray, "V"]  # share of the hemisphere that is open
    masks: dict[str, Float[np.ndarray, "V"]]  # painted masks, 0..1
    triangles: dict[str, Int[np.ndarray, "_ 3"]]  # by part: body, tights, skirt, hair, eyes


@lru_cache(maxsize=1)
def load_pack() -> Pack:
    """Read the body pack of the package, once."""
    with np.load(PACK_PATH) as file:
        stored = {name: file[name] for name in file.files}
    return Pack(
        mean_mm=stored["mean_mm"].astype(np.float64),
        basis_mm=stored["basis_steps"] * stored["basis_step_mm"][:, None, None],
        landmark_index={str(name): index for index, name in enumerate(stored["landmark_names"])},
        landmarks_mm=stored["landmarks_mm"].astype(np.float64),
        landmark_basis_mm=stored["landmark_basis_mm"].astype(np.float64),
        training_scores=stored["training_scores"].astype(np.float64),
        maleness=stored["maleness"].astype(np.float64),
        skin_frames=stored["skin_frames"].astype(np.int64),
        skin_weights=stored["skin_weights"] / 255.0,
        center_offset_mm=stored["center_offset_mm"].astype(np.float64),
        finger_curl_mm=stored["finger_curl_mm"].astype(np.float64),
        sky=stored["sky"] / 255.0,
        masks={name[5:]: array / 255.0 for name, array in stored.items() if name.startswith("mask_")},
        triangles={
            name[10:]: array.astype(np.int64) for name, array in stored.items() if name.startswith("triangles_")
        },
    )


class BodyShape:
    """One person's body at rest.

    ``betas``: up to 24 coefficients in standard deviations. ``finger_curl``: (relaxed, grip) shares of the left and
    the right hand, ``(2, 2)``.
    """

    def __init__(self, betas: Float[np.ndarray, " K"], finger_curl: Float[np.ndarray, "2 2"] | None = None) -> None:
        pack = load_pack()
        self.betas = np.asarray(betas, np.float64)
        count = len(self.betas)
        landmarks_mm = pack.landmarks_mm + np.tensordot(self.betas, pack.landmark_basis_mm[:count], 1)
        self.rest_vertices_mm = _straight_fingered_mm(tuple(self.betas)).copy()
        curl = np.array([[1.0, 0.0], [1.0, 0.0]]) if finger_curl is None else np.asarray(finger_curl, np.float64)
        on_right = (pack.mean_mm[:, 0] > 0).astype(int)
        for kind in range(2):
            self.rest_vertices_mm += curl[on_right, kind, None] * pack.finger_curl_mm[kind]
        lift_mm = SOLE_MM - self.rest_vertices_mm[:, 2][pack.triangles["body"]].min()
        landmarks_mm[:, 2] += lift_mm
        self.rest_vertices_mm[:, 2] += lift_mm
        self.landmarks_mm = {name: landmarks_mm[index] for name, index in pack.landmark_index.items()}
        self.rest_heads_mm: Float[np.ndarray, "19 3"] = np.stack([self.landmarks_mm[bone] for bone in BONES])

    @property
    def maleness(self) -> float:
        """From 0 (female) to 1 (male), by regression on the coefficients."""
        slope = load_pack().maleness
        return float(np.clip(slope[-1] + self.betas @ slope[: len(self.betas)], 0, 1))

    @property
    def height_mm(self) -> float:
        """From the crown to the floor, without soles, mm."""
        return float(self.landmarks_mm["crown"][2] - SOLE_MM)


@lru_cache(maxsize=8)
def _straight_fingered_mm(betas: tuple[float, ...]) -> Float[np.ndarray, "V 3"]:
    """Shape the rest surface before fingers are bent, kept: a person's sequences differ in the fingers alone."""
    pack = load_pack()
    return pack.mean_mm + np.tensordot(betas, pack.basis_mm[: len(betas)], 1)


def subject_shape(seed: int, subject: int) -> BodyShape:
    """Draw the body of one subject; the seven subjects differ in sex, build, height and limb proportions."""
    pack = load_pack()
    order = (*TRAIN_SUBJECTS, *TEST_SUBJECTS)
    crown = pack.landmark_index["crown"]
    heights_mm = pack.landmarks_mm[crown, 2] + pack.training_scores @ pack.landmark_basis_mm[:, crown, 2]
    # Seven classes of height, one for each subject; in each, one adult of the pack, moved away from it at random.
    adults = np.flatnonzero((heights_mm > 1600) & (heights_mm < 1900))
    classes = np.array_split(adults[np.argsort(heights_mm[adults], kind="stable")], len(order))
    turn = np.random.default_rng(np.random.SeedSequence([seed, _STREAM])).permutation(len(order))
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM, subject]))
    start = pack.training_scores[rng.choice(classes[turn[order.index(subject)]])]
    return BodyShape(0.95 * start + 0.25 * rng.standard_normal(len(start)))


def pose_bones(
    rest_heads_mm: Float[np.ndarray, "19 3"],
    local_rotations: Float[np.ndarray, "*batch 19 3 3"],
    root_mm: Float[np.ndarray, "*batch 3"],
) -> tuple[Float[np.ndarray, "*batch 19 3 3"], Float[np.ndarray, "*batch 19 3"]]:
    """Forward kinematics: global rotations and bone heads in the world.

    ``root_mm`` is where the pelvis stands (its rest place is ``rest_heads_mm[0]``); rotations act in world axes of the
    rest pose, so that identities give the rest pose itself.
    """
    local_rotations, root_mm = np.asarray(local_rotations, np.float64), np.asarray(root_mm, np.float64)
    rotations = np.empty_like(local_rotations)
    heads_mm = np.empty(local_rotations.shape[:-1])
    for bone, parent in enumerate(BONE_PARENTS):
        if parent < 0:
            rotations[..., bone, :, :] = local_rotations[..., bone, :, :]
            heads_mm[..., bone, :] = root_mm
        else:
            rotations[..., bone, :, :] = rotations[..., parent, :, :] @ local_rotations[..., bone, :, :]
            offset_mm = rest_heads_mm[bone] - rest_heads_mm[parent]
            heads_mm[..., bone, :] = heads_mm[..., parent, :] + rotations[..., parent, :, :] @ offset_mm
    return rotations, heads_mm


def joints_mm(
    shape: BodyShape,
    local_rotations: Float[np.ndarray, "*batch 19 3 3"],
    root_mm: Float[np.ndarray, "*batch 3"],
    names: tuple[str, ...] = JOINTS,
) -> Float[np.ndarray, "*batch J 3"]:
    """Joints in the world: the 17 of ``skeleton.JOINTS``, or those of ``joint_sets`` by their names.

    Limb joints are bone heads. The pelvis is midway between the hips, the thorax 0.4 shoulders + 0.6 neck, the spine
    0.476 of the way up, half-way back to the chest's bone head; nose, head and eyes are fixed to the skull, hands (the
    knuckles) to the wrist's bone, toes and heels to the ankle's.
    """
    rotations, heads_mm = pose_bones(shape.rest_heads_mm, local_rotations, root_mm)
    marks, skull = shape.landmarks_mm, _BONE["head"]

    def head(bone: str) -> Float[np.ndarray, "*batch 3"]:
        return heads_mm[..., _BONE[bone], :]

    def fixed_to(bone: int, rest_mm: Float[np.ndarray, "3"]) -> Float[np.ndarray, "*batch 3"]:
        return heads_mm[..., bone, :] + rotations[..., bone, :, :] @ (rest_mm - shape.rest_heads_mm[bone])

    nose_rest_mm = np.array([0.0, 0.3 * marks["eyes"][1] + 0.7 * marks["head"][1], marks["mouth"][2] - 5.0])
    joints = {
        "pelvis": 0.5 * (head("left_thigh") + head("right_thigh")),
        "thorax": 0.2 * (head("left_upper_arm") + head("right_upper_arm")) + 0.6 * head("neck"),
        "nose": fixed_to(skull, nose_rest_mm),
        "head": fixed_to(skull, marks["crown"] - [0.0, 0.0, 45.0]),
    }
    straight = joints["pelvis"] + 0.476 * (joints["thorax"] - joints["pelvis"])
    joints["spine"] = 0.5 * (straight + head("chest"))
    for side in ("left", "right"):
        for joint, bone in (("hip", "thigh"), ("knee", "shin"), ("ankle", "foot"), ("shoulder", "upper_arm"),
                            ("elbow", "forearm"), ("wrist", "hand")):  # fmt: skip
            joints[f"{side}_{joint}"] = head(f"{side}_{bone}")
        foot = marks[f"{side}_foot"]
        heel_mm = np.array([foot[0], foot[1] - 45.0, SOLE_MM + 8.0])
        for joint, bone, rest_mm in (("eye", "head", marks[f"{side}_eye"]), ("hand", f"{side}_hand",
                                     marks[f"{side}_fingers"]), ("toe", f"{side}_foot", marks[f"{side}_toes"]),
                                     ("heel", f"{side}_foot", heel_mm)):  # fmt: skip
            joints[f"{side}_{joint}"] = fixed_to(_BONE[bone], rest_mm)
    return np.stack([joints[name] for name in names], axis=-2)


def twist_about(
    rotation: Float[np.ndarray, "*batch 3 3"], axis: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "*batch 3 3"]:
    """Take the part of ``rotation`` that turns about ``axis``: rotation = swing @ twist."""
    quaternion = quaternions(rotation)
    along = quaternion[..., 1:] @ axis
    half = np.arctan2(along, quaternion[..., 0])
    return _rotation_about(axis, 2 * half)


def _rotation_about(
    axis: Float[np.ndarray, "3"], angle: Float[np.ndarray, "*batch"] | float
) -> Float[np.ndarray, "*batch 3 3"]:
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.asarray(angle)[..., None, None]
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def quaternions(rotation: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 4"]:
    """Write rotation matrices as unit quaternions (w, x, y, z); w >= 0."""
    m = np.asarray(rotation)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, xy = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 1] + m[..., 1, 0]
    wy, xz = m[..., 0, 2] - m[..., 2, 0], m[..., 0, 2] + m[..., 2, 0]
    wz, yz = m[..., 1, 0] - m[..., 0, 1], m[..., 1, 2] + m[..., 2, 1]
    # The outer product of the quaternion with itself, by rows; its longest row is the best conditioned.
    rows = np.stack([
        np.stack([1 + xx + yy + zz, wx, wy, wz], -1),
        np.stack([wx, 1 + xx - yy - zz, xy, xz], -1),
        np.stack([wy, xy, 1 - xx + yy - zz, yz], -1),
        np.stack([wz, xz, yz, 1 - xx - yy + zz], -1),
    ], -2)  # fmt: skip
    best = np.argmax(np.einsum("...ii->...i", rows), axis=-1)
    quaternion = np.take_along_axis(rows, best[..., None, None], -2)[..., 0, :]
    quaternion = quaternion / np.linalg.norm(quaternion, axis=-1, keepdims=True)
    return np.where(quaternion[..., :1] < 0, -quaternion, quaternion)


def skin_frames(
    shape: BodyShape,
    local_rotations: Float[np.ndarray, "*batch 19 3 3"],
    root_mm: Float[np.ndarray, "*batch 3"],
) -> tuple[Float[np.ndarray, "*batch 27 3 3"], Float[np.ndarray, "*batch 27 3"]]:
    """Rotation and translation of each of ``SKIN_FRAMES``: ``posed = rotation @ rest + translation``."""
    local_rotations = np.asarray(local_rotations, np.float64)
    rotations, heads_mm = pose_bones(shape.rest_heads_mm, local_rotations, root_mm)
    more, origins = [], [*range(len(BONES))]
    for limb in TWIST_LIMBS:
        bone = _BONE[limb]
        twist = twist_about(local_rotations[..., bone, :, :], _limb_axis(shape, limb))
        more.append(rotations[..., bone, :, :] @ np.swapaxes(twist, -1, -2))
        origins.append(bone)
    for side in ("left", "right"):
        forearm, hand = _BONE[f"{side}_forearm"], _BONE[f"{side}_hand"]
        twist = twist_about(local_rotations[..., hand, :, :], _limb_axis(shape, f"{side}_forearm"))
        more.append(rotations[..., forearm, :, :] @ twist)
        origins.append(forearm)
    frames = np.concatenate([rotations, np.stack(more, axis=-3)], axis=-3)
    translations = heads_mm[..., origins, :] - np.einsum("...fij,fj->...fi", frames, shape.rest_heads_mm[origins])
    return frames, translations


def _limb_axis(shape: BodyShape, limb: str) -> Float[np.ndarray, "3"]:
    side, _, part = limb.partition("_")
    axis = shape.landmarks_mm[f"{side}_{_LIMB_END[part]}"] - shape.landmarks_mm[limb]
    return axis / np.linalg.norm(axis)


def skin(
    shape: BodyShape,
    local_rotations: Float[np.ndarray, "19 3 3"],
    root_mm: Float[np.ndarray, "3"],
    rest_vertices_mm: Float[np.ndarray, "V 3"] | None = None,
    vertex_index: Int[np.ndarray, "V"] | None = None,
    frames: tuple[Float[np.ndarray, "27 3 3"], Float[np.ndarray, "27 3"]] | None = None,
) -> Float[np.ndarray, "V 3"]:
    """Pose the surface, mm. Rotations are blended about centres of rotation, so that limbs keep their volume.

    Other surfaces (clothes) come as ``rest_vertices_mm`` with the ``vertex_index`` of the pack vertices they follow.
    ``frames``: what ``skin_frames`` says of this pose, if it is known: of many poses at once it is quicker to ask.
    """
    pack = load_pack()
    rotations, translations = skin_frames(shape, local_rotations, root_mm) if frames is None else frames
    rest_mm = shape.rest_vertices_mm if rest_vertices_mm is None else rest_vertices_mm
    index = np.arange(len(rest_mm)) if vertex_index is None else vertex_index
    return blend(
        rest_mm,
        index,
        shape.rest_vertices_mm,
        pack.skin_frames,
        pack.skin_weights,
        pack.center_offset_mm,
        quaternions(rotations),
        rotations,
        translations,
    )
