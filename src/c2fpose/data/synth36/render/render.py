"""The renderer: one crop of one frame from triangles, light and a room, in numba, 2 x 2 samples a pixel.

A pixel is shaded once for each surface that its samples meet, so flat regions cost one evaluation and outlines are
smooth. The key light throws soft shadows from a depth map; places under and between things get less ambient light.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, UInt8

from c2fpose.data.synth36.render.compiled import compiled
from c2fpose.data.synth36.render.materials import noise_volume
from c2fpose.data.synth36.render.mesh import Mesh, joined
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
from c2fpose.data.synth36.render.shading import KEY_DIRECTION, lit, surface, unit

SAMPLES = 2
SHADOW_SIZE, SHADOW_REACH_MM = 256, 1500.0
COVER_SIZE, COVER_CELL_MM = 96, 50.0
# The tone curve from linear light 0..1 to 0..255, dense enough for linear interpolation.
CURVE = 255 * np.linspace(0, 1, 1025) ** (1 / 2.2)
# Columns of the per-vertex channels.
CANONICAL, EDGE, REDNESS, LIPS, LIDS, OPEN = 0, 3, 4, 5, 6, 7
CHANNELS = 8


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
        """The person's triangles, at rest or with the vertices at other places."""
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
    shadow_map, shadow_frame = _shadow(mesh, edge, scene.light[KEY_DIRECTION], center_mm)
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
    """What all frames of a sequence have in common: the mesh but for its places, and the channel ``EDGE`` alone."""
    mesh = joined(appearance.mesh(), scene.mesh)
    return mesh, np.ascontiguousarray(mesh.channels[:, EDGE])


def _shadow(
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


# long: one compiled loop over pixels; a call in it would cost
@compiled
def _shade(
    radiance, owner, vertices, normals, triangles, material, channels, materials,
    box, faces, decals, first_decal, light, shadow_map, shadow_frame, cover, center, rotation, eye, intrinsics, volume,
):  # fmt: skip
    size = radiance.shape[0]
    ray, normal, view, colour, out, work = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(4)
    group, weights, shared = np.empty(4, np.int64), np.empty(3), np.empty(CHANNELS)
    line, line_of = np.empty(materials.shape[1]), -1
    bias = 14.0
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
                if group[s] == -9:
                    continue
                mine, count, sx, sy = group[s], 0, 0.0, 0.0
                t = owner[2 * row + s // 2, 2 * column + s % 2]
                for other in range(s, 4):
                    if group[other] == mine:
                        count += 1
                        sx += 0.25 + 0.5 * (other % 2)
                        sy += 0.25 + 0.5 * (other // 2)
                        group[other] = -9
                cx = (column + sx / count - intrinsics[2]) / intrinsics[0]
                cy = (row + sy / count - intrinsics[3]) / intrinsics[1]
                for k in range(3):
                    ray[k] = rotation[0, k] * cx + rotation[1, k] * cy + rotation[2, k]
                if mine < 0:
                    depth, face = hit(box, eye, ray)
                    faces_seen[row + 1, column + 1] = face + 1
                    x, y, z = eye[0] + depth * ray[0], eye[1] + depth * ray[1], eye[2] + depth * ray[2]
                    share, dark = 1.0, 0.0
                    if face == 0:
                        share = shadow_share(shadow_map, shadow_frame, x, y, z + bias)
                        dark = 0.75 * cover_at(cover, center, COVER_CELL_MM, x, y)
                    footprint = depth / intrinsics[0]
                    shell_light(
                        box, faces, decals, first_decal, x, y, z, face, footprint, share, dark, light, volume, colour,
                        work, out,
                    )  # fmt: skip
                else:
                    depth = _corner_weights(vertices, triangles, t, eye, ray, weights)
                    for k in range(CHANNELS):
                        shared[k] = 0.0
                    normal[0] = normal[1] = normal[2] = 0.0
                    for corner in range(3):
                        v, w = triangles[t, corner], weights[corner]
                        for k in range(CHANNELS):
                            shared[k] += w * channels[v, k]
                        for k in range(3):
                            normal[k] += w * normals[v, k]
                    unit(normal)
                    for k in range(3):
                        view[k] = -ray[k]
                    unit(view)
                    inside = normal[0] * view[0] + normal[1] * view[1] + normal[2] * view[2] < -0.15
                    if inside:  # the inner side of a sleeve or a hem
                        for k in range(3):
                            normal[k] = -normal[k]
                    x, y, z = eye[0] + depth * ray[0], eye[1] + depth * ray[1], eye[2] + depth * ray[2]
                    share = shadow_share(
                        shadow_map, shadow_frame, x + bias * normal[0], y + bias * normal[1], z + bias * normal[2]
                    )
                    if mine != line_of:  # a copy: views are counted, which costs more than the numbers do
                        line_of = mine
                        for k in range(materials.shape[1]):
                            line[k] = materials[mine, k]
                    gloss = surface(
                        line, shared[0], shared[1], shared[2], normal, shared[REDNESS], shared[LIPS], shared[LIDS],
                        depth / intrinsics[0], volume, colour, work,
                    )  # fmt: skip
                    low = 1.0 - 0.35 * math.exp(-max(z, 0.0) / 120.0)
                    sky = shared[OPEN] * low * (0.45 if inside else 1.0)
                    lit(line, colour, normal, view, share * gloss if gloss < 1 else share, sky, light, out)
                for k in range(3):
                    radiance[row, column, k] += 0.25 * count * out[k]
    for row in range(size):
        for column in range(size):
            if between[row, column]:
                for k in range(3):
                    radiance[row, column, k] = 0.25 * (
                        radiance[row - 1, column, k] + radiance[row + 1, column, k]
                        + radiance[row, column - 1, k] + radiance[row, column + 1, k]
                    )  # fmt: skip
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


@compiled
def _corner_weights(vertices, triangles, t, eye, ray, weights):
    """Depth along the ray, and the shares of the triangle's corners where the ray meets its plane (kept inside it)."""
    i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, ay, az = vertices[i, 0], vertices[i, 1], vertices[i, 2]
    ux, uy, uz = vertices[j, 0] - ax, vertices[j, 1] - ay, vertices[j, 2] - az
    vx, vy, vz = vertices[k, 0] - ax, vertices[k, 1] - ay, vertices[k, 2] - az
    px, py, pz = ray[1] * vz - ray[2] * vy, ray[2] * vx - ray[0] * vz, ray[0] * vy - ray[1] * vx
    determinant = ux * px + uy * py + uz * pz
    if abs(determinant) < 1e-9:
        determinant = 1e-9
    ox, oy, oz = eye[0] - ax, eye[1] - ay, eye[2] - az
    wb = (ox * px + oy * py + oz * pz) / determinant
    qx, qy, qz = oy * uz - oz * uy, oz * ux - ox * uz, ox * uy - oy * ux
    wc = (ray[0] * qx + ray[1] * qy + ray[2] * qz) / determinant
    wb, wc = min(max(wb, 0.0), 1.0), min(max(wc, 0.0), 1.0)
    if wb + wc > 1:
        wb, wc = wb / (wb + wc), wc / (wb + wc)
    weights[0], weights[1], weights[2] = 1 - wb - wc, wb, wc
    x, y, z = ax + wb * ux + wc * vx - eye[0], ay + wb * uy + wc * vy - eye[1], az + wb * uz + wc * vz - eye[2]
    return (x * ray[0] + y * ray[1] + z * ray[2]) / (ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2)


def _developed(
    radiance: Float[np.ndarray, "size size 3"], scene: Surroundings, rng: np.random.Generator
) -> UInt8[np.ndarray, "size size 3"]:
    """Lens blur, white balance, exposure, sensor noise and the sRGB curve."""
    size = radiance.shape[0]
    grain = rng.standard_normal((size, size), np.float32)
    shifts = rng.integers(0, size, 2)
    return _develop(radiance, grain, shifts, scene.white_balance, scene.blur, scene.grain, CURVE)


@compiled
def _develop(radiance, grain, shifts, balance, blur, strength, curve):
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
