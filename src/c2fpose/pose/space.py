"""What a network's poses are of, and where its volumes lie: joints, the depths of the bins, how long limbs are.

The paper's are constants of its data; those of other data are measured on their training records and travel in the
checkpoint.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from c2fpose.pose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM, MEAN_LIMB_LENGTHS_MM
from c2fpose.pose.skeleton import C2F17, Skeleton

PAPER_RANGE_MM = (DEPTH_MIN_MM, DEPTH_MAX_MM)
PAPER_DATA = ("h36m", "synth36", "synth_wild")  # of people in the size and postures that the paper's constants fit
_STRAY = 0.0005  # share of joints at either end that may lie beyond the bins: labels gone astray
_MARGIN = 0.05  # of the extent, added at either end


@dataclass(frozen=True)
class PoseSpace:
    """Joints, the range of the depth bins (mm from the root, away from the camera), and mean lengths of the limbs.

    ``mean_limb_lengths_mm``: one a limb of the skeleton, NaN for one that was never labelled.
    """

    skeleton: Skeleton = C2F17
    depth_range_mm: tuple[float, float] = PAPER_RANGE_MM
    mean_limb_lengths_mm: tuple[float, ...] = MEAN_LIMB_LENGTHS_MM

    @property
    def depth_mm(self) -> float:
        """How much depth the bins cover."""
        return self.depth_range_mm[1] - self.depth_range_mm[0]


PAPER = PoseSpace()


def space_of(skeleton: Skeleton, dataset: str, joints_cam_mm: Float[np.ndarray, "N J 3"]) -> PoseSpace:
    """Give the space of training records: the paper's for its joints in ``PAPER_DATA``, measured for others.

    ``joints_cam_mm``: NaN where a joint has no label. Depths reach from the nearest to the farthest joint, but for one
    in 2000 at either end, and 5 % further; without any label in depth they are the paper's.

    >>> dog = Skeleton.of(["snout", "tail"], {"tail": "snout"})
    >>> space_of(dog, "dogs", np.array([[[0.0, 0.0, 3000.0], [0.0, 0.0, 4000.0]]])).mean_limb_lengths_mm
    (1000.0,)
    """
    if skeleton == C2F17 and dataset in PAPER_DATA:
        return PAPER
    joints = np.asarray(joints_cam_mm, np.float64)
    relative = joints[..., 2] - joints[..., skeleton.root, None, 2]
    known = relative[np.isfinite(relative)]
    low, high = np.quantile(known, [_STRAY, 1 - _STRAY]) if len(known) else PAPER_RANGE_MM
    margin = max(_MARGIN * (high - low), 1.0)
    lengths = skeleton.limb_lengths_mm(joints)
    counts = np.isfinite(lengths).sum(0)
    means = np.where(counts > 0, np.nansum(lengths, 0) / np.maximum(counts, 1), np.nan)
    return PoseSpace(
        skeleton,
        (round(float(low - margin), 1), round(float(high + margin), 1)),
        tuple(round(float(mean), 2) for mean in means),
    )
