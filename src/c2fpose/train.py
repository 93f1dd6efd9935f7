"""``python -m c2fpose.train``: train, evaluate on the test subjects, print the table, draw pictures."""

from __future__ import annotations

import re
import warnings
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from c2fpose.config import LoggerConfig
from c2fpose.errors import ConfigError, exits_cleanly, refuses_in_one_line
from c2fpose.precision import resolve_precision
from c2fpose.settings import TrainSettings, conf_dir, train_settings
from c2fpose.sweep import run_job

if TYPE_CHECKING:
    from pytorch_lightning import Trainer
    from pytorch_lightning.loggers import Logger

    from c2fpose.data.datamodule import PoseData
    from c2fpose.module import PoseModule


@hydra.main(config_path=conf_dir(), config_name="train", version_base="1.3")
@exits_cleanly
def main(cfg: DictConfig) -> float:
    """One run, or one job of a sweep; returns its MPJPE on the test subjects, root depth given, for sweepers."""
    if cfg.job is not None:
        return run_job(cfg, Path(cfg.run_dir), run, evaluate_again)
    hydra_config = HydraConfig.get()
    if hydra_config.mode == RunMode.MULTIRUN:  # of overrides: a job's directory is named by its own
        directory = Path(hydra_config.sweep.dir) / hydra_config.sweep.subdir
        row = re.sub(r",?seed=\d+", "", directory.name).strip(",") or "defaults"
        return run_job(cfg, directory, run, evaluate_again, row)
    # not cfg.run_dir: further processes of this run, which Lightning starts, are told the first one's directory
    run_dir = Path(hydra_config.run.dir)
    settings = train_settings(cfg).model_copy(update={"run_dir": str(run_dir)})
    OmegaConf.save(cfg, run_dir / "config.yaml", resolve=True)
    return run(settings, run_dir)


def run(settings: TrainSettings, run_dir: Path) -> float:
    """Train, evaluate, write everything to ``run_dir``; returns the MPJPE in mm, root depth given.

    Of several processes the first one evaluates; the others return NaN.
    """
    import pytorch_lightning as pl

    from c2fpose.data.datamodule import PoseData
    from c2fpose.evaluate import evaluate_module
    from c2fpose.evaluation import mean_pose_mm
    from c2fpose.module import PoseModule
    from c2fpose.provenance import provenance

    resume = _checkpoint_to_resume(settings)
    quiet_lightning()
    pl.seed_everything(settings.seed, workers=True, verbose=False)
    data = PoseData(settings.data, seed=settings.seed)
    data.setup()
    mean_pose = mean_pose_mm(data.train.reader.annotations["joints_cam_mm"][data.train.records])
    origin = provenance(settings, data.fingerprints, seed=settings.seed)
    module = PoseModule(settings.model.model_dump(mode="json"), origin | {"mean_training_pose_mm": mean_pose.tolist()})
    loggers = make_loggers(settings.logger, run_name(settings), run_dir, origin)
    trainer = make_trainer(settings, run_dir, loggers)
    try:
        trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=False if resume else None)
        module.to(trainer.strategy.root_device)  # Lightning leaves it on the CPU
        _recalibrate(module, data, settings)
        final = run_dir / "checkpoints" / "final.ckpt"
        trainer.save_checkpoint(final)
        if not trainer.is_global_zero:
            return float("nan")
        evaluation = evaluate_module(
            module, data, run_dir, checkpoint=final, precision=trainer.precision, loggers=loggers,
            pictures=settings.pictures, print_tables=settings.job is None,
            provenance=module.hparams["provenance"] | {"training": _training_facts(trainer, settings)},
        )  # fmt: skip
    finally:
        close_loggers(loggers)
    return evaluation.mpjpe_mm("ground_truth")


def evaluate_again(settings: TrainSettings, run_dir: Path) -> float:
    """Evaluate another row's trained network with this one's decoding and BatchNorm; returns the MPJPE in mm."""
    from c2fpose.checkpoint import load_module
    from c2fpose.data.datamodule import PoseData
    from c2fpose.evaluate import evaluate_module
    from c2fpose.experiment import split_job
    from c2fpose.precision import resolve_precision

    row, seed = split_job(settings.job)
    trained = run_dir.parent.parent / settings.sweep.rows[row].of / f"seed{seed}"
    checkpoint = trained / "checkpoints" / "final.ckpt"
    if not (trained / "finished.json").is_file():
        raise ConfigError(f"{trained}: not trained yet, and this row evaluates its network; start the sweep again")
    module = load_module(checkpoint)
    if module.config.network != settings.model.network:
        raise ConfigError(f"row {row} sets another network than row {settings.sweep.rows[row].of}, which it evaluates")
    data = PoseData(settings.data, seed=settings.seed)
    data.setup()
    origin = dict(module.hparams["provenance"])
    module.config = settings.model
    _recalibrate(module, data, settings)
    precision = resolve_precision(settings.trainer.precision, "cpu" if module.device.type == "cpu" else "gpu")
    evaluation = evaluate_module(
        module, data, run_dir, checkpoint=checkpoint, precision=precision, pictures=settings.pictures,
        print_tables=False,
        provenance=origin | {"training": {"of": settings.sweep.rows[row].of}, "data_fingerprints": data.fingerprints},
    )  # fmt: skip
    return evaluation.mpjpe_mm("ground_truth")


def run_name(settings: TrainSettings) -> str:
    """As W&B shows it: of a sweep's job, row and seed; the sweep itself is the group."""
    return settings.job or settings.name


def _recalibrate(module: PoseModule, data: PoseData, settings: TrainSettings) -> None:
    from c2fpose.module import recalibrate

    if settings.model.batch_norm == "recalibrated":
        batches = islice(data.train_dataloader(), settings.model.recalibration_batches)
        recalibrate(module.network, (batch["image"].to(module.device) for batch in batches))


def _training_facts(trainer: Trainer, settings: TrainSettings) -> dict[str, Any]:
    """What training cost, and on what."""
    import platform

    import torch

    from c2fpose.callbacks import TrainingCurve, memory_gib

    curve = next(callback for callback in trainer.callbacks if isinstance(callback, TrainingCurve))
    on_gpu = trainer.strategy.root_device.type == "cuda"
    images = trainer.global_step * settings.data.batch_size * settings.trainer.accumulate * trainer.world_size
    return {
        "seconds": round(curve.seconds, 1),
        "steps": trainer.global_step,
        "images_per_second": round(images / max(curve.seconds, 1e-9), 1),
        "memory_gib": round(memory_gib(), 2),
        "processes": trainer.world_size,
        "precision": trainer.precision,
        "device": torch.cuda.get_device_name()
        if on_gpu
        else f"CPU {platform.machine()}, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}",
    }


def _checkpoint_to_resume(settings: TrainSettings) -> str | None:
    """The checkpoint's path, once it is known to hold a training of the same network."""
    if settings.resume is None:
        return None
    if not Path(settings.resume).is_file():
        raise ConfigError(f"resume={settings.resume}: no such checkpoint")
    from c2fpose.checkpoint import read_checkpoint

    saved = read_checkpoint(settings.resume)
    trained = saved["hyper_parameters"]["model"].get("network", {})
    wanted = settings.model.model_dump(mode="json")["network"]
    different = sorted(key for key in wanted if trained.get(key) != wanted[key])
    if different:
        raise ConfigError(
            f"resume={settings.resume}: a checkpoint of another network, model.network.{different[0]} is "
            f"{trained.get(different[0])} in it and {wanted[different[0]]} here"
        )
    if "optimizer_states" not in saved:
        raise ConfigError(f"resume={settings.resume}: holds a network but no training to go on with")
    return settings.resume


def quiet_lightning() -> None:
    """Keep Lightning's hints on hardware and loaders out of a newcomer's first screen; its warnings on data stay."""
    import logging

    for name in ("utilities.rank_zero", "accelerators.cuda", "trainer.connectors.checkpoint_connector"):
        logging.getLogger(f"pytorch_lightning.{name}").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*isinstance.*LeafSpec.*")
    warnings.filterwarnings("ignore", ".*num_workers.*")
    warnings.filterwarnings("ignore", ".*is smaller than the logging interval.*")


def make_trainer(settings: TrainSettings, run_dir: Path, loggers: list[Logger]) -> Trainer:
    """Lightning's Trainer: length in steps, a checkpoint at each validation."""
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import ModelCheckpoint

    from c2fpose.callbacks import PredictionPictures, TrainingCurve
    from c2fpose.progress import StepProgress

    config = settings.trainer
    checkpoints = ModelCheckpoint(
        dirpath=run_dir / "checkpoints", filename="last", every_n_epochs=1,  # that is, after each validation
        save_top_k=1, monitor=None, enable_version_counter=False, save_on_train_epoch_end=False,
    )  # fmt: skip
    callbacks: list[Any] = [checkpoints, TrainingCurve(run_dir, settings.data.batch_size, config.log_every)]
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
        logger=loggers or False,
        default_root_dir=run_dir,
    )


def make_loggers(config: LoggerConfig, name: str, run_dir: Path, origin: dict[str, Any]) -> list[Logger]:
    """CSV and W&B; the latter's run holds configuration and data fingerprints."""
    from pytorch_lightning.loggers import CSVLogger, WandbLogger

    loggers: list[Logger] = []
    if config.csv:
        _keep_log(run_dir)
        loggers.append(CSVLogger(run_dir, name="logs", version=""))
    if config.wandb:
        import os

        import wandb

        os.environ.setdefault("WANDB_SILENT", "true")
        logger = WandbLogger(
            name=name, project=config.project, group=config.group, tags=list(config.tags), save_dir=run_dir,
            offline=config.mode == "offline", config=origin,
            settings=wandb.Settings(console="off", x_disable_stats=config.mode == "offline", silent=True),
        )  # fmt: skip
        # Lightning hands on a setting that W&B has given up, and W&B warns of it in every run
        getattr(logger, "_wandb_init", {}).pop("anonymous", None)
        loggers.append(logger)
    return loggers


def _keep_log(run_dir: Path) -> None:
    """The CSV logger starts its file anew when training is resumed: what was logged until then moves aside."""
    log = run_dir / "logs" / "metrics.csv"
    if log.is_file():
        log.rename(log.with_name(f"metrics_{len(list(log.parent.glob('metrics_*.csv'))):03d}.csv"))


def close_loggers(loggers: list[Logger]) -> None:
    """End this run in W&B: two jobs of one process would share it otherwise."""
    from pytorch_lightning.loggers import WandbLogger

    for logger in loggers:
        logger.finalize("success")
        if isinstance(logger, WandbLogger):
            import wandb

            wandb.finish()


if __name__ == "__main__":
    refuses_in_one_line(main)
