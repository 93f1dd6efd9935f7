"""Coordinates with the absolute error.

Source: the direct regression of Sun et al., Integral Human Pose Regression (ECCV 2018), its R1 row; L1 instead of the
squared error of the paper's baseline. Same head as ``coordinates``: one recipe, one difference.
"""

from jaxtyping import Float
from torch import Tensor

from c2fpose.model.representations.coordinates import Coordinates


class CoordinatesL1(Coordinates):
    """As ``Coordinates``, but for what is summed."""

    def distance(self, difference: Float[Tensor, "B J 3"]) -> Float[Tensor, "B J"]:
        return difference.abs().mean(-1)


REPRESENTATION = CoordinatesL1
