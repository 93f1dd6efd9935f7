"""Show how far a training is: one bar over all steps whatever the epochs, or plain lines where no screen is."""

from typing import Any, cast

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ProgressBar
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

from c2fpose.base.console import PlainConsole, words_column
from c2fpose.base.progress import Progress

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
            words_column("{task.description}"), BarColumn(10), MofNCompleteColumn(),
            words_column("{task.fields[speed]}"), words_column("left"), TimeRemainingColumn(),
            words_column("{task.fields[values]}"), console=PlainConsole(),
        )  # fmt: skip
        self._task = self._bar.add_task("training", total=trainer.max_steps, values="", speed="")
        self._bar.start()
        self._bar.update(self._task, completed=trainer.global_step)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if self._bar is None:
            return
        if trainer.global_step % cast(Any, trainer).log_every_n_steps == 0:
            self._show(self._bar, trainer)
        self._bar.advance(self._task, trainer.global_step - self._bar.tasks[0].completed)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._bar is not None:
            self._show(self._bar, trainer)
            self._bar.say(self._task)

    def _show(self, bar: Progress, trainer: Trainer) -> None:
        metrics = trainer.callback_metrics
        values = [text.format(float(metrics[name])) for name, text in _VALUES.items() if name in metrics]
        speed = bar.tasks[0].speed
        bar.update(self._task, values=" ".join(values), speed=f"{speed:.1f}/s" if speed else "")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
