"""Closest points of line segments, the axes of limbs, in compiled loops."""

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.render.compiled import compiled


def closest_on_segments(
    p0: Float[np.ndarray, "F P 3"],
    p1: Float[np.ndarray, "F P 3"],
    q0: Float[np.ndarray, "F Q 3"],
    q1: Float[np.ndarray, "F Q 3"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Closest points of each pair of segments p and q of the same frame.

    Parameters on p and on q ``(F, P, Q)``, vector from q's point to p's point ``(F, P, Q, 3)``, its length.
    Clamped closed form (Ericson, Real-Time Collision Detection, 5.1.9).
    """
    shape = (len(p0), p0.shape[1], q0.shape[1])
    s, t, gap, length = np.empty(shape), np.empty(shape), np.empty((*shape, 3)), np.empty(shape)
    _closest(*(np.ascontiguousarray(each, dtype=np.float64) for each in (p0, p1, q0, q1)), s, t, gap, length)
    return s, t, gap, length


@compiled
def _closest(p0, p1, q0, q1, s_out, t_out, gap_out, length_out):
    for frame in range(p0.shape[0]):
        for i in range(p0.shape[1]):
            for j in range(q0.shape[1]):
                a = e = 1e-9
                b = c = f = 0.0
                for k in range(3):
                    d1, d2 = p1[frame, i, k] - p0[frame, i, k], q1[frame, j, k] - q0[frame, j, k]
                    r = p0[frame, i, k] - q0[frame, j, k]
                    a += d1 * d1
                    e += d2 * d2
                    b += d1 * d2
                    c += d1 * r
                    f += d2 * r
                s = min(max((b * f - c * e) / max(a * e - b * b, 1e-6 * a * e), 0.0), 1.0)
                t = min(max((b * s + f) / e, 0.0), 1.0)
                s = min(max((b * t - c) / a, 0.0), 1.0)
                total = 0.0
                for k in range(3):
                    on_p = p0[frame, i, k] + s * (p1[frame, i, k] - p0[frame, i, k])
                    gap = on_p - q0[frame, j, k] - t * (q1[frame, j, k] - q0[frame, j, k])
                    gap_out[frame, i, j, k] = gap
                    total += gap * gap
                s_out[frame, i, j], t_out[frame, i, j] = s, t
                length_out[frame, i, j] = np.sqrt(total)
