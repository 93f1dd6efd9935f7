"""Lightning's Trainer as the configuration wants it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c2fpose.config.run import TrainSettings
from c2fpose.model.precision import resolve_precision

if TYPE_CHECKING:
    from pytorch_lightning import Trainer
    from pytorch_lightning.loggers import Logger


def quiet_lightning() -> None:
    """Keep Lightning's hints on hardware and loaders out of a newcomer's first screen; its warnings on data stay."""
    import logging

    for name in ("utilities.rank_zero", "accelerators.cuda", "trainer.connectors.checkpoint_connector"):
        logging.getLogger(f"pytorch_lightning.{name}").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*isinstance.*LeafSpec.*")
    warnings.filterwarnings("ignore", ".*num_workers.*")
    warnings.filterwarnings("ignore", ".*is smaller than the logging interval.*")
    # a resumed run's: the log before is kept under another name, the checkpoint before is what it goes on from
    warnings.filterwarnings("ignore", ".*Experiment logs directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*Checkpoint directory .* exists and is not empty.*")


def make_trainer(settings: TrainSettings, run_dir: Path, loggers: list[Logger]) -> Trainer:
    """Lightning's Trainer: length in steps, a checkpoint at each validation."""
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import ModelCheckpoint

    from c2fpose.training.callbacks import PredictionPictures, TrainingCurve
    from c2fpose.training.checkpoints import WholeCheckpoints
    from c2fpose.training.divergence import StopsDiverged
    from c2fpose.training.progress import StepProgress

    config = settings.trainer
    checkpoints = ModelCheckpoint(
        dirpath=run_dir / "checkpoints", filename="last", every_n_epochs=1,  # that is, after each validation
        save_top_k=1, monitor=None, enable_version_counter=False, save_on_train_epoch_end=False,
    )  # fmt: skip
    last = run_dir / "checkpoints" / "last.ckpt"
    callbacks: list[Any] = [
        StopsDiverged(config.log_every, last),
        checkpoints,
        TrainingCurve(run_dir, settings.data.batch_size, config.log_every),
    ]
    if settings.logger.pictures_every:
        callbacks.append(PredictionPictures(run_dir, settings.logger.pictures_every))
    if config.progress:
        callbacks.append(StepProgress())
    return pl.Trainer(
        max_steps=config.max_steps,
        max_epochs=-1,
        val_check_interval=config.validate_every * config.accumulate,
        check_val_every_n_epoch=None,
        log_every_n_steps=config.log_every,
        precision=resolve_precision(config.precision, config.accelerator),
        accelerator=config.accelerator,
        devices=config.devices,
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
