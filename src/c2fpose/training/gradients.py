"""How strongly each stack is trained: the norms of its gradients, logged along the training."""

from typing import Any, cast

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import nn


class GradientNorms(Callback):
    """Log at every ``every``-th step, before gradients are clipped: ``gradient/stack1``, and of its last convolution
    alone ``gradient/head1``, and so on. A stack that is supervised and gets far less than its neighbours stands still.
    """

    def __init__(self, every: int) -> None:
        self.every = every

    def on_before_optimizer_step(
        self, trainer: Trainer, module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Measure and log."""
        # the step that is being made now is the one whose values are logged, and an epoch's end forgets what was not
        if (trainer.global_step + 1) % self.every:
            return
        for number, stack in enumerate(cast(Any, module.network).stacks, start=1):
            module.log(f"gradient/stack{number}", gradient_norm(stack))
            if stack.heatmaps is not None:
                module.log(f"gradient/head{number}", gradient_norm(stack.heatmaps))


def gradient_norm(part: nn.Module) -> torch.Tensor:
    """Take the square root of the summed squares of all gradients in a part of a network; 0 where there are none."""
    norms = [parameter.grad.norm() for parameter in part.parameters() if parameter.grad is not None]
    return torch.stack(norms).norm() if norms else torch.zeros(())
