"""A training without a terminal says at each validation where it stands."""

from types import SimpleNamespace

import torch

from c2fpose.training.progress import StepProgress


def test_a_line_at_each_validation(capsys):
    trainer = SimpleNamespace(global_step=0, max_steps=100, log_every_n_steps=10, callback_metrics={})
    bar = StepProgress()
    bar.on_train_start(trainer, None)
    for step in range(1, 21):
        trainer.global_step = step
        trainer.callback_metrics["train/loss"] = torch.tensor(3.14159)
        bar.on_train_batch_end(trainer)
        if step == 20:
            trainer.callback_metrics["val/mpjpe_mm"] = torch.tensor(123.46)
            bar.on_validation_end(trainer, None)
    bar.on_train_end(trainer, None)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("training: 20 of 100, loss 3.14 val 123.5 mm, ")
    assert line.endswith(" left")


def test_further_processes_say_nothing(capsys):
    bar = StepProgress()
    bar.disable()
    trainer = SimpleNamespace(global_step=5, max_steps=10, log_every_n_steps=1, callback_metrics={})
    bar.on_train_start(trainer, None)
    bar.on_train_batch_end(trainer)
    bar.on_validation_end(trainer, None)
    assert capsys.readouterr() == ("", "")
