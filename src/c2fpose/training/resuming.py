"""What a training that goes on is asked for, beside what it was begun with."""

from pathlib import Path
from typing import Any

from c2fpose.config.run import TrainSettings
from c2fpose.model.checkpoints.builtin import checkpoint_path
from c2fpose.model.checkpoints.saved import Saved, read_checkpoint
from c2fpose.training import run

# What may be another when a training goes on: where things lie, what is told, how long and by which machine
_FREE = (
    "name", "resume", "init", "overwrite", "run_dir", "pictures", "logger.", "scale", "sweep", "seeds", "rows", "job",
    "reuse", "accept_code", "data.preset", "data.workers", "data.start_method", "data.pin_memory", "data.cache",
    "data.eval_batch_size", "trainer.max_steps", "trainer.validate_every", "trainer.log_every", "trainer.progress",
    "trainer.gradient_norms", "trainer.accelerator", "trainer.devices", "trainer.num_nodes", "trainer.strategy",
    "model.optimizer.schedule", "model.decoding.",
)  # fmt: skip
_MOST_NAMED = 6


def going_on(settings: TrainSettings, run_dir: Path) -> TrainSettings:
    """Put the run's last checkpoint in the place of ``resume=auto``, or nothing where there is no whole one yet.

    Where it goes on, the weights that it began with (``init``) are left out: they are in its checkpoint.
    """
    if settings.resume != "auto":
        return settings
    return without_init(run.going_on(settings, run_dir))


def without_init(settings: TrainSettings) -> TrainSettings:
    """Leave out ``init`` where a training goes on."""
    return settings if settings.resume is None else settings.model_copy(update={"init": None})


def begun_elsewhere(settings: TrainSettings, run_dir: Path) -> bool:
    """Whether what is trained in a directory does not go on from it: from nothing, or from another one's checkpoint."""
    return settings.resume is None or not Path(settings.resume).resolve().is_relative_to(run_dir.resolve())


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
    before, now = _flat(told if isinstance(told, dict) else {}), _flat(settings.model_dump(mode="json"))
    other = [key for key in now if key in before and before[key] != now[key] and not key.startswith(_FREE)]
    if not other:
        return None
    named = [f"{key}={now[key]} (was {before[key]})" for key in other[:_MOST_NAMED]]
    more = f" and {len(other) - _MOST_NAMED} more" if len(other) > _MOST_NAMED else ""
    return f"resume={settings.resume}: goes on with other settings than it was begun with: {', '.join(named)}{more}"


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return found
