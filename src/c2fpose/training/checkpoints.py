"""Checkpoints of a training under way: written beside the one before, read back, and only then in its place."""

import re
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning import Callback, LightningModule, Trainer

from c2fpose.base.files import written_whole
from c2fpose.base.signals import is_stopping, stop_here
from c2fpose.training.divergence import not_finite


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's own moves a temporary file out of ``/tmp`` over the last checkpoint.

    Across file systems that is a copy: killed in that moment, a training would have lost its only checkpoint.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write a checkpoint whole; raises ``OutputError`` where it cannot be, and leaves the one before."""
        # torch's zip writer has an error of its own for a full disk
        with written_whole(Path(path), check=_read, foreign=(RuntimeError,)) as temporary:
            torch.save(checkpoint, temporary)


def _read(path: Path) -> None:
    torch.load(path, map_location="cpu", weights_only=True)


def how_to_go_on(last: Path) -> str:
    """Say how a run goes on that is stopped now; ``last`` is where its last checkpoint lies, if there is one yet."""
    if not last.is_file():
        return "no checkpoint is written yet; the same command begins again"
    plain = re.fullmatch(r"[\w./:-]+", str(last), re.ASCII)  # else Hydra and the shell want quotes
    return "the same command goes on with " + (f"resume={last}" if plain else f"'resume=\"{last}\"'")


class SavesWhenStopped(Callback):
    """Have a stopped training go on from the step that it had come to, not from the validation before.

    A signal waits for the end of the step (``base.signals.stops_between_steps``). Stopped at a validation, or as one of
    several processes, the training goes on from the last validation. Comes after callbacks that count or average steps.
    """

    def __init__(self, last: Path, validate_every: int) -> None:
        self.last, self.validate_every = last, validate_every
        self.step = -1

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        """Save if a step is done, unless a validation belongs to it: Lightning would leave that out."""
        step, before, self.step = trainer.global_step, self.step, trainer.global_step
        if not is_stopping() or step == before or step % self.validate_every == 0:
            return
        if trainer.world_size == 1 and not not_finite(module):
            trainer.save_checkpoint(self.last)
        stop_here()

    def on_validation_batch_start(self, *_: Any) -> None:
        """Leave."""
        stop_here()
