"""The person's box, by the rule of the released data."""

import numpy as np
from jaxtyping import Float

from c2fpose.pose.protocol import BOX_MARGIN_PX, BOX_SCALE_UNIT_PX


def person_box(
    joints_px: Float[np.ndarray, "*batch J 2"],
) -> tuple[Float[np.ndarray, "*batch 2"], Float[np.ndarray, "*batch"] | np.float64]:
    """Find the square box of projected joints: centre (px) and scale (units of 200 px), lens distortion included.

    Centre: the midpoint of the joints' extents. Side: the larger extent plus 40 px. Source: confirmed to 6e-5 px on
    the released sample of the authors.

    >>> person_box(np.array([[100.0, 50.0], [180.0, 410.0]]))
    (array([140., 230.]), np.float64(2.0))
    """
    joints = np.asarray(joints_px, np.float64)
    low, high = joints.min(-2), joints.max(-2)
    return (low + high) / 2, ((high - low).max(-1) + BOX_MARGIN_PX) / BOX_SCALE_UNIT_PX


def released_box(
    center_px: Float[np.ndarray, "*batch 2"], scale: Float[np.ndarray, "*batch"]
) -> tuple[Float[np.ndarray, "*batch 2"], Float[np.ndarray, "*batch 2"]]:
    """Left-top corner and size, in px, of a person's box as the released evaluation rounds it.

    Both edges are rounded (halves away from zero), then counted from 1 and both included. Width and height can differ
    by a pixel, and the box by up to one from the crop that the network saw: part of the published figures.
    """
    center = np.asarray(center_px, np.float64)
    half = np.asarray(scale, np.float64)[..., None] * BOX_SCALE_UNIT_PX / 2
    first, last = _round_half_away(center - half) + 1, _round_half_away(center + half) + 1
    return first, last - first + 1


def _round_half_away(values: np.ndarray) -> np.ndarray:
    return np.trunc(values + np.copysign(0.5, values))
