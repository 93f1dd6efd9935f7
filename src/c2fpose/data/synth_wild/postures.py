"""Families of postures: from which ranges the angles of their joints are drawn, and what their hands do.

Angles are degrees, lengths millimetres of a person of typical size; see ``posture``.
"""

from collections.abc import Callable
from dataclasses import fields

import numpy as np

from c2fpose.data.synth_wild.hands import ANYTHING, EVERYDAY, ON_BODY, OPEN, arms, one_arm, palm_down
from c2fpose.data.synth_wild.posture import FREE, GROUND, Postures, blank

Family = Callable[[np.random.Generator, Postures], None]


def _lean(rng: np.random.Generator, p: Postures, pelvis: tuple[float, float], spine: tuple[float, float]) -> None:
    """Pitch forward: pelvis and trunk, drawn from ranges together."""
    share = rng.random(len(p))
    p.pelvis_deg[:, 1] = pelvis[0] + share * (pelvis[1] - pelvis[0]) + rng.normal(0, 4, len(p))
    p.spine_deg[:, 1] = spine[0] + share * (spine[1] - spine[0]) + rng.normal(0, 8, len(p))


def _legs(
    rng: np.random.Generator,
    p: Postures,
    outward: tuple[float, float],
    forward: tuple[float, float],
    turn: tuple[float, float],
    knee: tuple[float, float],
    sides: tuple[int, ...] = (0, 1),
) -> None:
    """Legs by their angles, drawn from ranges."""
    for side in sides:
        p.planted[:, side] = False
        low, high = np.transpose([outward, forward, turn])
        p.thigh_deg[:, side] = rng.uniform(low, high, (len(p), 3))
        p.knee_deg[:, side] = rng.uniform(*knee, len(p))
        p.ankle_deg[:, side] = rng.uniform(-5, 40, len(p))


def _mirrored(rng: np.random.Generator, p: Postures) -> None:
    """Exchange left and right in half of the candidates."""
    rows = np.flatnonzero(rng.random(len(p)) < 0.5)
    for name in ("thigh_deg", "knee_deg", "ankle_deg", "planted", "foot_mm", "foot_turn_deg", "arm_deg", "goal",
                 "hand_mm", "swivel_deg", "wrist_deg"):  # fmt: skip
        array = getattr(p, name)
        array[rows] = array[rows][:, ::-1]
    for name in ("pelvis_deg", "spine_deg", "head_deg"):
        getattr(p, name)[rows] *= [-1, 1, -1]


def standing(rng: np.random.Generator, p: Postures) -> None:
    """Stand as people do every day."""
    arms(rng, p, EVERYDAY)
    p.foot_mm[:, :, 1] *= rng.choice([1.0, 1.0, 1.8], len(p))[:, None]


def open_arms(rng: np.random.Generator, p: Postures) -> None:
    """Stand with arms wide, raised or bent."""
    arms(rng, p, OPEN, both=0.5)
    p.foot_mm[:, :, 1] *= rng.choice([1.0, 1.6, 2.6], len(p))[:, None]
    p.height -= rng.uniform(0, 0.06, len(p))
    p.spine_deg += rng.normal(0, 1, (len(p), 3)) * [9, 8, 14]


def hands_on_body(rng: np.random.Generator, p: Postures) -> None:
    """Stand with hands on hips, head, chest or in pockets."""
    arms(rng, p, ON_BODY, both=0.5)


def reaching(rng: np.random.Generator, p: Postures) -> None:
    """Reach for something, leaning and turned, on one foot more than on the other."""
    _lean(rng, p, (-5, 35), (-8, 35))
    p.spine_deg += rng.normal(0, 1, (len(p), 3)) * [14, 0, 16]
    p.foot_mm[:, 0, 0] += rng.uniform(0, 350, len(p))
    p.foot_mm[:, 1, 0] -= rng.uniform(0, 250, len(p))
    p.height = rng.uniform(0.86, 0.99, len(p))
    p.ankle_deg[:, 1] = rng.uniform(0, 30, len(p))
    arms(rng, p, {"forward": 3, "raised": 2, "any": 2, "across": 1, "spread": 1, "hang": 0.7}, both=0.2)
    _mirrored(rng, p)


def bending(rng: np.random.Generator, p: Postures) -> None:
    """Bend down, hands to the floor, to the legs or forward."""
    _lean(rng, p, (25, 80), (15, 60))
    p.spine_deg += rng.normal(0, 1, (len(p), 3)) * [9, 0, 12]
    p.height = rng.uniform(0.72, 0.98, len(p))
    p.foot_mm[:, :, 1] *= rng.choice([1.0, 1.6, 2.4], len(p))[:, None]
    p.head_deg[:, 1] -= rng.uniform(0, 35, len(p))
    arms(rng, p, {"floor": 2, "shin": 1.5, "toes": 1, "knee": 2, "forward": 2, "any": 2, "hang": 0.5, "raised": 0.5})


def squatting(rng: np.random.Generator, p: Postures) -> None:
    """Squat, feet apart, heels raised at times."""
    _lean(rng, p, (5, 40), (5, 45))
    p.height = rng.uniform(0.32, 0.75, len(p))
    p.foot_mm[:, :, 1] = rng.uniform(110, 320, (len(p), 2))
    p.foot_turn_deg = rng.uniform(5, 45, (len(p), 2))
    p.ankle_deg = rng.uniform(0, 40, (len(p), 1)) * np.ones((1, 2)) * (rng.random((len(p), 1)) < 0.5)
    p.head_deg[:, 1] -= rng.uniform(0, 30, len(p))
    arms(rng, p, {"forward": 3, "knee": 3, "floor": 1.5, "any": 2, "chest": 1, "face": 1, "raised": 0.6, "aside": 0.7})


def lunging(rng: np.random.Generator, p: Postures) -> None:
    """One foot far in front or aside: lunges, fencing, throws, strokes."""
    _lean(rng, p, (-5, 30), (-12, 35))
    p.spine_deg += rng.normal(0, 1, (len(p), 3)) * [12, 0, 22]
    aside = rng.random(len(p)) < 0.35
    p.foot_mm[:, 0] = np.where(aside[:, None], rng.uniform((-80, 350), (150, 620), (len(p), 2)),
                               rng.uniform((250, 40), (620, 200), (len(p), 2)))  # fmt: skip
    p.foot_mm[:, 1] = np.where(aside[:, None], rng.uniform((-100, 80), (100, 260), (len(p), 2)),
                               rng.uniform((-650, 40), (-250, 200), (len(p), 2)))  # fmt: skip
    p.height = rng.uniform(0.62, 0.9, len(p))
    p.ankle_deg[:, 1] = np.where(aside, 0, rng.uniform(15, 60, len(p)))
    arms(rng, p, OPEN | {"hip": 1, "floor": 0.5, "knee": 0.5, "chest": 0.7}, both=0.25)
    _mirrored(rng, p)


def running(rng: np.random.Generator, p: Postures) -> None:
    """Draw walking and running strides, and leaps."""
    _lean(rng, p, (-4, 22), (-6, 18))
    fast = rng.uniform(0.3, 1.0, len(p))
    _legs(rng, p, (-4, 12), (15, 85), (-10, 15), (10, 110), sides=(0,))
    _legs(rng, p, (-4, 12), (-28, 5), (-10, 15), (5, 110), sides=(1,))
    p.thigh_deg[:, :, 1] *= fast[:, None]
    p.knee_deg *= fast[:, None]
    p.spine_deg[:, 2] += rng.uniform(-5, 25, len(p)) * fast
    p.lifted_mm = np.where(rng.random(len(p)) < 0.4, rng.uniform(20, 450, len(p)), 0.0)
    arms(rng, p, {"any": 1, "spread": 0.6, "raised": 0.6})
    stride = np.flatnonzero(rng.random(len(p)) < 0.65)
    p.goal[stride] = FREE
    count = len(stride)
    p.arm_deg[stride, 0] = rng.uniform((-85, 130, -20, 20), (-45, 180, 20, 110), (count, 4))
    p.arm_deg[stride, 1] = rng.uniform((-75, -10, -30, 40), (-20, 35, 20, 115), (count, 4))
    _mirrored(rng, p)


def one_leg(rng: np.random.Generator, p: Postures) -> None:
    """Balances, kicks, steps up."""
    back = rng.random(len(p)) < 0.3
    _legs(rng, p, (-8, 70), (0, 120), (-20, 50), (0, 130), sides=(0,))
    p.thigh_deg[back, 0, 1] = rng.uniform(-25, 5, back.sum())
    _lean(rng, p, (-12, 12), (-10, 15))
    p.pelvis_deg[back, 1] += rng.uniform(10, 75, back.sum())
    p.head_deg[back, 1] -= rng.uniform(10, 40, back.sum())
    p.pelvis_deg[:, 0] += rng.uniform(-5, 25, len(p))  # away from the raised leg
    p.height = rng.uniform(0.9, 1.0, len(p))
    p.foot_mm[:, 1] = rng.normal(0, 25, (len(p), 2))
    arms(rng, p, OPEN | {"hip": 1, "hang": 1, "shin": 0.6, "knee": 0.7, "chest": 0.7}, both=0.4)
    _mirrored(rng, p)


def kneeling(rng: np.random.Generator, p: Postures) -> None:
    """On both knees, upright or on the heels, or on one knee."""
    both = rng.random(len(p)) < 0.55
    heels = both & (rng.random(len(p)) < 0.5)
    _legs(rng, p, (3, 25), (-8, 20), (-10, 20), (80, 105))
    p.thigh_deg[heels] = rng.uniform((3, 62, -10), (28, 88, 25), (heels.sum(), 2, 3))
    p.knee_deg[heels] = rng.uniform(138, 152, (heels.sum(), 1))
    p.thigh_deg[:, 1, 1:] = np.where(both[:, None], p.thigh_deg[:, 0, 1:], p.thigh_deg[:, 1, 1:])
    single = ~both
    p.thigh_deg[single, 0] = rng.uniform((0, 65, -5), (25, 100, 20), (single.sum(), 3))
    p.knee_deg[single, 0] = p.thigh_deg[single, 0, 1] + rng.uniform(-10, 20, single.sum())
    p.ankle_deg = np.where(p.knee_deg > 100, rng.uniform(25, 50, (len(p), 1)), rng.uniform(-20, 45, (len(p), 1)))
    p.ankle_deg[single, 0] = rng.uniform(-10, 10, single.sum())
    _lean(rng, p, (-5, 10), (-8, 45))
    p.spine_deg += rng.normal(0, 1, (len(p), 3)) * [8, 0, 14]
    arms(rng, p, EVERYDAY | OPEN | {"knee": 1.5, "floor": 1.5})
    _mirrored(rng, p)


def on_all_fours(rng: np.random.Generator, p: Postures) -> None:
    """Crawling, planks, push-ups, downward dogs."""
    kind = rng.choice(3, len(p), p=[0.6, 0.25, 0.15])[:, None]
    pitch = rng.uniform(68, 100, (len(p), 1))
    _legs(rng, p, (0, 18), (0, 1), (-10, 15), (70, 105))
    straight = np.where(kind == 1, rng.uniform(-8, 12, (len(p), 1)), rng.uniform(60, 100, (len(p), 1)))
    hips = np.where(kind == 0, pitch + rng.uniform(-28, 28, (len(p), 2)), straight)
    p.pelvis_deg[:, 1] = np.where(kind == 2, pitch + 35, np.where(kind == 1, 76, pitch))[:, 0]
    p.thigh_deg[:, :, 1] = hips
    p.knee_deg = np.where(kind == 0, p.knee_deg, rng.uniform(0, 14, (len(p), 2)))
    p.ankle_deg = np.where(kind == 0, rng.uniform(0, 50, (len(p), 2)), rng.uniform(-25, 5, (len(p), 2)))
    p.spine_deg = rng.normal(0, 1, (len(p), 3)) * [8, 10, 8]
    p.head_deg[:, 1] -= rng.uniform(0, 55, len(p))
    p.goal[:] = GROUND
    p.hand_mm = rng.uniform((-150, -60, 40), (250, 150, 60), (len(p), 2, 3))
    p.swivel_deg = rng.uniform(-10, 40, (len(p), 2))
    for side in (0, 1):
        palm_down(rng, p, np.arange(len(p)), side)
    lifted = np.flatnonzero((rng.random(len(p)) < 0.2) & (kind[:, 0] == 0))
    one_arm(rng, p, lifted, 0, "any")
    _mirrored(rng, p)


def on_the_floor(rng: np.random.Generator, p: Postures) -> None:
    """Sitting on the floor: legs straight, drawn up, crossed, aside."""
    kind = rng.choice(4, len(p), p=[0.3, 0.33, 0.22, 0.15])
    _legs(rng, p, (0, 35), (72, 98), (-15, 40), (0, 35))
    drawn = kind == 1
    p.thigh_deg[drawn] = rng.uniform((0, 90, -10), (30, 128, 25), (drawn.sum(), 2, 3))
    p.knee_deg[drawn] = rng.uniform(70, 135, (drawn.sum(), 2))
    crossed = kind == 2
    p.thigh_deg[crossed] = rng.uniform((35, 75, 25), (60, 100, 55), (crossed.sum(), 2, 3))
    p.knee_deg[crossed] = rng.uniform(105, 140, (crossed.sum(), 2))
    aside = kind == 3
    p.thigh_deg[aside, 0] = rng.uniform((10, 75, 20), (50, 105, 60), (aside.sum(), 3))
    p.knee_deg[aside, 0] = rng.uniform(80, 140, aside.sum())
    mixed = rng.random(len(p)) < 0.35
    p.knee_deg[mixed, 1] = rng.uniform(0, 120, mixed.sum())
    _lean(rng, p, (-30, 15), (-5, 45))
    p.low_mm[:] = 160
    arms(
        rng, p, EVERYDAY | {"knee": 3, "shin": 1.5, "floor": 4, "behind": 0, "pocket": 0, "raised": 0.7, "spread": 0.7}
    )
    _mirrored(rng, p)


def seated(rng: np.random.Generator, p: Postures) -> None:
    """On a seat of any height."""
    _legs(rng, p, (0, 35), (65, 105), (-15, 25), (40, 110))
    p.ankle_deg = rng.uniform(-15, 20, (len(p), 2))
    over = rng.random(len(p)) < 0.2  # one leg over the other
    p.thigh_deg[over, 0] = rng.uniform((-14, 95, 0), (-2, 112, 20), (over.sum(), 3))
    p.thigh_deg[over, 1] = rng.uniform((-4, 75, -5), (4, 90, 10), (over.sum(), 3))
    _lean(rng, p, (-22, 18), (-10, 40))
    p.seat[:] = True
    arms(
        rng,
        p,
        EVERYDAY | {"knee": 3, "other_knee": 0.7, "belly": 3, "forward": 2, "pocket": 0, "behind": 0, "raised": 0.6},
    )
    _mirrored(rng, p)


def lying(rng: np.random.Generator, p: Postures) -> None:
    """On the back, the belly or the side."""
    kind = rng.choice(3, len(p), p=[0.45, 0.25, 0.3])
    _legs(rng, p, (0, 35), (-5, 25), (-20, 35), (0, 40))
    back, side = kind == 0, kind == 2
    up = back & (rng.random(len(p)) < 0.5)
    p.thigh_deg[up] = rng.uniform((0, 20, -10), (40, 110, 30), (up.sum(), 2, 3))
    p.knee_deg[up] = rng.uniform(20, 130, (up.sum(), 2))
    p.thigh_deg[side] = rng.uniform((-5, 0, -10), (15, 100, 20), (side.sum(), 2, 3))
    p.knee_deg[side] = rng.uniform(0, 120, (side.sum(), 2))
    p.thigh_deg[kind == 1, :, 1] = rng.uniform(-12, 4, ((kind == 1).sum(), 2))
    p.knee_deg[kind == 1] = rng.uniform(0, 110, ((kind == 1).sum(), 2)) * (rng.random(((kind == 1).sum(), 2)) < 0.4)
    p.pelvis_deg[:, 1] = np.select([back, side], [-90, -90], 90) + rng.normal(0, 7, len(p))
    p.pelvis_deg[:, 0] = rng.normal(0, 6, len(p))
    # Lying on the side: rolled about the body's own long axis, which comes first.
    p.pelvis_deg[:, 2] = np.where(
        side, rng.choice([-90, 90], len(p)) + rng.normal(0, 18, len(p)), rng.normal(0, 7, len(p))
    )
    raised = rng.random(len(p)) < 0.25
    p.spine_deg[:, 1] = np.where(
        raised, np.where(kind == 1, -1, 1) * rng.uniform(5, 45, len(p)), rng.normal(0, 8, len(p))
    )
    p.ankle_deg = rng.uniform(10, 50, (len(p), 2))
    p.low_mm[:] = np.where(side, 230, 190)
    arms(rng, p, {"any": 3, "spread": 2, "raised": 2, "hang": 2, "belly": 1.5, "chest": 1, "nape": 1, "aside": 1.5,
                  "face": 1, "goalpost": 1})  # fmt: skip


def anything(rng: np.random.Generator, p: Postures) -> None:
    """Each joint anywhere within its limits, the body at any angle: leaps, falls, swims, climbs."""
    _legs(rng, p, (-12, 65), (-25, 120), (-35, 45), (0, 140))
    p.spine_deg = rng.uniform((-30, -30, -45), (30, 60, 45), (len(p), 3))
    p.head_deg = rng.uniform((-30, -50, -65), (30, 45, 65), (len(p), 3))
    turned = rng.random(len(p)) < 0.5
    p.pelvis_deg = np.where(turned[:, None], rng.uniform((-60, -100, -180), (60, 120, 180), (len(p), 3)),
                            rng.normal(0, 1, (len(p), 3)) * [12, 20, 0])  # fmt: skip
    p.lifted_mm = np.where(rng.random(len(p)) < 0.5, rng.uniform(0, 700, len(p)), 0.0)
    arms(rng, p, ANYTHING, both=0.2)


# Family and its share of the images; a record's ``action`` is its place here.
FAMILIES: dict[str, tuple[Family, float]] = {
    "standing": (standing, 0.11),
    "open_arms": (open_arms, 0.13),
    "hands_on_body": (hands_on_body, 0.08),
    "reaching": (reaching, 0.07),
    "bending": (bending, 0.07),
    "squatting": (squatting, 0.06),
    "lunging": (lunging, 0.08),
    "running": (running, 0.08),
    "one_leg": (one_leg, 0.05),
    "kneeling": (kneeling, 0.04),
    "on_all_fours": (on_all_fours, 0.04),
    "on_the_floor": (on_the_floor, 0.05),
    "seated": (seated, 0.06),
    "lying": (lying, 0.04),
    "anything": (anything, 0.04),
}


def draw_postures(rng: np.random.Generator, families: list[str], each: int) -> Postures:
    """``each`` candidates of every family named, in that order."""
    postures = blank(rng, each * len(families))
    for number, family in enumerate(families):
        rows = postures[slice(number * each, (number + 1) * each)]
        FAMILIES[family][0](rng, rows)
        for field in fields(rows):  # what a family replaced instead of changed
            getattr(postures, field.name)[number * each : (number + 1) * each] = getattr(rows, field.name)
    return postures
