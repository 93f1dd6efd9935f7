"""The paper's baseline: three coordinates for each joint, squared error (table 1).

Shapes: B batch, J joints.
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from c2fpose.model.networks.coordinates import CoordinateHead, to_absolute, to_relative
from c2fpose.model.networks.heads import Heads
from c2fpose.model.representations.interface import Labels, Representation
from c2fpose.model.volumes.points import mirror_points


class Coordinates(Representation):
    """Coordinates of the range -1..1, absolute or relative to another joint; those of invisible joints do not count."""

    output_name: ClassVar[str] = "coordinates"

    def heads(self) -> Heads:
        return Heads(end=lambda features: CoordinateHead(self.config.network, features))

    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        target = to_relative(2 * labels.seen_points - 1, self.config.network.coordinates, self.skeleton)
        distance = self.distance(outputs[0].float() - target) * labels.visible
        return [distance.sum() / labels.visible.sum().clamp_min(1)]

    def distance(self, difference: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J"]:
        """Measure how far off a joint is."""
        return difference.square().mean(-1)

    def read(
        self, output: Float[Tensor, "B J 3"], mirrored: Float[Tensor, "B J 3"] | None = None
    ) -> Float[Tensor, "B J 3"]:
        """Average the points, once they are absolute."""
        straight, *others = [
            (to_absolute(each.float(), self.config.network.coordinates, self.skeleton) + 1) / 2
            for each in (output, mirrored)
            if each is not None
        ]
        return (straight + mirror_points(others[0], self.skeleton)) / 2 if others else straight

    def points(self, reading: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J 3"]:
        return reading


REPRESENTATION = Coordinates
