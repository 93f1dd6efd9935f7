"""End a training whose numbers are no numbers any more, before its last good checkpoint is replaced."""

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from c2fpose.base.errors import UserError


class DivergedError(UserError):
    """A loss or a weight is not finite."""


def not_finite(module: LightningModule) -> str | None:
    """Name a weight or running statistic that is not finite, if there is one."""
    for name, value in module.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            return name
    return None


class StopsDiverged(Callback):
    """Look at the loss at every ``every``-th step, and at all weights before each validation and at the end.

    A checkpoint is written after a validation, so that none holds weights that are not finite. Raises
    ``DivergedError``, which names the checkpoint that is still good.
    """

    def __init__(self, every: int, last: Path) -> None:
        self.every, self.last = every, last

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Look at the loss."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if trainer.global_step % self.every == 0 and loss is not None and not torch.isfinite(loss):
            self._stop(trainer, f"the loss is {float(loss)}")

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Look at the weights and the running statistics."""
        self._check(trainer, module)

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Look at the weights that would be evaluated."""
        self._check(trainer, module)

    def _check(self, trainer: Trainer, module: LightningModule) -> None:
        if name := not_finite(module):
            self._stop(trainer, f"{name} is not finite")

    def _stop(self, trainer: Trainer, what: str) -> None:
        good = f"; {self.last} is from before it" if self.last.is_file() else ""
        raise DivergedError(
            f"step {trainer.global_step}: {what}, the training has diverged: lower model.optimizer.learning_rate, "
            f"or set trainer.gradient_clip{good}"
        )
