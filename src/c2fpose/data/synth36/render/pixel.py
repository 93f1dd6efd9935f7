"""One pixel's samples in numba: which of them see one surface, and how a surface of triangles looks from there."""

import math

from c2fpose.data.synth36.render.compiled import compiled
from c2fpose.data.synth36.render.mesh import CHANNELS, LIDS, LIPS, OPEN, REDNESS
from c2fpose.data.synth36.render.raster import shadow_share
from c2fpose.data.synth36.render.shading import lit, surface, unit

BIAS_MM = 14.0  # so far off a surface is it looked up in the shadow map
TAKEN = -9  # what a sample sees that has been shaded


@compiled
def ray_through(group, first, row, column, rotation, intrinsics, ray):
    """Aim ``ray (3,)`` through the middle of the samples that see what the first of them sees, and take these off
    ``group (4,)``. Returns how many they are."""
    mine, count, sx, sy = group[first], 0, 0.0, 0.0
    for other in range(first, 4):
        if group[other] == mine:
            count += 1
            sx += 0.25 + 0.5 * (other % 2)
            sy += 0.25 + 0.5 * (other // 2)
            group[other] = TAKEN
    cx = (column + sx / count - intrinsics[2]) / intrinsics[0]
    cy = (row + sy / count - intrinsics[3]) / intrinsics[1]
    for k in range(3):
        ray[k] = rotation[0, k] * cx + rotation[1, k] * cy + rotation[2, k]
    return count


@compiled
def shade_triangle(
    t, line, vertices, normals, triangles, channels, light, shadow_map, shadow_frame, eye, ray, focal_px, volume,
    normal, view, weights, shared, colour, work, out,
):  # fmt: skip
    """Shade triangle ``t`` where a ray meets it, into ``out (3,)``; ``line``: its row of the materials. ``normal`` to
    ``work``: work arrays."""
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
    gloss = surface(
        line, shared[0], shared[1], shared[2], normal, shared[REDNESS], shared[LIPS], shared[LIDS],
        depth / focal_px, volume, colour, work,
    )  # fmt: skip
    low = 1.0 - 0.35 * math.exp(-max(z, 0.0) / 120.0)
    sky = shared[OPEN] * low * (0.45 if inside else 1.0)
    lit(line, colour, normal, view, share * gloss if gloss < 1 else share, sky, light, out)


@compiled
def copy_row(rows, number, line):
    """Copy a row: a view of it would be counted, which costs more than the numbers do."""
    for k in range(rows.shape[1]):
        line[k] = rows[number, k]


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
