"""The four questions that every representation of a pose answers.

Shapes: B batch, J joints. Points are as in ``volumes.points``: ``(B, J, 3)``, 0..1 across the crop and the depth range.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from c2fpose.base.errors import DataError
from c2fpose.config.model import ModelConfig
from c2fpose.model.networks.heads import Heads
from c2fpose.pose.skeleton import Skeleton
from c2fpose.pose.space import PoseSpace


class Labels(NamedTuple):
    """What outputs are compared with."""

    points: Float[Tensor, "B J 3"]
    visible: Bool[Tensor, "B J"]
    # Of the camera that sees the crop as it is, turned and mirrored by augmentation; None where nobody asked for it
    joints_mm: Float[Tensor, "B J 3"] | None = None
    box_to_ray: Float[Tensor, "B 2 3"] | None = None  # affine: x and y of points to x/z and y/z of joints_mm
    # z of points of which the order alone may be used, NaN elsewhere; None: of none
    ranks: Float[Tensor, "B J"] | None = None
    in_part: bool = False  # points may be NaN: z alone without depth, all three without a label

    @property
    def seen_points(self) -> Float[Tensor, "B J 3"]:
        """Points with 0 in the place of what invisible joints lack: NaN would get through a weight of 0."""
        return torch.where(self.visible[..., None], self.points, self.points.nan_to_num())


class Certainty(NamedTuple):
    """How sure a network is of each joint; None for what its representation cannot say. Uncalibrated."""

    confidence: Float[Tensor, "B J"] | None = None  # 0..1
    covariance: Float[Tensor, "B J 3 3"] | None = None  # of the points, in their unit
    second_mode: Float[Tensor, "B J 3"] | None = None  # another place that the joint may be, NaN where there is none
    second_weight: Float[Tensor, "B J"] | None = None  # its share of what both modes hold, 0 where there is none


class MetricPose(NamedTuple):
    """A pose in mm that was not read from a picture with an assumed distance."""

    relative_mm: Float[Tensor, "B J 3"]  # camera frame, from the root
    in_view: Bool[Tensor, "B J"]  # joints whose points are of the picture: those that say where the pose stands


class Shown(NamedTuple):
    """What can be drawn of one image's outputs."""

    volumes: list[Float[Tensor, "J _ H W"]]  # by stack, coarse to fine
    target: Float[Tensor, "J D H W"] | None  # of the finest


class Representation(ABC):
    """One way to represent a pose. Light to make: holds the configuration and no tensors."""

    output_name: ClassVar[str]  # of the output in exported files
    needs_depth: ClassVar[bool] = True  # whether labels without depth are of no use
    takes_parts: ClassVar[bool] = False  # whether joints may lack a label, and depths be known by their order alone
    random_loss: ClassVar[bool] = False  # whether the loss draws random numbers, by PyTorch's own generators

    def __init__(self, config: ModelConfig) -> None:
        self.config = config

    @property
    def keys(self) -> Any:
        """The representation's own keys: its schema in config/representations/."""
        return self.config.representation

    @property
    def space(self) -> PoseSpace:
        """What the poses are of, and what their volumes span."""
        return self.config.pose_space

    @property
    def skeleton(self) -> Skeleton:
        """The joints."""
        return self.config.pose_space.skeleton

    # --- 1. the shape of the output ---

    @abstractmethod
    def heads(self) -> Heads:
        """Say what the network ends in."""

    # --- 2. the loss against points ---

    def learned(self) -> nn.Module | None:
        """Make what the loss learns beside the network; None, as most often, if nothing. Prediction needs it not."""
        return None

    @abstractmethod
    def losses(
        self, outputs: list[Tensor], labels: Labels, done: float = 1.0, learned: nn.Module | None = None
    ) -> list[Float[Tensor, ""]]:
        """Compare each output of the network with the labels: one loss an output, coarse to fine.

        ``done``: the share of training that is behind, 0..1. ``learned``: as made by ``learned()``.
        """

    def check(self, labels: Labels) -> None:
        """Raise ``DataError`` for labels that lack what the loss needs: depth, for all but those that say otherwise.

        On the processor alone: elsewhere every look at a value would make it wait.
        """
        if labels.points.device.type != "cpu":
            return
        if not self.takes_parts and (labels.points[..., :2].isnan().any() or labels.ranks is not None):
            raise DataError(
                f"head={self.config.network.head} needs every joint's label; labels in part, and order of depth beside "
                "them (data.mix), are for head=volume"
            )
        if labels.in_part and not self.needs_depth:
            return
        without = labels.visible & ~labels.points[..., 2].isfinite()
        if without.any():
            image, joint = without.nonzero()[0].tolist()
            raise DataError(
                f"labels without depth: {self.skeleton.names[joint]} of image {image} of a batch is visible and has "
                f"none; head={self.config.network.head} is trained by depths"
            )

    # --- 3. the points read from an output ---

    @abstractmethod
    def read(self, output: Tensor, mirrored: Tensor | None = None) -> Any:
        """Read the last output, averaged with that of the mirror image where one is given; ``points`` takes it."""

    @abstractmethod
    def points(self, reading: Any) -> Float[Tensor, "B J 3"]:
        """Decide on one point a joint."""

    def metric(self, reading: Any) -> MetricPose | None:
        """Give the pose in mm; None where lengths across the view follow from the root's depth alone."""
        return None

    # --- 4. how sure ---

    def certainty(self, reading: Any) -> Certainty | None:
        """Say how sure that is; None where the representation cannot tell.

        A confidence is calibrated, and a covariance beside it; predictions carry what is calibrated, and nothing else.
        """
        return None

    # --- to look at ---

    def shown(self, outputs: list[Tensor], labels: Labels | None = None) -> Shown | None:
        """Pick what can be drawn of the first image; None where there are no volumes."""
        return None
