"""One run: the data, the module, the trainer, the evaluation, and what is left of them in one directory."""

from __future__ import annotations

import gc
import math
import platform
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytorch_lightning as pl
import torch

from c2fpose.base.cores import say_threads
from c2fpose.base.errors import ConfigError
from c2fpose.base.provenance import provenance
from c2fpose.base.signals import stops_between_steps
from c2fpose.config.run import TrainSettings
from c2fpose.data.datamodule import PoseData
from c2fpose.evaluation.certainty import calibrate
from c2fpose.evaluation.scores import mean_pose_mm
from c2fpose.evaluation.test_set import Evaluating, evaluate_module
from c2fpose.model.checkpoints.builtin import checkpoint_path
from c2fpose.model.checkpoints.formats import FINAL
from c2fpose.model.checkpoints.saved import read_checkpoint
from c2fpose.model.checkpoints.transfer import begin_with
from c2fpose.model.module import PoseModule
from c2fpose.model.networks.batch_norm import recalibrate
from c2fpose.model.networks.parts import parts_of
from c2fpose.model.precision import denormals_flushed
from c2fpose.pose.space import space_of
from c2fpose.training.averaging import running_mean
from c2fpose.training.callbacks import TrainingCurve, memory_gib, reset_memory
from c2fpose.training.loggers import begin_loggers, close_loggers, make_loggers
from c2fpose.training.resuming import as_begun, checkpoint_to_resume
from c2fpose.training.trainer import make_trainer, quiet_lightning

if TYPE_CHECKING:
    from pytorch_lightning import Trainer


def run(settings: TrainSettings, run_dir: Path) -> float:
    """Train, evaluate, write everything to ``run_dir``; returns the MPJPE in mm, root depth given.

    Of several processes the first one evaluates; the others return NaN.
    """
    gc.collect()  # of a sweep's job before, whose data and network would be held beside this one's
    reset_memory()
    for key, path in (("resume", settings.resume), ("init", settings.init)):
        if path is not None and not checkpoint_path(path).is_file():
            raise ConfigError(f"{key}={path}: no such checkpoint")
    quiet_lightning()
    if settings.trainer.accelerator == "cpu" or not torch.cuda.is_available():
        say_threads()
    pl.seed_everything(settings.seed, workers=True, verbose=False)
    data = PoseData(settings.data, seed=settings.seed)
    data.setup()
    origin = provenance(as_begun(settings), data.fingerprints, seed=settings.seed)
    settings = following(settings, data)
    resume = checkpoint_to_resume(settings)
    mean_pose = mean_pose_mm(data.training_poses_mm(), settings.model.pose_space.skeleton.root)
    module = PoseModule(settings.model.model_dump(mode="json"), origin, mean_pose.tolist())
    module.validate_apart(data.val_sources)
    _take_over(settings.init, module)
    loggers = make_loggers(settings.logger, run_name(settings), run_dir, origin)
    trainer = make_trainer(settings, run_dir, loggers)
    try:
        begin_loggers(loggers)
        with denormals_flushed(), stops_between_steps():
            trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=False if resume else None)
        mean = running_mean(trainer)
        if mean is not None:
            mean.settle(module)
        module.to(trainer.strategy.root_device)  # Lightning leaves it on the CPU
        recalibrated(module, data, settings)
        if mean is not None:
            mean.follow(module)
        if trainer.is_global_zero:
            _calibrated(module, data, run_dir / "evaluation", trainer.precision)
        final = run_dir / FINAL
        trainer.save_checkpoint(final)
        if not trainer.is_global_zero:
            return float("nan")
        origin = module.hparams["provenance"] | {"training": _training_facts(trainer, settings)}
        how = Evaluating(
            run_dir / "evaluation", final, origin, trainer.precision, settings.pictures,
            print_tables=settings.job is None,
        )  # fmt: skip
        evaluation = evaluate_module(module, data, how, loggers)
    finally:
        close_loggers(loggers)
    return evaluation.mpjpe_mm("ground_truth")


def following(settings: TrainSettings, data: PoseData) -> TrainSettings:
    """Give the model the joints, the range of depths and the limb lengths of the training data.

    Raises ``ConfigError`` where the configuration asks for other joints than the data have.
    """
    info = data.trained
    space = space_of(info.skeleton, info.dataset, data.training_poses_mm())
    return settings.model_copy(update={"model": settings.model.in_space(space, info.path)})


def _take_over(init: str | None, module: PoseModule) -> None:
    """Begin with another network's weights, if asked for; says what did not fit."""
    if init is not None and (left_out := begin_with(module, read_checkpoint(init), f"init={init}")):
        print(left_out, file=sys.stderr)


def run_name(settings: TrainSettings) -> str:
    """As W&B shows it: of a sweep's job, row and seed; the sweep itself is the group."""
    return settings.job or settings.name


def recalibrated(module: PoseModule, data: PoseData, settings: TrainSettings) -> None:
    """Measure BatchNorm's statistics again over training images, where ``model.batch_norm`` asks for it."""
    if settings.model.batch_norm == "recalibrated":
        batches = islice(data.train_dataloader(), settings.model.recalibration_batches)
        parts = parts_of(module.network)
        frozen = [part for name in module.config.freeze for part in parts[name]]
        recalibrate(module.network, (batch["image"].to(module.device) for batch in batches), frozen)


def _calibrated(module: PoseModule, data: PoseData, folder: Path, precision: str) -> None:
    """Keep in the checkpoint what makes the network's certainties true."""
    calibration = calibrate(module, data, folder, precision)
    if calibration is not None:
        module.hparams["provenance"]["calibration"] = calibration.as_dict()


def _training_facts(trainer: Trainer, settings: TrainSettings) -> dict[str, Any]:
    """Say what training cost, and on what."""
    curve = next(callback for callback in cast(Any, trainer).callbacks if isinstance(callback, TrainingCurve))
    on_gpu = trainer.strategy.root_device.type == "cuda"
    images = trainer.global_step * settings.data.batch_size * settings.trainer.accumulate * trainer.world_size
    return {
        "seconds": round(curve.seconds, 1),
        "steps": trainer.global_step,
        "images_per_second": round(images / max(curve.seconds, 1e-9), 1),
        **({"memory_gib": round(memory, 2)} if math.isfinite(memory := memory_gib()) else {}),
        "processes": trainer.world_size,
        "precision": trainer.precision,
        "device": torch.cuda.get_device_name()
        if on_gpu
        else f"CPU {platform.machine()}, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}",
    }
