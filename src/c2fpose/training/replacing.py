"""A directory that holds a run already: kept from another one, gone on with, or replaced."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.config.run import TrainSettings
from c2fpose.model.checkpoints.formats import LAST
from c2fpose.training.curve import CURVE
from c2fpose.training.resuming import DAMAGED, goes_on_in

REPLACED = "replaced"  # what a run that overwrites another found, until it has ended
_A_RUN = ("checkpoints", "evaluation", "logs", "pictures", "evaluations", CURVE, "config.yaml")


def claim(run_dir: Path, settings: TrainSettings) -> None:
    """Refuse a directory that holds another run, unless it is gone on with or to be overwritten."""
    held = [name for name in ("checkpoints", "evaluation") if any(map(_counts, (run_dir / name).glob("*")))]
    if held and not goes_on_in(settings, run_dir) and not settings.overwrite:
        further = f", go on with it (resume={run_dir / LAST})" if (run_dir / LAST).is_file() else ""
        raise ConfigError(
            f"run_dir={run_dir}: holds a run already ({held[0]}/); choose another one{further}, or give overwrite=true"
        )


@contextmanager
def replacing(settings: TrainSettings, run_dir: Path) -> Iterator[None]:
    """Set a run aside while another one takes its place (``overwrite=true``), and remove it when that has ended.

    Where the block is refused (``UserError``) before it has a checkpoint, the run comes back.
    """
    instead = settings.overwrite and not goes_on_in(settings, run_dir)
    if instead:
        _set_aside(run_dir)
    try:
        yield
    except UserError:
        if instead and not any(map(_counts, (run_dir / "checkpoints").glob("*"))):
            _put_back(run_dir)
        raise
    if settings.overwrite or goes_on_in(settings, run_dir):
        shutil.rmtree(run_dir / REPLACED, ignore_errors=True)


def _set_aside(run_dir: Path) -> None:
    """Move a run out of the way, its pages' logs and pictures too, so that nothing goes on from it.

    What lies aside already is of the run that is replaced: the one that was to replace it has not ended, and goes.
    """
    for name in _A_RUN:
        left, aside = run_dir / name, run_dir / REPLACED / name
        if left.exists() and not aside.exists():
            aside.parent.mkdir(exist_ok=True)
            left.rename(aside)
        else:
            _remove(left)


def _put_back(run_dir: Path) -> None:
    for name in _A_RUN:
        _remove(run_dir / name)
        if (run_dir / REPLACED / name).exists():
            (run_dir / REPLACED / name).rename(run_dir / name)
    shutil.rmtree(run_dir / REPLACED, ignore_errors=True)


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _counts(file: Path) -> bool:
    """Whether a file is a run's, not what a killed process or a damaged checkpoint left."""
    return not file.name.startswith(".") and file.suffix != DAMAGED
