"""What a posture is: joint angles and the goals of hands, of many candidates at once.

Angles are degrees, offsets millimetres of a person of typical size. Body frame: x forward, y to the body's left, z up;
values of limbs are for the left one, y is mirrored for the right.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int

# What a hand's goal is measured from; FREE: the arm's angles are given instead. GROUND: below the own shoulder.
FREE, AT_CHEST, AT_HEAD, AT_PELVIS, OWN_KNEE, OTHER_KNEE, OWN_ANKLE, GROUND = range(-1, 7)


@dataclass
class Postures:
    """``N`` candidates. Sides of limbs: 0 left, 1 right."""

    pelvis_deg: Float[np.ndarray, "N 3"]  # roll about x, pitch about y (forward), both in the heading's frame
    spine_deg: Float[np.ndarray, "N 3"]  # bend of the trunk, over two joints: roll, pitch (forward), twist
    head_deg: Float[np.ndarray, "N 3"]  # bend of neck and head
    thigh_deg: Float[np.ndarray, "N 2 3"]  # raised outward, raised forward, turned outward
    knee_deg: Float[np.ndarray, "N 2"]  # bent by
    ankle_deg: Float[np.ndarray, "N 2"]  # toes down by; of a planted foot, heel up by
    planted: Bool[np.ndarray, "N 2"]  # the foot stands at ``foot_mm``; thigh and knee follow
    foot_mm: Float[np.ndarray, "N 2 2"]  # from below the middle of the upper body: forward, outward
    foot_turn_deg: Float[np.ndarray, "N 2"]  # toes outward
    height: Float[np.ndarray, "N"]  # of the pelvis over planted feet, in leg lengths
    arm_deg: Float[np.ndarray, "N 2 4"]  # elevation (-90 hangs), azimuth (0 forward, 90 outward), twist, elbow
    goal: Int[np.ndarray, "N 2"]  # FREE or what ``hand_mm`` is measured from
    hand_mm: Float[np.ndarray, "N 2 3"]  # wrist: forward, outward, up
    swivel_deg: Float[np.ndarray, "N 2"]  # elbow up and outward
    wrist_deg: Float[np.ndarray, "N 2 2"]  # pronation, flexion
    lifted_mm: Float[np.ndarray, "N"]  # lowest point over the floor
    low_mm: Float[np.ndarray, "N"]  # the pelvis must not be higher than this; infinite: anywhere
    seat: Bool[np.ndarray, "N"]  # a seat stands under the pelvis

    def __getitem__(self, rows: slice | Int[np.ndarray, "n"]) -> "Postures":
        return Postures(*(getattr(self, field.name)[rows] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.height)


def blank(rng: np.random.Generator, count: int) -> Postures:
    """Upright people with hanging arms, a little different from each other."""
    arm = np.stack([rng.uniform(-88, -70, (count, 2)), rng.uniform(20, 150, (count, 2)), rng.normal(0, 18, (count, 2)),
                    rng.uniform(5, 35, (count, 2))], -1)  # fmt: skip
    return Postures(
        pelvis_deg=rng.normal(0, 1, (count, 3)) * [3, 4, 0],
        spine_deg=rng.normal(0, 1, (count, 3)) * [4, 7, 8] + [0, 5, 0],
        head_deg=rng.normal(0, 1, (count, 3)) * [8, 14, 24],
        thigh_deg=np.zeros((count, 2, 3)),
        knee_deg=np.zeros((count, 2)),
        ankle_deg=np.zeros((count, 2)),
        planted=np.ones((count, 2), bool),
        foot_mm=np.stack([rng.normal(0, 70, (count, 2)), rng.uniform(60, 190, (count, 2))], -1),
        foot_turn_deg=rng.normal(12, 12, (count, 2)),
        height=rng.uniform(0.955, 1.0, count),
        arm_deg=arm,
        goal=np.full((count, 2), FREE),
        hand_mm=np.zeros((count, 2, 3)),
        swivel_deg=rng.normal(0, 15, (count, 2)),
        wrist_deg=rng.normal(0, 1, (count, 2, 2)) * [35, 18] + [10, 0],
        lifted_mm=np.zeros(count),
        low_mm=np.full(count, np.inf),
        seat=np.zeros(count, bool),
    )
