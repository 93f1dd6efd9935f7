"""One run: the data, the module, the trainer, the evaluation, and what is left of them in one directory."""

from __future__ import annotations

import platform
import shutil
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytorch_lightning as pl
import torch

from c2fpose.base.cores import say_threads
from c2fpose.base.errors import ConfigError, UserError
from c2fpose.base.provenance import provenance
from c2fpose.base.signals import stops_between_steps
from c2fpose.config.run import TrainSettings
from c2fpose.config.schema import parse
from c2fpose.config.space import SpaceConfig
from c2fpose.data.datamodule import PoseData
from c2fpose.evaluation.certainty import calibrate
from c2fpose.evaluation.scores import mean_pose_mm
from c2fpose.evaluation.test_set import Evaluating, evaluate_module
from c2fpose.model.checkpoints.builtin import checkpoint_path
from c2fpose.model.checkpoints.saved import Saved, read_checkpoint
from c2fpose.model.checkpoints.transfer import begin_with
from c2fpose.model.module import PoseModule
from c2fpose.model.networks.batch_norm import recalibrate
from c2fpose.model.networks.parts import parts_of
from c2fpose.model.precision import denormals_flushed
from c2fpose.pose.skeleton import difference
from c2fpose.pose.space import space_of
from c2fpose.training.averaging import running_mean
from c2fpose.training.callbacks import TrainingCurve, memory_gib, reset_memory
from c2fpose.training.loggers import begin_loggers, close_loggers, make_loggers
from c2fpose.training.trainer import make_trainer, quiet_lightning

if TYPE_CHECKING:
    from pytorch_lightning import Trainer

LAST = "checkpoints/last.ckpt"  # of a training under way, in its run's directory
DAMAGED = ".damaged"
REPLACED = "replaced"  # what a run that overwrites another found, until it has ended


def run(settings: TrainSettings, run_dir: Path) -> float:
    """Train, evaluate, write everything to ``run_dir``; returns the MPJPE in mm, root depth given.

    Of several processes the first one evaluates; the others return NaN.
    """
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
    resume = _checkpoint_to_resume(settings)
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
        final = run_dir / "checkpoints" / "final.ckpt"
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
        "memory_gib": round(memory_gib(), 2),
        "processes": trainer.world_size,
        "precision": trainer.precision,
        "device": torch.cuda.get_device_name()
        if on_gpu
        else f"CPU {platform.machine()}, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}",
    }


def claim(run_dir: Path, settings: TrainSettings) -> None:
    """Refuse a directory that holds another run, unless it is gone on with or to be overwritten."""
    held = [name for name in ("checkpoints", "evaluation") if any(map(_counts, (run_dir / name).glob("*")))]
    resumed = settings.resume is not None and Path(settings.resume).resolve().is_relative_to(run_dir.resolve())
    if held and not resumed and not settings.overwrite:
        further = f", go on with it (resume={run_dir / LAST})" if (run_dir / LAST).is_file() else ""
        raise ConfigError(
            f"run_dir={run_dir}: holds a run already ({held[0]}/); choose another one{further}, or give overwrite=true"
        )


def set_aside(run_dir: Path) -> None:
    """Move what ``overwrite=true`` replaces out of the way, so that nothing goes on from it.

    Where a run lies aside already, the one that was to replace it has not ended: that one goes, the other stays.
    """
    unfinished = (run_dir / REPLACED).exists()
    for folder in (run_dir / "checkpoints", run_dir / "evaluation"):
        if unfinished:
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.is_dir():
            (run_dir / REPLACED).mkdir(exist_ok=True)
            folder.rename(run_dir / REPLACED / folder.name)


def forget(run_dir: Path) -> None:
    """Remove what was set aside."""
    shutil.rmtree(run_dir / REPLACED, ignore_errors=True)


def _counts(file: Path) -> bool:
    """Whether a file is a run's, not what a killed process or a damaged checkpoint left."""
    return not file.name.startswith(".") and file.suffix != DAMAGED


def going_on(settings: TrainSettings, run_dir: Path) -> TrainSettings:
    """Put the run's last checkpoint in the place of ``resume=auto``, or nothing where there is no whole one yet."""
    if settings.resume != "auto":
        return settings
    last = run_dir / LAST
    return settings.model_copy(update={"resume": str(last) if is_whole(last) else None})


def is_whole(last: Path) -> bool:
    """Whether a checkpoint can be gone on with; a damaged one moves aside, with a word."""
    if not last.is_file():
        return False
    try:
        read_checkpoint(last)
    except UserError as error:
        aside = last.with_name(last.name + DAMAGED)
        print(f"warning: {error}; moved to {aside}, the training begins again", file=sys.stderr, flush=True)
        last.replace(aside)
        return False
    return True


def as_begun(settings: TrainSettings) -> TrainSettings:
    """Put back the weights that a resumed training began with, so that results say them as an undisturbed one's do.

    Raises ``ConfigError`` for a checkpoint that cannot be read.
    """
    if settings.resume is None or settings.init is not None:
        return settings
    begun = Saved.of(read_checkpoint(settings.resume)["hyper_parameters"], settings.resume).provenance
    return settings.model_copy(update={"init": (begun.get("configuration") or {}).get("init")})


def _checkpoint_to_resume(settings: TrainSettings) -> str | None:
    """Find the checkpoint to go on from, known to hold a training of the same network and of the same length."""
    if settings.resume is None:
        return None
    if settings.init is not None:
        raise ConfigError("resume and init are both given: a training goes on, or begins with other weights")
    saved = _of_same_network(settings, settings.resume)
    if "optimizer_states" not in saved:
        raise ConfigError(f"resume={settings.resume}: holds a network but no training to go on with; give it as init=")
    planned = next(
        (state["total_steps"] - 1 for state in saved.get("lr_schedulers", ()) if "total_steps" in state), None
    )
    if (
        planned is not None
        and settings.model.optimizer.schedule == "one_cycle"
        and planned != settings.trainer.max_steps
    ):
        raise ConfigError(
            f"resume={settings.resume}: its learning rate was planned for {planned} steps, trainer.max_steps is "
            f"{settings.trainer.max_steps}: begin a new cycle from its weights with init=, or go on at the rate that "
            "it has come to with model.optimizer.schedule=constant"
        )
    if saved["global_step"] > settings.trainer.max_steps:
        raise ConfigError(
            f"resume={settings.resume}: has done {saved['global_step']} steps, trainer.max_steps is "
            f"{settings.trainer.max_steps}: nothing is left to train; give more steps, or evaluate the checkpoint"
        )
    _check_same_training(settings, saved)
    return settings.resume


def _check_same_training(settings: TrainSettings, saved: dict[str, Any]) -> None:
    """Refuse settings that the saved optimizer's state contradicts: it would go on with its own, or not at all."""
    trained, wanted = saved["hyper_parameters"]["model"], settings.model.model_dump(mode="json")
    before, now = trained.get("optimizer", {}), wanted["optimizer"]
    keys = [key for key in now if key in before and key not in ("warmup", "schedule")]
    different = [f"optimizer.{key}" for key in keys if before[key] != now[key]]
    if before.get("schedule", now["schedule"]) == "constant" and now["schedule"] != "constant":
        different.append("optimizer.schedule")
    if list(trained.get("freeze", ())) != list(wanted["freeze"]):
        different.append("freeze")
    for key in different:
        group, _, name = key.rpartition(".")
        ours, theirs = (node[group][name] if group else node.get(name, []) for node in (wanted, trained))
        raise ConfigError(
            f"resume={settings.resume}: its training goes on with model.{key}={theirs}, asked for is {ours}; give "
            "that, or begin with its weights: init="
        )
    if ("averaging_state" in saved) != bool(settings.trainer.ema_decay):
        has = "a" if "averaging_state" in saved else "no"
        raise ConfigError(
            f"resume={settings.resume}: holds {has} running mean of the weights, trainer.ema_decay is "
            f"{settings.trainer.ema_decay}; give what it was trained with, or begin with its weights: init="
        )


def _of_same_network(settings: TrainSettings, path: str) -> dict[str, Any]:
    """Read a checkpoint of the network that is to be trained; raises ``ConfigError`` for one of another."""
    saved = read_checkpoint(path)
    model, now = saved["hyper_parameters"]["model"], settings.model.model_dump(mode="json")
    for part in ("network", "representation"):
        trained, wanted = model.get(part, {}), now[part]
        different = sorted(name for name in wanted if trained.get(name) != wanted[name])
        if different:
            raise ConfigError(
                f"resume={path}: a checkpoint of another network, model.{part}.{different[0]} is "
                f"{trained.get(different[0])} in it and {wanted[different[0]]} here"
            )
    theirs, ours = parse(SpaceConfig, model.get("space") or {}, "space").pose_space(None), settings.model.pose_space
    if theirs.skeleton != ours.skeleton:
        raise ConfigError(f"resume={path}: a network of other joints: {difference(theirs.skeleton, ours.skeleton)}")
    if theirs.depth_range_mm != ours.depth_range_mm:
        raise ConfigError(
            f"resume={path}: its depth bins cover {list(theirs.depth_range_mm)} mm, of these data they would cover "
            f"{list(ours.depth_range_mm)}; keep them by model.space.depth_range_mm="
            f"[{theirs.depth_range_mm[0]},{theirs.depth_range_mm[1]}]"
        )
    return saved
