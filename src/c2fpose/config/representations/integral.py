"""Integral regression: the mean position under a softmax over the volume."""

from typing import TYPE_CHECKING, ClassVar

from c2fpose.config.representations import RepresentationConfig
from c2fpose.config.schema import NonNegative, Positive

if TYPE_CHECKING:
    from c2fpose.config.model import ModelConfig


class Config(RepresentationConfig):
    """How the volume becomes a distribution, and whether its own loss helps."""

    volumetric: ClassVar[bool] = True
    bins: ClassVar[bool] = True

    scale: Positive = 1.0  # the volume times this, before the softmax; about 20 with volume_weight above 0
    volume_weight: NonNegative = 0.0  # of the paper's loss on the same volume, towards model.target; 0: none

    def check_model(self, model: "ModelConfig") -> None:
        """Refuse a depth that grows: the integral is taken over one volume."""
        super().check_model(model)
        if model.grow_depth:
            raise ValueError(f"grow_depth={list(model.grow_depth)} is for head=volume: head=integral regresses a mean")
