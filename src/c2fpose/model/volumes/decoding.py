"""Decoding: one point out of each volume, and the mean of a volume with its mirror image's.

Shapes: B batch, J joints, D depth bins, H rows, W columns. Points are as in ``points``.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from c2fpose.model.volumes.memory import as_numpy, readable, share
from c2fpose.pose.skeleton import C2F17, Skeleton

_HELD = 4.0  # the highest power of which float32 holds enough: of peaks down to 1e-5


def mirror_volume(volume: Float[Tensor, "B J D H W"], skeleton: Skeleton = C2F17) -> Float[Tensor, "B J D H W"]:
    """Make the volume of the mirrored image: columns reversed, left and right joints exchanged."""
    return volume[:, list(skeleton.mirror)].flip(-1)


def mean_with_mirrored(
    straight: Float[Tensor, "B J D H W"], mirrored: Float[Tensor, "B J D H W"], skeleton: Skeleton = C2F17
) -> Float[Tensor, "B J D H W"]:
    """Mean of a volume and of the mirrored image's, mirrored back; float32 at least.

    In one pass over network outputs on the processor, without gradient.
    """
    kind = torch.float64 if straight.dtype == torch.float64 else torch.float32
    memory, other = (volume.permute(0, 3, 4, 1, 2) for volume in (straight, mirrored))
    constant = not torch.is_grad_enabled() or not (straight.requires_grad or mirrored.requires_grad)
    if constant and readable(straight) and memory.is_contiguous() and other.is_contiguous():
        mean = torch.empty(memory.shape, dtype=kind)
        share("mirrored_mean", as_numpy(memory), as_numpy(other), np.array(skeleton.mirror), mean.numpy())
        return mean.permute(0, 3, 4, 1, 2)
    return (straight.to(kind) + mirror_volume(mirrored, skeleton)) / 2


def decode(volume: Float[Tensor, "B J D H W"], method: str, power: float = 1.0) -> Float[Tensor, "B J 3"]:
    """Read one point from each volume.

    ``argmax``: the centre of the highest voxel (the paper's); of equal ones the first, lowest z, then y, then x.
    ``subvoxel``: that voxel, shifted along each axis by the Gaussian through it and its two neighbours.
    ``expectation``: the mean position, weighted by the positive part of the volume to a power: the higher, the less
    a low background far away pulls. A volume with a voxel that is not a number has no point: NaN, so that nothing takes
    it for a prediction.

    >>> volume = torch.zeros(1, 1, 4, 8, 8)
    >>> volume[0, 0, 2, 5, 1] = 1.0  # z, y, x
    >>> decode(volume, "argmax")
    tensor([[[0.1875, 0.6875, 0.6250]]])
    """
    if method == "expectation":
        return _expectation(to_power(volume.float().clamp_min(0), power, (2, 3, 4)))
    shape = torch.tensor(volume.shape[2:], device=volume.device)
    highest, value = _highest(volume)
    index = unravel(highest, volume.shape[2:])
    shift = _subvoxel_shift(volume.float(), index) if method == "subvoxel" else 0.0
    points = ((index + 0.5 + shift) / shape).flip(-1)
    return points.masked_fill(~value.isfinite()[..., None], torch.nan)


def highest_voxel(volume: Float[Tensor, "B J D H W"]) -> Int64[Tensor, "B J"]:
    """Find the flat index of the highest voxel; of equal ones the first, and 0 where one is NaN."""
    return _highest(volume)[0]


def _highest(volume: Float[Tensor, "B J D H W"]) -> tuple[Int64[Tensor, "B J"], Float[Tensor, "B J"]]:
    """Find the highest voxel's flat index and its value, NaN where any voxel is.

    By columns of depth bins, which lie side by side in a network's output: no copy in the order of the index is made.
    """
    joints, depth, rows, columns = volume.shape[1:]
    column_tops = volume.amax(2)
    tops = column_tops.amax((2, 3), keepdim=True)
    b, j, y, x = (column_tops == tops).nonzero(as_tuple=True)
    z = (volume[b, j, :, y, x] == tops[b, j, 0]).int().argmax(1)
    candidates = (z * rows + y) * columns + x
    first = torch.full((len(volume) * joints,), depth * rows * columns, device=volume.device)
    first.scatter_reduce_(0, b * joints + j, candidates, "amin")
    return (first % (depth * rows * columns)).view(-1, joints), tops[..., 0, 0]


def unravel(flat: Tensor, shape: Sequence[int]) -> Tensor:
    """Flat voxel indices ``(...)`` as (z, y, x) ``(..., 3)``."""
    _, rows, columns = shape
    return torch.stack([flat // (rows * columns), flat // columns % rows, flat % columns], -1)


def _subvoxel_shift(volume: Float[Tensor, "B J D H W"], index: Tensor) -> Float[Tensor, "B J 3"]:
    """Peak of the Gaussian through three samples: a parabola in the logarithm. 0 on the border of the volume."""
    flat, shape = volume.flatten(2), volume.shape[2:]
    strides = (shape[1] * shape[2], shape[2], 1)
    center = (index * torch.tensor(strides, device=volume.device)).sum(-1)
    shifts = []
    for axis, stride in enumerate(strides):
        inside = (index[..., axis] > 0) & (index[..., axis] < shape[axis] - 1)
        step = inside.long() * stride
        below, here, above = (
            flat.gather(2, (center + side * step)[..., None])[..., 0].clamp_min(1e-8).log() for side in (-1, 0, 1)
        )
        curvature = 2 * here - below - above
        shift = 0.5 * (above - below) / curvature.clamp_min(1e-6)
        shifts.append(torch.where(inside & (curvature > 1e-6), shift.clamp(-0.5, 0.5), 0.0))
    return torch.stack(shifts, -1)


def to_power(mass: Tensor, power: float, axes: tuple[int, ...]) -> Tensor:
    """Raise what is positive to a power, up to a factor for each place that some axes lie in.

    Of a high power the peak along the axes is first scaled to 0.5 to 1, by a power of two, which keeps every digit: low
    peaks would vanish in float32, and with them the place. Nothing but zeros stays as it is.
    """
    if power > _HELD:
        peak, exponent = torch.frexp(mass.detach().amax(axes, keepdim=True))
        # a factor, since ldexp gives no gradient; 126: what 2 ** holds in float32
        mass = mass * torch.ldexp(torch.ones_like(peak), (-exponent).clamp(-126, 126))
    return mass**power


def _expectation(weight: Float[Tensor, "B J D H W"]) -> Float[Tensor, "B J 3"]:
    total = weight.sum((2, 3, 4)).clamp_min(1e-20)
    means = []
    for axis, others in ((4, (2, 3)), (3, (2, 4)), (2, (3, 4))):
        size = weight.shape[axis]
        centers = (torch.arange(size, device=weight.device) + 0.5) / size
        means.append((weight.sum(others) * centers).sum(-1) / total)
    return torch.stack(means, -1)
