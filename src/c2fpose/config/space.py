"""Schema of ``model.space``: what comes with the data and travels in the checkpoint."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import FiniteFloat, PlainSerializer, PlainValidator, model_validator

from c2fpose.base.errors import UserError
from c2fpose.config.schema import Positive, Schema
from c2fpose.pose.skeleton import C2F17, Skeleton
from c2fpose.pose.space import PAPER, PoseSpace


def _read(value: Any) -> Skeleton:
    """Read a skeleton as it is, as the plain values that a checkpoint holds, or as a file's name."""
    if isinstance(value, Skeleton):
        return value
    try:
        return Skeleton.from_file(value) if isinstance(value, str | Path) else Skeleton.from_dict(value)
    except UserError as error:
        raise ValueError(str(error)) from None


AnySkeleton = Annotated[Skeleton, PlainValidator(_read), PlainSerializer(lambda skeleton: skeleton.to_dict())]


class SpaceConfig(Schema):
    """What poses are of and where they can be; null: as the training data say, which training fills in."""

    # A skeleton.yaml (docs/own_data.md); the data must have its joints
    skeleton: AnySkeleton | None = None
    # mm from the root, away from the camera: what the depth bins cover. Null: the paper's for its joints in Human3.6M,
    # synth36 and synth_wild, else from the nearest to the farthest joint of the training records, and a little more
    depth_range_mm: tuple[FiniteFloat, FiniteFloat] | None = None
    # Of each limb, which place a person whose distance nobody knows. Null: as depth_range_mm. A limb of unknown length
    # does not count
    mean_limb_lengths_mm: tuple[Positive | None, ...] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "SpaceConfig":
        if self.depth_range_mm is not None and not self.depth_range_mm[0] < 0 < self.depth_range_mm[1]:
            raise ValueError(
                f"depth_range_mm={list(self.depth_range_mm)}: expected one below and one above 0, the root"
            )
        limbs = (self.skeleton or C2F17).limbs
        if self.mean_limb_lengths_mm is not None and len(self.mean_limb_lengths_mm) != len(limbs):
            raise ValueError(f"mean_limb_lengths_mm: {len(self.mean_limb_lengths_mm)} lengths for {len(limbs)} limbs")
        return self

    def filled(self, space: PoseSpace) -> "SpaceConfig":
        """Take what is not set here from a measured space; a limb of length 0 (two joints in one place) is unknown."""
        lengths = tuple(length if length > 0 else None for length in space.mean_limb_lengths_mm)
        return SpaceConfig(
            skeleton=space.skeleton,
            depth_range_mm=self.depth_range_mm or space.depth_range_mm,
            mean_limb_lengths_mm=self.mean_limb_lengths_mm or lengths,
        )

    def pose_space(self, joints: int | None) -> PoseSpace:
        """Give the space of a network: the paper's where nothing else is said.

        ``joints``: how many a network has whose joints have no names (imported ones); None: as the skeleton's.
        """
        skeleton = self.skeleton
        if skeleton is None:
            skeleton = C2F17 if joints in (None, C2F17.joints) else nameless(joints)
        lengths = self.mean_limb_lengths_mm
        if lengths is None:
            lengths = PAPER.mean_limb_lengths_mm if skeleton == C2F17 else (None,) * len(skeleton.limbs)
        return PoseSpace(
            skeleton,
            self.depth_range_mm or PAPER.depth_range_mm,
            tuple(float("nan") if length is None else length for length in lengths),
        )


@lru_cache
def nameless(joints: int) -> Skeleton:
    """Make up joints of which nothing is known but their number: no pairs, all hang on the first."""
    names = tuple(f"joint_{number}" for number in range(1, joints + 1))
    return Skeleton(names, (-1, *[0] * (joints - 1)), (), 0, tuple((0, joint) for joint in range(1, joints)))
