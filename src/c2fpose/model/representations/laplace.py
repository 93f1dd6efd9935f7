"""Coordinates with a learned spread: each a Laplace distribution, trained by its likelihood.

Source: the row without a flow of Li et al., Human Pose Regression with Residual Log-likelihood Estimation (ICCV 2021),
which brings most of the gain there. The spread is a sigmoid, as in that paper: it cannot turn negative.

Shapes: B batch, J joints.
"""

import math
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from c2fpose.base.errors import DataError
from c2fpose.model.networks.coordinates import CoordinateHead
from c2fpose.model.networks.heads import Heads
from c2fpose.model.representations.interface import Certainty, Labels, Representation
from c2fpose.model.volumes.points import mirror_points
from c2fpose.pose.skeleton import Skeleton

_SMALLEST = 1e-9


class Spread(NamedTuple):
    """Points, and the spread of each coordinate in their unit (of a Laplace distribution: the mean distance)."""

    points: Float[Tensor, "B J 3"]
    spread: Float[Tensor, "B J 3"]


class Laplace(Representation):
    """Six numbers a joint: coordinates of the range -1..1, and what a sigmoid makes the spread of each."""

    output_name: ClassVar[str] = "coordinates_and_spread"

    def heads(self) -> Heads:
        return Heads(end=lambda features: CoordinateHead(self.config.network, features, numbers=6))

    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        """Mean over the visible joints of the negative logarithm of the likelihood, summed over the three axes."""
        mean, spread = outputs[0].float().chunk(2, -1)
        spread = finite(spread.sigmoid() + _SMALLEST, self.skeleton)
        loss = self.negative_log_likelihood((2 * labels.seen_points - 1) - mean, spread, labels.visible, learned)
        return [(loss * labels.visible).sum() / labels.visible.sum().clamp_min(1)]

    def negative_log_likelihood(
        self,
        error: Float[Tensor, "B J 3"],
        spread: Float[Tensor, "B J 3"],
        visible: Bool[Tensor, "B J"],
        learned: nn.Module | None,
    ) -> Float[Tensor, "B J"]:
        return (math.log(2) + spread.log() + error.abs() / spread).sum(-1)

    def read(self, output: Float[Tensor, "B J 6"], mirrored: Float[Tensor, "B J 6"] | None = None) -> Spread:
        """Average points and spreads: two looks at one image are no independent measurements."""
        straight, *others = [_points_and_spread(each) for each in (output, mirrored) if each is not None]
        if not others:
            return straight
        points = (straight.points + mirror_points(others[0].points, self.skeleton)) / 2
        return Spread(points, (straight.spread + others[0].spread[:, list(self.skeleton.mirror)]) / 2)

    def points(self, reading: Spread) -> Float[Tensor, "B J 3"]:
        return reading.points

    def certainty(self, reading: Spread) -> Certainty:
        """Say 1 less the mean spread, as the source; the variance of a Laplace distribution is twice its square."""
        spread = finite(reading.spread, self.skeleton)
        return Certainty(confidence=(1 - spread.mean(-1)).clamp(0, 1), covariance=torch.diag_embed(2 * spread.square()))


def _points_and_spread(output: Float[Tensor, "B J 6"]) -> Spread:
    mean, spread = output.float().chunk(2, -1)
    return Spread((mean + 1) / 2, (spread.sigmoid() + _SMALLEST) / 2)  # the range -1..1 is twice that of points


def finite(spread: Float[Tensor, "B J 3"], skeleton: Skeleton) -> Float[Tensor, "B J 3"]:
    """Hand a spread on. Raises ``DataError`` for one that is not a positive number, naming the joint."""
    wrong = ~(spread.isfinite() & (spread > 0)).all(-1)
    if wrong.any():
        joint = skeleton.names[int(wrong.nonzero()[0, 1])]
        raise DataError(
            f"the spread of {joint} is not a positive number: the network has diverged, "
            "lower model.optimizer.learning_rate"
        )
    return spread


REPRESENTATION = Laplace
