"""Schemas of the configuration, and how a composed configuration is checked against them.

Every value that a user can set in ``conf/`` has its type, range and meaning here; the files in ``conf/`` hold values.
Nothing heavy is imported, so that a wrong value is refused before any data is read.
"""

import itertools
from typing import Annotated, Any, Literal, TypeVar

from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from c2fpose.errors import ConfigError
from c2fpose.protocol import DEPTH_BINS
from c2fpose.skeleton import NUM_JOINTS

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Schema(BaseModel):
    """Immutable values; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class NetworkConfig(Schema):
    """One depth schedule makes the network."""

    head: Literal["volume", "coordinates"] = "volume"
    # "stacked": the paper's network; "uniform": the plain stacked hourglass, the paper's single-stack network
    family: Literal["stacked", "uniform"] = "stacked"
    # How a stack hands on to the next one (paper, section 3.2 and table on intermediate supervision)
    supervision: Literal["separated", "direct", "none"] = "separated"
    # Depth resolution of each stack, coarse to fine; the last one is the number of depth bins
    depths: tuple[Count, ...] = (1, 2, 4, 64)
    depth_bins: Count = DEPTH_BINS  # whatever the image size
    joints: Count = NUM_JOINTS
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
    head_std_by_depth: dict[int, Positive] = {}
    # What the coordinate head predicts (x, y across the crop and depth): as such, or relative to another joint
    coordinates: Literal["absolute", "root_relative", "parent_relative"] = "absolute"
    checkpoint_activations: bool = False  # recompute the hourglasses in the backward pass: less memory, more time

    @model_validator(mode="after")
    def _consistent(self) -> "NetworkConfig":
        check_depths(self.depths, self.depth_bins)
        if self.image_size not in (2 * self.heatmap_size, 4 * self.heatmap_size):
            raise ValueError(
                f"heatmap_size={self.heatmap_size} must be a half or a quarter of image_size={self.image_size}"
            )
        if self.heatmap_size % 2**self.levels:
            raise ValueError(f"levels={self.levels} halvings do not divide heatmap_size={self.heatmap_size}")
        if self.head == "coordinates" and len(self.depths) > 1:
            raise ValueError(f"head=coordinates has one stack; depths={list(self.depths)} has {len(self.depths)}")
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


class DecodingConfig(Schema):
    """From a volume to a point."""

    # "argmax": the highest voxel, as the paper; "subvoxel": refined from its neighbours;
    # "expectation": the mean position under the whole volume
    method: Literal["argmax", "subvoxel", "expectation"] = "argmax"
    power: Positive = 1.0  # of the volume, as the weight of "expectation"; 2 leans towards the highest voxels
    flip: bool = True  # average the volumes of the image and of its mirror image


class ModelConfig(Schema):
    """All that makes a trained model, apart from its data."""

    network: NetworkConfig = NetworkConfig()
    target: TargetConfig = TargetConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    decoding: DecodingConfig = DecodingConfig()
    # Share of the training steps after which each finer depth replaces the last stack's, doubling up to its own;
    # empty: full depth from the start
    grow_depth: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()
    # BatchNorm before evaluation: "running": as trained; "recalibrated": statistics measured anew over
    # recalibration_batches of training images; "batch": those of each test batch
    batch_norm: Literal["running", "recalibrated", "batch"] = "running"
    recalibration_batches: Count = 50

    @model_validator(mode="after")
    def _consistent(self) -> "ModelConfig":
        weights = self.loss.stack_weights
        stacks = 1 if self.network.supervision == "none" else len(self.network.depths)
        if weights is not None and len(weights) != stacks:
            raise ValueError(f"loss.stack_weights has {len(weights)} values for {stacks} supervised stacks")
        return self


class TrainerConfig(Schema):
    """How long, how exactly and on what to train; handed to Lightning's Trainer."""

    max_steps: Count = 4000  # optimiser steps
    validate_every: Count = 500  # optimiser steps between validations; a checkpoint is kept at each
    log_every: Count = 20  # optimiser steps between logged values
    # "auto": bf16 where processor or GPU computes in it, else float32
    precision: Literal["auto", "bf16-mixed", "32-true", "64-true"] = "auto"
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int | Literal["auto"] = "auto"  # how many
    num_nodes: Count = 1
    strategy: str = "auto"  # Lightning's name, such as ddp
    gradient_clip: NonNegative = 0.0  # largest gradient norm; 0: none
    accumulate: Count = 1  # batches a step
    deterministic: bool = False  # refuse operations that differ from run to run on a GPU; slower
    progress: bool = True  # progress bars


class LoggerConfig(Schema):
    """Where values, tables and pictures of a run go, beside its own directory."""

    wandb: bool = True  # Weights & Biases
    mode: Literal["offline", "online"] = "offline"  # offline needs no account; `wandb sync` sends it later
    project: str = "c2fpose"
    group: str | None = None  # runs of a sweep share one
    tags: tuple[str, ...] = ()
    csv: bool = True  # values as metrics.csv in the run's directory
    # Pictures of validation images and of their volumes, as files and to W&B: at every n-th validation; 0: none
    pictures_every: Annotated[int, Field(ge=0)] = 4


SchemaT = TypeVar("SchemaT", bound=BaseModel)


def parse(schema: type[SchemaT], node: DictConfig | dict[str, Any], key: str) -> SchemaT:
    """A node of the composed configuration as its schema; ``key`` is where it stands, for the message.

    Raises ``ConfigError``: one line with key, value and what is allowed.
    """
    values = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else node
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(_in_words(fault, key) for fault in error.errors())) from None


def _in_words(fault: dict[str, Any], key: str) -> str:
    place = ".".join([key, *(str(part) for part in fault["loc"])]).strip(".")
    if fault["type"] == "extra_forbidden":
        return f"{place}: no such key"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{place}: {message}"
    return f"{place}={fault['input']}: {message[0].lower()}{message[1:]}"
