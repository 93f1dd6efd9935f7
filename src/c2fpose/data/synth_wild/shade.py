"""Shading of people without a room, in numba: light, how much of each pixel they cover, and their shadow on the ground.

The same surfaces and light as ``synth36.render``; what lies behind is put in afterwards.
"""

import math

import numpy as np

from c2fpose.data.synth36.render.compiled import compiled
from c2fpose.data.synth36.render.raster import cover_at, shadow_share
from c2fpose.data.synth36.render.render import CHANNELS, COVER_CELL_MM, LIDS, LIPS, OPEN, REDNESS, _corner_weights
from c2fpose.data.synth36.render.shading import lit, surface, unit

BIAS_MM = 14.0  # so far off a surface is it looked up in the shadow map


@compiled
def shade(
    radiance, alpha, ground, owner, vertices, normals, triangles, material, channels, materials,
    light, ground_shadow, shadow_map, shadow_frame, cover, center, rotation, eye, intrinsics, volume,
):  # fmt: skip
    """Fill ``radiance (S, S, 3)``, weighted with ``alpha (S, S)``; and ``ground (S, S)``, the light left by shadows."""
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
            ground[row, column] = 1.0
            for k in range(3):
                radiance[row, column, k] = 0.0
            if covered < 4 and ground_shadow > 0:
                cx = (column + 0.5 - intrinsics[2]) / intrinsics[0]
                cy = (row + 0.5 - intrinsics[3]) / intrinsics[1]
                for k in range(3):
                    ray[k] = rotation[0, k] * cx + rotation[1, k] * cy + rotation[2, k]
                if ray[2] < -1e-6:
                    depth = -eye[2] / ray[2]
                    x, y = eye[0] + depth * ray[0], eye[1] + depth * ray[1]
                    share = shadow_share(shadow_map, shadow_frame, x, y, BIAS_MM)
                    dark = 0.6 * cover_at(cover, center, COVER_CELL_MM, x, y)
                    ground[row, column] = (1 - ground_shadow * (1 - share)) * (1 - dark)
            for s in range(4):
                if group[s] < 0:
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
                    shadow_map, shadow_frame, x + BIAS_MM * normal[0], y + BIAS_MM * normal[1], z + BIAS_MM * normal[2]
                )
                if mine != line_of:
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


@compiled
def compose(radiance, alpha, ground, behind, curve, balance):
    """Put ``behind (S, S, 3)`` bytes, made linear by ``curve (256,)``, behind the people. The camera's white balance is
    taken out of it beforehand: such pictures have had theirs."""
    for row in range(radiance.shape[0]):
        for column in range(radiance.shape[1]):
            share = (1.0 - alpha[row, column]) * ground[row, column]
            if share > 0:
                for k in range(3):
                    radiance[row, column, k] += share * curve[behind[row, column, k]] / balance[k]
