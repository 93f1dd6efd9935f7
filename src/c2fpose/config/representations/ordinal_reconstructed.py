"""Ordinal depth from a volume, with the network that makes millimetres of it."""

from typing import Annotated, ClassVar

from pydantic import Field

from c2fpose.config.representations import ordinal_volume
from c2fpose.config.schema import Count, NonNegative


class Config(ordinal_volume.Config):
    """The second network, and how noisy the poses are that it learns from."""

    volumetric: ClassVar[bool] = False  # to look at, in prediction: what it reads is a pose
    sized: ClassVar[bool] = True

    width: Annotated[int, Field(ge=8, le=8192)] = 1024  # of its layers; the paper's
    draws: Count = 8  # of noise, for each pose and step
    xy_noise: NonNegative = 0.02  # standard deviation, in sides of the box; the paper does not give its noise
    depth_noise: NonNegative = 0.3  # the same of depths, in spreads of the pose's depths
