"""Lightning's Trainer as the configuration wants it."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import ModelCheckpoint

from c2fpose.base.cores import VARIABLE, cores
from c2fpose.base.errors import ConfigError, first_line
from c2fpose.config.run import TrainerConfig, TrainSettings
from c2fpose.model.checkpoints.formats import LAST
from c2fpose.model.device import device_for
from c2fpose.model.precision import computes_in_bf16, resolve_precision, times_slower_in_bf16
from c2fpose.training.averaging import RunningMean, warn_if_short
from c2fpose.training.callbacks import PredictionPictures, TrainingCurve
from c2fpose.training.checkpoints import SavesWhenStopped, WholeCheckpoints
from c2fpose.training.divergence import StopsDiverged
from c2fpose.training.gradients import GradientNorms
from c2fpose.training.progress import StepProgress
from c2fpose.training.threads import FollowFreeCores

if TYPE_CHECKING:
    from pytorch_lightning import Trainer
    from pytorch_lightning.loggers import Logger


def quiet_lightning() -> None:
    """Keep Lightning's hints on hardware and loaders out of a newcomer's first screen; its warnings on data stay."""
    for name in ("utilities.rank_zero", "accelerators.cuda", "trainer.connectors.checkpoint_connector"):
        logging.getLogger(f"pytorch_lightning.{name}").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*isinstance.*LeafSpec.*")
    warnings.filterwarnings("ignore", ".*overridden `on_before_batch_transfer`.*")  # the module's is meant
    warnings.filterwarnings("ignore", ".*num_workers.*")
    warnings.filterwarnings("ignore", ".*is smaller than the logging interval.*")
    # a resumed run's: the log before is kept under another name, the checkpoint before is what it goes on from
    warnings.filterwarnings("ignore", ".*Experiment logs directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*Checkpoint directory .* exists and is not empty.*")


def check_machine(config: TrainerConfig) -> None:
    """Refuse devices that are not there, and warn of a precision that the hardware does not compute in.

    Raises ``ConfigError``.
    """
    on_gpu = device_for(config.accelerator, "trainer.accelerator").type == "cuda"
    there, what = (torch.cuda.device_count(), "GPU") if on_gpu else (cores().open, "core")
    if config.devices != "auto" and config.devices > there:
        raise ConfigError(f"trainer.devices={config.devices}: there {_are(there, what)} here, for one process each")
    if config.precision == "bf16-mixed" and not on_gpu and not computes_in_bf16("cpu"):
        print(
            "warning: trainer.precision=bf16-mixed: this processor emulates bf16, a matrix product takes "
            f"{times_slower_in_bf16():.0f} times as long as in float32; trainer.precision=auto takes float32",
            file=sys.stderr,
        )


def _are(number: int, what: str) -> str:
    return f"is 1 {what}" if number == 1 else f"are {number} {what}s"


def make_trainer(settings: TrainSettings, run_dir: Path, loggers: list[Logger]) -> Trainer:
    """Lightning's Trainer: length in steps, a checkpoint at each validation."""
    config = settings.trainer
    check_machine(config)
    last = run_dir / LAST
    checkpoints = ModelCheckpoint(
        dirpath=last.parent, filename=last.stem, every_n_epochs=1,  # that is, after each validation
        save_top_k=1, monitor=None, enable_version_counter=False, save_on_train_epoch_end=False,
    )  # fmt: skip
    callbacks: list[Any] = [
        StopsDiverged(config.log_every, last),
        checkpoints,
        TrainingCurve(run_dir, settings.data.batch_size, config.log_every),
    ]
    if config.gradient_norms:
        callbacks.append(GradientNorms(config.log_every))
    if settings.logger.pictures_every:
        callbacks.append(PredictionPictures(run_dir, settings.logger.pictures_every, config.validate_every))
    if config.ema_decay:
        callbacks.append(RunningMean(config.ema_decay))
        if settings.init is None:
            warn_if_short(config.ema_decay, config.max_steps)
    if config.progress:
        callbacks.append(StepProgress())
    if VARIABLE not in os.environ:
        callbacks.append(FollowFreeCores())
    callbacks.append(SavesWhenStopped(last, config.validate_every))
    try:
        return _trainer(settings, run_dir, callbacks, loggers)
    except (ValueError, MisconfigurationException) as error:  # a strategy that there is not, or not for these devices
        raise ConfigError(f"trainer: {first_line(error)}") from None


def _trainer(settings: TrainSettings, run_dir: Path, callbacks: list[Any], loggers: list[Logger]) -> Trainer:
    config = settings.trainer
    return pl.Trainer(
        max_steps=config.max_steps,
        max_epochs=-1,
        val_check_interval=config.validate_every * config.accumulate,
        check_val_every_n_epoch=None,
        log_every_n_steps=config.log_every,
        precision=cast(Any, resolve_precision(config.precision, config.accelerator)),
        accelerator="gpu" if device_for(config.accelerator).type == "cuda" else "cpu",
        devices=1 if config.devices == "auto" else config.devices,  # more would make larger batches, unasked
        num_nodes=config.num_nodes,
        strategy=config.strategy,
        gradient_clip_val=config.gradient_clip or None,
        accumulate_grad_batches=config.accumulate,
        deterministic=config.deterministic,
        use_distributed_sampler=False,  # the data module shares out its own order
        enable_progress_bar=config.progress,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=callbacks,
        plugins=[WholeCheckpoints()],
        logger=loggers or False,
        default_root_dir=run_dir,
    )
