"""A training that goes on: from which checkpoint, and what it is asked for beside what it was begun with."""

import sys
from pathlib import Path
from typing import Any

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.config.run import TrainSettings
from c2fpose.config.schema import flat, parse
from c2fpose.config.space import SpaceConfig
from c2fpose.model.checkpoints.builtin import checkpoint_path
from c2fpose.model.checkpoints.formats import LAST
from c2fpose.model.checkpoints.saved import Saved, read_checkpoint
from c2fpose.pose.skeleton import difference

DAMAGED = ".damaged"

# What may be another when a training goes on: where things lie, what is told, how long and by which machine
_FREE = (
    "name", "resume", "init", "overwrite", "run_dir", "pictures", "logger.", "scale", "sweep", "seeds", "rows", "job",
    "reuse", "accept_code", "data.preset", "data.workers", "data.start_method", "data.pin_memory", "data.cache",
    "data.eval_batch_size", "trainer.max_steps", "trainer.validate_every", "trainer.log_every", "trainer.progress",
    "trainer.gradient_norms", "trainer.accelerator", "trainer.strategy",
    "model.optimizer.schedule", "model.decoding.",
)  # fmt: skip
_MOST_NAMED = 6


def going_on(settings: TrainSettings, run_dir: Path) -> TrainSettings:
    """Put the run's last checkpoint in the place of ``resume=auto``, or nothing where there is no whole one yet.

    Where it goes on, the weights that it began with (``init``) are left out: they are in its checkpoint.
    """
    if settings.resume != "auto":
        return settings
    last = run_dir / LAST
    return settings.model_copy(update={"resume": str(last), "init": None} if is_whole(last) else {"resume": None})


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


def goes_on_in(settings: TrainSettings, run_dir: Path) -> bool:
    """Whether what is trained in a directory goes on from it; not from nothing, or another directory's checkpoint."""
    return settings.resume is not None and Path(settings.resume).resolve().is_relative_to(run_dir.resolve())


def as_begun(settings: TrainSettings) -> TrainSettings:
    """Put back the weights that a resumed training began with, so that results say them as an undisturbed one's do.

    Raises ``ConfigError`` for a checkpoint that cannot be read.
    """
    if settings.resume is None or settings.init is not None:
        return settings
    begun = Saved.of(read_checkpoint(settings.resume)["hyper_parameters"], settings.resume).provenance
    return settings.model_copy(update={"init": (begun.get("configuration") or {}).get("init")})


def changes(settings: TrainSettings) -> str | None:
    """Say in a line which settings are other ones than the resumed training was begun with; None where none is.

    What its optimizer's state contradicts is refused later; batches, losses and seed would change without a word.
    Raises ``ConfigError`` for a checkpoint that cannot be read.
    """
    if settings.resume is None:
        return None
    if not checkpoint_path(settings.resume).is_file():
        return None  # refused later
    begun = Saved.of(read_checkpoint(settings.resume)["hyper_parameters"], settings.resume).provenance
    told = begun.get("configuration")
    before, now = flat(told if isinstance(told, dict) else {}), flat(settings.model_dump(mode="json"))
    other = [key for key in now if key in before and before[key] != now[key] and not key.startswith(_FREE)]
    if not other:
        return None
    named = [f"{key}={now[key]} (was {before[key]})" for key in other[:_MOST_NAMED]]
    more = f" and {len(other) - _MOST_NAMED} more" if len(other) > _MOST_NAMED else ""
    return f"resume={settings.resume}: goes on with other settings than it was begun with: {', '.join(named)}{more}"


def checkpoint_to_resume(settings: TrainSettings) -> str | None:
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
