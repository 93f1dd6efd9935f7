"""Arms of postures: free ones by ranges of angles, others by where on the body or the floor the hand goes."""

import numpy as np
from jaxtyping import Int

from c2fpose.data.synth_wild.posture import (
    AT_CHEST,
    AT_HEAD,
    AT_PELVIS,
    FREE,
    GROUND,
    OTHER_KNEE,
    OWN_ANKLE,
    OWN_KNEE,
    Postures,
)

# Free arms: ranges of elevation, azimuth, twist, elbow.
FREE_ARMS = {
    "hang": ((-88, -68), (10, 160), (-20, 25), (3, 40)),
    "spread": ((-35, 25), (60, 115), (-70, 90), (0, 35)),
    "raised": ((35, 84), (0, 150), (-60, 60), (0, 60)),
    "goalpost": ((-25, 25), (60, 110), (50, 95), (60, 115)),
    "forward": ((-40, 35), (-20, 45), (-60, 60), (0, 100)),
    "aside": ((-60, -20), (50, 130), (-60, 60), (0, 90)),
    "back": ((-75, -25), (120, 180), (-40, 40), (0, 60)),
    "across": ((-45, 20), (-45, 5), (-50, 30), (20, 130)),
    "any": ((-85, 80), (-25, 125), (-80, 90), (0, 145)),
}
# Hands that go somewhere: anchor, low and high corner of the goal (forward, outward, up), elbow's swivel.
HAND_GOALS = {
    "hip": (AT_PELVIS, (-40, 165, 70), (50, 205, 130), (25, 60)),
    "pocket": (AT_PELVIS, (0, 150, -60), (60, 190, 10), (0, 30)),
    "crown": (AT_HEAD, (-80, 20, 90), (60, 110, 170), (-20, 60)),
    "nape": (AT_HEAD, (-140, 20, -20), (-70, 90, 60), (0, 60)),
    "face": (AT_HEAD, (70, 20, -60), (150, 100, 60), (-30, 40)),
    "ear": (AT_HEAD, (0, 95, -40), (70, 130, 50), (-30, 40)),
    "chest": (AT_CHEST, (120, -80, -80), (230, 110, 90), (-20, 40)),
    "belly": (AT_PELVIS, (120, -80, 60), (260, 120, 240), (-20, 40)),
    "folded": (AT_CHEST, (110, -130, -70), (170, -50, -10), (0, 25)),
    "shoulder": (AT_CHEST, (60, -170, 70), (130, -90, 150), (-10, 30)),
    "behind": (AT_PELVIS, (-200, -40, 20), (-130, 90, 150), (-10, 30)),
    "knee": (OWN_KNEE, (-40, -40, 40), (60, 60, 90), (0, 40)),
    "other_knee": (OTHER_KNEE, (-40, -60, 40), (60, 60, 90), (0, 40)),
    "shin": (OWN_ANKLE, (40, -40, 60), (120, 80, 250), (0, 40)),
    "toes": (OWN_ANKLE, (80, -60, -20), (240, 60, 60), (0, 40)),
    "floor": (GROUND, (-200, -100, 30), (350, 350, 60), (0, 50)),
}


def arms(rng: np.random.Generator, p: Postures, shares: dict[str, float], both: float = 0.35) -> None:
    """Give each arm one of the kinds named; ``both`` is the share of people whose arms do alike."""
    names = list(shares)
    chance = np.array(list(shares.values()))
    kinds = rng.choice(len(names), (len(p), 2), p=chance / chance.sum())
    alike = rng.random(len(p)) < both
    kinds[alike, 1] = kinds[alike, 0]
    for side in (0, 1):
        for kind in np.unique(kinds[:, side]):
            rows = np.flatnonzero(kinds[:, side] == kind)
            one_arm(rng, p, rows, side, names[kind])
    copied = np.flatnonzero(alike & (rng.random(len(p)) < 0.7))  # and these nearly the same
    p.arm_deg[copied, 1] = p.arm_deg[copied, 0] + rng.normal(0, 6, (len(copied), 4))
    p.hand_mm[copied, 1] = p.hand_mm[copied, 0] + rng.normal(0, 12, (len(copied), 3))


def one_arm(rng: np.random.Generator, p: Postures, rows: Int[np.ndarray, "n"], side: int, kind: str) -> None:
    """Give one arm of the rows named a kind: of ``FREE_ARMS`` angles, of ``HAND_GOALS`` a goal for the hand."""
    if kind in FREE_ARMS:
        low, high = np.array(FREE_ARMS[kind], float).T
        p.goal[rows, side] = FREE
        p.arm_deg[rows, side] = rng.uniform(low, high, (len(rows), 4))
        return
    anchor, low, high, swivel = HAND_GOALS[kind]
    p.goal[rows, side] = anchor
    p.hand_mm[rows, side] = rng.uniform(low, high, (len(rows), 3))
    p.swivel_deg[rows, side] = rng.uniform(*swivel, len(rows))
    if anchor == GROUND:
        palm_down(rng, p, rows, side)


def palm_down(rng: np.random.Generator, p: Postures, rows: Int[np.ndarray, "n"], side: int) -> None:
    """Lean a hand on the floor: bent back at the wrist, or on the fingers."""
    flat = rng.random(len(rows)) < 0.75
    p.wrist_deg[rows, side] = np.where(flat[:, None], rng.normal((0, -72), (12, 8), (len(rows), 2)),
                                       rng.normal((0, -10), (20, 10), (len(rows), 2)))  # fmt: skip
    p.hand_mm[rows, side, 2] = np.where(flat, rng.uniform(55, 80, len(rows)), rng.uniform(140, 170, len(rows)))


EVERYDAY = {"hang": 4, "hip": 1, "pocket": 1, "chest": 1, "belly": 1.5, "face": 0.6, "ear": 0.6, "forward": 1,
            "aside": 1, "folded": 0.3, "behind": 0.3, "any": 1}  # fmt: skip
OPEN = {"spread": 3, "raised": 3, "goalpost": 1, "forward": 1.5, "aside": 1, "any": 2, "back": 0.5, "across": 0.7}
ON_BODY = {"hip": 3, "crown": 1.5, "nape": 1, "face": 2, "ear": 2, "chest": 2, "belly": 1, "folded": 2, "shoulder": 1,
           "behind": 1, "pocket": 1}  # fmt: skip
ANYTHING = {"any": 4, "spread": 1, "raised": 1.5, "forward": 1, "hang": 1, "aside": 1, "hip": 0.5, "chest": 0.5,
            "across": 0.6, "back": 0.4, "crown": 0.3}  # fmt: skip
