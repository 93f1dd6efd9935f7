"""Points: positions in the space that a volume spans.

``(..., 3)`` in 0..1: x and y across the crop, z over the range of the depth bins (``PoseSpace.depth_range_mm``).
Cell i of n covers [i/n, (i + 1)/n).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from c2fpose.pose.protocol import DEPTH_BINS
from c2fpose.pose.skeleton import C2F17, Skeleton
from c2fpose.pose.space import PAPER, PoseSpace


def to_points(
    joints_box: Float[Tensor, "*B J 2"], depth_rel_mm: Float[Tensor, "*B J"], space: PoseSpace = PAPER
) -> Float[Tensor, "*B J 3"]:
    """Turn positions across the crop and depths relative to the root into points.

    >>> to_points(torch.tensor([[0.5, 0.5]]), torch.tensor([0.0]))
    tensor([[0.5000, 0.5000, 0.5061]])
    """
    z = (depth_rel_mm - space.depth_range_mm[0]) / space.depth_mm
    return torch.cat([joints_box, z[..., None]], -1)


def from_points(
    points: Float[Tensor, "*B J 3"], space: PoseSpace = PAPER
) -> tuple[Float[Tensor, "*B J 2"], Float[Tensor, "*B J"]]:
    """Invert ``to_points``: positions across the crop, depths relative to the root in mm.

    >>> from_points(torch.tensor([[0.5, 0.25, 0.75]]))
    (tensor([[0.5000, 0.2500]]), tensor([484.3484]))
    """
    return points[..., :2], space.depth_range_mm[0] + points[..., 2] * space.depth_mm


def within_depth(points: Float[Tensor, "*B J 3"], depth_bins: int = DEPTH_BINS) -> Float[Tensor, "*B J 3"]:
    """Points whose depth lies beyond the bins, moved into the nearest bin (labels 1 to 64 of the released data)."""
    x, y, z = points.unbind(-1)
    return torch.stack([x, y, z.clamp(0, 1 - 0.5 / depth_bins)], -1)


def mirror_points(points: Float[Tensor, "*B J 3"], skeleton: Skeleton = C2F17) -> Float[Tensor, "*B J 3"]:
    """Make the points of the mirrored image."""
    mirrored = points[..., list(skeleton.mirror), :].clone()
    mirrored[..., 0] = 1 - mirrored[..., 0]
    return mirrored
