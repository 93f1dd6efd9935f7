"""What motion needs to know of one person's body: limb lengths, soles, girths, in the body frame.

The body frame (x forward, y left, z up) is found from the rest skeleton, so that no convention of the mesh is assumed.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from c2fpose.data.synth36.person.body import BONE_PARENTS, BONES, BodyShape, load_pack

PELVIS, SPINE, CHEST, NECK, HEAD = range(5)
CLAVICLES, UPPER_ARMS, FOREARMS, HANDS = (5, 9), (6, 10), (7, 11), (8, 12)  # (left, right)
THIGHS, SHINS, FEET = (13, 16), (14, 17), (15, 18)
SIDES = (1.0, -1.0)  # the y axis points to the left
TYPICAL_HIP_HEIGHT_MM = 950.0


@dataclass(frozen=True)
class Capsules:
    """Solid parts of the body: segments fixed to bones, in the body frame relative to the bone's head."""

    bones: tuple[int, ...]
    start_mm: Float[np.ndarray, "N 3"]
    end_mm: Float[np.ndarray, "N 3"]
    radius_mm: Float[np.ndarray, "N"]

    def placed(
        self,
        heads_mm: Float[np.ndarray, "F 19 3"],
        turns: Float[np.ndarray, "F 19 3 3"],
    ) -> tuple[Float[np.ndarray, "F N 3"], Float[np.ndarray, "F N 3"]]:
        """End points for bone heads and bone rotations (body frame to world)."""
        heads, turn = heads_mm[:, self.bones], turns[:, self.bones]
        return heads + (turn @ self.start_mm[..., None])[..., 0], heads + (turn @ self.end_mm[..., None])[..., 0]


@dataclass(frozen=True)
class Rig:
    """One body at rest in the body frame, millimetres; side 0 is left, side 1 right.

    ``to_body`` turns world vectors of the rest pose into the body frame. ``scale`` is this person's size against the
    one that the action scripts are written for.
    """

    to_body: Float[np.ndarray, "3 3"]
    heads_mm: Float[np.ndarray, "19 3"]
    offsets_mm: Float[np.ndarray, "19 3"]
    scale: float
    pelvis_height_mm: float
    thigh_mm: float
    shin_mm: float
    upper_arm_mm: float
    forearm_mm: float
    sole_mm: Float[np.ndarray, "P 3"]  # from the left ankle, foot pointing forward
    trunk: Capsules

    @property
    def arm_mm(self) -> float:
        """From shoulder to wrist, stretched."""
        return self.upper_arm_mm + self.forearm_mm

    @property
    def leg_mm(self) -> float:
        """From hip to ankle, stretched."""
        return self.thigh_mm + self.shin_mm

    @property
    def toe_mm(self) -> Float[np.ndarray, "3"]:
        """Middle of the ball of the foot, from the ankle."""
        return np.array([0.8 * self.sole_mm[:, 0].max(), 0.0, -0.4 * self.ankle_height_mm])

    @property
    def ankle_height_mm(self) -> float:
        """The ankle's height above the sole."""
        return float(-self.sole_mm[:, 2].min())


@lru_cache(maxsize=1)
def _skin_owner() -> Int[np.ndarray, "V"]:
    """For each vertex of the skin, the bone that moves it most (-1 for vertices of clothes and for helper frames)."""
    pack = load_pack()
    owner = pack.skin_frames[np.arange(len(pack.skin_weights)), pack.skin_weights.argmax(1)]
    on_skin = np.zeros(len(owner), bool)
    on_skin[np.unique(pack.triangles["body"])] = True
    return np.where(on_skin & (owner < len(BONES)), owner, -1)


@lru_cache(maxsize=8)
def rig_of(shape: BodyShape) -> Rig:
    """Rig of a person, from the rest skeleton and the rest surface."""
    rest = np.asarray(shape.rest_heads_mm, dtype=float)
    left = rest[UPPER_ARMS[0]] - rest[UPPER_ARMS[1]]
    left = np.array([left[0], left[1], 0.0]) / np.hypot(left[0], left[1])
    up = np.array([0.0, 0.0, 1.0])
    to_body = np.stack([np.cross(left, up), left, up])
    heads = rest @ to_body.T
    offsets = heads.copy()
    offsets[1:] -= heads[list(BONE_PARENTS[1:])]
    surface = shape.rest_vertices_mm @ to_body.T
    owner = _skin_owner()

    def length(bones: tuple[int, int]) -> float:
        return float(np.mean([np.linalg.norm(offsets[b]) for b in bones]))

    scale = float(heads[list(THIGHS), 2].mean()) / TYPICAL_HIP_HEIGHT_MM
    ankle = float(heads[list(FEET), 2].mean())
    foot = surface[owner == FEET[0]] - heads[FEET[0]]
    heel, toe = foot[:, 0].min() - 4.0, foot[:, 0].max() + 4.0
    outer, inner = foot[:, 1].max(), foot[:, 1].min()
    ball = 0.62 * toe
    sole = [[heel, 0.6 * outer, -ankle], [heel, 0.6 * inner, -ankle], [ball, outer, -ankle], [ball, inner, -ankle],
            [toe, 0.0, -ankle], [toe, 0.0, -0.6 * ankle]]  # fmt: skip
    upper = [[0.0, outer, -0.4 * ankle], [0.0, inner, -0.4 * ankle], [0.5 * toe, 0.0, -0.05 * ankle]]
    return Rig(
        to_body=to_body,
        heads_mm=heads,
        offsets_mm=offsets,
        scale=scale,
        pelvis_height_mm=float(heads[PELVIS, 2]),
        thigh_mm=length(SHINS),
        shin_mm=length(FEET),
        upper_arm_mm=length(FOREARMS),
        forearm_mm=length(HANDS),
        sole_mm=np.array(sole + upper),
        trunk=_trunk_capsules(surface, owner, heads, scale),
    )


def _trunk_capsules(
    surface: Float[np.ndarray, "V 3"],
    owner: Int[np.ndarray, "V"],
    heads: Float[np.ndarray, "19 3"],
    scale: float,
) -> Capsules:
    """Hips, waist and chest as capsules lying across the body (it is wider than deep), and the upright head."""
    rows = []
    for bone, level in ((PELVIS, 0.0), (SPINE, 50.0), (CHEST, 70.0), (CHEST, 160.0)):
        skin = surface[owner == bone] - heads[bone]
        back, front = np.percentile(skin[:, 0], [3, 97])
        radius = 0.46 * (front - back)
        half = max(np.percentile(np.abs(skin[:, 1]), 97) - radius, 15.0)
        middle = np.array([0.5 * (back + front), 0.0, level * scale])
        across = np.array([0.0, half, 0.0])
        rows.append((bone, middle + across, middle - across, radius))
    rows.append((HEAD, np.array([12.0, 0.0, -5.0]) * scale, np.array([12.0, 0.0, 55.0]) * scale, 86.0 * scale))
    bones, start, end, radius = zip(*rows, strict=True)
    return Capsules(bones, np.array(start), np.array(end), np.array(radius))


def limb_radii_mm(rig: Rig) -> dict[str, float]:
    """Girths of the limbs as capsule radii."""
    return {name: r * rig.scale for name, r in {"thigh": 64.0, "shin": 43.0, "forearm": 36.0, "hand": 28.0}.items()}
