"""The person's box, by the rule of the released data."""

import numpy as np
from jaxtyping import Float

from c2fpose.protocol import BOX_MARGIN_PX, BOX_SCALE_UNIT_PX


def person_box(
    joints_px: Float[np.ndarray, "*batch J 2"],
) -> tuple[Float[np.ndarray, "*batch 2"], Float[np.ndarray, "*batch"] | np.float64]:
    """Centre (px) and scale (units of 200 px) of the square box of projected joints, lens distortion included.

    Centre: the midpoint of the joints' extents. Side: the larger extent plus 40 px. Source: confirmed to 6e-5 px on
    the released sample of the authors.
    """
    joints = np.asarray(joints_px, np.float64)
    low, high = joints.min(-2), joints.max(-2)
    return (low + high) / 2, ((high - low).max(-1) + BOX_MARGIN_PX) / BOX_SCALE_UNIT_PX
