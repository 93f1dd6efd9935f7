"""``python -m c2fpose.train``: train, evaluate on the test subjects, print the table, draw pictures."""

from __future__ import annotations

import time
import warnings
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from omegaconf import DictConfig, OmegaConf

from c2fpose.config import LoggerConfig, TrainerConfig
from c2fpose.errors import ConfigError, exits_cleanly
from c2fpose.precision import resolve_precision
from c2fpose.settings import TrainSettings, conf_dir, train_settings

if TYPE_CHECKING:
    from pytorch_lightning import Trainer
    from pytorch_lightning.loggers import Logger


@hydra.main(config_path=conf_dir(), config_name="train", version_base="1.3")
@exits_cleanly
def main(cfg: DictConfig) -> float:
    """One run; returns its MPJPE on the test subjects, root depth given, for sweepers."""
    settings = train_settings(cfg)
    run_dir = Path(settings.run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(cfg, run_dir / "config.yaml", resolve=True)
    return run(settings, run_dir)


def run(settings: TrainSettings, run_dir: Path) -> float:
    """Train, evaluate, write everything to ``run_dir``; returns the MPJPE in mm, root depth given."""
    import pytorch_lightning as pl

    from c2fpose.data.datamodule import PoseData
    from c2fpose.evaluate import evaluate_module
    from c2fpose.evaluation import mean_pose_mm
    from c2fpose.module import PoseModule, recalibrate
    from c2fpose.provenance import provenance

    resume = _checkpoint_to_resume(settings)
    quiet_lightning()
    pl.seed_everything(settings.seed, workers=True, verbose=False)
    data = PoseData(settings.data, seed=settings.seed)
    data.setup()
    mean_pose = mean_pose_mm(data.train.reader.annotations["joints_cam_mm"][data.train.records])
    origin = provenance(settings, data.fingerprints, seed=settings.seed)
    module = PoseModule(settings.model.model_dump(mode="json"), origin | {"mean_training_pose_mm": mean_pose.tolist()})
    loggers = make_loggers(settings.logger, settings.name, run_dir, origin)
    trainer = make_trainer(settings.trainer, run_dir, loggers)
    try:
        started = time.monotonic()
        trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=False if resume else None)
        seconds = time.monotonic() - started
        if settings.model.batch_norm == "recalibrated":
            batches = islice(data.train_dataloader(), settings.model.recalibration_batches)
            recalibrate(module.network, (batch["image"].to(module.device) for batch in batches))
        final = run_dir / "checkpoints" / "final.ckpt"
        trainer.save_checkpoint(final)
        evaluation = evaluate_module(
            module, data, run_dir, checkpoint=final, precision=trainer.precision, loggers=loggers,
            pictures=settings.pictures,
            provenance=module.hparams["provenance"] | {"training_seconds": round(seconds, 1)},
        )  # fmt: skip
    finally:
        close_loggers(loggers)
    return evaluation.mpjpe_mm("ground_truth")


def _checkpoint_to_resume(settings: TrainSettings) -> str | None:
    if settings.resume is not None and not Path(settings.resume).is_file():
        raise ConfigError(f"resume={settings.resume}: no such checkpoint")
    return settings.resume


def quiet_lightning() -> None:
    """Keep Lightning's hints on hardware and loaders out of a newcomer's first screen; its warnings on data stay."""
    import logging

    for name in ("pytorch_lightning.utilities.rank_zero", "pytorch_lightning.accelerators.cuda"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*isinstance.*LeafSpec.*")
    warnings.filterwarnings("ignore", ".*num_workers.*")


def make_trainer(config: TrainerConfig, run_dir: Path, loggers: list[Logger]) -> Trainer:
    """Lightning's Trainer: length in steps, a checkpoint at each validation."""
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint, RichProgressBar

    checkpoints = ModelCheckpoint(
        dirpath=run_dir / "checkpoints", filename="last", every_n_train_steps=config.validate_every,
        save_top_k=1, monitor=None, enable_version_counter=False, save_on_train_epoch_end=False,
    )  # fmt: skip
    callbacks: list[Any] = [checkpoints]
    if config.progress:
        callbacks.append(RichProgressBar(leave=False))
    if loggers:
        callbacks.append(LearningRateMonitor("step"))
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
        logger=loggers or False,
        default_root_dir=run_dir,
    )


def make_loggers(config: LoggerConfig, name: str, run_dir: Path, origin: dict[str, Any]) -> list[Logger]:
    """CSV and W&B; the latter's run holds configuration and data fingerprints."""
    from pytorch_lightning.loggers import CSVLogger, WandbLogger

    loggers: list[Logger] = []
    if config.csv:
        loggers.append(CSVLogger(run_dir, name="logs", version=""))
    if config.wandb:
        import os

        import wandb

        os.environ.setdefault("WANDB_SILENT", "true")
        loggers.append(
            WandbLogger(
                name=name, project=config.project, group=config.group, tags=list(config.tags), save_dir=run_dir,
                offline=config.mode == "offline", config=origin,
                settings=wandb.Settings(console="off", x_disable_stats=config.mode == "offline", silent=True),
            )
        )  # fmt: skip
    return loggers


def close_loggers(loggers: list[Logger]) -> None:
    """End this run in W&B: two jobs of one process would share it otherwise."""
    from pytorch_lightning.loggers import WandbLogger

    for logger in loggers:
        logger.finalize("success")
        if isinstance(logger, WandbLogger):
            import wandb

            wandb.finish()


if __name__ == "__main__":
    main()
