"""Human3.6M's 15 actions as scripts: each fills a ``Script`` for the whole sequence."""

import numpy as np

from c2fpose.data.synth36.motion import ground, seat, walks
from c2fpose.data.synth36.motion.script import LEFT, RIGHT, Script


def _rest_hands(s: Script, time: float, names=("hang", "hang", "loose", "hip", "pocket", "behind")) -> None:
    for side in (LEFT, RIGHT):
        s.hand(side, time, s.pick(*names), jitter=18.0)


def directions(s: Script) -> None:
    """Points the way: an arm out in changing directions, a step or a turn between."""
    s.wander((2.5, 5.0), (0.3, 2.2), 650.0)
    s.fidget(0.3, s.length_s, look=0.9)
    time = s.between(0.0, 0.8)
    _rest_hands(s, 0.0)
    while time < s.length_s:
        side = s.main if s.chance(0.7) else 1 - s.main
        yaw, rise = s.between(-0.5, 1.5), s.between(-0.55, 0.6)
        far = s.between(0.78, 0.97)
        at = far * np.array([np.cos(rise) * np.cos(yaw), np.cos(rise) * np.sin(yaw), np.sin(rise)])
        for who in (side, 1 - side) if s.chance(0.2) else (side,):
            time_up = s.hand(
                who, time, "wave", at=at, swivel=s.between(-0.2, 0.4), noise=26.0, pronation=s.between(0, 0.9)
            )
            for _ in range(s.rng.integers(0, 3)):
                wiggle = at + s.rng.normal(0, 0.12, 3)
                time_up = s.hand(who, time_up + s.between(0.1, 0.5), "wave", at=wiggle, noise=26.0, swivel=0.1)
        time = time_up + s.between(0.3, 1.4)
        if s.chance(0.6):
            time = s.hand(side, time, s.pick("hang", "hip", "loose", "chest", "chin", "belly")) + s.between(0.2, 1.2)
            s.hand(1 - side, time, s.pick("hang", "hip", "pocket", "loose", "fold_under"))


def discussion(s: Script) -> None:
    """Talks with both hands."""
    s.wander((3.0, 7.0), (0.2, 2.2), 500.0)
    s.fidget(0.2, s.length_s, weight=1.2, look=1.0, lean=1.2)
    _talk(s, 0.0, s.length_s)


def _talk(s: Script, time: float, end: float, sides=(LEFT, RIGHT)) -> None:
    """Beat gestures: strokes of one or two hands in front of the body, with rests."""
    clocks = dict.fromkeys(sides, time)
    while min(clocks.values()) < end:
        side = min(clocks, key=clocks.__getitem__)
        time = clocks[side]
        if s.chance(0.22):
            name = s.pick("hang", "hip", "pocket", "fold_over", "belly", "chin", "behind", "loose")
            for who in sides if s.chance(0.6) else (side,):
                clocks[who] = s.hand(who, max(time, clocks[who]), name) + s.between(0.4, 2.4)
            continue
        together = len(sides) == 2 and s.chance(0.5)
        at = np.array([s.between(0.3, 0.72), s.between(-0.2, 0.55), s.between(-0.62, 0.12)])
        for _ in range(s.rng.integers(1, 4)):
            at = at + s.rng.normal(0, 0.15, 3) * s.style["gesture"]
            at[0] = max(at[0], 0.28)
            for who in sides if together else (side,):
                clocks[who] = s.hand(
                    who, max(time, clocks[who]), "wave", at=at, noise=34.0, swivel=s.between(0.0, 0.6),
                    pronation=s.between(-1.0, 0.8), jitter=25.0,
                ) + s.between(0.0, 0.35)  # fmt: skip
            time = clocks[side]


def eating(s: Script) -> None:
    """Hand to mouth again and again, standing or seated, a plate or cup in the other hand at times."""
    if s.chance(0.55):
        seat.sit_on_chair(s)
        seat.seated_legs(s, 0.0, s.length_s, calm=True)
        s.fidget(0.1, s.length_s, weight=0.3, look=0.7, lean=1.0)
        rests = ("thigh", "lap", "knee", "belly")
    else:
        s.wander((4.0, 8.0), (0.3, 2.4), 600.0)
        s.fidget(0.1, s.length_s, look=0.8)
        rests = ("hang", "belly", "hip", "loose")
    s.hand_prop = s.pick("cup", "food", "food")
    other = s.pick("belly", "chest", *rests)
    s.hand(1 - s.main, 0.0, other)
    time = s.between(0.0, 0.6)
    while time < s.length_s:
        time = s.hand(s.main, time, "mouth", jitter=16.0) + s.between(0.5, 1.8)
        time = s.hand(s.main, time, s.pick("belly", "chest", "chest", *rests), jitter=25.0) + s.between(0.5, 2.2)
        if s.chance(0.3):
            s.hand(1 - s.main, time, s.pick("belly", "chest", "mouth", *rests))


def greeting(s: Script) -> None:
    """Waves, bows, shakes hands."""
    s.wander((2.5, 5.0), (0.4, 2.6), 750.0)
    time = s.between(0.0, 0.5)
    _rest_hands(s, 0.0)
    while time < s.length_s:
        side = s.main if s.chance(0.75) else 1 - s.main
        kind = s.rng.random()
        s.bend(time, 0.9, head_yaw=s.between(-0.5, 0.5), head_pitch=s.between(-0.2, 0.2), lateral=s.between(-40, 40),
               spine_twist=s.between(-0.2, 0.2), spine_roll=s.between(-0.1, 0.1))  # fmt: skip
        if kind < 0.55:
            high = np.array([s.between(0.2, 0.5), s.between(0.25, 0.6), s.between(0.15, 0.7)])
            sides = (LEFT, RIGHT) if s.chance(0.2) else (side,)
            for who in sides:
                end = s.hand(who, time, "wave", at=high)
                for beat in range(s.rng.integers(3, 8)):
                    swing = high + np.array([0.0, 0.17 if beat % 2 else -0.17, s.between(-0.05, 0.05)])
                    end = s.hand(who, end, "wave", s.between(0.34, 0.5), at=swing, arc=(0.0, 0.0))
        elif kind < 0.75:
            down = s.bend(
                time, s.between(0.9, 1.4), pitch=s.between(0.25, 0.5), spine_pitch=s.between(0.4, 0.8), head_pitch=0.3
            )
            if s.chance(0.5):
                s.hand(side, time, "belly")
            end = s.bend(
                down + s.between(0.3, 1.0),
                s.between(0.9, 1.4),
                pitch=0.0,
                spine_pitch=s.base["spine_pitch"],
                head_pitch=0,
            )
        else:
            s.bend(time, 0.8, spine_pitch=s.between(0.05, 0.3), pitch=s.between(0.0, 0.12))
            end = s.hand(side, time, "shake")
            for beat in range(s.rng.integers(3, 7)):
                at = np.array([0.75, -0.12, -0.38 + (0.07 if beat % 2 else -0.07)])
                end = s.hand(side, end, "shake", s.between(0.3, 0.45), at=at, arc=(0.0, 0.0))
        time = end + s.between(0.2, 0.8)
        _rest_hands(s, time, ("hang", "hang", "loose", "hip", "behind"))
        time += s.between(0.8, 2.0)


def phoning(s: Script) -> None:
    """Talk with a phone at the ear: pacing, standing, on a chair, or on the floor."""
    s.hand_prop = "phone"
    kind = s.rng.random()
    names: tuple[str, ...] = ("hang", "hip", "pocket", "fold_under", "belly", "loose", "behind")
    if kind < 0.3:
        s.walk_loop((550.0, 950.0))
        s.fidget(0.1, s.length_s, weight=0.2, look=0.7, lean=0.7)
    elif kind < 0.62:
        s.wander((2.0, 6.0), (0.4, 2.8), 900.0)
        s.fidget(0.1, s.length_s, weight=1.2)
    else:
        if kind < 0.85:
            seat.sit_on_chair(s)
            seat.seated_legs(s, 0.0, s.length_s)
        else:
            ground.floor_visit(s, 0.0, s.length_s, hands=False)
        s.fidget(s.posture.free_s + 0.1, s.length_s, weight=0.2, look=0.8) if kind < 0.85 else None
        names = ("thigh", "knee", "lap", "other_knee", "chest")
    s.hand(s.main, 0.0, "ear")
    time = s.between(0.5, 1.5)
    if s.chance(0.4):
        # Looks at the phone, dials, then listens.
        s.hand(s.main, 0.0, "chest")
        time = s.hand(s.main, s.between(1.5, 5.0), "ear")
    s.hand(1 - s.main, 0.0, s.pick(*names))
    while time < s.length_s:
        time = s.hand(1 - s.main, time, s.pick(*names, "chest"), jitter=22.0) + s.between(1.0, 4.0)
        if s.chance(0.15) and time < s.length_s - 6:
            s.hand(s.main, time, "chest")
            time = s.hand(s.main, time + s.between(1.5, 3.0), "ear")


def photo(s: Script) -> None:
    """Take photographs: camera before the eyes, standing, leaning, crouching or kneeling."""
    s.hand_prop = "camera"
    time = 0.0
    ready = ("camera", "camera", "chest", "belly")
    s.both(0.0, "camera")
    while time < s.length_s:
        time = s.go(time + s.between(0.2, 1.2), s.near(700), s.heading_rad + s.pick(-1, 1) * s.between(0.3, 2.2))
        name = s.pick(*ready)
        if s.chance(0.4):
            down = ground.crouch(s, time)
            s.both(time + 0.3, "camera")
            s.bend(down, 0.6, head_yaw=s.between(-0.4, 0.4), head_pitch=s.between(-0.25, 0.15))
            time = ground.rise(s, s.posture.free_s + s.between(1.5, 4.0))
        else:
            s.both(time, name, jitter=20.0)
            for _ in range(s.rng.integers(1, 4)):
                time = s.bend(time, s.between(0.6, 1.2), spine_pitch=s.between(-0.15, 0.5),
                              spine_twist=s.between(-0.35, 0.35),
                              pitch=s.between(-0.05, 0.2), head_pitch=s.between(-0.3, 0.2), lateral=s.between(-50, 50),
                              spine_roll=s.between(-0.2, 0.2)) + s.between(0.4, 1.5)  # fmt: skip
            s.bend(time, 0.8, spine_pitch=s.base["spine_pitch"], pitch=0.0, spine_roll=0.0)
            if s.chance(0.35):
                s.both(time, s.pick("chest", "belly"))
                s.both(time + s.between(1.2, 2.0), "camera")


def posing(s: Script) -> None:
    """Held poses as for a picture or a dance: arms up or out, hands on hips, leaning, a leg out."""
    time = 0.0
    while time < s.length_s:
        if s.chance(0.5):
            time = s.go(time, s.near(500), s.heading_rad + s.pick(-1, 1) * s.between(0.3, 2.4))
        move = s.between(0.8, 1.3)
        for side in (LEFT, RIGHT):
            if s.chance(0.55):
                s.hand(
                    side,
                    time,
                    s.pick(
                        "hip", "hip", "crown", "overhead", "forehead", "chin", "behind", "fold_over", "chest", "hang"
                    ),
                    jitter=30.0,
                )
            else:
                yaw, rise = s.between(-0.4, 1.7), s.between(-1.0, 1.35)
                at = s.between(0.6, 0.97) * np.array(
                    [np.cos(rise) * np.cos(yaw), np.cos(rise) * np.sin(yaw), np.sin(rise)]
                )
                s.hand(side, time, "wave", at=at, swivel=s.between(-0.3, 0.7), pronation=s.between(-1, 1))
        shift = s.between(-90, 90)
        s.bend(time, move, lateral=shift, roll=-0.001 * shift + s.between(-0.06, 0.06), spine_roll=s.between(-0.3, 0.3),
               spine_pitch=s.between(-0.2, 0.35), spine_twist=s.between(-0.5, 0.5), twist=s.between(-0.3, 0.3),
               head_yaw=s.between(-0.8, 0.8), head_pitch=s.between(-0.4, 0.3), head_roll=s.between(-0.25, 0.25),
               height=s.rig.pelvis_height_mm * s.between(0.86, 1.01))  # fmt: skip
        if s.chance(0.45):
            side = LEFT if shift < 0 else RIGHT
            s.foot(side, time, move, s.between(-150, 300), s.between(60, 420), toes=s.between(0.0, 0.6),
                   swivel=s.between(0, 0.4),
                   pitch=s.between(0.0, 0.5))  # fmt: skip
        time = s.posture.free_s + s.between(0.6, 2.2)
        s.bend(time, 0.7, height=s.rig.pelvis_height_mm)
        s.stand_feet(time, 0.8)
        time += 0.5


def purchases(s: Script) -> None:
    """Take things from shelves at all heights, carry them, put them down."""
    s.hand_prop = s.pick("bag", None)
    time = 0.0
    while time < s.length_s:
        time = s.go(time, s.near(1000), s.heading_rad + s.pick(-1, 1) * s.between(0.4, 2.6))
        for _ in range(s.rng.integers(1, 4)):
            level = s.rng.random()
            sides = (LEFT, RIGHT) if s.chance(0.4) else (s.main if s.chance(0.7) else 1 - s.main,)
            if level < 0.3:
                reach = s.bend(time, s.between(1.0, 1.5), pitch=s.between(0.35, 0.7), spine_pitch=s.between(0.4, 0.9),
                               head_pitch=0.3,
                               height=s.rig.pelvis_height_mm * s.between(0.6, 0.98), forward=-60 * s.scale)  # fmt: skip
                name, at = "floor_front", np.array([s.between(420, 620), s.between(60, 260), s.between(200, 480)])
            elif level < 0.65:
                reach = s.bend(
                    time, 0.8, spine_pitch=s.between(0.0, 0.3), spine_twist=s.between(-0.4, 0.4), head_pitch=0.1
                )
                name, at = "wave", np.array([s.between(0.65, 0.92), s.between(-0.2, 0.4), s.between(-0.35, 0.1)])
            else:
                reach = s.bend(
                    time, 0.8, spine_pitch=s.between(-0.15, 0.05), spine_roll=s.between(-0.2, 0.2), head_pitch=-0.35
                )
                name, at = "wave", np.array([s.between(0.45, 0.75), s.between(-0.1, 0.4), s.between(0.3, 0.75)])
            for who in sides:
                s.hand(who, time, name, at=at, jitter=30.0)
            time = reach + s.between(0.3, 0.9)
            s.bend(time, 1.1, pitch=0.0, spine_pitch=s.base["spine_pitch"], spine_roll=0.0, height=s.base["height"],
                   forward=0.0,
                   spine_twist=s.between(-0.2, 0.2), head_pitch=s.between(-0.1, 0.35),
                   head_yaw=s.between(-0.6, 0.6))  # fmt: skip
            for who in sides:
                s.hand(who, time, s.pick("carry", "carry", "chest", "belly", "hang"))
            time += s.between(1.0, 2.0)
        if s.chance(0.3):
            _rest_hands(s, time, ("hang", "hip", "carry", "loose"))


def sitting(s: Script) -> None:
    """On a chair: many arrangements of legs, arms and trunk."""
    seat.sit_on_chair(s)
    seat.seated_legs(s, 0.0, s.length_s)
    s.fidget(0.1, s.length_s, weight=0.35, look=1.0, lean=1.3)
    seat.seated_hands(s, 0.0, s.length_s)


def sitting_down(s: Script) -> None:
    """Down to the floor, some postures there, up again."""
    time = s.between(-4.0, 1.0)
    while time < s.length_s:
        time = ground.floor_visit(s, max(time, 0.0), max(time, 0.0) + s.between(12.0, 22.0))
        time = s.go(time, s.near(500), s.heading_rad + s.pick(-1, 1) * s.between(0.6, 2.6)) + s.between(0.3, 1.2)


def smoking(s: Script) -> None:
    """Puffs, between them the hand low; standing, strolling, leaning or seated."""
    s.hand_prop = "cigarette"
    kind = s.rng.random()
    if kind < 0.45:
        s.wander((3.0, 7.0), (0.3, 2.6), 800.0)
        s.fidget(0.1, s.length_s, weight=1.4)
        rests: tuple[str, ...] = ("hang", "hang", "loose", "belly", "chest", "hip")
        others: tuple[str, ...] = ("pocket", "hip", "fold_under", "hang", "behind", "belly")
    else:
        if kind < 0.8:
            seat.sit_on_chair(s)
            seat.seated_legs(s, 0.0, s.length_s)
            s.fidget(0.1, s.length_s, weight=0.3, lean=1.2)
        else:
            ground.floor_visit(s, 0.0, s.length_s, hands=False)
        rests = ("thigh", "knee", "lap", "chest")
        others = ("thigh", "knee", "lap", "other_knee", "chest")
    s.hand(1 - s.main, 0.0, s.pick(*others))
    time = s.between(0.0, 1.5)
    while time < s.length_s:
        time = s.hand(s.main, time, "mouth") + s.between(0.8, 2.0)
        time = s.hand(s.main, time, s.pick(*rests), jitter=25.0) + s.between(0.8, 3.5)
        if s.chance(0.35):
            s.hand(1 - s.main, time, s.pick(*others))


def waiting(s: Script) -> None:
    """Wait: hands in pockets, arms folded, a look at the watch, some steps; on a chair or on the floor at times."""
    kind = s.rng.random()
    if kind < 0.2:
        sitting(s)
        return
    if kind < 0.35:
        ground.floor_visit(s, 0.0, s.length_s)
        return
    s.wander((2.0, 6.0), (0.4, 2.8), 800.0)
    s.fidget(0.1, s.length_s, weight=1.5, look=1.2)
    time = 0.0
    while time < s.length_s:
        what = s.pick("pocket", "pocket", "fold", "fold", "hip", "behind", "watch", "hang", "chin", "crown")
        if what == "fold":
            s.hand(s.main, time, "fold_over")
            time = s.hand(1 - s.main, time, "fold_under")
        elif what == "watch":
            s.bend(time, 0.7, head_pitch=0.45, head_yaw=0.2 if s.main == RIGHT else -0.2)
            time = s.hand(1 - s.main, time, "watch")
        elif what in ("chin", "crown"):
            s.hand(1 - s.main, time, s.pick("fold_under", "hip", "pocket", "hang"))
            time = s.hand(s.main, time, what)
        else:
            other = what if s.chance(0.65) else s.pick("hang", "pocket", "hip")
            s.hand(s.main, time, what)
            time = s.hand(1 - s.main, time, other)
        time += s.between(1.0, 4.5)


SCRIPTS = {
    "Directions": directions, "Discussion": discussion, "Eating": eating, "Greeting": greeting, "Phoning": phoning,
    "Photo": photo, "Posing": posing, "Purchases": purchases, "Sitting": sitting, "SittingDown": sitting_down,
    "Smoking": smoking, "Waiting": waiting, "WalkDog": walks.walk_dog, "Walking": walks.walking,
    "WalkTogether": walks.walk_together,
}  # fmt: skip
