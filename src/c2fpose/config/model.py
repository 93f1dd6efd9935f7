"""Schemas of the configuration, and how a composed configuration is checked against them.

Every value that a user can set in ``conf/`` has its type, range and meaning here; the files in ``conf/`` hold values.
Nothing heavy is imported, so that a wrong value is refused before any data is read.
"""

import itertools
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator, model_validator

from c2fpose.base.errors import ConfigError
from c2fpose.config.representations import RepresentationConfig, schema_of
from c2fpose.config.schema import Count, NonNegative, Positive, Schema
from c2fpose.config.space import SpaceConfig
from c2fpose.pose.protocol import DEPTH_BINS
from c2fpose.pose.skeleton import NUM_JOINTS, difference
from c2fpose.pose.space import PoseSpace


class NetworkConfig(Schema):
    """One depth schedule makes the network."""

    head: str = "volume"  # how the pose is represented: a file of config/representations/
    # "stacked": the paper's network; "uniform": the plain stacked hourglass, the paper's single-stack network
    family: Literal["stacked", "uniform"] = "stacked"
    # How a stack hands on to the next one (paper, section 3.2 and table on intermediate supervision)
    supervision: Literal["separated", "direct", "none"] = "separated"
    # Depth resolution of each stack, coarse to fine; the last one is the number of depth bins
    depths: tuple[Count, ...] = (1, 2, 4, 64)
    depth_bins: Count = DEPTH_BINS  # whatever the image size
    joints: Annotated[int, Field(ge=1, le=512)] | Literal["auto"] = "auto"  # "auto": as many as the data have
    image_size: Annotated[int, Field(ge=16, le=1024)] = 256  # px, square crop
    heatmap_size: Annotated[int, Field(ge=4, le=512)] = 64  # cells; a half or a quarter of the image
    width: Annotated[int, Field(ge=8, le=1024)] = 256  # channels inside the hourglass, a multiple of 4
    levels: Annotated[int, Field(ge=1, le=6)] = 4  # halvings inside the hourglass
    residuals: Annotated[int, Field(ge=1, le=6)] = 3  # residual blocks in each place of the hourglass
    norm: Literal["batch", "group"] = "batch"
    norm_init: Literal["ones", "uniform"] = "ones"  # "uniform": U(0, 1), Torch7's own
    # Standard deviation of the initial weights of the last convolution of each stack; null: PyTorch's own
    head_std: Positive | None = None
    # The same for stacks of one depth, overriding head_std: {depth: deviation}
    head_std_by_depth: dict[int, Positive] = Field(default_factory=dict)
    # What the coordinate head predicts (x, y across the crop and depth): as such, or relative to another joint
    coordinates: Literal["absolute", "root_relative", "parent_relative"] = "absolute"
    checkpoint_activations: bool = False  # recompute the hourglasses in the backward pass: less memory, more time

    @property
    def joint_count(self) -> int:
        """How many joints; the paper's number where nothing says another."""
        return NUM_JOINTS if self.joints == "auto" else self.joints

    @field_validator("head")
    @classmethod
    def _known(cls, head: str) -> str:
        schema_of(head)
        return head

    @model_validator(mode="after")
    def _consistent(self) -> "NetworkConfig":
        check_depths(self.depths, self.depth_bins)
        if self.image_size not in (2 * self.heatmap_size, 4 * self.heatmap_size):
            raise ValueError(
                f"heatmap_size={self.heatmap_size} must be a half or a quarter of image_size={self.image_size}"
            )
        if self.heatmap_size % 2**self.levels:
            raise ValueError(f"levels={self.levels} halvings do not divide heatmap_size={self.heatmap_size}")
        schema_of(self.head).check_network(self)
        if self.width % 4:
            raise ValueError(f"width={self.width} must be a multiple of 4")
        return self


def check_depths(depths: tuple[int, ...], depth_bins: int) -> None:
    """Refuse a depth schedule that no coarse-to-fine network can follow."""
    if not depths:
        raise ValueError("depths is empty; give one depth a stack, such as [1,2,4,64]")
    if any(earlier > later for earlier, later in itertools.pairwise(depths)):
        raise ValueError(f"depths={list(depths)} decreases; coarse comes first, such as [1,2,4,64]")
    if depths[-1] != depth_bins:
        raise ValueError(f"depths={list(depths)} must end at depth_bins={depth_bins}")
    for depth in depths:
        if depth_bins % depth:
            raise ValueError(f"depth {depth} in depths={list(depths)} does not divide depth_bins={depth_bins}")


def part_names(network: NetworkConfig) -> tuple[str, ...]:
    """List the parts of a network from image to end."""
    stacks = [f"stack{number}" for number in range(1, len(network.depths) + 1)]
    links = [f"link{number}" for number in range(1, len(network.depths))]
    between = [part for pair in itertools.zip_longest(stacks, links) for part in pair if part]
    return ("stem", *between, "heads")


class TargetConfig(Schema):
    """The volume that a stack is trained towards."""

    # "paper": the formula of section 3.1; "released_code": what the authors' code really draws
    definition: Literal["paper", "released_code"] = "released_code"
    sigma: Positive = 2.0  # cells and bins; definition "paper" only
    # "whole": Gaussians are centred on whole cells, as the original's; "exact": on the joint itself
    centers: Literal["whole", "exact"] = "whole"


class LossConfig(Schema):
    """What is minimised: for each stack the mean squared error over all voxels, weighted and summed."""

    # One weight a stack; null: 1 for each, as the original
    stack_weights: tuple[NonNegative, ...] | None = None
    # Weight, for each stack, of the mean distance between joints and the expectations of their volumes, in shares of
    # the volume's side; 0: the paper's loss alone
    expectation: NonNegative = 0.0
    # What joints with a label in the picture alone teach volumes of more than one bin (head: volume): marginals, where
    # the sum along depth lies; mask, that all but the joint's place is empty; one_bin, nothing. auto: one_bin where a
    # stack has one bin, else marginals (experiments/ablation_labels)
    without_depth: Literal["auto", "marginals", "mask", "one_bin"] = "auto"
    # Weight, for the last stack, of ranking joints by depth where only their order is known (data.mix, labels: ordinal)
    ordinal: NonNegative = 0.001
    ordinal_mm: Positive = 100.0  # joints nearer than this along the view count as equally far
    # Every loss times this: squared errors of mostly empty volumes are tiny. RMSprop and Adam do not notice it
    # but for their epsilon
    factor: Positive = 1.0


class OptimizerConfig(Schema):
    """RMSprop at a constant rate is the paper's recipe."""

    name: Literal["rmsprop", "adamw"] = "rmsprop"
    learning_rate: Positive = 2.5e-4
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.99  # RMSprop's smoothing of squared gradients
    epsilon: Positive = 1e-8
    weight_decay: NonNegative = 0.0
    # "one_cycle": up to learning_rate and down to nearly 0 along cosines, over all steps
    schedule: Literal["constant", "one_cycle"] = "constant"
    warmup: Annotated[float, Field(gt=0, lt=1)] = 0.1  # share of all steps in which one_cycle rises
    # Each part's rate is that of the part after it times this: below 1 what is near the image learns more slowly
    rate_by_part: Annotated[float, Field(gt=0, le=1)] = 1.0


class DecodingConfig(Schema):
    """From a volume to a point."""

    # "argmax": the highest voxel, as the paper; "subvoxel": refined from its neighbours;
    # "expectation": the mean position under the whole volume
    method: Literal["argmax", "subvoxel", "expectation"] = "argmax"
    power: Positive = 1.0  # of the volume, as the weight of "expectation"; 2 leans towards the highest voxels
    # The same in predict, whose pictures are seldom like those of training: there volumes have more weight far from
    # their peaks, which draws joints towards the middle; None: power
    predict_power: Positive | None = None
    flip: bool = True  # average the volumes of the image and of its mirror image


class ModelConfig(Schema):
    """All that makes a trained model, apart from its data."""

    # How a person's box becomes the network's input: "standard", or "released_code": the original's whole-pixel boxes
    # and resampling
    crop_mode: Literal["standard", "released_code"] = "standard"
    space: SpaceConfig = SpaceConfig()  # joints, depth range and limb lengths, all of the training data
    network: NetworkConfig = NetworkConfig()
    # The keys of network.head's own, by its schema in config/representations/
    representation: SerializeAsAny[RepresentationConfig] = RepresentationConfig()
    target: TargetConfig = TargetConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    decoding: DecodingConfig = DecodingConfig()
    # Parts that stay as they begin, from image to end: stem, stack1, link1, stack2, ..., heads (networks/parts.py)
    freeze: tuple[str, ...] = ()
    # Share of the training steps after which each finer depth replaces the last stack's, doubling up to its own;
    # empty: full depth from the start
    grow_depth: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()
    # BatchNorm before evaluation: "running": as trained; "recalibrated": statistics measured again over
    # recalibration_batches of training images; "batch": those of each test batch
    batch_norm: Literal["running", "recalibrated", "batch"] = "running"
    recalibration_batches: Count = 50
    # Last share of the training steps in which BatchNorm uses its running statistics, as in evaluation: the weights get
    # used to them (MeTRAbs: 1,000 of 400,000 steps); null: none
    batch_norm_frozen: Annotated[float, Field(gt=0, lt=1)] | None = None

    @field_validator("network")
    @classmethod
    def _of_the_skeleton(cls, network: NetworkConfig, given: ValidationInfo) -> NetworkConfig:
        skeleton = given.data["space"].skeleton if "space" in given.data else None
        if skeleton is None or network.joints == skeleton.joints:
            return network
        if network.joints != "auto":
            raise ValueError(f"joints={network.joints}, and model.space.skeleton has {skeleton.joints}; set it to auto")
        return network.model_copy(update={"joints": skeleton.joints})

    @field_validator("representation", mode="plain")
    @classmethod
    def _of_the_head(cls, values: Any, given: ValidationInfo) -> RepresentationConfig:
        if "network" not in given.data:  # refused itself
            return RepresentationConfig()
        schema = schema_of(given.data["network"].head)
        if isinstance(values, schema):
            return values
        return schema.model_validate(values.model_dump() if isinstance(values, RepresentationConfig) else values)

    @model_validator(mode="after")
    def _consistent(self) -> "ModelConfig":
        weights = self.loss.stack_weights
        stacks = 1 if self.network.supervision == "none" else len(self.network.depths)
        if weights is not None and len(weights) != stacks:
            raise ValueError(f"loss.stack_weights has {len(weights)} values for {stacks} supervised stacks")
        if self.loss.expectation and not self.representation.expectation:
            raise ValueError(f"loss.expectation is for head=volume, not for head={self.network.head}; set it to 0")
        if self.batch_norm_frozen is not None and (self.network.norm != "batch" or self.batch_norm == "batch"):
            raise ValueError(
                f"batch_norm_frozen={self.batch_norm_frozen} is for running statistics; set it to null with "
                f"network.norm={self.network.norm} and batch_norm={self.batch_norm}"
            )
        parts = part_names(self.network)
        if unknown := [part for part in self.freeze if part not in parts]:
            raise ValueError(f"freeze={list(self.freeze)}: no part is called {unknown[0]}; some of {', '.join(parts)}")
        if set(self.freeze) == set(parts):
            raise ValueError("freeze: every part is frozen, nothing is left to train")
        self.representation.check_model(self)
        return self

    def check_training(self) -> None:
        """Raise ``ValueError`` for what a training would not obey; networks that were trained so are read as ever."""
        network = self.network
        if unknown := set(network.head_std_by_depth) - set(network.depths):
            raise ValueError(
                f"model.network.head_std_by_depth: no stack of depth {min(unknown)} in depths={list(network.depths)}"
            )
        if self.batch_norm != "running" and network.norm != "batch":
            raise ValueError(
                f"model.batch_norm={self.batch_norm} is for model.network.norm=batch, not for norm={network.norm}"
            )
        for stage in range(1, len(self.grow_depth) + 1):
            grown = max(1, network.depth_bins >> stage)
            for depth in network.depths:
                if depth > grown and depth % grown:
                    raise ValueError(
                        f"model.grow_depth={list(self.grow_depth)}: {depth} bins cannot be averaged to {grown}; give "
                        "fewer stages, or bins that can be halved as often"
                    )

    @property
    def pose_space(self) -> PoseSpace:
        """What poses are of, and what a volume spans."""
        return self.space.pose_space(None if self.network.joints == "auto" else self.network.joints)

    def in_space(self, space: PoseSpace, where: str) -> "ModelConfig":
        """Follow the data: fill in what ``space`` and ``network.joints`` leave open.

        ``where``: the data's file. Raises ``ConfigError`` where they ask for other joints than the data have.
        """
        theirs, ours = space.skeleton, self.space.skeleton
        if self.network.joints not in ("auto", theirs.joints):
            raise ConfigError(
                f"model.network.joints={self.network.joints}: {where} has {theirs.joints} joints; set it to auto"
            )
        if ours is not None and ours != theirs:
            raise ConfigError(f"model.space.skeleton: {where} has other joints: {difference(ours, theirs)}")
        network = self.network.model_copy(update={"joints": theirs.joints})
        return self.model_copy(update={"network": network, "space": self.space.filled(space)})
