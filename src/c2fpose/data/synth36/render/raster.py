"""The z-buffer in numba: which triangle each sample sees, from a camera or from the light."""

import math

import numpy as np

from c2fpose.data.synth36.render.compiled import compiled

NEAR_MM = 120.0
NOTHING = -1
WIDE = 8  # a triangle of more samples than this in a row is drawn span by span


@compiled
def camera_screen(vertices_mm, rotation, translation_mm, intrinsics_px, samples):
    """World to samples: x, y in units of 1/``samples`` px, and 1/depth (0 for what is too near), ``(N, 3)``."""
    screen = np.empty((len(vertices_mm), 3), np.float32)
    fx, fy, cx, cy = intrinsics_px[0], intrinsics_px[1], intrinsics_px[2], intrinsics_px[3]
    for i in range(len(vertices_mm)):
        u, v, w = vertices_mm[i, 0], vertices_mm[i, 1], vertices_mm[i, 2]
        x = rotation[0, 0] * u + rotation[0, 1] * v + rotation[0, 2] * w + translation_mm[0]
        y = rotation[1, 0] * u + rotation[1, 1] * v + rotation[1, 2] * w + translation_mm[1]
        z = rotation[2, 0] * u + rotation[2, 1] * v + rotation[2, 2] * w + translation_mm[2]
        if z > NEAR_MM:
            screen[i, 0], screen[i, 1], screen[i, 2] = (fx * x / z + cx) * samples, (fy * y / z + cy) * samples, 1 / z
        else:
            screen[i, 0], screen[i, 1], screen[i, 2] = 0.0, 0.0, 0.0
    return screen


@compiled
def parallel_screen(vertices_mm, frame):
    """World to the cells of a map and a nearness, by an affine ``frame (3, 4)``, ``(N, 3)``."""
    screen = np.empty((len(vertices_mm), 3), np.float32)
    for i in range(len(vertices_mm)):
        x, y, z = vertices_mm[i, 0], vertices_mm[i, 1], vertices_mm[i, 2]
        for k in range(3):
            screen[i, k] = frame[k, 0] * x + frame[k, 1] * y + frame[k, 2] * z + frame[k, 3]
    return screen


@compiled
def span(first, last, share, slope, x):
    """Find the samples of a row, ``first`` to ``last``, where a corner's share may be positive: one or two too many,
    never one too few. The share is linear along the row and given at ``x``."""
    if abs(slope) < 1e-5:
        return first, last
    place = x - share / slope - 0.5
    if slope > 0:
        return max(first, math.floor(min(place, 1e6)) - 1), last
    return first, min(last, math.ceil(max(place, -1e6)) + 1)


@compiled
def rasterise(screen, triangles, edge, perspective, nearness, owner, first_triangle):
    """Draw triangles into ``nearness`` (larger is nearer) and ``owner`` (triangle index), both ``(H, W)``.

    ``screen[:, 2]`` is a nearness that is linear on the screen. Where the interpolated ``edge`` is negative a surface
    ends: hems and hair lines are cut there, sample by sample.
    """
    height, width = nearness.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ea, eb, ec = edge[a], edge[b], edge[c]
        if ea < 0 and eb < 0 and ec < 0:
            continue
        za, zb, zc = screen[a, 2], screen[b, 2], screen[c, 2]
        if perspective and (za <= 0 or zb <= 0 or zc <= 0):
            continue
        ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        x0 = max(math.ceil(min(ax, bx, cx) - 0.5), 0)
        x1 = min(math.floor(max(ax, bx, cx) - 0.5), width - 1)
        y0 = max(math.ceil(min(ay, by, cy) - 0.5), 0)
        y1 = min(math.floor(max(ay, by, cy) - 0.5), height - 1)
        if x0 > x1 or y0 > y1:
            continue
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        cut = ea < 0 or eb < 0 or ec < 0
        if perspective:
            ea, eb, ec = ea * za, eb * zb, ec * zc
        inverse = 1.0 / area
        # The shares of corners a and b are linear on the screen, and zero at corner c.
        cx, cy, za, zb, zc = np.float64(cx), np.float64(cy), np.float64(za), np.float64(zb), np.float64(zc)
        across_a, down_a = (by - cy) * inverse, (cx - bx) * inverse
        across_b, down_b = (cy - ay) * inverse, (ax - cx) * inverse
        wide = x1 - x0 > WIDE
        for y in range(y0, y1 + 1):
            sy = y + 0.5
            first, last = x0, x1
            if wide:
                first, last = span(first, last, down_a * (sy - cy), across_a, cx)
                first, last = span(first, last, down_b * (sy - cy), across_b, cx)
                first, last = span(first, last, 1.0 - (down_a + down_b) * (sy - cy), -across_a - across_b, cx)
            row_a, row_b = down_a * (sy - cy), down_b * (sy - cy)
            for x in range(first, last + 1):
                sx = x + 0.5 - cx
                wa, wb = row_a + across_a * sx, row_b + across_b * sx
                wc = 1.0 - wa - wb
                if min(wa, wb, wc) < 0:
                    continue
                near = wa * za + wb * zb + wc * zc
                if near > nearness[y, x] and (not cut or wa * ea + wb * eb + wc * ec >= 0):
                    nearness[y, x] = near
                    owner[y, x] = first_triangle + t


@compiled
def vertex_normals(vertices_mm, triangles):
    """Area-weighted unit normals, ``(N, 3)``."""
    normals = np.zeros((len(vertices_mm), 3))
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = (vertices_mm[b, 0] - vertices_mm[a, 0], vertices_mm[b, 1] - vertices_mm[a, 1],
                      vertices_mm[b, 2] - vertices_mm[a, 2])  # fmt: skip
        vx, vy, vz = (vertices_mm[c, 0] - vertices_mm[a, 0], vertices_mm[c, 1] - vertices_mm[a, 1],
                      vertices_mm[c, 2] - vertices_mm[a, 2])  # fmt: skip
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (a, b, c):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for i in range(len(normals)):
        length = math.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2) + 1e-12
        for k in range(3):
            normals[i, k] /= length
    return normals


@compiled
def shadow_share(shadow_map, frame, x, y, z):
    """How much key light reaches a place, by 3 x 3 comparisons. ``frame (3, 4)`` maps the world to the map's cells."""
    u = frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z + frame[0, 3]
    v = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z + frame[1, 3]
    near = frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z + frame[2, 3]
    size = shadow_map.shape[0]
    if u < 2 or v < 2 or u > size - 3 or v > size - 3:
        return 1.0
    # Bilinear weights over a 3 x 3 block: a soft edge of about two cells.
    iu, iv = int(u), int(v)
    fu, fv = u - iu, v - iv
    total = 0.0
    for dv in range(-1, 2):
        wv = 1.0 if dv == 0 else (1 - fv if dv < 0 else fv)
        for du in range(-1, 2):
            wu = 1.0 if du == 0 else (1 - fu if du < 0 else fu)
            if shadow_map[iv + dv, iu + du] <= near:
                total += wu * wv
    return total / 4.0


@compiled
def cover_map(vertices_mm, center_mm, cell_mm, size, reach_mm):
    """How much each floor cell is covered from above by low things, ``(size, size)``, 0..1, softened."""
    cover = np.zeros((size, size), np.float32)
    for i in range(0, len(vertices_mm)):
        x = int((vertices_mm[i, 0] - center_mm[0]) / cell_mm + 0.5 * size)
        y = int((vertices_mm[i, 1] - center_mm[1]) / cell_mm + 0.5 * size)
        if 0 <= x < size and 0 <= y < size:
            share = math.exp(-max(vertices_mm[i, 2], 0.0) / reach_mm)
            cover[y, x] = max(cover[y, x], share)
    for _ in range(2):
        soft = np.zeros_like(cover)
        for y in range(1, size - 1):
            for x in range(1, size - 1):
                sides = cover[y - 1, x] + cover[y + 1, x] + cover[y, x - 1] + cover[y, x + 1]
                corners = cover[y - 1, x - 1] + cover[y - 1, x + 1] + cover[y + 1, x - 1] + cover[y + 1, x + 1]
                soft[y, x] = (4 * cover[y, x] + 2 * sides + corners) / 16
        cover = soft
    return cover


@compiled
def cover_at(cover, center_mm, cell_mm, x, y):
    """Look up ``cover_map`` at a place on the floor, mm, between its cells; 0 outside."""
    size = cover.shape[0]
    u, v = (x - center_mm[0]) / cell_mm + 0.5 * size - 0.5, (y - center_mm[1]) / cell_mm + 0.5 * size - 0.5
    iu, iv = math.floor(u), math.floor(v)
    if iu < 0 or iv < 0 or iu > size - 2 or iv > size - 2:
        return 0.0
    fu, fv = u - iu, v - iv
    iu, iv = int(iu), int(iv)
    low = cover[iv, iu] * (1 - fu) + cover[iv, iu + 1] * fu
    high = cover[iv + 1, iu] * (1 - fu) + cover[iv + 1, iu + 1] * fu
    return low * (1 - fv) + high * fv
