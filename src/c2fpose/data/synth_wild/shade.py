"""Shading of people without a room, in numba: light, how much of each pixel they cover, and the ground under them.

The same surfaces and light as ``synth36.render``; what lies behind is put in afterwards.
"""

import math

import numpy as np

from c2fpose.data.synth36.render.compiled import compiled
from c2fpose.data.synth36.render.mesh import CHANNELS
from c2fpose.data.synth36.render.pixel import BIAS_MM, copy_row, ray_through, shade_triangle
from c2fpose.data.synth36.render.raster import cover_at, shadow_share
from c2fpose.data.synth36.render.render import COVER_CELL_MM


@compiled
def shade(
    radiance, alpha, owner, vertices, normals, triangles, material, channels, materials,
    light, shadow_map, shadow_frame, rotation, eye, intrinsics, volume,
):  # fmt: skip
    """Fill ``radiance (S, S, 3)``, weighted with ``alpha (S, S)``."""
    size = radiance.shape[0]
    ray, normal, view, colour, out, work = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(4)
    group, weights, shared = np.empty(4, np.int64), np.empty(3), np.empty(CHANNELS)
    line, line_of = np.empty(materials.shape[1]), -1
    for row in range(size):
        for column in range(size):
            covered = 0
            for s in range(4):
                t = owner[2 * row + s // 2, 2 * column + s % 2]
                group[s] = -1 if t < 0 else material[t]
                covered += t >= 0
            alpha[row, column] = 0.25 * covered
            for k in range(3):
                radiance[row, column, k] = 0.0
            for s in range(4):
                if group[s] < 0:
                    continue
                mine, t = group[s], owner[2 * row + s // 2, 2 * column + s % 2]
                count = ray_through(group, s, row, column, rotation, intrinsics, ray)
                if mine != line_of:
                    line_of = mine
                    copy_row(materials, mine, line)
                shade_triangle(
                    t, line, vertices, normals, triangles, channels, light, shadow_map, shadow_frame, eye, ray,
                    intrinsics[0], volume, normal, view, weights, shared, colour, work, out,
                )  # fmt: skip
                for k in range(3):
                    radiance[row, column, k] += 0.25 * count * out[k]


@compiled
def lay_ground(
    behind, alpha, fine, middle, coarse, period_mm, fade_mm, shadow, shadow_map, shadow_frame, cover, center, rotation,
    eye, intrinsics,
):  # fmt: skip
    """Lay a textured floor z = 0 into ``behind (S, S, 3)``, and shadows on it. ``fine, middle, coarse``: a texture that
    repeats after ``period_mm`` at three resolutions, ``(T, T, 3)``; no texture but shadows alone where that is 0. Far
    away, beyond ``fade_mm``, the floor gives way to what was there."""
    ray = np.empty(3)
    size = behind.shape[0]
    for row in range(size):
        for column in range(size):
            if alpha[row, column] >= 1:
                continue
            cx = (column + 0.5 - intrinsics[2]) / intrinsics[0]
            cy = (row + 0.5 - intrinsics[3]) / intrinsics[1]
            for k in range(3):
                ray[k] = rotation[0, k] * cx + rotation[1, k] * cy + rotation[2, k]
            length = math.sqrt(ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2)
            if ray[2] > -1e-3 * length:
                continue
            depth = -eye[2] / ray[2]
            x, y = eye[0] + depth * ray[0], eye[1] + depth * ray[1]
            if period_mm > 0:
                footprint = depth * depth * length / (intrinsics[0] * max(eye[2], 1.0))
                cells = footprint / period_mm * fine.shape[0]
                texture = fine if cells < 3 else (middle if cells < 12 else coarse)
                places = texture.shape[0]
                u = (x / period_mm - math.floor(x / period_mm)) * places
                v = (y / period_mm - math.floor(y / period_mm)) * places
                near = math.exp(-depth * length / fade_mm)
                for k in range(3):
                    value = texture[int(v) % places, int(u) % places, k]
                    behind[row, column, k] += near * (value - behind[row, column, k])
            if shadow > 0:
                share = shadow_share(shadow_map, shadow_frame, x, y, BIAS_MM)
                dark = 0.6 * cover_at(cover, center, COVER_CELL_MM, x, y)
                for k in range(3):
                    behind[row, column, k] *= (1 - shadow * (1 - share)) * (1 - dark)
