"""A metric pose in a cube of its own beside a map of the picture (MeTRAbs): the root's place without mean limbs."""

from typing import Annotated, ClassVar

from pydantic import Field

from c2fpose.config.representations import RepresentationConfig
from c2fpose.config.schema import NonNegative, Positive

Share = Annotated[float, Field(ge=0, le=1)]


class Config(RepresentationConfig):
    """The cube, and when the loss learns where the person stands.

    Side and weight are the source's. Its two shares are not: they are 500 and 5,000 of 400,000 steps, and of a few
    thousand steps such shares are none. Both heads begin with all joints in the middle, where strong perspective
    divides by the spread of rays: its gradients drown what each head would learn alone (docs/representations.md).
    """

    bins: ClassVar[bool] = True
    sized: ClassVar[bool] = True

    range_mm: Positive = 2200.0  # side of the metric cube
    place_weight: NonNegative = 0.1  # of the error of the place, beside those of pose and picture; 0: none
    place_from: Share = 0.4  # share of the training after which it counts
    weak_until: Share = 0.3  # share in which weak perspective places the pose, as the heads agree on nothing yet
