"""The box that the pose network is shown, from joints in a photograph of any size."""

import numpy as np
from jaxtyping import Float

# The released rule adds 40 px to the joints' extent, in frames where the extent is 336 px on average (synth36): in
# photographs of other sizes it must be a share.
MARGIN_SHARE = 0.12


def square_box(
    joints_px: Float[np.ndarray, "*batch J 2"],
) -> tuple[Float[np.ndarray, "*batch 2"], Float[np.ndarray, "*batch"] | np.float64]:
    """Give centre and side of the square box about joints, px: the midpoint and 1.12 times the larger of the extents.

    Source: ``pose.box.person_box``, its margin of 40 px as a share.
    """
    low, high = np.min(joints_px, -2), np.max(joints_px, -2)
    return (low + high) / 2, (1 + MARGIN_SHARE) * (high - low).max(-1)
