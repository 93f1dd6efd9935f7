"""What volumes are trained towards: one Gaussian a joint (paper, section 3.1).

Shapes: B batch, J joints, D depth bins, H rows, W columns. Points are as in ``points``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from c2fpose.config.model import TargetConfig
from c2fpose.model.volumes.loss import mean_squared_error
from c2fpose.pose.protocol import DEPTH_BINS

# The authors' drawing routine: a window of 6 * 2 + 1 cells at 64 cells; a quarter of the window is sigma.
RELEASED_HALF_WINDOW = 6
RELEASED_SIZE = 64
# Their labels add this before truncating, so that a joint on a cell's edge falls in the upper cell.
RELEASED_ROUNDING = 1e-4


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
    shape: Sequence[int],
    config: TargetConfig,
    depth_bins: int = DEPTH_BINS,
) -> Profiles:
    """Make the target volumes of shape (D, H, W), one a joint, in separable form.

    A Gaussian centred outside the volume shows as far as it reaches in. A joint that is not visible has an empty
    volume: the network is still trained towards zero there, as the original's is.

    >>> middle, seen = torch.full((1, 1, 3), 0.5), torch.ones(1, 1, dtype=torch.bool)
    >>> profiles = target_profiles(middle, seen, (4, 16, 16), TargetConfig(), depth_bins=4)
    >>> profiles.volume().shape, [int(each.argmax()) for each in profiles]
    (torch.Size([1, 1, 4, 16, 16]), [2, 8, 8])
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
    """Make a Gaussian of peak 1 along one axis of ``size`` cells, ``center`` in cell indices.

    The released code's is cut at the edge of its window, which shrinks with the number of cells.
    """
    offset = torch.arange(size, device=center.device, dtype=center.dtype) - center[..., None]
    if config.definition == "paper":
        return torch.exp(-(offset**2) / (2 * config.sigma**2))
    half, sigma = released_window(size)
    return torch.exp(-(offset**2) / (2 * sigma**2)) * (offset.abs() <= half + 0.5)


def released_window(size: int) -> tuple[int, float]:
    """Give half the window and the sigma, in cells, of the authors' Gaussian along an axis of ``size`` cells.

    >>> released_window(64)
    (6, 3.25)
    """
    half = int((2 * RELEASED_HALF_WINDOW * size / RELEASED_SIZE + 1) / 2)
    return half, (2 * half + 1) / 4


def volume_loss(volume: Float[Tensor, "B J D H W"], target: Profiles) -> Float[Tensor, ""]:
    """Mean squared error over all voxels of the batch, in float32 (float64 for float64 volumes)."""
    return mean_squared_error(volume, *target)
