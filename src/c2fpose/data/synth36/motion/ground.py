"""Low down: crouching, kneeling, and postures on the floor."""

import numpy as np

from c2fpose.data.synth36.motion.script import HIP_OVER_SEAT_MM, LEFT, RIGHT, Script


# ---------------------------------------------------------------------- crouching
def crouch(s: Script, time: float) -> float:
    """Down on one knee, or into a squat; returns the end, seconds."""
    duration = s.between(1.1, 1.6)
    thigh, shin = s.rig.thigh_mm / s.scale, s.rig.shin_mm / s.scale
    if s.chance(0.55):
        back = s.pick(LEFT, RIGHT)
        end = s.bend(time, duration, height=s.rig.thigh_mm * 0.97 + 62 * s.scale, pitch=s.between(0.0, 0.15),
                     spine_pitch=s.between(0.0, 0.35), forward=0.0, lateral=0.0, roll=0.0, spine_roll=0.0)  # fmt: skip
        s.foot(1 - back, time, 0.7 * duration, 0.86 * thigh, s.between(90, 150), swivel=0.1)
        s.foot(
            back, time + 0.15, 0.8 * duration, -0.94 * shin + 60, s.between(90, 130), pitch=1.35, swivel=0.1, lift=60
        )
    else:
        low = s.between(0.40, 0.62)
        end = s.bend(time, duration, height=s.rig.pelvis_height_mm * low, forward=-130 * s.scale * (1 - low),
                     lateral=0.0, roll=0.0,
                     pitch=s.between(0.1, 0.4), spine_pitch=s.between(0.15, 0.5), spine_roll=0.0)  # fmt: skip
        for side in (LEFT, RIGHT):
            s.foot(side, time, 0.8 * duration, s.between(20, 90) if side == LEFT else s.between(90, 170),
                   s.between(120, 200),
                   toes=0.35, swivel=0.45, pitch=0.35, lift=10)  # fmt: skip
    return end


def rise(s: Script, time: float) -> float:
    """Up from a crouch to standing; returns the end, seconds."""
    duration = s.between(1.1, 1.5)
    s.stand_feet(time + 0.2, duration)
    s.bend(
        time, duration, height=s.base["height"], pitch=0.0, forward=0.0, spine_pitch=s.base["spine_pitch"], lively=1.0
    )
    return max(s.posture.free_s, *(f.free_s for f in s.feet))


# ---------------------------------------------------------------------- the floor
def _cross_legged(s: Script, time: float, duration: float) -> None:
    front = s.pick(LEFT, RIGHT)
    s.foot(front, time, duration, 355, -85, toes=0.5, roll=1.15, pitch=0.05, swivel=1.15, lift=60)
    s.foot(1 - front, time, duration, 160, -70, toes=0.5, roll=1.15, pitch=0.05, swivel=1.15, lift=60)


def _bent_knees(s: Script, time: float, duration: float) -> None:
    for side in (LEFT, RIGHT):
        s.foot(side, time, duration, s.between(420, 590), s.between(70, 200), swivel=s.between(-0.05, 0.4), toes=0.15)


def _long_sit(s: Script, time: float, duration: float) -> None:
    for side in (LEFT, RIGHT):
        s.foot(side, time, duration, s.between(0.9, 0.965) * s.rig.leg_mm / s.scale, s.between(70, 260),
               pitch=s.between(-1.2, -0.85),
               toes=s.between(0.1, 0.5), swivel=0.15)  # fmt: skip


def _one_bent(s: Script, time: float, duration: float) -> None:
    bent = s.pick(LEFT, RIGHT)
    s.foot(bent, time, duration, s.between(410, 520), s.between(80, 150), swivel=0.1)
    if s.chance(0.5):
        s.foot(
            1 - bent,
            time,
            duration,
            0.95 * s.rig.leg_mm / s.scale,
            s.between(90, 250),
            pitch=-1.0,
            toes=0.3,
            swivel=0.1,
        )
    else:
        s.foot(1 - bent, time, duration, 200, -40, toes=0.5, roll=1.15, pitch=0.05, swivel=1.2, lift=60)


_FLOOR_LEGS = {"cross": _cross_legged, "bent": _bent_knees, "long": _long_sit, "one": _one_bent}


def _kneel(s: Script, time: float, duration: float, low: bool) -> None:
    """On both knees; ``low``: then back on the heels, the knees staying where they are."""
    thigh, shin = s.rig.thigh_mm, s.rig.shin_mm
    forward, high, ahead = s.posture.last[1], _knee_stand_mm(s), 0.24 * thigh
    # The feet go back, and come forward again, while the knees have room.
    end = s.bend(time, duration, height=high + 110.0 * s.scale, pitch=0.05, spine_pitch=s.between(0.0, 0.2), lively=0.6)
    end = s.bend(end, 0.6, height=high)
    pitch = 2.45 if low else s.pick(2.3, 1.4)
    for side in (LEFT, RIGHT):
        wide = s.between(85, 130)
        back = (ahead - 0.985 * shin) / s.scale
        s.foot(side, time + 0.35 * duration * side, 0.65 * duration, back, wide, pitch=pitch, swivel=0.12, lift=40)
    if low:
        bend = s.between(0.0, 0.3)
        for height in (_half_down_mm(s), 250.0 * s.scale):
            sunk = np.sqrt(max(thigh**2 - (height - 62 * s.scale) ** 2, 0.0))
            end = s.bend(end, 0.6, height=height, forward=forward - (sunk - ahead), pitch=0.0, spine_pitch=bend)


def _knee_stand_mm(s: Script) -> float:
    return 0.97 * s.rig.thigh_mm + 62.0 * s.scale


def _half_down_mm(s: Script) -> float:
    """Pelvis height half-way from the knees to the heels: the hips turn about the knees, they do not cut the corner."""
    return 0.79 * s.rig.thigh_mm + 62.0 * s.scale


def _off_knees(s: Script, time: float, forward: float) -> float:
    """From the knees to a crouch: up on the knees, then one foot after the other under the body."""
    if s.posture.last[0] < _half_down_mm(s):
        back = (0.62 - 0.24) * s.rig.thigh_mm
        time = s.bend(time, 0.6, height=_half_down_mm(s) + 15.0 * s.scale, forward=forward - back)
    end = s.bend(time, 0.8, height=_knee_stand_mm(s) + 110.0 * s.scale, forward=forward, pitch=0.1, spine_pitch=0.2)
    for side in (LEFT, RIGHT):
        end = s.foot(side, end, 0.7, 110, 120, swivel=0.3, lift=60)
    s.bend(end - 0.8, 0.9, height=0.47 * s.rig.pelvis_height_mm, pitch=0.3, spine_pitch=0.35)
    return max(end, s.posture.free_s)


# long: one movement, key by key
def floor_visit(s: Script, start_s: float, end_s: float, hands: bool = True) -> float:
    """Down to the floor, changing postures there; up again if the sequence lasts. Returns the end, seconds."""
    duration = s.between(1.2, 1.7)
    low = HIP_OVER_SEAT_MM * s.scale
    from_start = start_s <= 0.0 and s.chance(0.5)
    if from_start:
        start_s = -7.0
    # A crouch half-way down, the seat moving back over the heels.
    half = s.bend(start_s, duration, height=0.47 * s.rig.pelvis_height_mm, forward=-190 * s.scale, pitch=0.3,
                  spine_pitch=0.35,
                  lateral=0.0, roll=0.0, spine_roll=0.0, twist=0.0, spine_twist=0.0, lively=0.5)  # fmt: skip
    for side in (LEFT, RIGHT):
        s.foot(side, start_s + 0.3 * duration * side, 0.6 * duration, 120, s.between(110, 170), swivel=0.3, toes=0.2)
    s.upright, seated_on_floor, kneels, before_knees = False, False, False, 0.0
    if hands:
        s.both(start_s, "outside_knee")
    time = half
    first, kind = True, ""
    while first or time < end_s - 3.0:
        first = False
        before = kind
        kind = s.pick("cross", "cross", "bent", "bent", "long", "one", "one", "kneel_low", "kneel_high", "kneel_low")
        if before in ("cross", "one") and kind in ("cross", "one"):
            kind = "bent"
        change = s.between(1.1, 1.7)
        if kind.startswith("kneel"):
            if kneels:
                continue
            if seated_on_floor:
                time = s.bend(time, change, height=0.44 * s.rig.pelvis_height_mm, pitch=0.4, spine_pitch=0.4)
                for side in (LEFT, RIGHT):
                    s.foot(side, time - 0.9 * change + 0.4 * change * side, 0.5 * change, 100, 120, swivel=0.3)
            before_knees = s.posture.last[1]
            _kneel(s, time, change, kind == "kneel_low")
            seated_on_floor, kneels = False, True
            places: tuple[str, ...] = ("thigh", "thigh", "lap", "outside_knee", "chest", "hip", "chin")
        else:
            if kneels:
                time, kneels = _off_knees(s, time, before_knees), False
            leans_back = kind != "cross" and s.chance(0.4)
            back = s.between(-0.7, -0.45) if leans_back else s.between(-0.25, 0.0)
            if hands and not seated_on_floor:
                s.hand(s.pick(LEFT, RIGHT), time - 0.3, "floor_side")
            s.bend(time, change, height=low, forward=s.posture.last[1], pitch=back, lively=0.4,
                   spine_pitch=0.15 if leans_back else s.between(0.05, 0.55), head_pitch=s.between(-0.1,
                                                                                                   0.2))  # fmt: skip
            _FLOOR_LEGS[kind](s, time, change)
            seated_on_floor = True
            places = {"cross": ("knee", "knee", "lap", "other_knee", "floor_side", "chin", "chest"),
                      "bent": ("hug_knee", "hug_knee", "knee", "floor_back", "floor_side", "knee", "other_knee"),
                      "long": ("thigh", "lap", "floor_side", "thigh", "chest", "fold_over"),
                      "one": ("knee", "floor_back", "floor_side", "lap", "hug_knee", "chest")}[kind]  # fmt: skip
            if leans_back:
                places = ("floor_back",)
        time = max(s.posture.free_s, *(f.free_s for f in s.feet))
        until = min(time + s.between(3.5, 8.0), max(end_s - 2.5, time + 1.0))
        if hands:
            begin = time - 0.6 * change
            while begin < until - 1.5:
                for side in (LEFT, RIGHT):
                    s.hand(side, begin, s.pick(*places), jitter=20.0)
                begin = max(h.free_s for h in s.hands) + s.between(1.5, 4.0)
        while time < until - 1.2:
            steady = places == ("floor_back",)
            time = s.bend(time + s.between(0.2, 1.0), 0.9, head_yaw=s.between(-0.8, 0.8), head_pitch=s.between(-0.3,
                                                                                                               0.4),
                          spine_twist=0.0 if steady else s.between(-0.35, 0.35),
                          spine_roll=0.0 if steady else s.between(-0.18, 0.18))  # fmt: skip
        time = max(until, time)
    if time > s.length_s:
        return time
    if kneels:
        time = _off_knees(s, time, before_knees)
    if hands:
        s.hand(s.main, time, "floor_side" if seated_on_floor else "outside_knee")
        s.hand(1 - s.main, time, "outside_knee")
    up = s.bend(time, 1.4, height=0.45 * s.rig.pelvis_height_mm, pitch=0.6, spine_pitch=0.5, head_pitch=0.1,
                spine_roll=0.0,
                spine_twist=0.0)  # fmt: skip
    for side in (LEFT, RIGHT):
        key = s.stance_key(side)
        key[6] = 0.35
        s.feet[side].move(time + 0.1 + 0.5 * side, 0.8, key)
    s.upright = True
    if hands:
        s.both(up - 0.2, "loose")
    return rise(s, up)
