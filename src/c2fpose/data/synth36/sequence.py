"""One sequence of one subject, put together: body, motion, clothes and scene, ready to be looked at by a camera."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8

from c2fpose.data.synth36.cameras import Camera
from c2fpose.data.synth36.motion.motion import Motion, motion
from c2fpose.data.synth36.person.body import BodyShape, joints_mm, skin_frames, subject_shape
from c2fpose.data.synth36.person.dressing import Appearance, sequence_appearance
from c2fpose.data.synth36.render.render import render
from c2fpose.data.synth36.scene.scene import Scene, sequence_scene
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import C2F17, Skeleton

REACH_FRAMES = 50  # the floor that the person needs is looked at every so many frames ...
REACH_MARGIN_MM = 250.0  # ... and widened by this


class RenderedSequence:
    """A ``generate.Sequence`` of synth36: each frame is a pure function of (seed, subject, action, trial, frame)."""

    def __init__(
        self,
        seed: int,
        subject: int,
        action: int,
        trial: int,
        frames: Float[np.ndarray, "F"],
        skeleton: Skeleton = C2F17,
    ) -> None:
        self.shape: BodyShape = _subject_shape(seed, subject)
        self.motion: Motion = motion(seed, subject, ACTIONS[action], trial, self.shape)
        self.appearance: Appearance = sequence_appearance(
            seed, subject, action, trial, self.shape, self.motion.hand_prop, self.motion.prop_side
        )
        # All frames at once: solving a pose alone takes ten times as long as one among others.
        over = np.arange(1.0, self.motion.frames, REACH_FRAMES)
        self._rotations, self._roots_mm = self.motion.at(np.concatenate([frames, over]))
        places_mm = joints_mm(self.shape, self._rotations, self._roots_mm)
        self.joints_world_mm: Float[np.ndarray, "F J 3"] = places_mm[: len(frames)]
        if skeleton != C2F17:
            seen = slice(len(frames))
            self.joints_world_mm = joints_mm(self.shape, self._rotations[seen], self._roots_mm[seen], skeleton.names)
        floor_mm = _floor_mm(places_mm[len(frames) :])
        self.scene: Scene = sequence_scene(seed, subject, action, trial, self.motion.seat, floor_mm)
        self._frames = skin_frames(self.appearance.shape, self._rotations, self._roots_mm)

    def picture(self, index: int, camera: Camera, size: int, rng: np.random.Generator) -> UInt8[np.ndarray, "S S 3"]:
        """Draw what a camera sees in one of the frames, RGB."""
        return render(
            self.appearance.pose(
                self._rotations[index], self._roots_mm[index], tuple(each[index] for each in self._frames)
            ),
            self.appearance,
            self.scene,
            camera.intrinsics_px,
            camera.rotation,
            camera.translation_mm,
            size=size,
            rng=rng,
        )


def _floor_mm(joints_world_mm: Float[np.ndarray, "F J 3"]) -> Float[np.ndarray, "2 2"]:
    """Low and high corner (x, y) of the floor that the person needs."""
    places_mm = joints_world_mm[..., :2].reshape(-1, 2)
    return np.stack([places_mm.min(0) - REACH_MARGIN_MM, places_mm.max(0) + REACH_MARGIN_MM])


open_sequence = RenderedSequence
_subject_shape = lru_cache(maxsize=8)(subject_shape)
