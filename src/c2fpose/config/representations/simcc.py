"""One classification for each axis of a joint, instead of a volume (SimCC, in 3D)."""

from typing import ClassVar, Literal

from c2fpose.config.representations import RepresentationConfig
from c2fpose.config.schema import Count, Positive


class Config(RepresentationConfig):
    """How fine the axes are, and what each is trained towards. Bins of depth follow the schedule."""

    decodings: ClassVar[tuple[str, ...]] = ("argmax", "expectation")
    joints_first: ClassVar[bool] = False
    bins: ClassVar[bool] = True

    # "simcc": a Gaussian of area 1; "rtmpose": the softmax of 10 times a Gaussian of peak 1, logits times 10
    form: Literal["simcc", "rtmpose"] = "simcc"
    split: Count = 2  # bins a pixel of the image, along x and y
    sigma: Positive = 0.0117  # of the Gaussian, as a share of an axis, at least half a bin; SimCC: 6 of 512 bins
