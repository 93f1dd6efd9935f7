"""A metric pose in a cube of its own beside a map of the picture (MeTRAbs): the root's place without mean limbs."""

from typing import Annotated, ClassVar

from pydantic import Field

from c2fpose.config.representations import RepresentationConfig
from c2fpose.config.schema import NonNegative, Positive

Share = Annotated[float, Field(ge=0, le=1)]


class Config(RepresentationConfig):
    """The cube, and when the loss learns where the person stands. Defaults are the source's."""

    by_stack: ClassVar[bool] = True

    sized: ClassVar[bool] = True

    range_mm: Positive = 2200.0  # side of the metric cube
    place_weight: NonNegative = 0.1  # of the error of the place, beside those of pose and picture; 0: none
    place_from: Share = 0.0125  # share of the training after which it counts; 5,000 of 400,000 steps
    weak_until: Share = 0.00125  # share in which weak perspective places the pose, as the heads agree on nothing yet
