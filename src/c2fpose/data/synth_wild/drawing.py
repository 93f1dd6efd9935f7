"""From a seed to photographs: one dressed person in a few postures, each with its own camera, light, colours, and
surroundings."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from c2fpose.data.synth36.cameras import Camera
from c2fpose.data.synth36.motion.ik import rotation_z
from c2fpose.data.synth36.person.body import joints_mm, skin_frames
from c2fpose.data.synth36.person.dressing import Appearance
from c2fpose.data.synth36.person.rig import rig_of
from c2fpose.data.synth36.render.materials import Material, palette_colour
from c2fpose.data.synth36.render.mesh import Mesh
from c2fpose.data.synth36.scene.furniture import SEATS, Workshop
from c2fpose.data.synth_wild.backgrounds import cut_out, draw_background, draw_floor, plain
from c2fpose.data.synth_wild.cameras import NEAREST_MM, Box, draw_box, draw_camera, plain_box, plain_camera
from c2fpose.data.synth_wild.light import draw_light, plain_light
from c2fpose.data.synth_wild.people import Person, draw_person, recoloured
from c2fpose.data.synth_wild.photographs import MADE, read_photographs
from c2fpose.data.synth_wild.picture import Photograph, Setting, Solid, View, photograph, seen_beside, solid
from c2fpose.data.synth_wild.postures import FAMILIES, draw_postures
from c2fpose.data.synth_wild.solving import solve
from c2fpose.data.synth_wild.things import thing
from c2fpose.pose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM
from c2fpose.pose.skeleton import ROOT

STORED_BOXES = 1.2  # the box's side goes so many times into the stored image: the margin is for augmentation
CANDIDATES = 10  # postures drawn for each image; the first possible one is taken
VISIBLE_SHARE = 0.5  # so much of the person others leave to be seen, at least
BACKGROUNDS, FLOORS = 40, 12  # pictures that the images of a shard share ...
BACKGROUND_SIDES, FLOOR_PX = 1.5, 256  # ... and their sides: in stored images, and px
WITH_OTHERS, WITH_THINGS, WITH_FLOOR, WITH_SHADOWS, WITH_PATCHES = 0.25, 0.4, 0.45, 0.75, 0.12  # shares of images
_CAMERA_TRIALS = 12


@dataclass(frozen=True)
class Shot:
    """One image and what is known of it."""

    family: int  # index into ``postures.FAMILIES``
    photo: Photograph
    joints_world_mm: Float[np.ndarray, "17 3"]
    camera: Camera  # of the full frame
    box: Box


@dataclass(frozen=True)
class _Pose:
    """A posture on the floor, anywhere about the vertical."""

    family: int
    heading_rad: float
    local: Float[np.ndarray, "19 3 3"]
    root_mm: Float[np.ndarray, "3"]
    seat: bool


class Studio:
    """Where photographs are taken: pictures to stand before, and the person who was there last, as a bystander.

    ``without``: what is left as it is in plain pictures, of ``plan.INGREDIENTS``.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        test: bool,
        stored_px: int,
        backgrounds: str = MADE,
        without: Collection[str] = (),
    ) -> None:
        self.rng, self.test, self.stored_px, self.without = rng, test, stored_px, without
        side = int(BACKGROUND_SIDES * stored_px)
        if "backgrounds" in without:
            self.backgrounds = [plain(rng, side) for _ in range(BACKGROUNDS)]
        elif backgrounds == MADE:
            self.backgrounds = [draw_background(rng, side) for _ in range(BACKGROUNDS)]
        else:
            self.backgrounds = read_photographs(Path(backgrounds), side, rng, BACKGROUNDS)
        self.floors = [draw_floor(rng, FLOOR_PX) for _ in range(FLOORS)]
        self._before: Person | None = None

    def shots(self, count: int) -> Iterator[Shot]:
        """``count`` photographs of one new person."""
        rng = self.rng
        person = draw_person(rng, self.test, "people" in self.without)
        before = person if self._before is None else self._before
        others = list(_poses(rng, before, self._families(2)))
        for pose in _poses(rng, person, self._families(count)):
            yield self._shot(recoloured(person, rng, self.test), pose, before, others[rng.integers(len(others))])
        self._before = person

    def _shot(self, appearance: Appearance, pose: _Pose, before: Person, other: _Pose) -> Shot:
        rng, test, size = self.rng, self.test, self.stored_px
        joints = joints_mm(appearance.shape, pose.local, pose.root_mm)
        person = _posed(appearance, pose)
        vertices = person.mesh.vertices_mm
        camera = plain_camera(rng, vertices) if "cameras" in self.without else _camera(rng, vertices, joints)
        surface_px = camera.to_image(vertices[::7])
        box = plain_box(surface_px) if "boxes" in self.without else draw_box(rng, surface_px, camera.to_image(joints))
        stored_side = STORED_BOXES * box.side_px
        left_top, step = box.center_px - 0.5 * stored_side, stored_side / size
        extras, alone = list[Solid](), "others" in self.without
        if pose.seat and rng.random() < 0.75:
            extras.append(solid(_seat(rng, test, pose)))
        if not alone and rng.random() < WITH_OTHERS:
            extras.append(_bystander(rng, recoloured(before, rng, test), other, joints, camera))
        if not alone and rng.random() < WITH_THINGS:
            extras += _things(rng, test, joints, camera)
        view = View(camera.cut(left_top, step), size)
        everything = seen_beside(view, person, extras, VISIBLE_SHARE)
        light = plain_light(rng) if "light" in self.without else draw_light(rng)
        photo = photograph(view, everything, vertices.mean(0), light, self._setting(), rng)
        if not alone and rng.random() < WITH_PATCHES:
            own = view.owner[::2, ::2]
            _patch(rng, photo, (own >= 0) & (own < len(person.mesh.triangles)), self.backgrounds)
        edges = np.rint((box.photo_px - left_top) / step).clip(0, size).astype(int)
        inside = np.zeros((size, size), bool)
        inside[edges[0, 1] : edges[1, 1], edges[0, 0] : edges[1, 0]] = True
        photo.image[~inside] = 0
        photo.mask[~inside] = 255  # nothing to be exchanged
        return Shot(pose.family, photo, joints, camera, box)

    def _families(self, count: int) -> list[int]:
        if "postures" in self.without:
            return [list(FAMILIES).index("standing")] * count
        shares = np.array([share for _, share in FAMILIES.values()])
        return self.rng.choice(len(FAMILIES), count, p=shares / shares.sum()).tolist()

    def _setting(self) -> Setting:
        rng = self.rng
        behind = cut_out(self.backgrounds[rng.integers(len(self.backgrounds))], rng, self.stored_px)
        texture = self.floors[rng.integers(len(self.floors))]
        floor = "backgrounds" not in self.without and rng.random() < WITH_FLOOR
        period = float(rng.uniform(900, 4000)) if floor else 0.0
        return Setting(behind, texture, period, float(rng.uniform(4000, 40000)), bool(rng.random() < WITH_SHADOWS))


def _poses(rng: np.random.Generator, person: Person, wanted: list[int]) -> Iterator[_Pose]:
    """For each family wanted a posture that a body can take, turned at random."""
    rig, names, missing = rig_of(person.shape), list(FAMILIES), wanted
    while missing:
        postures = draw_postures(rng, [names[family] for family in missing], CANDIDATES)
        solved = solve(postures, rig)
        possible = solved.possible.reshape(len(missing), CANDIDATES)
        local, root_mm = solved.local(rig)
        failed = []
        for number, family in enumerate(missing):
            if not possible[number].any():
                failed.append(family)
                continue
            row = number * CANDIDATES + int(np.argmax(possible[number]))
            heading = rng.uniform(0, 2 * np.pi)
            turn = rotation_z(np.array(heading))
            rotations = local[row].copy()
            rotations[0] = turn @ rotations[0]
            yield _Pose(family, heading, rotations, turn @ root_mm[row], bool(postures.seat[row]))
        missing = failed


def _posed(appearance: Appearance, pose: _Pose) -> Solid:
    frames = skin_frames(appearance.shape, pose.local, pose.root_mm)
    vertices = appearance.pose(pose.local, pose.root_mm, frames)
    return solid(appearance.mesh(vertices))


def _camera(rng: np.random.Generator, vertices: Float[np.ndarray, "N 3"], joints: Float[np.ndarray, "17 3"]) -> Camera:
    """Find a camera before which everybody's depth fits the bins, and nothing of the person is too near."""
    for _ in range(_CAMERA_TRIALS):
        camera = draw_camera(rng, vertices)
        depth = camera.to_camera(joints)[:, 2]
        relative = depth - depth[ROOT]
        nearest = camera.to_camera(vertices[::7])[:, 2].min()
        if relative.min() > DEPTH_MIN_MM and relative.max() < DEPTH_MAX_MM and nearest > NEAREST_MM:
            break
    return camera


def _seat(rng: np.random.Generator, test: bool, pose: _Pose) -> Mesh:
    """Put a seat under the pelvis, facing where the person does."""
    height = max(pose.root_mm[2] - 105.0, 60.0)
    kinds = ["box", "stool"] + (["chair", "sofa"] if height > 330 else [])
    kind = kinds[rng.integers(len(kinds))]
    frame, cover = (
        Material("plain" if part else "cloth", palette_colour(rng, test, (0.05, 0.7), (0.1, 0.9)), specular=0.05)
        for part in (1, 0)
    )
    shop = Workshop()
    SEATS[kind](shop, height, frame, cover, rng)
    ahead = np.array([np.cos(pose.heading_rad), np.sin(pose.heading_rad)])
    return shop.placed(tuple(pose.root_mm[:2] + rng.uniform(20, 110) * ahead), pose.heading_rad - 0.5 * np.pi)


def _bystander(
    rng: np.random.Generator, appearance: Appearance, pose: _Pose, joints: Float[np.ndarray, "17 3"], camera: Camera
) -> Solid:
    """Somebody else behind, beside or in front, clear of the person."""
    away = joints[ROOT, :2] - camera.position_mm[:2]
    distance = float(np.linalg.norm(away))
    away = away / max(distance, 1.0)
    across = np.array([-away[1], away[0]]) * rng.choice([-1, 1])
    kind = rng.random()
    if kind < 0.5:
        offset = rng.uniform(300, 3500) * away + rng.uniform(0, 900) * across
    elif kind < 0.8:
        offset = rng.uniform(-250, 250) * away + rng.uniform(350, 1000) * across
    else:
        offset = -rng.uniform(0.1, 0.45) * distance * away + rng.uniform(200, 700) * across
    others = joints_mm(appearance.shape, pose.local, pose.root_mm)
    others[:, :2] += joints[ROOT, :2] - others[ROOT, :2] + offset
    gap = np.linalg.norm(others[:, None] - joints[None], axis=-1).min()
    push = max(260.0 - gap, 0.0) * offset / max(float(np.linalg.norm(offset)), 1.0)
    body = _posed(appearance, pose)
    body.mesh.vertices_mm[:, :2] += joints[ROOT, :2] - pose.root_mm[:2] + offset + 1.5 * push
    return body


def _things(rng: np.random.Generator, test: bool, joints: Float[np.ndarray, "17 3"], camera: Camera) -> list[Solid]:
    """Put some things on the floor around the person, not into them nor over the camera."""
    found: list[Solid] = []
    low, high = joints[:, :2].min(0), joints[:, :2].max(0)
    middle, reach = 0.5 * (low + high), 0.5 * float(np.linalg.norm(high - low))
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, 2 * np.pi)
        way = np.array([np.cos(angle), np.sin(angle)])
        mesh, size = thing(rng, test, middle)
        place = (reach + size + rng.uniform(50, 2500)) * way
        if np.linalg.norm(middle + place - camera.position_mm[:2]) < size + 700.0:
            continue
        mesh.vertices_mm[:, :2] += place
        found.append(solid(mesh))
    return found


def _patch(
    rng: np.random.Generator,
    photo: Photograph,
    person: Bool[np.ndarray, "S S"],
    pictures: list[UInt8[np.ndarray, "T T 3"]],
) -> None:
    """Something flat before the person, out of another picture: a leaf, a bar. Changes the photograph, unless it would
    hide too much of the person."""
    size = photo.mask.shape[0]
    shape = np.zeros((size, size), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        center, half = rng.uniform(0, size, 2), rng.uniform(0.03, 0.16, 2) * size
        if rng.random() < 0.3:
            half[0] = size
        corners = cv2.boxPoints((center.tolist(), (2 * half).tolist(), float(rng.uniform(0, 180))))
        if rng.random() < 0.5:
            cv2.fillConvexPoly(shape, corners.astype(np.int32), 255, cv2.LINE_AA)
        else:
            axes = np.maximum(half, 1).astype(int).tolist()
            cv2.ellipse(
                shape, center.astype(int).tolist(), axes, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA
            )
    if (shape[person] > 127).mean() > 1 - VISIBLE_SHARE:
        return
    over = cut_out(pictures[rng.integers(len(pictures))], rng, size)
    share = cv2.GaussianBlur(shape, (0, 0), float(rng.uniform(0.4, 3.0))).astype(np.float32)[..., None] / 255
    photo.image[:] = (photo.image + share * (over.astype(np.float32) - photo.image)).astype(np.uint8)
    np.maximum(photo.mask, (255 * share[..., 0]).astype(np.uint8), out=photo.mask)
