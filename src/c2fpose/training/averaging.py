"""A running mean of the weights, which is what is validated, kept and used (``trainer.ema_decay``)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from pytorch_lightning import LightningModule
from pytorch_lightning.callbacks import EMAWeightAveraging

if TYPE_CHECKING:
    from pytorch_lightning import Trainer

EVERY = 10  # steps: a mean of every tenth step's weights costs a tenth and differs little
_NOTABLE = 0.05  # share of a mean that is still the weights that the training began with


class RunningMean(EMAWeightAveraging):
    """Lightning's, which is lost at two places behind the last step: ``settle`` and ``follow`` mend them."""

    def __init__(self, decay: float) -> None:
        super().__init__(decay=decay**EVERY, update_every_n_steps=EVERY)

    @property
    def state_key(self) -> str:
        """The name under which checkpoints hold its state: Lightning's, as those of earlier versions do."""
        return EMAWeightAveraging.__qualname__

    def settle(self, module: LightningModule) -> None:
        """Give a trained module the mean: Lightning leaves that out where a resumed training has no step left."""
        if self._average_model is not None:
            self._copy_average_to_current(module)

    def validated(self, module: LightningModule) -> LightningModule:
        """Give the mean as a module: what was validated, also when Lightning has put the weights themselves back."""
        return module if self._average_model is None else cast(LightningModule, self._average_model.module)

    def follow(self, module: LightningModule) -> None:
        """Keep a trained module as it is now, statistics measured again included, in the checkpoints to come."""
        if self._average_model is not None:
            self._average_model.module.load_state_dict(module.state_dict())


def warn_if_short(decay: float, steps: int) -> None:
    """Warn where so few steps leave the untrained weights a notable share of the mean, which is what is kept."""
    untrained = decay**steps
    if untrained > _NOTABLE:
        print(
            f"warning: trainer.ema_decay={decay}: after {steps} steps {untrained:.0%} of the mean of the weights are "
            "those of the untrained network; train longer, or take a smaller ema_decay, or 0",
            file=sys.stderr,
        )


def running_mean(trainer: Trainer) -> RunningMean | None:
    """Find a training's mean of weights, if it has one."""
    return next((each for each in trainer.callbacks if isinstance(each, RunningMean)), None)  # type: ignore[attr-defined]
