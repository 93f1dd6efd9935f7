"""From a seed to photographs: one dressed person in a few postures, each with its own camera, light, colours and
background."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.cameras import Camera
from c2fpose.data.synth36.motion.ik import rotation_z
from c2fpose.data.synth36.person.body import joints_mm, skin_frames
from c2fpose.data.synth36.person.dressing import Appearance
from c2fpose.data.synth36.person.rig import rig_of
from c2fpose.data.synth36.render.materials import Material, palette_colour
from c2fpose.data.synth36.render.mesh import Mesh, joined
from c2fpose.data.synth36.render.raster import vertex_normals
from c2fpose.data.synth36.scene.furniture import SEATS, Workshop, normals_of
from c2fpose.data.synth_wild.backgrounds import Picture, cut_out
from c2fpose.data.synth_wild.cameras import NEAREST_MM, Box, draw_box, draw_camera
from c2fpose.data.synth_wild.light import draw_light
from c2fpose.data.synth_wild.people import Person, draw_person, recoloured
from c2fpose.data.synth_wild.picture import Photograph, photograph
from c2fpose.data.synth_wild.postures import FAMILIES, draw_postures
from c2fpose.data.synth_wild.solving import solve
from c2fpose.pose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM
from c2fpose.pose.skeleton import ROOT

STORED_PX = 256  # side of the stored image ...
STORED_BOXES = 1.2  # ... in which the box's side goes so many times: the margin is for augmentation
CANDIDATES = 10  # postures drawn for each image; the first possible one is taken
_CAMERA_TRIALS = 12


@dataclass(frozen=True)
class Shot:
    """One image and what is known of it."""

    family: int  # index into ``postures.FAMILIES``
    photo: Photograph
    joints_world_mm: Float[np.ndarray, "17 3"]
    camera: Camera  # of the full frame
    box: Box


def draw_shots(rng: np.random.Generator, count: int, test: bool, pool: list[Picture]) -> Iterator[Shot]:
    """``count`` photographs of one new person, before backgrounds cut out of ``pool``."""
    person = draw_person(rng, test)
    shares = np.array([share for _, share in FAMILIES.values()])
    wanted = rng.choice(len(FAMILIES), count, p=shares / shares.sum()).tolist()
    for number, pose in enumerate(_poses(rng, person, wanted)):
        appearance = person.appearance if number == 0 else recoloured(person, rng, test)
        yield _shot(rng, test, appearance, pose, pool)


@dataclass(frozen=True)
class _Pose:
    """A posture on the floor, anywhere about the vertical."""

    family: int
    heading_rad: float
    local: Float[np.ndarray, "19 3 3"]
    root_mm: Float[np.ndarray, "3"]
    seat: bool


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


def _shot(rng: np.random.Generator, test: bool, appearance: Appearance, pose: _Pose, pool: list[Picture]) -> Shot:
    shape = appearance.shape
    joints = joints_mm(shape, pose.local, pose.root_mm)
    vertices = appearance.pose(pose.local, pose.root_mm, skin_frames(shape, pose.local, pose.root_mm))
    camera = _camera(rng, vertices, joints)
    surface_px = camera.to_image(vertices[::7])
    box = draw_box(rng, surface_px, camera.to_image(joints))
    stored_side = STORED_BOXES * box.side_px
    left_top, step = box.center_px - 0.5 * stored_side, stored_side / STORED_PX
    mesh = Mesh(vertices, appearance.triangles, appearance.material, appearance.channels, appearance.materials)
    normals = vertex_normals(vertices, appearance.triangles)
    if pose.seat and rng.random() < 0.75:
        seat = _seat(rng, test, pose)
        mesh, normals = joined(mesh, seat), np.concatenate([normals, normals_of(seat)])
    behind = cut_out(pool[rng.integers(len(pool))], rng, STORED_PX)
    view = camera.cut(left_top, step)
    photo = photograph(mesh, normals, vertices.mean(0), view, draw_light(rng), behind,
                       ground_shadow=rng.random() < 0.5, rng=rng)  # fmt: skip
    edges = np.rint((box.photo_px - left_top) / step).clip(0, STORED_PX).astype(int)
    inside = np.zeros((STORED_PX, STORED_PX), bool)
    inside[edges[0, 1] : edges[1, 1], edges[0, 0] : edges[1, 0]] = True
    photo.image[~inside] = 0
    photo.mask[~inside] = 255  # nothing to be exchanged
    return Shot(pose.family, photo, joints, camera, box)


def _camera(rng: np.random.Generator, vertices: Float[np.ndarray, "N 3"], joints: Float[np.ndarray, "17 3"]) -> Camera:
    """A camera before which everybody's depth fits the bins, and nothing of the person is too near."""
    for _ in range(_CAMERA_TRIALS):
        camera = draw_camera(rng, vertices)
        depth = camera.to_camera(joints)[:, 2]
        relative = depth - depth[ROOT]
        nearest = camera.to_camera(vertices[::7])[:, 2].min()
        if relative.min() > DEPTH_MIN_MM and relative.max() < DEPTH_MAX_MM and nearest > NEAREST_MM:
            break
    return camera


def _seat(rng: np.random.Generator, test: bool, pose: _Pose) -> Mesh:
    """A seat under the pelvis, facing where the person does."""
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
