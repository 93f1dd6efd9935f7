"""One classification for each axis: three short vectors a joint instead of a volume.

Source: Li et al., SimCC (ECCV 2022), and its 3D form in RTMW3D of mmpose. A stack puts out two maps a joint, one for x
and y, one for depth, which the next stack sees; each map is flattened, and a linear layer shared by all joints makes
the bins of an axis. Depth has the bins of the schedule: coarse-to-fine or not, as the volumes.

What is lost against a volume: which x belongs to which depth. There are no second modes to tell.

Shapes: B batch, J joints, N bins of all three axes, one after another: x, y, z.
"""

import math
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from c2fpose.model.networks.heads import Heads
from c2fpose.model.representations.interface import Certainty, Labels, Representation
from c2fpose.model.volumes.decoding import to_power
from c2fpose.model.volumes.points import within_depth

_RTMPOSE = 10.0  # what logits and targets are multiplied with there

Axes = tuple[Float[Tensor, "B J X"], Float[Tensor, "B J Y"], Float[Tensor, "B J Z"]]


class AxisReader(nn.Module):
    """Two maps a joint to the bins of its axes."""

    def __init__(self, joints: int, cells: int, across: int, depth: int) -> None:
        super().__init__()
        self.joints = joints
        self.x, self.y, self.z = (nn.Linear(cells**2, bins) for bins in (across, across, depth))

    def forward(self, maps: Float[Tensor, "B M H W"]) -> Float[Tensor, "B J N"]:
        across, along = maps.flatten(2).unflatten(1, (2, self.joints)).unbind(1)
        return torch.cat([self.x(across), self.y(across), self.z(along)], -1)


class SimCC(Representation):
    """Kullback-Leibler divergence from 1-D targets; the highest bin of each axis, or its mean."""

    output_name: ClassVar[str] = "axes"

    @property
    def across(self) -> int:
        """Bins along x, and along y."""
        return self.config.network.image_size * self.keys.split

    def heads(self) -> Heads:
        network, joints = self.config.network, self.config.network.joint_count
        return Heads(
            maps=lambda depth: 2 * joints,
            read=lambda depth: AxisReader(joints, network.heatmap_size, self.across, depth),
        )

    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        """Divergence a bin, summed over the axes, mean over visible joints.

        A mean over bins, as both sources have: an axis of fewer bins weighs more, so that depth (the schedule's bins)
        weighs more than x and y, and the more the coarser the stack.
        """
        points = within_depth(labels.seen_points, self.config.network.depth_bins)
        return [self._loss(output, points, labels.visible) for output in outputs]

    def _loss(self, output: Float[Tensor, "B J N"], points: Tensor, visible: Tensor) -> Float[Tensor, ""]:
        total = output.new_zeros(visible.shape, dtype=torch.float32)
        for logits, position in zip(self.logits(output), points.unbind(-1), strict=True):
            target = self.target(position, logits.shape[-1])
            divergence = torch.special.xlogy(target, target) - target * logits.log_softmax(-1)
            total = total + divergence.mean(-1)
        return (total * visible).sum() / visible.sum().clamp_min(1)

    def logits(self, output: Float[Tensor, "B J N"]) -> Axes:
        """Cut an output into its axes."""
        factor = _RTMPOSE if self.keys.form == "rtmpose" else 1.0
        kind = torch.float64 if output.dtype == torch.float64 else torch.float32
        sizes = (self.across, self.across, output.shape[-1] - 2 * self.across)
        return (factor * output.to(kind)).split(sizes, -1)

    def target(self, position: Float[Tensor, "B J"], bins: int) -> Float[Tensor, "B J N"]:
        """Draw what an axis is trained towards; ``position`` 0..1 along it."""
        sigma = max(0.5, self.keys.sigma * bins)
        offset = torch.arange(bins, device=position.device) + 0.5 - position[..., None] * bins
        gaussian = torch.exp(-offset.square() / (2 * sigma**2))
        if self.keys.form == "rtmpose":
            return (_RTMPOSE * gaussian).softmax(-1)
        return gaussian / (sigma * math.sqrt(2 * math.pi))

    def read(self, output: Float[Tensor, "B J N"], mirrored: Float[Tensor, "B J N"] | None = None) -> Axes:
        """Average the probabilities of each axis."""
        x, y, z = (axis.softmax(-1) for axis in self.logits(output))
        if mirrored is None:
            return x, y, z
        others = [axis.softmax(-1)[:, list(self.skeleton.mirror)] for axis in self.logits(mirrored)]
        return (x + others[0].flip(-1)) / 2, (y + others[1]) / 2, (z + others[2]) / 2

    def points(self, reading: Axes) -> Float[Tensor, "B J 3"]:
        if self.config.decoding.method == "argmax":
            return torch.stack([(axis.argmax(-1) + 0.5) / axis.shape[-1] for axis in reading], -1)
        return torch.stack([_mean(axis, self.config.decoding.power) for axis in reading], -1)

    def certainty(self, reading: Axes) -> Certainty:
        """Say how much of each axis lies around its highest bin, multiplied, and the variances about the points."""
        points = self.points(reading)
        variances = [_variance(axis, points[..., i]) for i, axis in enumerate(reading)]
        share = torch.stack([_around_top(axis) for axis in reading]).prod(0)
        return Certainty(share, torch.diag_embed(torch.stack(variances, -1)))


def _centers(axis: Tensor) -> Float[Tensor, " N"]:
    return (torch.arange(axis.shape[-1], device=axis.device, dtype=axis.dtype) + 0.5) / axis.shape[-1]


def _mean(axis: Float[Tensor, "B J N"], power: float) -> Float[Tensor, "B J"]:
    weight = to_power(axis, power, (-1,))
    return (weight * _centers(axis)).sum(-1) / weight.sum(-1).clamp_min(1e-20)


def _variance(axis: Float[Tensor, "B J N"], about: Float[Tensor, "B J"]) -> Float[Tensor, "B J"]:
    return (axis * (_centers(axis) - about[..., None]).square()).sum(-1) + 1 / (12 * axis.shape[-1] ** 2)


def _around_top(axis: Float[Tensor, "B J N"]) -> Float[Tensor, "B J"]:
    """Share of an axis within a tenth of it, and a bin at least, around its highest bin."""
    bins = axis.shape[-1]
    near = (_centers(axis) - (axis.argmax(-1, keepdim=True) + 0.5) / bins).abs() <= max(0.1, 1 / bins) + 1e-6
    return (axis * near).sum(-1)


REPRESENTATION = SimCC
