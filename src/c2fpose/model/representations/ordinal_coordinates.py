"""Ordinal depth with coordinates: squared error in x and y, the ranking loss in depth.

Source: as ``ordinal_volume``. Depths are in order, not in millimetres.
"""

from jaxtyping import Float
from torch import Tensor, nn

from c2fpose.model.representations.coordinates import Coordinates
from c2fpose.model.representations.interface import Labels
from c2fpose.model.volumes.ranking import ranking_loss


class OrdinalCoordinates(Coordinates):
    """The head of ``Coordinates``, trained by ranks along depth."""

    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        keys, output = self.keys, outputs[0].float()
        squared = (output[..., :2] - (2 * labels.points[..., :2] - 1)).square().sum(-1) * labels.visible
        across = squared.sum() / labels.visible.sum().clamp_min(1)
        equal = keys.equal_mm / self.space.depth_mm
        ranks = ranking_loss(output[..., 2], labels.points[..., 2], labels.visible, equal)
        return [keys.xy_weight * across + ranks]


REPRESENTATION = OrdinalCoordinates
