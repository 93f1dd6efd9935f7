"""One progress bar over all steps of a training, whatever the epochs."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ProgressBar
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_VALUES = {"train/loss": "loss {:.2f}", "val/mpjpe_mm": "val {:.1f} mm"}  # short: all of it fits 80 columns


class StepProgress(ProgressBar):
    """Steps done of all, steps a second, time left, the last loss and validation error."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Progress | None = None
        self._enabled = True

    def disable(self) -> None:
        """Lightning calls this in all processes but the first."""
        self._enabled = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self._enabled:
            return
        self._bar = Progress(
            TextColumn("training"), BarColumn(10), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"),
            TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[values]}"),
        )  # fmt: skip
        self._task = self._bar.add_task("", total=trainer.max_steps, values="", speed="")
        self._bar.start()
        self._bar.update(self._task, completed=trainer.global_step)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if self._bar is None:
            return
        done = trainer.global_step - self._bar.tasks[0].completed
        self._bar.update(self._task, advance=done)
        if trainer.global_step % trainer.log_every_n_steps == 0:
            self._show(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._bar is not None:
            self._show(trainer)

    def _show(self, trainer: Trainer) -> None:
        metrics = trainer.callback_metrics
        values = [text.format(float(metrics[name])) for name, text in _VALUES.items() if name in metrics]
        speed = self._bar.tasks[0].speed
        self._bar.update(self._task, values=" ".join(values), speed=f"{speed:.1f}/s" if speed else "")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
