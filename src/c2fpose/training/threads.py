"""Follow the machine while a network trains: fewer threads when others take cores, more when they give them back."""

import sys
import time
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from c2fpose.base import cores

EVERY_S = 20.0


class FollowFreeCores(Callback):
    """Change PyTorch's number of threads to that of the free cores once two looks in a row agree on it.

    A step's digits depend on the number of threads, within rounding: for the same digits set ``OMP_NUM_THREADS``, and
    this callback is not used.
    """

    def __init__(self, every_s: float = EVERY_S) -> None:
        self.every_s = every_s
        self.others = cores.OtherWork()
        self.looked = time.monotonic()
        self.proposed: int | None = None

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        if module.device.type == "cpu" and time.monotonic() - self.looked >= self.every_s:
            self.looked = time.monotonic()
            if line := self.follow():
                print(line, file=sys.stderr, flush=True)

    def follow(self) -> str | None:
        """Look once; returns a line if the number of threads was changed."""
        found, busy = cores.cores(), self.others.since()
        free = cores.free_threads(found, busy)
        before, self.proposed = self.proposed, free
        if busy is None or free != before or free == torch.get_num_threads():
            return None
        torch.set_num_threads(free)
        return cores.in_words(free, found, f"other work keeps {busy:.1f} busy")
