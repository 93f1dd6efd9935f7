"""What a volume knows beside its peak: how the mass lies around it, and whether there is a second one.

Shapes: B batch, J joints, D depth bins, H rows, W columns. Points are as in ``points``; mass is never negative.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from c2fpose.model.volumes.decoding import highest_voxel, unravel

# Half the side of the box around a peak that counts as the same mode, as a share of an axis: the 6 of 64 cells at which
# the released code cuts its Gaussian off
HALF_WINDOW = 0.095
SECOND_MODE_SHARE = 0.1  # of the mass of both modes: less is noise
_SMALLEST = 1e-20


class Modes(NamedTuple):
    """The highest peak of each volume, and the next one outside the box around it."""

    height: Float[Tensor, "B J"]  # of the highest voxel
    share: Float[Tensor, "B J"]  # of all mass that lies in the box around it
    second: Float[Tensor, "B J 3"]  # mean position of the mass around the second peak, NaN where there is none
    second_share: Float[Tensor, "B J"]  # of the mass of both, 0 where there is none


def modes(mass: Float[Tensor, "B J D H W"]) -> Modes:
    """Find the two highest peaks of each volume and what lies around them. Raises nothing; NaN gives no second mode."""
    shape = mass.shape[2:]
    top = highest_voxel(mass)
    height = mass.flatten(2).gather(2, top[..., None])[..., 0]
    first = _box(unravel(top, shape), shape)
    near, total = _masked(mass, first), mass.sum((2, 3, 4))
    rest = mass * ~_volume_of(first)
    second = _box(unravel(highest_voxel(rest), shape), shape)
    around = rest * _volume_of(second)
    other = around.sum((2, 3, 4))
    share = other / (other + near).clamp_min(_SMALLEST)
    there = share >= SECOND_MODE_SHARE
    return Modes(
        height,
        near / total.clamp_min(_SMALLEST),
        torch.where(there[..., None], mean_position(around), torch.nan),
        torch.where(there, share, 0.0),
    )


def mean_position(mass: Float[Tensor, "B J D H W"]) -> Float[Tensor, "B J 3"]:
    """Find the centre of mass of each volume, as a point."""
    axes, total = _marginals(mass)
    return torch.stack([(axis * _centers(axis)).sum(-1) / total for axis in axes], -1)


def covariance(mass: Float[Tensor, "B J D H W"], about: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J 3 3"]:
    """Find the mean squared distances from some points under each volume's mass, in the points' unit squared.

    The finite size of a cell counts: a twelfth of its side squared, along each axis.
    """
    axes, total = _marginals(mass)
    offsets = [_centers(axis) - about[..., i, None] for i, axis in enumerate(axes)]
    found = torch.diag_embed(
        torch.stack(
            [
                (axis * offset.square()).sum(-1) / total + 1 / (12 * axis.shape[-1] ** 2)
                for axis, offset in zip(axes, offsets, strict=True)
            ],
            -1,
        )
    )
    planes = (((0, 1), mass.sum(2)), ((0, 2), mass.sum(3)), ((1, 2), mass.sum(4)))  # of x and y, x and z, y and z
    for (i, j), plane in planes:  # (B, J, cells of axis j, cells of axis i)
        mixed = ((plane * offsets[i][..., None, :]).sum(-1) * offsets[j]).sum(-1) / total
        found[..., i, j] = found[..., j, i] = mixed
    return found


Boxes = tuple[Tensor, Tensor, Tensor]  # which cells along z, y and x, each (B, J, cells)


def _box(index: Tensor, shape: Sequence[int]) -> Boxes:
    """Which cells lie in the box around a voxel (z, y, x) ``(B, J, 3)``."""
    sides = []
    for axis, size in enumerate(shape):
        cells = torch.arange(size, device=index.device)
        sides.append((cells - index[..., axis, None]).abs() <= max(1, round(HALF_WINDOW * size)))
    return sides[0], sides[1], sides[2]


def _volume_of(box: Boxes) -> Tensor:
    z, y, x = box
    return z[..., :, None, None] & y[..., None, :, None] & x[..., None, None, :]


def _masked(mass: Tensor, box: Boxes) -> Float[Tensor, "B J"]:
    z, y, x = (side.to(mass.dtype) for side in box)
    # sums of products, not einsum, of which autocast makes bf16: sure joints would all be equally sure
    return (((mass * x[..., None, None, :]).sum(-1) * y[..., None, :]).sum(-1) * z).sum(-1)


def _marginals(mass: Tensor) -> tuple[list[Tensor], Tensor]:
    """Mass along x, y and z, each ``(B, J, cells)``, and all of it."""
    plane = mass.sum(2)
    axes = [plane.sum(2), plane.sum(3), mass.sum((3, 4))]
    return axes, axes[0].sum(-1).clamp_min(_SMALLEST)


def _centers(axis: Tensor) -> Tensor:
    size = axis.shape[-1]
    return (torch.arange(size, device=axis.device, dtype=axis.dtype) + 0.5) / size


def softmax(logits: Float[Tensor, "B J D H W"], scale: float = 1.0) -> Float[Tensor, "B J D H W"]:
    """Make a distribution of each volume, in float32 at least."""
    kind = torch.float64 if logits.dtype == torch.float64 else torch.float32
    return (scale * logits.to(kind)).flatten(2).softmax(-1).unflatten(2, tuple(logits.shape[2:]))
