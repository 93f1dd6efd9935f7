"""``python -m c2fpose.train``: train, evaluate on the test subjects, print the table, draw pictures."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c2fpose.base.errors import ConfigError
from c2fpose.config.run import TrainSettings
from c2fpose.training.loggers import close_loggers, make_loggers
from c2fpose.training.trainer import make_trainer, quiet_lightning

if TYPE_CHECKING:
    from pytorch_lightning import Trainer

    from c2fpose.data.datamodule import PoseData
    from c2fpose.model.module import PoseModule


def run(settings: TrainSettings, run_dir: Path) -> float:
    """Train, evaluate, write everything to ``run_dir``; returns the MPJPE in mm, root depth given.

    Of several processes the first one evaluates; the others return NaN.
    """
    import pytorch_lightning as pl

    from c2fpose.base.provenance import provenance
    from c2fpose.data.datamodule import PoseData
    from c2fpose.evaluation.scores import mean_pose_mm
    from c2fpose.evaluation.test_set import evaluate_module
    from c2fpose.model.module import PoseModule

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
        recalibrated(module, data, settings)
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


def run_name(settings: TrainSettings) -> str:
    """As W&B shows it: of a sweep's job, row and seed; the sweep itself is the group."""
    return settings.job or settings.name


def recalibrated(module: PoseModule, data: PoseData, settings: TrainSettings) -> None:
    from c2fpose.model.networks.batch_norm import recalibrate

    if settings.model.batch_norm == "recalibrated":
        batches = islice(data.train_dataloader(), settings.model.recalibration_batches)
        recalibrate(module.network, (batch["image"].to(module.device) for batch in batches))


def _training_facts(trainer: Trainer, settings: TrainSettings) -> dict[str, Any]:
    """What training cost, and on what."""
    import platform

    import torch

    from c2fpose.training.callbacks import TrainingCurve, memory_gib

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
    from c2fpose.model.checkpoints.load import read_checkpoint

    saved = read_checkpoint(settings.resume)
    model, now = saved["hyper_parameters"]["model"], settings.model.model_dump(mode="json")
    for part in ("network", "representation"):
        trained, wanted = model.get(part, {}), now[part]
        different = sorted(key for key in wanted if trained.get(key) != wanted[key])
        if different:
            raise ConfigError(
                f"resume={settings.resume}: a checkpoint of another network, model.{part}.{different[0]} is "
                f"{trained.get(different[0])} in it and {wanted[different[0]]} here"
            )
    if "optimizer_states" not in saved:
        raise ConfigError(f"resume={settings.resume}: holds a network but no training to go on with")
    return settings.resume
