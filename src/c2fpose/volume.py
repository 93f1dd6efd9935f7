"""Volumes of likelihoods: targets, loss, decoding (paper, section 3.1).

Shapes: B batch, J joints, D depth bins, H rows, W columns.

Points are positions in the space that a volume spans, ``(..., 3)`` in 0..1: x and y across the crop, z over the range
of the depth bins (``protocol.DEPTH_MIN_MM`` to ``DEPTH_MAX_MM``). Cell i of n covers [i/n, (i + 1)/n).
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from c2fpose.config import TargetConfig
from c2fpose.protocol import DEPTH_BINS, DEPTH_MAX_MM, DEPTH_MIN_MM
from c2fpose.skeleton import MIRROR
from c2fpose.volume_loss import mean_squared_error
from c2fpose.volume_memory import as_numpy, readable, share

# The authors' drawing routine: a window of 6 * 2 + 1 cells at 64 cells; a quarter of the window is sigma.
RELEASED_HALF_WINDOW = 6
RELEASED_SIZE = 64
# Their labels add this before truncating, so that a joint on a cell's edge falls in the upper cell.
RELEASED_ROUNDING = 1e-4


def to_points(joints_box: Float[Tensor, "*B J 2"], depth_rel_mm: Float[Tensor, "*B J"]) -> Float[Tensor, "*B J 3"]:
    """Positions across the crop and depths relative to the root, as points."""
    z = (depth_rel_mm - DEPTH_MIN_MM) / (DEPTH_MAX_MM - DEPTH_MIN_MM)
    return torch.cat([joints_box, z[..., None]], -1)


def from_points(points: Float[Tensor, "*B J 3"]) -> tuple[Float[Tensor, "*B J 2"], Float[Tensor, "*B J"]]:
    """The inverse of ``to_points``: positions across the crop, depths relative to the root in mm."""
    return points[..., :2], DEPTH_MIN_MM + points[..., 2] * (DEPTH_MAX_MM - DEPTH_MIN_MM)


def within_depth(points: Float[Tensor, "*B J 3"], depth_bins: int = DEPTH_BINS) -> Float[Tensor, "*B J 3"]:
    """Points whose depth lies beyond the bins, moved into the nearest bin (labels 1 to 64 of the released data)."""
    x, y, z = points.unbind(-1)
    return torch.stack([x, y, z.clamp(0, 1 - 0.5 / depth_bins)], -1)


class Profiles(NamedTuple):
    """A separable volume: its voxel (z, y, x) is ``z[z] * y[y] * x[x]``."""

    z: Float[Tensor, "B J D"]
    y: Float[Tensor, "B J H"]
    x: Float[Tensor, "B J W"]

    def volume(self) -> Float[Tensor, "B J D H W"]:
        """All voxels."""
        return self.z[..., :, None, None] * self.y[..., None, :, None] * self.x[..., None, None, :]


def target_profiles(
    points: Float[Tensor, "B J 3"],
    visible: Bool[Tensor, "B J"],
    shape: tuple[int, int, int],
    config: TargetConfig,
    depth_bins: int = DEPTH_BINS,
) -> Profiles:
    """The target volumes of shape (D, H, W), one a joint, in separable form.

    A Gaussian centred outside the volume shows as far as it reaches in. A joint that is not visible has an empty
    volume: the network is still trained towards zero there, as the original's is.
    """
    x, y, z = points.unbind(-1)
    axes = []
    for position, size, bins in ((z, shape[0], depth_bins), (y, shape[1], shape[1]), (x, shape[2], shape[2])):
        axes.append(axis_profile(_center(position, size, bins, config), size, config))
    amplitude = 1.0 if config.definition == "released_code" else 1 / (2 * torch.pi * config.sigma**2)
    axes[0] = axes[0] * (amplitude * visible[..., None])
    return Profiles(*axes)


def _center(position: Float[Tensor, "B J"], size: int, bins: int, config: TargetConfig) -> Float[Tensor, "B J"]:
    """Where the Gaussian is centred, in cell indices; a coarse bin is the group of fine bins that holds the label."""
    if config.centers == "exact":
        return position * size - 0.5
    rounding = RELEASED_ROUNDING if config.definition == "released_code" else 0.0
    fine = torch.floor(position * bins + rounding)
    return torch.floor(fine * size / bins)


def axis_profile(center: Float[Tensor, "B J"], size: int, config: TargetConfig) -> Float[Tensor, "B J N"]:
    """A Gaussian of peak 1 along one axis of ``size`` cells, ``center`` in cell indices.

    The released code's is cut at the edge of its window, which shrinks with the number of cells.
    """
    offset = torch.arange(size, device=center.device, dtype=center.dtype) - center[..., None]
    if config.definition == "paper":
        return torch.exp(-(offset**2) / (2 * config.sigma**2))
    half, sigma = released_window(size)
    return torch.exp(-(offset**2) / (2 * sigma**2)) * (offset.abs() <= half + 0.5)


def released_window(size: int) -> tuple[int, float]:
    """Half the window and the sigma, in cells, of the authors' Gaussian along an axis of ``size`` cells."""
    half = int((2 * RELEASED_HALF_WINDOW * size / RELEASED_SIZE + 1) / 2)
    return half, (2 * half + 1) / 4


def volume_loss(volume: Float[Tensor, "B J D H W"], target: Profiles) -> Float[Tensor, ""]:
    """Mean squared error over all voxels of the batch, in float32 (float64 for float64 volumes)."""
    return mean_squared_error(volume, *target)


def mirror_volume(volume: Float[Tensor, "B J D H W"]) -> Float[Tensor, "B J D H W"]:
    """The volume of the mirrored image: columns reversed, left and right joints exchanged."""
    return volume[:, list(MIRROR)].flip(-1)


def mean_with_mirrored(
    straight: Float[Tensor, "B J D H W"], mirrored: Float[Tensor, "B J D H W"]
) -> Float[Tensor, "B J D H W"]:
    """Mean of a volume and of the mirrored image's, mirrored back; float32 at least.

    In one pass over network outputs on the processor, without gradient.
    """
    kind = torch.float64 if straight.dtype == torch.float64 else torch.float32
    memory, other = (volume.permute(0, 3, 4, 1, 2) for volume in (straight, mirrored))
    constant = not torch.is_grad_enabled() or not (straight.requires_grad or mirrored.requires_grad)
    if constant and readable(straight) and memory.is_contiguous() and other.is_contiguous():
        from c2fpose.volume_kernels import mirrored_mean

        mean = torch.empty(memory.shape, dtype=kind)
        share(mirrored_mean, as_numpy(memory), as_numpy(other), np.array(MIRROR), mean.numpy())
        return mean.permute(0, 3, 4, 1, 2)
    return (straight.to(kind) + mirror_volume(mirrored)) / 2


def mirror_points(points: Float[Tensor, "*B J 3"]) -> Float[Tensor, "*B J 3"]:
    """The points of the mirrored image."""
    mirrored = points[..., list(MIRROR), :].clone()
    mirrored[..., 0] = 1 - mirrored[..., 0]
    return mirrored


def decode(volume: Float[Tensor, "B J D H W"], method: str, power: float = 1.0) -> Float[Tensor, "B J 3"]:
    """One point for each volume.

    ``argmax``: the centre of the highest voxel (the paper's); of equal ones the first, lowest z, then y, then x.
    ``subvoxel``: that voxel, shifted along each axis by the Gaussian through it and its two neighbours.
    ``expectation``: the mean position, weighted by the positive part of the volume to a power: the higher, the less
    a low background far away pulls.
    """
    if method == "expectation":
        return _expectation(volume.float().clamp_min(0) ** power)
    shape = torch.tensor(volume.shape[2:], device=volume.device)
    index = unravel(highest_voxel(volume), tuple(volume.shape[2:]))
    shift = _subvoxel_shift(volume.float(), index) if method == "subvoxel" else 0.0
    return ((index + 0.5 + shift) / shape).flip(-1)


def highest_voxel(volume: Float[Tensor, "B J D H W"]) -> Int64[Tensor, "B J"]:
    """Flat index of the highest voxel; of equal ones the first.

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
    return (first % (depth * rows * columns)).view(-1, joints)  # 0 where all is NaN


def unravel(flat: Tensor, shape: tuple[int, int, int]) -> Tensor:
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


def _expectation(weight: Float[Tensor, "B J D H W"]) -> Float[Tensor, "B J 3"]:
    total = weight.sum((2, 3, 4)).clamp_min(1e-20)
    means = []
    for axis, others in ((4, (2, 3)), (3, (2, 4)), (2, (3, 4))):
        size = weight.shape[axis]
        centers = (torch.arange(size, device=weight.device) + 0.5) / size
        means.append((weight.sum(others) * centers).sum(-1) / total)
    return torch.stack(means, -1)
