"""Schemas of one training run: the trainer, the loggers, and all of it together with data and model."""

import secrets
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field, model_validator

from c2fpose.base.errors import ConfigError, UserError, first_line
from c2fpose.config.command_line import conf_dir
from c2fpose.config.data import DataConfig
from c2fpose.config.model import ModelConfig
from c2fpose.config.schema import Accelerator, Count, NonNegative, Schema, did_you_mean, is_mapping, parse
from c2fpose.config.sweep import Seed, SweepConfig


class TrainerConfig(Schema):
    """How long, how exactly and on what to train; handed to Lightning's Trainer."""

    max_steps: Count = 4000  # optimiser steps
    validate_every: Count = 500  # optimiser steps between validations; a checkpoint is kept at each
    log_every: Count = 20  # optimiser steps between logged values
    gradient_norms: bool = False  # log the norm of each stack's gradients too, gradient/stack1 and gradient/head1 ...
    # "auto": bf16 where processor or GPU computes in it, else float32
    precision: Literal["auto", "bf16-mixed", "32-true", "64-true"] = "auto"
    accelerator: Accelerator = "auto"
    devices: Count | Literal["auto"] = "auto"  # how many; on the processor: processes
    num_nodes: Count = 1
    strategy: str = "auto"  # Lightning's name, such as ddp
    # Validated and kept is the running mean of the weights, which moves by 1 - ema_decay a step; 0: the weights as such
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
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
    tags: tuple[Annotated[str, Field(max_length=64)], ...] = ()
    csv: bool = True  # values as metrics.csv in the run's directory
    # Pictures of validation images and of their volumes, as files and to W&B: at every n-th validation; 0: none
    pictures_every: Annotated[int, Field(ge=0)] = 4


class TrainSettings(Schema):
    """The composed configuration of ``python -m c2fpose.train``."""

    name: str  # of the run; part of its directory and of its name in W&B
    seed: Seed  # of initial weights, order of the data and augmentation
    resume: str | None = None  # a checkpoint to go on from; "auto": the last one in run_dir, if there is one
    init: str | None = None  # a checkpoint whose weights training begins with, at step 0
    overwrite: bool = False  # train in a run_dir that holds another run already
    run_dir: str  # checkpoints, tables, pictures, logs
    pictures: Count = 12  # test images on the sheet of pictures: a third best, a third median, a third worst
    scale: str = "laptop"  # name of the scale group's choice, for tables
    sweep: SweepConfig | None = None  # the rows of an experiment's table
    seeds: tuple[Seed, ...] | None = None  # of every row of a sweep; null: each row's own
    rows: tuple[str, ...] | None = None  # of a sweep; null: all
    job: str | None = None  # row and seed of a sweep's job, such as d1_64/seed0
    sweep_dir: str | None = None  # of a sweep's jobs and tables
    reuse: str | None = None  # pattern of sweep directories whose finished jobs are taken over where they are the same
    accept_code: bool = False  # go on with a sweep though the code has changed: it computes the same, says the user
    data: DataConfig
    model: ModelConfig
    trainer: TrainerConfig
    logger: LoggerConfig

    @model_validator(mode="after")
    def _consistent(self) -> "TrainSettings":
        if self.data.image_size != self.model.network.image_size:
            raise ValueError(
                f"data.image_size={self.data.image_size} differs from "
                f"model.network.image_size={self.model.network.image_size}"
            )
        if self.data.crop_mode != self.model.crop_mode:
            raise ValueError(
                f"data.crop_mode={self.data.crop_mode} differs from model.crop_mode={self.model.crop_mode}; "
                "set the latter"
            )
        border = self.data.augmentation.border if self.data.augmentation else "black"
        if self.data.crop_mode == "released_code" and border != "black":
            raise ValueError(f"data.augmentation.border={border} is for model.crop_mode=standard; set it to black")
        self.model.check_training()
        self._check_batch_norm()
        self._check_sweep()
        self._check_cycle()
        return self

    def _check_batch_norm(self) -> None:
        network = self.model.network
        values = self.data.batch_size * (network.heatmap_size >> network.levels) ** 2  # where the hourglass is smallest
        if network.norm == "batch" and values < 2:
            raise ValueError(
                f"data.batch_size={self.data.batch_size}: with model.network.levels={network.levels} BatchNorm would "
                "see one value of each channel; give 2 images or more, fewer levels, or model.network.norm=group"
            )

    def _check_sweep(self) -> None:
        if self.sweep is not None:
            return
        for key, value in (("seeds", self.seeds), ("rows", self.rows)):
            if value is not None:
                raise ValueError(
                    f"{key}={list(value)} is for the rows of an experiment, +experiment=NAME; several seeds of one "
                    "training: -m seed=0,1,2"
                )

    def _check_cycle(self) -> None:
        optimizer = self.model.optimizer
        # where the rise is one step long, PyTorch divides by its length without that step
        if optimizer.schedule == "one_cycle" and optimizer.warmup * (self.trainer.max_steps + 1) == 1:
            raise ValueError(
                f"trainer.max_steps={self.trainer.max_steps}: with model.optimizer.warmup={optimizer.warmup} the rate "
                "would rise in no step at all; give one step more, or another warmup"
            )


def train_settings(cfg: DictConfig) -> TrainSettings:
    """Check a composed configuration; raises ``ConfigError`` with one line."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    try:
        values = cast(dict[str, Any], OmegaConf.to_container(own, resolve=True))
    except OmegaConfBaseException as error:  # an interpolation of something that is not there
        raise ConfigError(f"{error.full_key}: {first_line(error)}") from None
    if isinstance(values.get("experiment"), dict):
        raise ConfigError(
            "experiment: the file of +experiment= lacks its first line, `# @package _global_`: its keys lie below it"
        )
    return parse(TrainSettings, values, "")


def refusal_of_key(key: str) -> str:
    """Say what is wrong with a key that Hydra refuses, and what was meant, as far as can be told."""
    path = key.split(".")
    if key == "experiment":
        return "none is chosen yet; write +experiment=NAME"
    if is_mapping(TrainSettings, path):
        return f"takes names of its own; write '++{key}={{NAME: VALUE}}'"
    holders = []
    if path[:2] == ["model", "representation"]:
        files = {file.stem: OmegaConf.load(file) for file in sorted(Path(conf_dir(), "model").glob("*.yaml"))}
        holders = [
            name for name, conf in files.items() if OmegaConf.select(conf, key.removeprefix("model.")) is not None
        ]
    if holders:
        return f"no key of the representation that is chosen, but one of {', '.join(f'model={h}' for h in holders)}"
    return f"no such key; {did_you_mean(TrainSettings, path)} --help lists them".replace(";  ", "; ")


def _check_single(settings: TrainSettings) -> None:
    """Refuse keys that nothing reads as the others stand; of several runs, others may read them.

    Raises ``ConfigError``. What a group brings along is said alone.
    """
    if settings.sweep is not None and settings.sweep.rows and settings.job is None:
        raise ConfigError(
            "sweep: its rows would not run: the experiment's file lacks `defaults: [/sweep: by_row]`, as those of "
            "conf/experiment/ have it"
        )
    if settings.reuse is not None:
        raise ConfigError(f"reuse={settings.reuse}: jobs of a sweep are taken over; this is a single run")
    target, optimizer, default = settings.model.target, settings.model.optimizer, ModelConfig()
    if target.definition != "paper" and target.sigma != default.target.sigma:
        raise ConfigError(f"model.target.sigma={target.sigma} is for model.target.definition=paper alone")
    # what was one_cycle may go on so
    constant = optimizer.schedule == "constant" and settings.resume is None
    if constant and optimizer.warmup != default.optimizer.warmup:
        raise ConfigError(f"model.optimizer.warmup={optimizer.warmup} is for model.optimizer.schedule=one_cycle alone")
    stride = settings.data.frame_stride
    if settings.data.mix and stride not in (1, *(each.every for each in settings.data.mix)):
        print(
            f"warning: data.frame_stride={stride} does not thin the sources of data.mix: give every to each of them",
            file=sys.stderr,
        )
    every, steps = settings.trainer.validate_every, settings.trainer.max_steps
    if every > steps:
        print(
            f"warning: trainer.validate_every={every} is beyond trainer.max_steps={steps}: no validation, no curve, "
            "and nothing to resume before the end",
            file=sys.stderr,
        )


class CheckConfiguration(Callback):
    """Hydra's hook before a run's directory is made. Hydra swallows exceptions of hooks, so this one exits."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Read the settings, so that wrong ones are refused before Hydra makes a directory."""
        try:
            settings = train_settings(config)
            _check_single(settings)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None


# Two runs begun in the same second have two directories
OmegaConf.register_new_resolver("run_id", lambda: secrets.token_hex(2), use_cache=True, replace=True)
