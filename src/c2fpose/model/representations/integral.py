"""Integral regression: a volume made a distribution by a softmax, and its mean position trained by the absolute error.

Source: Sun et al., Integral Human Pose Regression (ECCV 2018). Positions are of cells' centres; the released code of
that paper takes their edges, half a cell off, which its training makes good. With ``volume_weight`` the paper's own
loss towards a Gaussian is on the same volume: then ``scale`` makes its peaks high enough for a softmax.

Shapes: B batch, J joints, D depth bins, H rows, W columns.
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from c2fpose.model.representations.interface import Certainty, Labels
from c2fpose.model.representations.volume import Volume
from c2fpose.model.volumes.decoding import mean_with_mirrored
from c2fpose.model.volumes.modes import covariance, mean_position, modes, softmax
from c2fpose.model.volumes.points import within_depth


class Integral(Volume):
    """The heads of ``Volume``, another loss, and the mean position instead of a decoding."""

    takes_parts: ClassVar[bool] = False
    needs_depth: ClassVar[bool] = True

    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        """Mean absolute error of the three coordinates of visible joints, in units of the volume, for each stack.

        The depth of a stack with a single bin is always its middle, and does not count.
        """
        weight = self.keys.volume_weight
        within = Labels(within_depth(labels.seen_points, self.config.network.depth_bins), labels.visible)
        losses = [self._of_mean(volume, within) for volume in outputs]
        if not weight:
            return losses
        others = super().losses(outputs, labels, done, learned)
        return [loss + weight * other for loss, other in zip(losses, others, strict=True)]

    def _of_mean(self, volume: Float[Tensor, "B J D H W"], labels: Labels) -> Float[Tensor, ""]:
        error = (mean_position(softmax(volume, self.keys.scale)) - labels.points).abs()
        axes = 2 if volume.shape[2] == 1 else 3
        return (error[..., :axes].sum(-1) * labels.visible).sum() / (3 * labels.visible.sum().clamp_min(1))

    def read(
        self, output: Float[Tensor, "B J D H W"], mirrored: Float[Tensor, "B J D H W"] | None = None
    ) -> Float[Tensor, "B J D H W"]:
        """Average the distributions."""
        scale = self.keys.scale
        straight = softmax(output, scale)
        return straight if mirrored is None else mean_with_mirrored(straight, softmax(mirrored, scale), self.skeleton)

    def points(self, reading: Float[Tensor, "B J D H W"]) -> Float[Tensor, "B J 3"]:
        return mean_position(reading)

    def certainty(self, reading: Float[Tensor, "B J D H W"]) -> Certainty:
        """Say what share of the distribution lies around its highest peak, and how it spreads about its mean."""
        found = modes(reading)
        spread = covariance(reading, mean_position(reading))
        return Certainty(found.share, spread, found.second, found.second_share)


REPRESENTATION = Integral
