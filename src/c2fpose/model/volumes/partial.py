"""Losses of volumes for joints that are labelled in part: in the picture alone, or not at all.

Shapes: B batch, J joints, D depth bins, H rows, W columns. Points are as in ``points``, NaN where there is no label: z
alone for a joint that is labelled in the picture, all three for one that is not.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from c2fpose.config.model import TargetConfig
from c2fpose.model.volumes.targets import target_profiles, volume_loss

EMPTY = 0.01  # of the target's peak in the picture: where it is lower, a joint without depth is known not to be
Way = Literal["mask", "one_bin", "marginals"]


def partial_volume_loss(
    volume: Float[Tensor, "B J D H W"],
    points: Float[Tensor, "B J 3"],
    visible: Bool[Tensor, "B J"],
    config: TargetConfig,
    depth_bins: int,
    way: Way,
) -> Float[Tensor, ""]:
    """Compare volumes with what is known of each joint: a mean over all voxels of the joints that teach this stack.

    Joints with depth, and those known to be out of sight: the squared error of every voxel, as ``volume_loss``. Joints
    labelled in the picture alone teach a volume of one bin as any others do. A deeper one they teach by ``way``:
    ``one_bin``, nothing; ``mask``, that voxels before and behind everything but the joint's own place are empty;
    ``marginals``, where the sum along depth lies, scaled so that an empty volume costs what it costs with depth. Joints
    without a label teach nothing.
    """
    in_picture = points[..., :2].isfinite().all(-1)
    whole = in_picture & (points[..., 2].isfinite() | ~visible)
    flat = in_picture & ~whole
    deep = volume.shape[2] > 1
    if deep and way == "one_bin":
        flat = torch.zeros_like(flat)
    if not deep:
        whole, flat = in_picture, torch.zeros_like(flat)
    taught = (whole.sum() + flat.sum()).clamp_min(1)
    loss = volume.sum() * 0.0  # part of the graph, whatever is labelled
    if whole.any():
        chosen, seen, part = points[whole][:, None].nan_to_num(0.5), visible[whole][:, None], volume[whole][:, None]
        target = target_profiles(chosen, seen, tuple(part.shape[2:]), config, depth_bins)
        loss = loss + volume_loss(part, target) * (whole.sum() / taught)
    if flat.any():
        loss = loss + _flat_loss(volume[flat], points[flat], config, depth_bins, way) * (flat.sum() / taught)
    return loss


def _flat_loss(
    volume: Float[Tensor, "N D H W"], points: Float[Tensor, "N 3"], config: TargetConfig, depth_bins: int, way: Way
) -> Float[Tensor, ""]:
    """Average over voxels for visible joints of known place and unknown depth."""
    middle = torch.cat([points[:, :2], torch.full_like(points[:, :1], 0.5)], -1)[:, None]
    seen = torch.ones(len(points), 1, dtype=torch.bool, device=points.device)
    z, y, x = (axis[:, 0] for axis in target_profiles(middle, seen, tuple(volume.shape[1:]), config, depth_bins))
    plane = y[:, :, None] * x[:, None, :]
    volume = volume.float()
    if way == "mask":
        return (volume.square() * (plane < EMPTY)[:, None]).mean()
    total, squared = z.sum(-1)[:, None, None], z.square().sum(-1)[:, None, None]
    apart = (volume.sum(1) - plane * total).square() * squared / total.square()
    return apart.mean() / volume.shape[1]
