"""Building blocks of an action: going places, standing, sitting, floor postures, and what hands do.

A ``Script`` collects keys on several tracks that run side by side: the way on the floor, the feet, the trunk, and each
hand. All lengths in the scripts are millimetres for a person of typical size and are scaled to the body at hand.
"""

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.motion import arms
from c2fpose.data.synth36.motion.feet import SWIVEL, foot_key, plan_steps, standing_key
from c2fpose.data.synth36.motion.path import Loop, Path, Places, Progress, Stepping
from c2fpose.data.synth36.motion.tracks import TrackBuilder
from c2fpose.data.synth36.person.rig import SIDES, Rig
from c2fpose.data.synth36.scene.scene import SeatRequest

POSTURE = ("height", "forward", "lateral", "roll", "pitch", "twist", "spine_roll", "spine_pitch", "spine_twist",
           "head_roll", "head_pitch", "head_yaw", "lively")  # fmt: skip
LEFT, RIGHT = 0, 1
HIP_OVER_SEAT_MM = 92.0  # typical; flesh between the hip joints and what one sits on
ROOM_MM = 1150.0  # how far from the room's centre people stand

# Name: anchor, wrist (forward, outward, up; arm lengths for SHOULDER, else mm), swivel, pronation, flexion, swing,
# noise.
HAND_PLACES = {
    "hang": (arms.SHOULDER, (0.07, 0.13, -0.95), 0.0, 0.0, 0.1, 1.0, 16.0),
    "loose": (arms.SHOULDER, (0.2, 0.22, -0.86), 0.2, 0.2, 0.1, 0.9, 22.0),
    "hip": (arms.AT_PELVIS, (30, 205, 115), 1.0, -0.6, -0.7, 0.0, 8.0),
    "pocket": (arms.AT_PELVIS, (55, 205, 30), 0.5, 0.3, 0.2, 0.0, 6.0),
    "behind": (arms.AT_PELVIS, (-175, 25, 70), 0.3, 0.3, 0.2, 0.0, 8.0),
    "mouth": (arms.AT_HEAD, (165, 95, -135), 0.1, 0.6, 0.4, 0.0, 9.0),
    "ear": (arms.AT_HEAD, (100, 122, -62), 0.1, -0.2, 0.3, 0.0, 7.0),
    "camera": (arms.AT_HEAD, (215, 105, -55), 0.05, 0.2, 0.2, 0.0, 7.0),
    "forehead": (arms.AT_HEAD, (150, 125, 20), 0.6, 0.6, 0.3, 0.0, 8.0),
    "crown": (arms.AT_HEAD, (10, 190, 95), 0.7, 0.5, 0.3, 0.0, 10.0),
    "chin": (arms.AT_HEAD, (145, 75, -165), 0.0, -0.3, 0.3, 0.0, 8.0),
    "chest": (arms.AT_CHEST, (290, 110, -60), 0.35, 0.1, 0.0, 0.0, 28.0),
    "belly": (arms.AT_CHEST, (250, 100, -190), 0.45, 0.2, 0.0, 0.0, 18.0),
    "fold_over": (arms.AT_CHEST, (268, -75, -75), 0.5, 0.5, 0.0, 0.0, 8.0),
    "fold_under": (arms.AT_CHEST, (195, -60, -115), 0.4, 0.5, 0.0, 0.0, 8.0),
    "watch": (arms.AT_CHEST, (290, -10, -5), 0.9, 0.9, 0.1, 0.0, 10.0),
    "carry": (arms.AT_CHEST, (330, 150, -170), 0.3, -0.5, 0.1, 0.0, 14.0),
    "overhead": (arms.SHOULDER, (0.2, 0.3, 0.82), 0.1, 0.0, 0.0, 0.0, 30.0),
    "wave": (arms.SHOULDER, (0.36, 0.45, 0.4), 0.3, 0.3, 0.0, 0.0, 20.0),
    "shake": (arms.SHOULDER, (0.75, -0.12, -0.38), 0.2, 0.0, 0.0, 0.0, 16.0),
    "leash": (arms.SHOULDER, (0.72, 0.02, -0.48), 0.2, 0.2, 0.0, 0.15, 30.0),
    "thigh": (arms.OWN_THIGH, (0, 0, 116), 0.3, 0.8, 0.0, 0.0, 12.0),
    "knee": (arms.OWN_KNEE, (-70, 0, 105), 0.5, 0.8, -0.2, 0.0, 12.0),
    "other_knee": (arms.OTHER_KNEE, (-60, 10, 112), 0.5, 0.7, 0.0, 0.0, 12.0),
    "lap": (arms.OWN_THIGH, (-50, -45, 122), 0.3, 0.6, 0.0, 0.0, 12.0),
    "armrest": (arms.AT_PELVIS, (190, 265, 190), 0.4, 0.7, 0.0, 0.0, 10.0),
    "hug_knee": (arms.OWN_KNEE, (45, 85, -60), 0.6, 0.3, 0.2, 0.0, 10.0),
    "outside_knee": (arms.OWN_KNEE, (-20, 125, 10), 0.3, 0.3, 0.0, 0.0, 12.0),
    "beside": (arms.SHOULDER, (0.05, 0.40, -0.85), 0.0, 0.0, 0.1, 0.0, 10.0),
    "floor_back": (arms.GROUND, (-330, 215, 62), 0.2, 0.9, -1.0, 0.0, 6.0),
    "floor_side": (arms.GROUND, (-190, 340, 62), 0.2, 0.9, -1.0, 0.0, 6.0),
    "floor_front": (arms.GROUND, (430, 170, 70), 0.2, 0.9, -0.6, 0.0, 10.0),
}  # fmt: skip
# How far the way to a place swings forward and outward, as shares of its length; elsewhere (0.2, 0.12).
ARCS = {"behind": (0.0, 0.5), "floor_back": (0.0, 0.4), "hang": (0.1, 0.25), "hip": (0.25, 0.3), "pocket": (0.2, 0.3),
        "hug_knee": (0.5, 0.5), "floor_front": (0.1, 0.45)}  # fmt: skip


class Script:
    """Keys of one sequence while they are collected; ``place_mm`` and ``heading_rad`` are where the person is last."""

    def __init__(self, rng: np.random.Generator, rig: Rig, style: dict[str, float], length_s: float) -> None:
        self.rng, self.rig, self.style, self.length_s = rng, rig, style, length_s
        self.scale, self.tempo = rig.scale, style["tempo"]
        self.half_width = style["stance"] * self.scale
        self.place_mm = rng.uniform(-0.8, 0.8, 2) * ROOM_MM
        self.heading_rad = rng.uniform(-np.pi, np.pi)
        self.stagger_mm = rng.uniform(-60, 60) * self.scale
        self._place, self._heading = TrackBuilder(self.place_mm), TrackBuilder([self.heading_rad])
        self.path: Path | None = None
        self.steppings: list[Stepping] = []
        self.main = RIGHT if style["right_handed"] > 0 else LEFT
        base = dict.fromkeys(POSTURE, 0.0) | {"height": rig.pelvis_height_mm * 1.01, "lively": 1.0}
        base |= {"spine_pitch": style["slouch"], "head_pitch": style["head_pitch"]}
        self.base = base
        self.posture = TrackBuilder(list(base.values()))
        self.feet = (TrackBuilder(self.stance_key(LEFT)), TrackBuilder(self.stance_key(RIGHT)))
        self.hand_names = ["hang", "hang"]
        self.hands = (TrackBuilder(self.hand_key("hang")), TrackBuilder(self.hand_key("hang")))
        self.upright = True  # not on a chair or on the floor
        self.seat: SeatRequest | None = None
        self.seat_kind: str | None = None
        self.hand_prop: str | None = None

    # ------------------------------------------------------------------ chance
    def between(self, low: float, high: float) -> float:
        """Draw a number from a range."""
        return float(self.rng.uniform(low, high))

    def chance(self, p: float) -> bool:
        """Draw whether something happens, with probability ``p``."""
        return bool(self.rng.random() < p)

    def pick(self, *options):
        """Draw one of the options."""
        return options[self.rng.integers(len(options))]

    # ------------------------------------------------------------------ going places
    def stance_key(self, side: int) -> Float[np.ndarray, "12"]:
        """Flat foot for standing at the present place."""
        ahead = self.stagger_mm * SIDES[side]
        return standing_key(
            self.place_mm, self.heading_rad, side, self.half_width, ahead, toe_out=self.style["toe_out"]
        )

    def go(self, time_s: float, place_mm, heading_rad: float) -> float:
        """Step to another place and heading; returns the end, seconds."""
        place_mm = np.asarray(place_mm, dtype=float)
        way = (place_mm - self.place_mm) / self.scale
        distance = float(np.hypot(*way))
        c, sn = np.cos(self.heading_rad), np.sin(self.heading_rad)
        ahead, leftward = c * way[0] + sn * way[1], c * way[1] - sn * way[0]
        bearing = self.heading_rad + np.arctan2(leftward, ahead)
        # Far: turn into the way, walk, then turn to the new heading. Near: sidle there while turning.
        walks = distance > 450
        if walks:
            heading_rad += 2 * np.pi * np.round((bearing - heading_rad) / (2 * np.pi))
        via = bearing if walks else self.heading_rad
        turn = abs(via - self.heading_rad) + abs(heading_rad - via)
        aside = 0.0 if walks else abs(leftward) / 110.0
        count = int(max(2, np.ceil(distance / 400.0) + 1, np.ceil(turn / 0.45), np.ceil(aside) + 1))
        step_s = self.between(0.55, 0.7) / self.tempo
        start = max(time_s, self._place.free_s, self._heading.free_s, *(f.free_s for f in self.feet))
        to_left = (bearing if walks else heading_rad) - self.heading_rad + (0.0 if walks else leftward / 250.0)
        stepping = Stepping(start, start + count * step_s, count, LEFT if to_left > 0 else RIGHT)
        travel = stepping.end_s - start - 0.5 * step_s
        self._place.move(start + 0.3 * step_s, travel, place_mm)
        if walks:
            self._heading.move(start, 0.45 * travel, [bearing])
            self._heading.move(start + 0.55 * travel, 0.45 * travel + 0.3 * step_s, [heading_rad])
        else:
            self._heading.move(start + 0.2 * step_s, travel + 0.1 * step_s, [heading_rad])
        self.place_mm, self.heading_rad = place_mm, heading_rad
        self.stagger_mm = self.between(-80, 80) * self.scale
        self.half_width = self.style["stance"] * self.scale * self.between(0.85, 1.35)
        self._plan(stepping)
        return stepping.end_s

    def _plan(self, stepping: Stepping) -> None:
        self.steppings.append(stepping)
        final = (self.stance_key(LEFT), self.stance_key(RIGHT))
        path = self.path or self.places()
        plan_steps(self.feet, path, stepping, self.half_width, final, self.style["toe_out"])

    def places(self) -> Places:
        """Give the way that has been laid out so far."""
        return Places(self._place.build(), self._heading.build())

    def wander(self, hold_s=(2.5, 6.0), turn_rad=(0.3, 2.4), distance_mm=700.0, until_s: float | None = None) -> None:
        """Stand, then step to somewhere near with another heading, and so on."""
        time, end = self.between(0.5, hold_s[1]), until_s or self.length_s
        sense = self.pick(-1, 1)
        while time < end:
            spot = self.near(distance_mm * self.scale)
            sense = sense if self.chance(0.7) else -sense
            time = self.go(time, spot, self.heading_rad + sense * self.between(*turn_rad)) + self.between(*hold_s)

    def walk_loop(self, speed_mm_s=(780.0, 1150.0), stops: list[tuple[float, float]] | None = None) -> None:
        """Walk round a closed curve for the whole sequence, standing still during ``stops`` (start, end; seconds)."""
        eight = self.chance(0.25)
        radii = self.between(900, 1300) * np.array([1.0, self.between(0.72, 1.0)])
        speed = self.between(*speed_mm_s) * np.sqrt(self.scale) * self.style["pace"] * (0.85 if eight else 1.0)
        start, end, value = [-1.0], [-0.5], [speed]
        for a, b in stops or []:
            start += [a - 0.9, b]
            end += [a, b + 0.9]
            value += [0.0, speed]
        for change in np.arange(3.0, self.length_s, 6.0):
            if not stops:
                start.append(change)
                end.append(change + 3.0)
                value.append(speed * self.between(0.82, 1.18))
        self.path = Loop(
            Progress(np.array(start), np.array(end), np.array(value)), self.rng.uniform(-150, 150, 2), radii,
            self.between(-np.pi, np.pi), self.between(0, 2 * np.pi), float(self.pick(-1.0, 1.0)), eight,
            0.0 if eight else self.between(-90, 90),
        )  # fmt: skip
        step_s = self.between(0.50, 0.56) * np.clip(1050.0 / speed, 0.85, 1.2) * np.sqrt(self.scale)
        edges = [-3.0, *[t for a, b in stops or [] for t in (a + 0.25, b + 0.1)], self.length_s + 3.0]
        # The stance before the first step, where the path starts.
        for a, b in zip(edges[::2], edges[1::2], strict=True):
            place, heading = self.path.at(np.array([a, b]))
            if a < 0:
                self.place_mm, self.heading_rad = place[0], float(heading[0])
                self.feet = (TrackBuilder(self.stance_key(LEFT)), TrackBuilder(self.stance_key(RIGHT)))
            self.place_mm, self.heading_rad = place[1], float(heading[1])
            self._plan(Stepping(a, b, max(2, round((b - a) / step_s)), self.pick(LEFT, RIGHT)))

    def near(self, distance_mm: float) -> np.ndarray:
        """Choose a spot of the room not far from where the person stands."""
        away = self.between(-np.pi, np.pi)
        spot = self.place_mm + self.between(0.0, distance_mm) * np.array([np.cos(away), np.sin(away)])
        return spot * min(1.0, ROOM_MM / max(np.hypot(*spot), 1.0))

    # ------------------------------------------------------------------ trunk
    def bend(self, time_s: float, duration_s: float, **fields: float) -> float:
        """Move the trunk: named posture fields to new values, the others stay. Heights and offsets in plain mm."""
        value = self.posture.last.copy()
        for name, amount in fields.items():
            value[POSTURE.index(name)] = amount
        return self.posture.move(time_s, duration_s, value)

    def fidget(
        self, start_s: float, end_s: float, weight: float = 1.0, look: float = 1.0, lean: float = 1.0, **fixed
    ) -> None:
        """Shifts of weight, looks around, leans of the trunk, at random times."""
        time = start_s
        while time < end_s:
            shift = self.between(-60, 60) * weight * self.scale
            self.bend(
                time, self.between(0.7, 1.4) / self.tempo,
                lateral=shift, roll=-0.0009 * shift / self.scale,
                spine_roll=0.0008 * shift + self.between(-0.07, 0.07) * lean,
                spine_pitch=self.base["spine_pitch"] + self.between(-0.08, 0.16) * lean,
                spine_twist=self.between(-0.25, 0.25) * lean, twist=self.between(-0.12, 0.12) * lean,
                head_yaw=self.between(-0.75, 0.75) * look,
                head_pitch=self.base["head_pitch"] + self.between(-0.2, 0.35) * look,
                head_roll=self.between(-0.12, 0.12) * look, **fixed,
            )  # fmt: skip
            time = self.posture.free_s + self.between(0.6, 3.0)

    # ------------------------------------------------------------------ hands
    def hand_key(self, name: str, jitter: float = 0.0, **change) -> Float[np.ndarray, "11"]:
        """Write a row of a hand's track from ``HAND_PLACES``; ``change``: at (3-vector), swivel, noise, arc, ..."""
        anchor, place, swivel, pronation, flex, swing, noise = HAND_PLACES[name]
        at = np.asarray(change.get("at", place), dtype=float)
        unit_mm = self.rig.arm_mm if anchor == arms.SHOULDER else self.scale
        at = at * unit_mm + (self.rng.normal(0, jitter, 3) * self.scale if jitter else 0.0)
        return np.array([anchor, *at, change.get("swivel", swivel), change.get("pronation", pronation),
                         change.get("flex", flex), change.get("swing", swing), change.get("noise", noise) * self.scale,
                         *change.get("arc", ARCS.get(name, (0.2, 0.12)))])  # fmt: skip

    def hand(
        self, side: int, time_s: float, name: str, duration_s: float | None = None, jitter: float = 14.0, **change
    ) -> float:
        """Move a hand to a named place; the time follows from how far it is, unless given. Returns the end."""
        if name == "belly" and not self.upright:
            name = "chest"
        key = self.hand_key(name, jitter, **change)
        last = self.hands[side].last
        if self.hand_names[side] in ("behind", "floor_back") and "arc" not in change:
            key[arms.ARC_X :] = ARCS["behind"]
        self.hand_names[side] = name
        far = float(np.linalg.norm(key[1:4] - last[1:4])) if key[0] == last[0] else 550.0 * self.scale
        least = max(0.35, far / 900.0)
        duration = duration_s or least * self.between(1.0, 1.6) / self.tempo
        return self.hands[side].move(time_s, max(duration, far / 1500.0), key)

    def both(self, time_s: float, name: str, **change) -> float:
        """Lead both hands to their places of one name; returns the later end, seconds."""
        ends = [self.hand(side, time_s, name, **change) for side in (LEFT, RIGHT)]
        return max(ends)

    # ------------------------------------------------------------------ legs off the gait
    def foot(self, side: int, time_s: float, duration_s: float, forward: float, outward: float, *, toes: float = 0.0,
             **fields: float) -> float:  # fmt: skip
        """Put a foot (typical mm) forward of and outward from the pelvis' place; ``toes``: turned out, radians."""
        posture = dict(zip(POSTURE, self.posture.last, strict=True))
        c, s = np.cos(self.heading_rad), np.sin(self.heading_rad)
        x = forward * self.scale + posture["forward"]
        y = SIDES[side] * outward * self.scale + posture["lateral"]
        spot = self.place_mm + np.array([c * x - s * y, s * x + c * y])
        fields["z"] = fields.get("z", 0.0) * self.scale
        fields["roll"] = -SIDES[side] * fields.get("roll", 0.0)
        key = foot_key(spot[0], spot[1], self.heading_rad + SIDES[side] * toes, **fields)
        return self.feet[side].move(time_s, duration_s, key)

    def stand_feet(self, time_s: float, duration_s: float) -> float:
        """Both feet back under the standing place, one after the other."""
        end = time_s
        for side in (LEFT, RIGHT):
            key = self.stance_key(side)
            key[SWIVEL] = 0.0
            end = self.feet[side].move(time_s + 0.3 * duration_s * side, 0.7 * duration_s, key)
        return end
