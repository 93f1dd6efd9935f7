"""Ordinal depth with coordinates: x and y as they are, of depth only which of two joints is nearer."""

from typing import ClassVar

from c2fpose.config.representations import RepresentationConfig
from c2fpose.config.schema import NonNegative, Positive


class Config(RepresentationConfig):
    """What counts as equally far, and how the two losses are weighed."""

    by_stack: ClassVar[bool] = False

    equal_mm: Positive = 100.0  # two joints nearer than this along the view count as equally far
    xy_weight: NonNegative = 100.0  # of the squared error of x and y beside the ranking
    # The paper's number, but of sums over pairs and joints; of our means, with 17 joints, it is 8 times as much
