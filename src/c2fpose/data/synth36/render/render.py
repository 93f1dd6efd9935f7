"""The renderer: one crop of one frame from triangles, light and a room, in numba, 2 x 2 samples a pixel.

A pixel is shaded once for each surface that its samples meet, so flat regions cost one evaluation and outlines are
smooth. The key light throws soft shadows from a depth map; places under and between things get less ambient light.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, UInt8

from c2fpose.data.synth36.render.compiled import compiled
from c2fpose.data.synth36.render.materials import noise_volume
from c2fpose.data.synth36.render.mesh import CHANNELS, EDGE, Mesh, joined
from c2fpose.data.synth36.render.pixel import BIAS_MM, TAKEN, copy_row, ray_through, shade_triangle
from c2fpose.data.synth36.render.raster import (
    NOTHING,
    camera_screen,
    cover_at,
    cover_map,
    parallel_screen,
    rasterise,
    shadow_share,
    vertex_normals,
)
from c2fpose.data.synth36.render.room import Room, hit, shell_light
from c2fpose.data.synth36.render.shading import KEY_DIRECTION

SAMPLES = 2
SHADOW_SIZE, SHADOW_REACH_MM = 256, 1500.0
COVER_SIZE, COVER_CELL_MM = 96, 50.0
# The tone curve from linear light 0..1 to 0..255, dense enough for linear interpolation.
CURVE = 255 * np.linspace(0, 1, 1025) ** (1 / 2.2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """What the renderer asks of a person; ``person.dressing.Appearance`` knows the rest.

    Triangles are rows of vertices, ``material`` is each triangle's row of ``materials``, ``channels`` are of vertices.
    """

    rest_vertices_mm: Float[np.ndarray, "N 3"]
    triangles: Int[np.ndarray, "T 3"]
    material: Int[np.ndarray, "T"]
    channels: Float[np.ndarray, "N 8"]
    materials: Float[np.ndarray, "M 28"]

    def mesh(self, vertices_mm: Float[np.ndarray, "N 3"] | None = None) -> Mesh:
        """Lay out the person's triangles, at rest or with the vertices at other places."""
        places_mm = self.rest_vertices_mm if vertices_mm is None else vertices_mm
        return Mesh(places_mm, self.triangles, self.material, self.channels, self.materials)


@dataclass(frozen=True, kw_only=True, eq=False)
class Surroundings:
    """What the renderer asks of a scene; ``scene.scene.Scene`` knows the rest."""

    room: Room
    mesh: Mesh
    normals: Float[np.ndarray, "N 3"]
    light: Float[np.ndarray, "8 3"]
    white_balance: Float[np.ndarray, "3"]
    blur: float
    grain: float


def render(
    vertices_mm: Float[np.ndarray, "N 3"],
    appearance: Person,
    scene: Surroundings,
    intrinsics_px: Float[np.ndarray, "4"],
    rotation: Float[np.ndarray, "3 3"],
    translation_mm: Float[np.ndarray, "3"],
    *,
    size: int = 256,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "size size 3"]:
    """One RGB image.

    ``vertices_mm``: the dressed person in the world (``Appearance.pose``). ``intrinsics_px`` (fx, fy, cx, cy) describe
    this image itself, cropped and scaled; ``rotation`` and ``translation_mm`` lead from the world to the camera frame
    (x right, y down, z forward). ``rng`` draws the sensor's noise and nothing else.
    """
    rotation = np.ascontiguousarray(rotation, np.float64)
    translation_mm = np.asarray(translation_mm, np.float64)
    intrinsics_px = np.asarray(intrinsics_px, np.float64)
    fixed, edge = _unmoved(appearance, scene)
    mesh = replace(fixed, vertices_mm=np.concatenate([vertices_mm, scene.mesh.vertices_mm]))
    center_mm = np.ascontiguousarray(vertices_mm.mean(0))
    shadow_map, shadow_frame = shadow_of(mesh, edge, scene.light[KEY_DIRECTION], center_mm)
    cover = cover_map(mesh.vertices_mm, center_mm, COVER_CELL_MM, COVER_SIZE, 260.0)

    nearness = np.zeros((size * SAMPLES, size * SAMPLES), np.float32)
    owner = np.full(nearness.shape, NOTHING, np.int32)
    screen = camera_screen(mesh.vertices_mm, rotation, translation_mm, intrinsics_px, float(SAMPLES))
    rasterise(screen, mesh.triangles, edge, True, nearness, owner, 0)
    normals = np.concatenate([vertex_normals(vertices_mm, appearance.triangles), scene.normals])
    radiance = np.empty((size, size, 3), np.float32)
    room = scene.room
    _shade(
        radiance, owner, mesh.vertices_mm, normals, mesh.triangles, mesh.material, mesh.channels, mesh.materials,
        room.box_mm, room.faces, room.decals, room.first_decal, scene.light, shadow_map, shadow_frame, cover, center_mm,
        rotation, -rotation.T @ translation_mm, intrinsics_px, noise_volume(),
    )  # fmt: skip
    return _developed(radiance, scene, rng)


@lru_cache(maxsize=1)
def _unmoved(appearance: Person, scene: Surroundings) -> tuple[Mesh, Float[np.ndarray, "N"]]:
    """Keep what all frames of a sequence have in common: the mesh but for its places, and the channel ``EDGE``."""
    mesh = joined(appearance.mesh(), scene.mesh)
    return mesh, np.ascontiguousarray(mesh.channels[:, EDGE])


def shadow_of(
    mesh: Mesh, edge: Float[np.ndarray, "N"], to_light: Float[np.ndarray, "3"], center_mm: Float[np.ndarray, "3"]
) -> tuple[Float[np.ndarray, "256 256"], Float[np.ndarray, "3 4"]]:
    """Depth map seen from the light around the person, and the map from the world to its cells."""
    side = np.cross(to_light, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(to_light, side), to_light])
    axes[:2] *= 0.5 * SHADOW_SIZE / SHADOW_REACH_MM
    frame = np.concatenate([axes, -axes @ center_mm[:, None]], axis=1)
    frame[:2, 3] += 0.5 * SHADOW_SIZE
    screen = parallel_screen(mesh.vertices_mm, frame)
    shadow_map = np.full((SHADOW_SIZE, SHADOW_SIZE), -1e9, np.float32)
    owner = np.empty(shadow_map.shape, np.int32)
    rasterise(screen, mesh.triangles, edge, False, shadow_map, owner, 0)
    return shadow_map, frame


@compiled
def _shade(
    radiance, owner, vertices, normals, triangles, material, channels, materials,
    box, faces, decals, first_decal, light, shadow_map, shadow_frame, cover, center, rotation, eye, intrinsics, volume,
):  # fmt: skip
    size = radiance.shape[0]
    ray, normal, view, colour, out, work = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(4)
    group, weights, shared = np.empty(4, np.int64), np.empty(3), np.empty(CHANNELS)
    line, line_of = np.empty(materials.shape[1]), -1
    faces_seen = np.zeros((size + 2, size + 2), np.int8)  # face of the room + 1
    bare, between = _bare_pixels(owner)
    for row in range(size):
        for column in range(size):
            if between[row, column]:
                continue
            if bare[row + 1, column + 1]:
                group[0], group[1], group[2], group[3] = -1, -1, -1, -1
            else:
                for s in range(4):
                    t = owner[2 * row + s // 2, 2 * column + s % 2]
                    group[s] = -1 if t < 0 else material[t]
            radiance[row, column, 0] = radiance[row, column, 1] = radiance[row, column, 2] = 0.0
            for s in range(4):
                if group[s] == TAKEN:
                    continue
                mine, t = group[s], owner[2 * row + s // 2, 2 * column + s % 2]
                count = ray_through(group, s, row, column, rotation, intrinsics, ray)
                if mine < 0:
                    depth, face = hit(box, eye, ray)
                    faces_seen[row + 1, column + 1] = face + 1
                    x, y, z = eye[0] + depth * ray[0], eye[1] + depth * ray[1], eye[2] + depth * ray[2]
                    share, dark = 1.0, 0.0
                    if face == 0:
                        share = shadow_share(shadow_map, shadow_frame, x, y, z + BIAS_MM)
                        dark = 0.75 * cover_at(cover, center, COVER_CELL_MM, x, y)
                    footprint = depth / intrinsics[0]
                    shell_light(
                        box, faces, decals, first_decal, x, y, z, face, footprint, share, dark, light, volume, colour,
                        work, out,
                    )  # fmt: skip
                else:
                    if mine != line_of:
                        line_of = mine
                        copy_row(materials, mine, line)
                    shade_triangle(
                        t, line, vertices, normals, triangles, channels, light, shadow_map, shadow_frame, eye, ray,
                        intrinsics[0], volume, normal, view, weights, shared, colour, work, out,
                    )  # fmt: skip
                for k in range(3):
                    radiance[row, column, k] += 0.25 * count * out[k]
    _fill_between(radiance, between)
    _soften_corners(radiance, faces_seen, bare)


@compiled
def _fill_between(radiance, between):
    """Give pixels that were passed over the mean of their four neighbours."""
    size = radiance.shape[0]
    for row in range(size):
        for column in range(size):
            if between[row, column]:
                for k in range(3):
                    radiance[row, column, k] = 0.25 * (
                        radiance[row - 1, column, k] + radiance[row + 1, column, k]
                        + radiance[row, column - 1, k] + radiance[row, column + 1, k]
                    )  # fmt: skip


@compiled
def _soften_corners(radiance, faces_seen, bare):
    """Smooth pixels of the room alone in which two of its faces meet."""
    size = radiance.shape[0]
    for row in range(1, size - 1):
        if not _two_faces(faces_seen[row : row + 3]):
            continue
        for column in range(1, size - 1):
            if bare[row + 1, column + 1] and _at_corner(faces_seen, row + 1, column + 1):
                for k in range(3):
                    radiance[row, column, k] = 0.25 * radiance[row, column, k] + 0.1875 * (
                        radiance[row - 1, column, k] + radiance[row + 1, column, k]
                        + radiance[row, column - 1, k] + radiance[row, column + 1, k]
                    )  # fmt: skip


@compiled
def _at_corner(faces_seen, row, column):
    """Whether two faces of the room meet at a pixel: such edges are smoothed afterwards. 0 stands for not known."""
    low, high = 127, 0
    for r in range(row - 1, row + 2):
        for c in range(column - 1, column + 2):
            face = faces_seen[r, c]
            if face > 0:
                low, high = min(low, face), max(high, face)
    return high > 0 and low != high


@compiled
def _two_faces(faces_seen):
    """Whether some rows show more than one face of the room."""
    low, high = 127, 0
    for face in faces_seen.flat:
        if face > 0:
            low, high = min(low, face), max(high, face)
    return high > 0 and low != high


@compiled
def _bare_pixels(owner):
    """Which pixels show the room alone (with a rim that does not), and which of these can be told from their four
    neighbours: every second one is, which halves the cost of backgrounds for a slight softness."""
    size = owner.shape[0] // SAMPLES
    bare = np.zeros((size + 2, size + 2), np.bool_)
    for row in range(size):
        upper, lower = owner[2 * row], owner[2 * row + 1]
        for column in range(size):
            t = max(max(upper[2 * column], upper[2 * column + 1]), max(lower[2 * column], lower[2 * column + 1]))
            bare[row + 1, column + 1] = t < 0
    between = np.zeros((size, size), np.bool_)
    for row in range(size):
        for column in range(1 - row % 2, size, 2):
            between[row, column] = (
                bare[row + 1, column + 1]
                and bare[row, column + 1]
                and bare[row + 2, column + 1]
                and bare[row + 1, column]
                and bare[row + 1, column + 2]
            )
    return bare, between


def _developed(
    radiance: Float[np.ndarray, "size size 3"], scene: Surroundings, rng: np.random.Generator
) -> UInt8[np.ndarray, "size size 3"]:
    """Lens blur, white balance, exposure, sensor noise and the sRGB curve."""
    size = radiance.shape[0]
    grain = rng.standard_normal((size, size), np.float32)
    shifts = rng.integers(0, size, 2)
    return develop(radiance, grain, shifts, scene.white_balance, scene.blur, scene.grain, CURVE)


@compiled
def develop(radiance, grain, shifts, balance, blur, strength, curve):
    """Turn linear light ``(S, S, 3)`` into bytes: blur, white balance, exposure, noise, tone curve."""
    size = radiance.shape[0]
    image = np.empty((size, size, 3), np.uint8)
    edge, middle = blur, 1 - 2 * blur
    across = np.empty((size, size, 3))  # blurred along rows
    for row in range(size):
        for column in range(size):
            left, right = max(column - 1, 0), min(column + 1, size - 1)
            for k in range(3):
                sides = radiance[row, left, k] + radiance[row, right, k]
                across[row, column, k] = middle * radiance[row, column, k] + edge * sides
    for row in range(size):
        up, down = max(row - 1, 0), min(row + 1, size - 1)
        grain_rows = (row + shifts[0]) % size, row, (row + shifts[1]) % size
        for column in range(size):
            for k in range(3):
                sides = across[up, column, k] + across[down, column, k]
                value = max((middle * across[row, column, k] + edge * sides) * balance[k], 0.0)
                value = value / (1 + 0.25 * value * value) if value < 1.4 else 0.94 + 0.02 * min(value, 3.0)
                noise = grain[grain_rows[k], column]
                place = value * (len(curve) - 1)
                step = int(place)
                tone = curve[step] + (place - step) * (curve[min(step + 1, len(curve) - 1)] - curve[step])
                tone += strength * (0.6 + 0.8 * (1 - value)) * noise + 0.5
                image[row, column, k] = np.uint8(min(max(tone, 0.0), 255.0))
    return image
