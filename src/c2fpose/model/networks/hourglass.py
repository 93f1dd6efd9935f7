"""Residual block and hourglass, in the two shapes that the authors' code uses.

Shapes: B batch, C channels, H rows, W columns.
"""

import itertools

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from c2fpose.config.model import NetworkConfig


def norm_layer(config: NetworkConfig, channels: int) -> nn.Module:
    """BatchNorm with Torch7's epsilon and momentum (equal to PyTorch's), or GroupNorm where batches are tiny."""
    if config.norm == "group":
        return nn.GroupNorm(_groups(channels), channels)
    norm = nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)
    if config.norm_init == "uniform":
        nn.init.uniform_(norm.weight)
    return norm


def _groups(channels: int) -> int:
    """Find the largest number of groups up to 32 that divides the channels and leaves at least 4 in each."""
    return max(groups for groups in range(1, 33) if channels % groups == 0 and (channels >= 4 * groups or groups == 1))


class Residual(nn.Module):
    """Pre-activation bottleneck; the skip is the identity, or a bare convolution where widths differ."""

    def __init__(self, config: NetworkConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        inner = outputs // 2
        self.norm1, self.conv1 = norm_layer(config, inputs), nn.Conv2d(inputs, inner, 1)
        self.norm2, self.conv2 = norm_layer(config, inner), nn.Conv2d(inner, inner, 3, padding=1)
        self.norm3, self.conv3 = norm_layer(config, inner), nn.Conv2d(inner, outputs, 1)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H W"]:
        y = self.conv1(F.relu(self.norm1(x), inplace=True))
        y = self.conv2(F.relu(self.norm2(y), inplace=True))
        y = self.conv3(F.relu(self.norm3(y), inplace=True))
        return y + self.skip(x)


class Lin(nn.Module):
    """1x1 convolution, normalisation, ReLU: the authors' ``lin``."""

    def __init__(self, config: NetworkConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(inputs, outputs, 1), norm_layer(config, outputs)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H W"]:
        return F.relu(self.norm(self.conv(x)), inplace=True)


class Hourglass(nn.Module):
    """One level: an upper branch at full resolution plus a lower one at half, which holds the next level.

    ``outputs`` is twice the inner width in the stacked family, equal to it in the uniform one. In the stacked family
    the widening happens at the end of the upper branch and at the bottom; the uniform family keeps ``residuals``
    blocks in each of its places.
    """

    def __init__(self, config: NetworkConfig, levels: int, inputs: int, outputs: int) -> None:
        super().__init__()
        width, uniform = config.width, config.family == "uniform"
        self.upper = residuals(config, [inputs, *[width] * (config.residuals - 1), outputs])
        self.before = residuals(config, [inputs, *[width] * config.residuals])
        if levels > 1:
            self.inner: nn.Module = Hourglass(config, levels - 1, width, outputs)
        else:
            self.inner = residuals(config, [width, *[outputs] * (config.residuals if uniform else 1)])
        self.after = residuals(config, [outputs, *[outputs] * (config.residuals if uniform else 1)])

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H W"]:
        lower = self.after(self.inner(self.before(F.max_pool2d(x, 2))))
        return self.upper(x) + F.interpolate(lower, scale_factor=2, mode="nearest")


def residuals(config: NetworkConfig, widths: list[int]) -> nn.Sequential:
    """Residual blocks one after another, through the given widths."""
    return nn.Sequential(*(Residual(config, a, b) for a, b in itertools.pairwise(widths)))


class Stem(nn.Module):
    """From the image to features at heatmap resolution, and the shallower features that the first link re-uses."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        quarter, half, width = config.width // 4, config.width // 2, config.width
        self.conv, self.norm = nn.Conv2d(3, quarter, 7, stride=2, padding=3), norm_layer(config, quarter)
        self.first = Residual(config, quarter, half)
        self.pools = config.image_size == 4 * config.heatmap_size
        # the stacked family has one block more here than the uniform one
        self.rest = residuals(config, [half, half, width] if config.family == "uniform" else [half, half, half, width])

    def forward(self, image: Float[Tensor, "B 3 S S"]) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, "B C2 H W"]]:
        pooled = self.first(F.relu(self.norm(self.conv(image)), inplace=True))
        if self.pools:
            pooled = F.max_pool2d(pooled, 2)
        return self.rest(pooled), pooled
