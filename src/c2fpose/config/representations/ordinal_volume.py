"""Ordinal depth: only which of two joints is nearer is known. Depth is the mean along a joint's column."""

from typing import TYPE_CHECKING, ClassVar

from c2fpose.config.representations import RepresentationConfig
from c2fpose.config.schema import NonNegative, Positive

if TYPE_CHECKING:
    from c2fpose.config.model import ModelConfig


class Config(RepresentationConfig):
    """What counts as equally far, and how the two losses are weighed."""

    volumetric: ClassVar[bool] = True
    bins: ClassVar[bool] = True

    equal_mm: Positive = 100.0  # two joints nearer than this along the view count as equally far
    # Weight of the 2D heatmap beside the ranking. The paper gives 100 for coordinates and nothing for volumes
    heatmap_weight: NonNegative = 100.0

    def check_model(self, model: "ModelConfig") -> None:
        """Refuse a depth that grows."""
        super().check_model(model)
        if model.grow_depth:
            raise ValueError(f"grow_depth={list(model.grow_depth)} is for head=volume: ranks have no bins to double")
