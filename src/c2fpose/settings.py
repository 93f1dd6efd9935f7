"""What one training run is told, as a whole, and where the configuration files are."""

import sys
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field, model_validator

from c2fpose.config import Count, LoggerConfig, ModelConfig, Schema, TrainerConfig, parse
from c2fpose.data.config import DataConfig
from c2fpose.errors import ConfigError, UserError
from c2fpose.experiment import Seed, SweepConfig


def conf_dir() -> str:
    """The ``conf/`` directory: of the checkout if this is one, else the copy inside the installed package."""
    package = Path(__file__).resolve().parent
    for candidate in (package.parent.parent / "conf", package / "conf"):
        if (candidate / "train.yaml").is_file():
            return str(candidate)
    raise FileNotFoundError(f"no conf/ beside {package}: the installation is incomplete")


class TrainSettings(Schema):
    """The composed configuration of ``python -m c2fpose.train``."""

    name: str  # of the run; part of its directory and of its name in W&B
    seed: int = Field(ge=0)  # of initial weights, order of the data and augmentation
    resume: str | None = None  # a checkpoint to go on from
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
        return self


def train_settings(cfg: DictConfig) -> TrainSettings:
    """Check a composed configuration; raises ``ConfigError`` with one line."""
    own = OmegaConf.masked_copy(cfg, [key for key in cfg if key != "hydra"])
    try:
        values = OmegaConf.to_container(own, resolve=True)
    except OmegaConfBaseException as error:  # an interpolation of something that is not there
        raise ConfigError(f"{error.full_key}: {str(error).splitlines()[0]}") from None
    return parse(TrainSettings, values, "")


class CheckConfiguration(Callback):
    """Hydra's hook before a run's directory is made. Hydra swallows exceptions of hooks, so this one exits."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        try:
            train_settings(config)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None
