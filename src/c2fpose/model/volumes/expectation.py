"""The expectation of a volume as something to train: where it should be, joint by joint.

Shapes: B batch, J joints, D depth bins, H rows, W columns. Points are as in ``points``.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_LEAST = 1e-6  # of a volume's mass: an empty one has no place, and gets no gradient


def expectation_error(
    volume: Float[Tensor, "B J D H W"], points: Float[Tensor, "B J 3"], visible: Bool[Tensor, "B J"]
) -> Float[Tensor, ""]:
    """Mean distance along an axis between visible joints and the expectations of their volumes, squares as weights.

    The squared error of a volume hardly tells a peak that is a little off from one that is far off; this does. Depth
    does not count in a volume of one bin, nor what has no label (NaN) anywhere.
    """
    axes = 3 if volume.shape[2] > 1 else 2
    known = points[..., :axes].isfinite()
    off = torch.where(known, Expectation.apply(volume)[..., :axes] - points[..., :axes].nan_to_num(), 0.0).abs()
    off = off.sum(-1) / known.sum(-1).clamp_min(1)
    counted = visible & known.any(-1)
    return (off * counted).sum() / counted.sum().clamp_min(1)


class Expectation(torch.autograd.Function):
    """``decode(volume, "expectation", power=2)`` with a gradient that costs one pass over the volume's memory.

    With w = max(v, 0)^2, mass M = sum(w) and mean m along an axis of centres c: dm/dv = 2 max(v, 0) (c - m) / M, summed
    over the axes: one term for each cell and one for each depth bin.
    """

    @staticmethod
    def forward(context: Any, volume: Float[Tensor, "B J D H W"]) -> Float[Tensor, "B J 3"]:
        """Take the mean place of each volume, ``(B, J, 3)`` in shares of the range."""
        positive = volume.permute(0, 3, 4, 1, 2).clamp_min(0)  # as it lies in memory: (B, H, W, J, D)
        weight = positive.float().square()
        cells, bins = weight.sum(-1), weight.sum((1, 2))
        mass = bins.sum(-1).clamp_min(_LEAST)
        means = [
            (marginal * _centres(marginal, axis)).sum((1, 2)) / mass for marginal, axis in ((cells, 2), (cells, 1))
        ]
        means.append((bins * _centres(bins, 2)).sum(-1) / mass)
        points = torch.stack(means, -1)
        context.save_for_backward(positive, points, mass)
        return points

    @staticmethod
    def backward(context: Any, gradient: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J D H W"]:
        """Give the gradient of the volumes from the one of the points."""
        positive, points, mass = context.saved_tensors
        share = 2 * gradient / mass[..., None]
        x, y, z = (share[..., axis] for axis in range(3))
        cells = positive.new_zeros(positive.shape[:4], dtype=torch.float32)
        for slope, mean, axis in ((x, points[..., 0], 2), (y, points[..., 1], 1)):
            cells += slope[:, None, None] * (_centres(cells, axis) - mean[:, None, None])
        bins = z[..., None] * (_centres(positive[:, 0, 0], 2) - points[..., 2:])
        field = cells[..., None].to(positive.dtype) + bins[:, None, None].to(positive.dtype)
        return field.mul_(positive).permute(0, 3, 4, 1, 2)


def _centres(like: Tensor, axis: int) -> Float[Tensor, "..."]:
    """Centres of the cells along an axis, 0..1, to be multiplied with ``like``."""
    size = like.shape[axis]
    shape = [1] * like.ndim
    shape[axis] = size
    return ((torch.arange(size, device=like.device) + 0.5) / size).view(shape)
