"""One classification for each axis of a joint, instead of a volume (SimCC, in 3D)."""

from typing import TYPE_CHECKING, ClassVar, Literal

from c2fpose.config.representations import RepresentationConfig
from c2fpose.config.schema import Count, Positive

if TYPE_CHECKING:
    from c2fpose.config.model import ModelConfig


class Config(RepresentationConfig):
    """How fine the axes are, and what each is trained towards. Bins of depth follow the schedule."""

    decodings: ClassVar[tuple[str, ...]] = ("argmax", "expectation")
    joints_first: ClassVar[bool] = False

    # "simcc": a Gaussian of area 1; "rtmpose": the softmax of 10 times a Gaussian of peak 1, logits times 10
    form: Literal["simcc", "rtmpose"] = "simcc"
    split: Count = 2  # bins a pixel of the image, along x and y
    sigma: Positive = 0.0117  # of the Gaussian, as a share of an axis, at least half a bin; SimCC: 6 of 512 bins

    def check_model(self, model: "ModelConfig") -> None:
        """Refuse what no bins can be made for."""
        super().check_model(model)
        if model.decoding.method == "subvoxel":
            raise ValueError("decoding.method=subvoxel is for volumes; head=simcc has argmax and expectation")
