"""The finder's network: a square picture to a heatmap of pelvises and, at each cell, the person's box.

Shapes: B batch, S input side (a multiple of 64), C = S / 8 cells a side.
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 8  # input pixels of one cell
WIDTHS = (16, 24, 56, 80, 96, 104)  # channels at 1/2, 1/4, 1/8, 1/16, 1/32, 1/64 of the input
BLOCKS = (0, 1, 2, 2, 2, 2)
SIDE_UNIT = 0.25  # a box's side of this share of the frame is 0 in the network's logarithm
_RARE = -4.0  # bias of the heatmap at the start: a cell holds a pelvis with a probability of 2 %


class Finder(nn.Module):
    """An encoder down to 1/64 of the picture, and back up to 1/8 by sums, as a feature pyramid does."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Sequential(_conv(before, width, 3, 2), *[Bottleneck(width) for _ in range(blocks)])
            for before, width, blocks in zip((3, *WIDTHS), WIDTHS, BLOCKS, strict=False)
        )
        self.across = nn.ModuleList(nn.Conv2d(width, WIDTHS[2], 1) for width in WIDTHS[3:])
        self.mixed = nn.Sequential(Bottleneck(WIDTHS[2]), _conv(WIDTHS[2], 64, 3))
        self.head = nn.Conv2d(64, 4, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        assert self.head.bias is not None  # it is made with one
        nn.init.zeros_(self.head.bias)
        self.head.bias.data[0] = _RARE

    def forward(self, image: UInt8[Tensor, "B 3 S S"]) -> Float[Tensor, "B 4 C C"]:
        """Give a logit that a pelvis is in a cell, the box's centre from the cell's (in sides), and ln(side/0.25)."""
        x = image.to(self.head.weight.dtype).div(127.5).sub(1)
        levels = []
        for stage in self.down:
            x = stage(x)
            levels.append(x)
        x = levels[2]
        for level, across in zip(levels[3:], self.across, strict=True):
            x = x + F.interpolate(across(level), size=x.shape[-2:], mode="bilinear", align_corners=False)
        return self.head(self.mixed(x))


class Bottleneck(nn.Module):
    """Half the channels, a 3 x 3 convolution among them, and back, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(_conv(width, width // 2, 1), _conv(width // 2, width // 2, 3))
        self.outer = nn.Sequential(nn.Conv2d(width // 2, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Float[Tensor, "B W H H"]) -> Float[Tensor, "B W H H"]:
        """Add what the block makes of its input to it."""
        return torch.relu(x + self.outer(self.inner(x)))


def _conv(before: int, after: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )
