"""On a chair: where it stands, how legs are arranged there, what hands do."""

import numpy as np

from c2fpose.data.synth36.motion.script import HIP_OVER_SEAT_MM, LEFT, RIGHT, Script
from c2fpose.data.synth36.scene.scene import SeatRequest


def sit_on_chair(s: Script) -> None:
    """Seated from the first frame on; asks for the chair."""
    kind = str(s.rng.choice(["chair", "stool", "sofa", "box"], p=[0.55, 0.2, 0.1, 0.15]))
    seat_height = s.between(400, 470) if kind != "sofa" else s.between(370, 430)
    seat_height = min(seat_height * np.sqrt(s.scale), 0.98 * s.rig.shin_mm + s.rig.ankle_height_mm - 40.0)
    behind = {"chair": 20.0, "stool": 0.0, "sofa": 60.0, "box": 20.0}[kind]
    forward = np.array([np.cos(s.heading_rad), np.sin(s.heading_rad)])
    centre = s.place_mm + behind * forward
    # A seat's yaw 0 faces +y, a heading of 0 faces +x.
    s.seat = SeatRequest(kind, seat_height, (float(centre[0]), float(centre[1])), s.heading_rad - np.pi / 2)
    s.seat_kind, s.upright = kind, False
    s.bend(-6.0, 0.3, height=seat_height + HIP_OVER_SEAT_MM * s.scale, pitch=s.between(-0.25, 0.0), lively=0.6,
           spine_pitch=s.between(0.0, 0.3))  # fmt: skip
    s.base["spine_pitch"] += 0.12
    for side in (LEFT, RIGHT):
        s.foot(side, -6.0, 0.3, 440, s.between(80, 160), swivel=0.1)
        s.hand(side, -6.0, s.pick("thigh", "knee", "lap"))


def seated_legs(s: Script, start_s: float, end_s: float, calm: bool = False) -> None:
    """Change the legs' arrangement at random times; ``calm``: both feet on the floor throughout."""
    time, over = start_s - 5.0, None
    while time < end_s:
        duration = s.between(0.8, 1.2)
        if over is not None:
            # Legs are uncrossed first.
            s.foot(over, time, duration, s.rig.thigh_mm / s.scale + 60, 150, swivel=0.1, lift=120)
            time += duration
        kinds = (
            ("flat",) if calm else ("flat", "flat", "stretched", "ankles", "ankle_on_knee", "knee_on_knee", "uneven")
        )
        over = ARRANGEMENTS[s.pick(*kinds)](s, time, duration)
        time = max(f.free_s for f in s.feet) + s.between(2.5, 8.0)


def _thigh(s: Script) -> float:
    return s.rig.thigh_mm / s.scale


def _nearest(s: Script) -> float:
    """How near feet may come to the pelvis: under a chair, not into a box or a sofa."""
    return {"box": 385.0, "sofa": 440.0}.get(s.seat_kind or "", 290.0)


def _ahead(s: Script, wished: float, outward: float) -> float:
    """How far forward a foot goes: as wished, or as far as the leg reaches while the person stays on the seat."""
    drop = s.posture.last[0] / s.scale - 150.0  # from the hips to the ankle of a foot on its heel
    room = (0.985 * s.rig.leg_mm / s.scale) ** 2 - drop**2 - (abs(outward) - 105.0) ** 2
    return min(wished, np.sqrt(room) - 45.0)


def _flat(s: Script, time: float, duration: float) -> None:
    for side in (LEFT, RIGHT):
        wide = s.between(70, 230)
        near, far = max(_nearest(s), _thigh(s) - 70), _thigh(s) + 130
        s.foot(side, time, duration, s.between(near, far), wide, toes=s.between(0, 0.5), swivel=0.0016 * (wide - 110))


def _stretched(s: Script, time: float, duration: float) -> None:
    for side in (LEFT, RIGHT):
        wide, far = s.between(60, 220), s.between(1.5, 1.78) * _thigh(s)
        pitch, toes = s.between(-0.75, -0.4), s.between(0, 0.4)
        s.foot(side, time, duration, _ahead(s, far, wide), wide, toes=toes, pitch=pitch, swivel=0.0012 * (wide - 110))


def _uneven(s: Script, time: float, duration: float) -> None:
    one = s.pick(LEFT, RIGHT)
    far, wide = s.between(1.4, 1.7) * _thigh(s), s.between(90, 200)
    s.foot(one, time, duration, _ahead(s, far, wide), wide, pitch=-0.5, swivel=0.1)
    near, heel_up = max(_nearest(s), _thigh(s) - 110), s.between(0.0, 0.4)
    s.foot(1 - one, time, duration, near, s.between(80, 170), pitch=heel_up, swivel=0.1)


def _ankles_crossed(s: Script, time: float, duration: float) -> int:
    front = s.pick(LEFT, RIGHT)
    ahead = _ahead(s, s.between(1.35, 1.6) * _thigh(s) + 115, -75)
    s.foot(1 - front, time, duration, ahead - 250, 40, toes=0.1, swivel=0.15)
    s.foot(front, time + duration, duration, ahead, -75, toes=0.1, pitch=-0.35, swivel=0.35, lift=140)
    return front


def _ankle_on_knee(s: Script, time: float, duration: float) -> int:
    over = s.pick(LEFT, RIGHT)
    hip_height = s.posture.last[0] / s.scale
    s.foot(1 - over, time, duration, _thigh(s) + s.between(-20, 60), s.between(95, 130))
    s.foot(over, time + 0.8 * duration, 1.2 * duration, 0.86 * _thigh(s), -160, z=hip_height + 5, toes=0.7,
           swivel=1.3, roll=0.5,
           pitch=0.2, lift=60)  # fmt: skip
    return over


def _knee_on_knee(s: Script, time: float, duration: float) -> int:
    over = s.pick(LEFT, RIGHT)
    hip_height = s.posture.last[0] / s.scale
    s.foot(1 - over, time, duration, _thigh(s) + s.between(0, 40), s.between(15, 35), swivel=-0.1)
    s.foot(over, time + 0.8 * duration, 1.2 * duration, _thigh(s) + s.between(200, 240), -s.between(215, 250),
           z=hip_height - s.between(245, 275), toes=-0.1, swivel=0.05, pitch=0.45, lift=130)  # fmt: skip
    return over


# Each returns the leg that lies over the other one, if any.
ARRANGEMENTS = {"flat": _flat, "stretched": _stretched, "uneven": _uneven, "ankles": _ankles_crossed,
                "ankle_on_knee": _ankle_on_knee, "knee_on_knee": _knee_on_knee}  # fmt: skip


def seated_hands(s: Script, start_s: float, end_s: float) -> None:
    """Hands on thighs and knees, folded, at the chin, behind the head, talking."""
    clocks = [start_s - s.between(0.0, 4.0), start_s - s.between(0.0, 4.0)]
    while min(clocks) < end_s:
        side = int(clocks[1] < clocks[0])
        time = clocks[side]
        kind = s.rng.random()
        if kind < 0.18:
            for who, name in ((side, "fold_over"), (1 - side, "fold_under")):
                clocks[who] = s.hand(who, max(time, clocks[who]), name) + s.between(1.5, 5.0)
        elif kind < 0.26:
            for who in (LEFT, RIGHT):
                clocks[who] = s.hand(who, max(time, clocks[who]), "crown") + s.between(1.5, 4.0)
        elif kind < 0.5:
            for _ in range(s.rng.integers(2, 5)):
                at = np.array([s.between(0.35, 0.75), s.between(-0.2, 0.5), s.between(-0.5, 0.15)])
                time = s.hand(
                    side, time, "wave", at=at, swivel=s.between(0, 0.5), pronation=s.between(-1, 0.8)
                ) + s.between(0, 0.5)
            clocks[side] = time
        else:
            name = s.pick("thigh", "thigh", "knee", "knee", "lap", "lap", "chin", "other_knee", "belly", "beside")
            if name == "beside" and s.seat_kind not in ("chair", "stool"):
                name = "thigh"
            clocks[side] = s.hand(side, time, name, jitter=22.0) + s.between(1.0, 5.0)
