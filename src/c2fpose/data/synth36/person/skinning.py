"""Skinning in numba: blended rotations about precomputed centres (Le and Hodgins, SIGGRAPH 2016)."""

import numpy as np

from c2fpose.data.synth36.render.compiled import compiled


@compiled
def relax(surface_mm, edges, degree, rounds):
    """Move each vertex half-way to the mean of its neighbours, ``rounds`` times. ``edges (E, 2)`` may name a pair more
    than once; ``degree (N,)`` counts a vertex among them, at least 1."""
    for _ in range(rounds):
        total = np.zeros_like(surface_mm)
        for e in range(len(edges)):
            a, b = edges[e, 0], edges[e, 1]
            for k in range(3):
                total[a, k] += surface_mm[b, k]
                total[b, k] += surface_mm[a, k]
        surface_mm = 0.5 * surface_mm + 0.5 * total / degree.reshape(-1, 1)
    return surface_mm


@compiled
def blend(rest_mm, index, body_mm, frames, weights, center_offset_mm, quaternions, rotations, translations):
    """Pose ``rest_mm (N, 3)``; vertex i follows the weights of pack vertex ``index[i]``. Returns ``(N, 3)`` mm."""
    posed = np.empty_like(rest_mm)
    for i in range(len(rest_mm)):
        v = index[i]
        first = frames[v, 0]
        w = x = y = z = 0.0
        # The centre moves by plain linear blending, the vertex turns about it by the blended rotation.
        cx = body_mm[v, 0] + center_offset_mm[v, 0]
        cy = body_mm[v, 1] + center_offset_mm[v, 1]
        cz = body_mm[v, 2] + center_offset_mm[v, 2]
        px = py = pz = 0.0
        for j in range(frames.shape[1]):
            share = weights[v, j]
            if share <= 0.0:
                continue
            f = frames[v, j]
            dot = 0.0
            for k in range(4):
                dot += quaternions[f, k] * quaternions[first, k]
            signed = share if dot >= 0.0 else -share
            w += signed * quaternions[f, 0]
            x += signed * quaternions[f, 1]
            y += signed * quaternions[f, 2]
            z += signed * quaternions[f, 3]
            px += share * (
                rotations[f, 0, 0] * cx + rotations[f, 0, 1] * cy + rotations[f, 0, 2] * cz + translations[f, 0]
            )
            py += share * (
                rotations[f, 1, 0] * cx + rotations[f, 1, 1] * cy + rotations[f, 1, 2] * cz + translations[f, 1]
            )
            pz += share * (
                rotations[f, 2, 0] * cx + rotations[f, 2, 1] * cy + rotations[f, 2, 2] * cz + translations[f, 2]
            )
        scale = 1.0 / np.sqrt(w * w + x * x + y * y + z * z)
        w, x, y, z = w * scale, x * scale, y * scale, z * scale
        dx, dy, dz = rest_mm[i, 0] - cx, rest_mm[i, 1] - cy, rest_mm[i, 2] - cz
        # v + 2 w (q x v) + 2 q x (q x v)
        tx = 2 * (y * dz - z * dy)
        ty = 2 * (z * dx - x * dz)
        tz = 2 * (x * dy - y * dx)
        posed[i, 0] = px + dx + w * tx + y * tz - z * ty
        posed[i, 1] = py + dy + w * ty + z * tx - x * tz
        posed[i, 2] = pz + dz + w * tz + x * ty - y * tx
    return posed
