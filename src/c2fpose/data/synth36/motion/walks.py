"""The three actions that walk in rounds."""

import numpy as np

from c2fpose.data.synth36.motion.script import LEFT, RIGHT, Script


def walk_dog(s: Script) -> None:
    """Walk with a leash: one arm forward, stops to bend down to the dog."""
    s.hand_prop = "leash"
    stops, time = [], s.between(3.0, 7.0)
    while time < s.length_s - 5.0:
        length = s.between(3.5, 5.0)
        stops.append((time, time + length))
        time += length + s.between(5.0, 8.0)
    s.walk_loop((700.0, 1150.0), stops)
    time = 0.0
    s.hand(s.main, 0.0, "leash")
    for a, b in stops:
        s.fidget(time, a - 1.6, weight=0.2, look=0.6, lean=0.6)
        deep = s.between(0.5, 1.0)
        down = s.bend(a + 0.3, 1.1, height=s.rig.pelvis_height_mm * (1.0 - 0.42 * deep * s.between(0.2, 1.0)),
                      pitch=0.6 * deep,
                      spine_pitch=0.75 * deep, head_pitch=0.35, forward=-80 * deep,
                      head_yaw=s.between(-0.3, 0.3))  # fmt: skip
        for side in (LEFT, RIGHT) if s.chance(0.4) else (1 - s.main,):
            at = np.array([s.between(430, 600), s.between(60, 220), s.between(280, 520)])
            reach = s.hand(side, a + 0.5, "floor_front", at=at)
            while reach < b - 1.7:
                reach = s.hand(side, reach + 0.05, "floor_front", at=at + s.rng.normal(0, 45, 3), arc=(0.0, 0.0))
        time = s.bend(max(down + 0.3, b - 1.4), 1.2, height=s.base["height"], pitch=0.0,
                      spine_pitch=s.base["spine_pitch"],
                      forward=0.0, head_pitch=0.1)  # fmt: skip
        s.hand(s.main, b - 1.2, "leash")
        s.hand(1 - s.main, b - 1.2, s.pick("hang", "hang", "pocket", "leash"))
    s.fidget(time, s.length_s, weight=0.2, look=0.6, lean=0.6)


def walking(s: Script) -> None:
    """Walk in rounds."""
    s.walk_loop()
    s.fidget(0.0, s.length_s, weight=0.1, look=0.5, lean=0.35)
    if s.chance(0.25):
        s.hand(s.pick(LEFT, RIGHT), s.between(0, 8), s.pick("pocket", "loose", "chest"))


def walk_together(s: Script) -> None:
    """Walk beside somebody: look to that side, talk now and then."""
    s.walk_loop((800.0, 1200.0))
    side = s.pick(LEFT, RIGHT)
    s.base["head_pitch"] += 0.05
    time = 0.0
    while time < s.length_s:
        s.fidget(time, time + s.between(1.0, 3.0), weight=0.1, look=0.5, lean=0.4)
        toward = (1 if side == LEFT else -1) * s.between(0.4, 0.95)
        time = s.bend(s.posture.free_s, 0.7, head_yaw=toward, spine_twist=0.25 * toward) + s.between(0.8, 2.5)
    time = s.between(0, 6)
    while time < s.length_s and s.style["gesture"] > 0.9:
        who = s.pick(LEFT, RIGHT)
        time = s.hand(who, time, s.pick("chest", "belly", "pocket")) + s.between(0.5, 3.0)
        time = s.hand(who, time, "hang") + s.between(1.0, 6.0)
