"""Procedural motion of Human3.6M's 15 actions: poses of one person at any frame of a sequence.

``motion(seed, subject, action, trial, shape)`` draws a script (where the person goes, which key postures, what the
hands reach for); ``Motion.at(frames)`` solves poses from it: trunk from keyed bends, feet from planted footfalls, limbs
by two-bone inverse kinematics, legs and arms pushed clear of each other, of the body and of the seat. World frame:
millimetres, z up, floor z = 0, the room's centre at the origin.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num

from c2fpose.base.errors import ConfigError
from c2fpose.data.synth36.motion.actions import SCRIPTS
from c2fpose.data.synth36.motion.arms import (
    ArmPose,
    anchors_of,
    arm_targets,
    clavicle_turns,
    reach,
    seat_capsules,
    way_clear,
)
from c2fpose.data.synth36.motion.bones import aim, attach, bend_trunk, local_rotations, trunk_and_legs, turn_arm
from c2fpose.data.synth36.motion.feet import foot_pose, root_limits_mm, world_offset
from c2fpose.data.synth36.motion.ik import rotation_from_vector, rotation_z, soft_min
from c2fpose.data.synth36.motion.legs import KNEE_CLOSED_RAD, lean_off_legs, legs_apart, solve_leg
from c2fpose.data.synth36.motion.path import Path, Stepping, stepping_phase
from c2fpose.data.synth36.motion.script import Script
from c2fpose.data.synth36.motion.tracks import SmoothNoise, Track
from c2fpose.data.synth36.person.body import BodyShape
from c2fpose.data.synth36.person.rig import (
    CHEST,
    CLAVICLES,
    FEET,
    FOREARMS,
    HANDS,
    PELVIS,
    SHINS,
    SIDES,
    THIGHS,
    UPPER_ARMS,
    Rig,
    limb_radii_mm,
    rig_of,
)
from c2fpose.data.synth36.scene.scene import SeatRequest
from c2fpose.pose.protocol import ACTIONS

FPS = 50
FRAMES = 1500
TAPS_S = np.linspace(-0.18, 0.18, 7)
TAP_WEIGHTS = np.array([1.0, 4.0, 8.0, 10.0, 8.0, 4.0, 1.0]) / 36.0
FRAME = slice(len(TAPS_S) // 2, None, len(TAPS_S))  # the frames themselves among the moments around them
_STREAM = 202  # key of this module in seed sequences

# Columns of a posture key: pelvis height above the floor, forward and to the left of the path (mm); pelvis roll, pitch
# (forward), twist; bends of the spine and of neck and head, as roll, pitch (forward), twist (radians); how lively.
(HEIGHT, FORWARD, LATERAL, ROLL, PITCH, TWIST, SPINE_ROLL, SPINE_PITCH, SPINE_TWIST,
 HEAD_ROLL, HEAD_PITCH, HEAD_YAW, LIVELY) = range(13)  # fmt: skip
# Standard deviations of the smooth noise on these columns.
POSTURE_NOISE = np.array([4.0, 12.0, 14.0, 0.02, 0.03, 0.05, 0.035, 0.05, 0.06, 0.06, 0.08, 0.14, 0.0])

LEG_REACH = 0.9955  # of the full length: knees never lock


@dataclass(frozen=True)
class Motion:
    """One sequence of one person: a pure function from frame numbers to poses.

    ``seat`` is the furniture that the person uses (or None), ``hand_prop`` what ``prop_side`` holds (or None).
    """

    rig: Rig
    path: Path
    steppings: list[Stepping]
    feet: tuple[Track, Track]
    posture: Track
    hands: tuple[Track, Track]
    posture_noise: SmoothNoise
    hand_noise: SmoothNoise
    knee_noise: SmoothNoise
    style: dict[str, float]
    seat: SeatRequest | None = None
    hand_prop: str | None = None
    prop_side: str = "right"
    frames: int = FRAMES
    fps: int = FPS

    def at(self, frames: Num[np.ndarray, "F"]) -> tuple[np.ndarray, np.ndarray]:
        """Local bone rotations ``(F, 19, 3, 3)`` and pelvis places ``(F, 3)`` mm for the body's forward kinematics."""
        heads, turns = self.solve(np.atleast_1d(np.asarray(frames, dtype=float)) / self.fps)
        return local_rotations(turns, self.rig), heads[:, PELVIS]

    def floor_area_mm(self) -> Float[np.ndarray, "2 2"]:
        """Low and high corner (x, y) of the floor that the person needs, limbs included."""
        place, _ = self.path.at(np.arange(0, self.frames, 10) / self.fps)
        feet = np.concatenate([track.values[:, :2] for track in self.feet])
        inside = np.concatenate([place, feet[np.abs(feet).max(-1) < 2500.0]])
        return np.stack([inside.min(0) - 350.0, inside.max(0) + 350.0])

    def solve(self, time_s: Float[np.ndarray, "F"]) -> tuple[np.ndarray, np.ndarray]:
        """Bone heads ``(F, 19, 3)`` mm and bone rotations ``(F, 19, 3, 3)`` from the body frame to the world.

        Also solved are the moments just before and after each frame: the arms make way for the body a little early
        and a little late, so that a contact that begins does not make them jump.
        """
        around = (time_s[:, None] + TAPS_S).ravel()
        rig, count = self.rig, len(around)
        heads, turns = np.zeros((count, 19, 3)), np.zeros((count, 19, 3, 3))
        phase, gait = stepping_phase(self.steppings, around)
        posture = self._posture_at(around, phase, gait)
        place, heading = self.path.at(around)

        yaw = rotation_z(heading)
        turns[:, PELVIS] = yaw @ rotation_from_vector(posture[:, ROLL : TWIST + 1])
        feet = [foot_pose(track, around, rig) for track in self.feet]
        self._place_pelvis(heads, turns, posture, place, yaw, feet)
        self._bend_trunk(heads, turns, posture)
        knee_noise = self.knee_noise.at(around) * posture[:, LIVELY, None] * 0.05
        facing = rotation_z(heading + posture[:, TWIST])
        self._solve_legs(heads, turns, facing, feet, knee_noise)
        self._lean_off_knees(heads, turns, posture)
        self._solve_arms(heads, turns, around, phase, gait, yaw)
        return heads[FRAME], turns[FRAME]

    def _posture_at(self, time_s: np.ndarray, phase: np.ndarray, gait: np.ndarray) -> np.ndarray:
        """Keyed posture, smooth noise, and the trunk's part in the gait."""
        posture = self.posture.at(time_s)
        posture = posture + self.posture_noise.at(time_s) * POSTURE_NOISE * posture[:, LIVELY, None]
        swing = np.cos(np.pi * phase) * gait * self.style["stride"]
        # The hip of the leading foot goes forward, the shoulders turn the other way; the pelvis drops over the swing
        # leg and leans over the standing one.
        posture[:, TWIST] -= 0.10 * swing
        posture[:, SPINE_TWIST] += 0.20 * swing * self.style["arm_swing"]
        support = np.sin(np.pi * (phase - 0.1)) * gait
        posture[:, LATERAL] += 18.0 * support * self.rig.scale
        posture[:, ROLL] -= 0.045 * support
        posture[:, SPINE_ROLL] += 0.05 * support
        return posture

    def _place_pelvis(self, heads, turns, posture, place, yaw, feet) -> None:
        """Over the path, at the wished height or as near to it as both legs allow."""
        shift = yaw[:, :2, 0] * posture[:, FORWARD, None] + yaw[:, :2, 1] * posture[:, LATERAL, None]
        root = heads[:, PELVIS]
        root[:, :2] = place + shift
        hips = np.stack([world_offset(turns[:, PELVIS], self.rig.offsets_mm[b]) for b in THIGHS])
        ankles = np.stack([ankle for ankle, _, _ in feet])
        thigh, shin = self.rig.thigh_mm, self.rig.shin_mm
        nearest = 1.03 * np.sqrt(thigh**2 + shin**2 - 2 * thigh * shin * np.cos(KNEE_CLOSED_RAD))
        low, high = root_limits_mm(root[:, :2], hips, ankles, nearest, LEG_REACH * self.rig.leg_mm)
        root[:, 2] = soft_min(-soft_min(-posture[:, HEIGHT], -low, 8.0), high, 8.0)

    def _bend_trunk(self, heads, turns, posture) -> None:
        spine = posture[:, SPINE_ROLL : SPINE_TWIST + 1]
        head = posture[:, HEAD_ROLL : HEAD_YAW + 1].copy()
        # Eyes stay about level when the trunk leans.
        head[:, 1] -= 0.5 * (posture[:, PITCH] + posture[:, SPINE_PITCH])
        head[:, 1] = np.clip(head[:, 1], -0.9, 0.8)
        bend_trunk(heads, turns, self.rig, spine, head)

    def _lean_off_knees(self, heads, turns, posture) -> None:
        """Tilt the trunk back as far as knees that are drawn up would press into it; legs stay as they are."""
        # Smoothly, then, what is still deep, at once.
        for allowed_mm, over_time in ((18.0, True), (23.0, False)):
            lean = lean_off_legs(heads, turns, self.rig, allowed_mm)
            if over_time:
                lean = smoothed(np.zeros((len(lean), 3)), lean)[1]
            f = np.flatnonzero(lean)
            if not len(f):
                return
            posture[f, PITCH] -= lean[f]
            turns[f, PELVIS] = turns[f, PELVIS] @ rotation_from_vector(-lean[f, None] * np.array([0.0, 1.0, 0.0]))
            some_heads, some_turns = heads[f], turns[f]
            self._bend_trunk(some_heads, some_turns, posture[f])
            heads[f], turns[f] = some_heads, some_turns

    def _solve_legs(self, heads, turns, facing, feet, noise) -> None:
        rig = self.rig
        for side in (0, 1):
            attach(heads, turns, self.rig, THIGHS[side])
        hips = heads.swapaxes(0, 1)[list(THIGHS)]
        ankles, toe = np.stack([ankle for ankle, _, _ in feet]), rig.toe_mm
        toes = np.stack([world_offset(turn, toe) for _, turn, _ in feet])
        outward = np.stack([-SIDES[side] * (feet[side][2] + noise[:, side]) for side in (0, 1)])
        # Smoothly apart, then, what is left, at once.
        moved, turned = legs_apart(hips, ankles, outward, toes, facing, rig, 6.0)
        if moved.any():
            for side in (0, 1):
                move, turn = smoothed(moved[side], turned[side])
                ankles[side], outward[side] = ankles[side] + move, outward[side] + turn
            moved, turned = legs_apart(hips, ankles, outward, toes, facing, rig, 16.0)
            ankles, outward = ankles + moved, outward + turned
        knees, ankles, hinges = solve_leg(hips, ankles, outward, facing, rig)
        for side in (0, 1):
            thigh, shin, foot = THIGHS[side], SHINS[side], FEET[side]
            heads[:, shin], heads[:, foot] = knees[side], ankles[side]
            hinge, rest_hinge = hinges[side, FRAME], np.array([0.0, -1.0, 0.0])
            along_thigh, along_shin = knees[side] - hips[side], ankles[side] - knees[side]
            aim(turns[FRAME], thigh, rig.offsets_mm[shin], along_thigh[FRAME], rest_hinge, hinge)
            aim(turns[FRAME], shin, rig.offsets_mm[foot], along_shin[FRAME], rest_hinge, hinge)
            turns[FRAME, foot] = feet[side][1][FRAME]

    def _solve_arms(self, heads, turns, time_s, phase, gait, yaw) -> None:
        rig = self.rig
        anchors = anchors_of(rig, heads, turns, yaw)
        noise = self.hand_noise.at(time_s)
        radii = limb_radii_mm(rig)
        start, end, radius = trunk_and_legs(heads, turns, rig)
        chest = turns[:, CHEST]
        seat_start, seat_end, seat_radius, seat_out = seat_capsules(self.seat)
        trunk_count, count = len(rig.trunk.radius_mm), len(heads)
        out = np.concatenate([np.broadcast_to([0.0, 0.0, 30.0], (4, 3)), seat_out])
        out = np.broadcast_to(out, (count, *out.shape))
        start = np.concatenate([start, np.broadcast_to(seat_start, (count, *seat_start.shape))], 1)
        end = np.concatenate([end, np.broadcast_to(seat_end, (count, *seat_end.shape))], 1)
        radius = np.concatenate([radius, seat_radius])
        for side in (0, 1):
            pose: ArmPose = arm_targets(
                self.hands[side], time_s, side, anchors, rig, noise[:, 6 * side : 6 * side + 6],
                -SIDES[side] * np.cos(np.pi * phase) * gait * self.style["arm_swing"],
            )  # fmt: skip
            clavicle, upper, fore, hand = CLAVICLES[side], UPPER_ARMS[side], FOREARMS[side], HANDS[side]
            attach(heads, turns, self.rig, clavicle)
            turns[:, clavicle] = chest @ clavicle_turns(pose.target_mm, anchors, chest, side, rig)
            attach(heads, turns, self.rig, upper)
            outward = world_offset(chest, np.array([20.0, 20.0 * SIDES[side], 0.0]))
            bias = np.concatenate([np.repeat(outward[:, None], trunk_count, 1), out], 1)
            if side:
                across = world_offset(chest, np.array([18.0, 0.0, 18.0]))
                bias = np.concatenate([bias, np.repeat(across[:, None], 2, 1)], 1)
            # Smoothly out of the way, twice; what is still deep after that, at once.
            rows = np.arange(count)
            for allowed_mm in (-8.0, 4.0):
                moved, turned = smoothed(*way_clear(
                    heads[:, upper], pose, chest, side, rig, start, end, radius, bias, rows, allowed_mm
                ))  # fmt: skip
                pose.target_mm, pose.swivel_rad = pose.target_mm + moved, pose.swivel_rad + turned
                rows = rows[moved[rows].any(-1)]
            rows = rows[rows % len(TAPS_S) == len(TAPS_S) // 2]
            moved, turned = way_clear(heads[:, upper], pose, chest, side, rig, start, end, radius, bias, rows, 16.0)
            pose.target_mm, pose.swivel_rad = pose.target_mm + moved, pose.swivel_rad + turned
            pose.target_mm[:, 2] = np.maximum(pose.target_mm[:, 2], 40.0 * rig.scale)
            elbow, wrist, hinge, tip = reach(heads[:, upper], pose.target_mm, pose.swivel_rad, chest, side, rig)
            heads[:, fore], heads[:, hand] = elbow, wrist
            along, along_fore = elbow - heads[:, upper], wrist - elbow
            turn_arm(
                turns[FRAME], rig, side, along[FRAME], along_fore[FRAME], hinge[FRAME], hinge[FRAME], pose.at(FRAME)
            )
            # The second arm keeps clear of the first.
            start = np.concatenate([start, elbow[:, None], heads[:, upper, None]], 1)
            end = np.concatenate([end, tip[:, None], elbow[:, None]], 1)
            radius = np.concatenate([radius, [radii["forearm"], radii["forearm"]]])


def smoothed(moved: np.ndarray, turned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the moments around each frame, given to all of them; large evasions count for more than none."""
    shape = (-1, len(TAPS_S))
    size = np.sqrt((moved**2).sum(-1)) + 150.0 * np.abs(turned)
    weight = TAP_WEIGHTS * (size.reshape(shape) + 40.0)
    weight = weight / weight.sum(-1, keepdims=True)
    move = (weight[..., None] * moved.reshape(*shape, 3)).sum(1)
    turn = (weight * turned.reshape(shape)).sum(1)
    return np.repeat(move, len(TAPS_S), axis=0), np.repeat(turn, len(TAPS_S))


def motion(seed: int, subject: int, action: str, trial: int, shape: BodyShape) -> Motion:
    """Draw the motion of one sequence; the same arguments give the same motion on every machine.

    Subjects have a manner of their own (tempo, slouch, stance, gestures, gait); trials differ in everything else.
    Raises ``ConfigError`` for an action that Human3.6M does not have.
    """
    if action not in SCRIPTS:
        raise ConfigError(f"synth36: no action {action!r}; the 15 are {', '.join(ACTIONS)}")
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM, subject, ACTIONS.index(action), trial]))
    style = personal_style(seed, subject)
    script = Script(rng, rig_of(shape), style, FRAMES / FPS)
    SCRIPTS[action](script)
    return Motion(
        rig=script.rig,
        path=script.path or script.places(),
        steppings=script.steppings,
        feet=(script.feet[0].build(), script.feet[1].build()),
        posture=script.posture.build(),
        hands=(script.hands[0].build(), script.hands[1].build()),
        posture_noise=SmoothNoise.draw(rng, len(POSTURE_NOISE)),
        hand_noise=SmoothNoise.draw(rng, 12, 0.06, 0.9),
        knee_noise=SmoothNoise.draw(rng, 2),
        style=style,
        seat=script.seat,
        hand_prop=script.hand_prop,
        prop_side=("left", "right")[script.main],
    )


def personal_style(seed: int, subject: int) -> dict[str, float]:
    """Draw what one subject keeps through all sequences."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM, subject]))
    return {
        "tempo": rng.uniform(0.85, 1.15),
        "pace": rng.uniform(0.92, 1.06),
        "stride": rng.uniform(0.7, 1.2),
        "arm_swing": rng.uniform(0.6, 1.25),
        "gesture": rng.uniform(0.75, 1.3),
        "slouch": rng.uniform(-0.02, 0.16),
        "head_pitch": rng.uniform(-0.04, 0.16),
        "stance": rng.uniform(80.0, 130.0),
        "toe_out": rng.uniform(0.05, 0.28),
        "right_handed": 1.0 if rng.random() < 0.85 else -1.0,
    }
