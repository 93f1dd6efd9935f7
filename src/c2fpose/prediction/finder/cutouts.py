"""People cut out of synth36's renderer, and its rooms with and without them: what finder scenes are made of.

Cameras are not Human3.6M's four: any height, tilt and distance that a hand-held camera has.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from c2fpose.base.errors import DataError
from c2fpose.data.schema import SplitReader
from c2fpose.data.synth36.cameras import Camera
from c2fpose.data.synth36.motion.motion import FRAMES
from c2fpose.data.synth36.plan import TRIALS
from c2fpose.data.synth36.render.mesh import EDGE, Mesh, joined
from c2fpose.data.synth36.render.raster import NOTHING, camera_screen, rasterise
from c2fpose.data.synth36.render.render import SAMPLES
from c2fpose.data.synth36.sequence import RenderedSequence
from c2fpose.data.synth_wild.backgrounds import draw_background
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import ROOT

CUTOUT_PX, CUTOUT_EXTENTS = 144, 1.3  # side of a cut-out, and how often the joints' extent goes into it
ROOM_PX = 208
VIEWS = 8  # cut-outs of one sequence; half as many rooms
_STREAM = 601  # key of this module in seed sequences


class Cutout(NamedTuple):
    """One person without surroundings."""

    image: UInt8[np.ndarray, "S S 3"]
    alpha: UInt8[np.ndarray, "S S"]  # 255: the person
    joints_px: Float[np.ndarray, "17 2"]  # pixels of the cut-out; hidden ones too


class Room(NamedTuple):
    """A picture of a room with the joints of those in it."""

    image: UInt8[np.ndarray, "S S 3"]
    joints_px: Float[np.ndarray, "people 17 2"]


class MaskedSequence(RenderedSequence):
    """A sequence that can also say which pixels show the person."""

    def alpha(self, index: int, camera: Camera, size: int) -> UInt8[np.ndarray, "S S"]:
        """Give each pixel's share of the person in one frame, 0 to 255; furniture in front hides."""
        appearance, scene = self.appearance, self.scene
        vertices_mm = appearance.pose(
            self._rotations[index], self._roots_mm[index], tuple(each[index] for each in self._frames)
        )
        person = Mesh(vertices_mm, appearance.triangles, appearance.material, appearance.channels, appearance.materials)
        mesh = joined(person, scene.mesh)
        nearness = np.zeros((size * SAMPLES, size * SAMPLES), np.float32)
        owner = np.full(nearness.shape, NOTHING, np.int32)
        screen = camera_screen(
            mesh.vertices_mm, np.ascontiguousarray(camera.rotation), camera.translation_mm, camera.intrinsics_px,
            float(SAMPLES),
        )  # fmt: skip
        rasterise(screen, mesh.triangles, np.ascontiguousarray(mesh.channels[:, EDGE]), True, nearness, owner, 0)
        seen = (owner != NOTHING) & (owner < len(person.triangles))
        return (seen.reshape(size, SAMPLES, size, SAMPLES).mean((1, 3)) * 255).astype(np.uint8)


def gather(
    seed: int, subjects: tuple[int, ...], count: int, done: Callable[[int], None] = lambda cutouts: None
) -> tuple[list[Cutout], list[Room]]:
    """Render ``count`` cut-outs and half as many rooms, an eighth of these with nobody in sight.

    ``subjects``: Human3.6M's numbers; training and test subjects share no body, outfit or room. ``done`` hears of the
    cut-outs made so far. A pure function of (seed, subjects, count).
    """
    cutouts: list[Cutout] = []
    rooms: list[Room] = []
    for number in range(-(-count // VIEWS)):
        rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM, subjects[0], number]))
        subject, action, trial = rng.choice(subjects), rng.integers(len(ACTIONS)), 1 + rng.integers(TRIALS)
        frames = np.sort(rng.choice(np.arange(1.0, FRAMES), VIEWS, replace=False))
        sequence = MaskedSequence(seed, int(subject), int(action), int(trial), frames)
        for index in range(VIEWS):
            camera = wandering_camera(rng, sequence, index)
            joints_px = camera.to_image(sequence.joints_world_mm[index])
            cutouts.append(_cutout(sequence, index, camera, joints_px, rng))
            if index % 2 == 0:
                rooms.append(_room(sequence, index, camera, joints_px, rng))
        done(len(cutouts))
    return cutouts[:count], rooms


def from_file(path: str | Path, count: int, seed: int) -> list[Cutout]:
    """Read up to ``count`` people out of a data file with masks, such as synth_wild's.

    Whole ones alone, most of whose joints lie on the foreground: who is cut by the edge of the stored image would be
    cut in the middle of a scene as well. Raises ``DataError`` for a file without masks.
    """
    reader = SplitReader(path)
    if not reader.has_masks:
        raise DataError(f"people={path}: holds no masks; synth_wild's files do")
    cutouts: list[Cutout] = []
    for record in np.random.default_rng(seed).permutation(len(reader)).tolist():
        if len(cutouts) == count:
            break
        row = {name: reader.annotations[name][record] for name in ("joints_px", "stored_left_top_px", "stored_step_px")}
        joints_px = (row["joints_px"] - row["stored_left_top_px"]).astype(np.float64) / row["stored_step_px"]
        image = np.asarray(cv2.imdecode(reader.jpeg(record), cv2.IMREAD_COLOR_RGB))
        alpha = np.asarray(cv2.imdecode(np.asarray(reader.mask(record)), cv2.IMREAD_GRAYSCALE))
        size = image.shape[0]
        photo = image.max(-1) >= 3  # what lies beyond the photograph's edge is black, whole rows and columns of it
        alpha = alpha * (photo.any(1)[:, None] & photo.any(0)[None])
        within = (joints_px > 0.03 * size).all() and (joints_px < 0.97 * size).all()
        x, y = joints_px.clip(0, size - 1).astype(int).T
        if within and (alpha[y, x] > 0).mean() > 0.5:
            scale = CUTOUT_PX / size
            to = (CUTOUT_PX, CUTOUT_PX)
            cutouts.append(
                Cutout(
                    cv2.resize(image, to, interpolation=cv2.INTER_AREA),
                    cv2.resize(alpha, to, interpolation=cv2.INTER_AREA),
                    joints_px * scale,
                )
            )
    return cutouts


def empty_places(seed: int, count: int) -> list[Room]:
    """Paint synth_wild's surroundings, with nobody in them: streets, rooms, landscapes, clutter."""
    nobody = np.empty((0, 17, 2))
    return [
        Room(
            draw_background(np.random.default_rng(np.random.SeedSequence([seed, _STREAM, 0, number])), ROOM_PX), nobody
        )
        for number in range(count)
    ]


def wandering_camera(rng: np.random.Generator, sequence: RenderedSequence, index: int) -> Camera:
    """Place a camera inside the room, looking about at the person of one frame; the focal length is 1000 px."""
    joints_mm = sequence.joints_world_mm[index]
    target_mm = joints_mm[ROOT] + rng.normal(0, 100, 3)
    low_mm, high_mm = sequence.scene.room.box_mm + np.array([[300.0], [-300.0]])
    for _ in range(20):
        azimuth, distance_mm = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(np.log(1800), np.log(5500)))
        position_mm = joints_mm[ROOT] + distance_mm * np.array([np.cos(azimuth), np.sin(azimuth), 0])
        position_mm[2] = np.clip(rng.normal(1350, 450), 300, 2300)
        if (position_mm > low_mm).all() and (position_mm < high_mm).all():
            break
    position_mm = np.clip(position_mm, low_mm, high_mm)
    forward = (target_mm - position_mm) / np.linalg.norm(target_mm - position_mm)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward])
    roll = rng.normal(0, np.radians(5))
    turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1.0]])
    return Camera(turn @ axes, position_mm, np.array([1000.0, 1000.0, 0.0, 0.0]))


def _cutout(
    sequence: MaskedSequence, index: int, camera: Camera, joints_px: Float[np.ndarray, "17 2"], rng: np.random.Generator
) -> Cutout:
    low, high = joints_px.min(0), joints_px.max(0)
    side = CUTOUT_EXTENTS * (high - low).max()
    left_top, step = (low + high - side) / 2, side / CUTOUT_PX
    view = camera.cut(left_top, step)
    image = sequence.picture(index, view, CUTOUT_PX, rng)
    return Cutout(image, sequence.alpha(index, view, CUTOUT_PX), (joints_px - left_top) / step)


def _room(
    sequence: MaskedSequence, index: int, camera: Camera, joints_px: Float[np.ndarray, "17 2"], rng: np.random.Generator
) -> Room:
    """Cut a wider view with the person anywhere in it; in every fourth, of the room beside the person."""
    low, high = joints_px.min(0), joints_px.max(0)
    extent = (high - low).max()
    side = extent * np.exp(rng.uniform(np.log(1.3), np.log(6)))
    empty = index % 8 == 0
    if empty:
        side = extent * rng.uniform(1, 3)
        shift = np.array([rng.choice([-1, 1]) * (extent + side) * rng.uniform(0.55, 0.8), 0])
    else:
        shift = rng.uniform(-0.5, 0.5, 2) * max(side - extent, 0.2 * extent)
    left_top = (low + high - side) / 2 + shift
    image = sequence.picture(index, camera.cut(left_top, side / ROOM_PX), ROOM_PX, rng)
    shown = (joints_px - left_top) * ROOM_PX / side
    inside = ((shown > 0) & (shown < ROOM_PX)).all(1).any()
    return Room(image, shown[None] if inside else np.empty((0, 17, 2)))
