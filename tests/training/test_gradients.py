"""Norms of gradients by stack, against the gradients themselves; a stack without supervision has no head's."""

import csv
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import CSVLogger
from toy_labels import batch_of, config_of

from c2fpose.model.module import PoseModule
from c2fpose.training.gradients import GradientNorms


@pytest.mark.parametrize("supervision", ["separated", "none"])
def test_what_is_logged_is_the_norm_of_each_stacks_gradients(supervision, monkeypatch):
    config = config_of("volume").model_dump(mode="json")
    config["network"]["supervision"] = supervision
    module, logged = PoseModule(config), {}
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.__setitem__(name, float(value)))
    module.training_step(batch_of(), 0).backward()
    logged.clear()
    callback = GradientNorms(5)
    for step in (7, 10):
        callback.on_before_optimizer_step(SimpleNamespace(global_step=step), module, None)
    assert not logged
    callback.on_before_optimizer_step(SimpleNamespace(global_step=9), module, None)  # the tenth
    heads = (2,) if supervision == "none" else (1, 2)
    assert set(logged) == {"gradient/stack1", "gradient/stack2", *(f"gradient/head{number}" for number in heads)}
    for number, stack in enumerate(module.network.stacks, start=1):
        gradients = torch.cat([p.grad.flatten() for p in stack.parameters() if p.grad is not None])
        assert logged[f"gradient/stack{number}"] == pytest.approx(float(gradients.norm()), rel=1e-5)
    weights = module.network.stacks[1].heatmaps
    expected = torch.cat([weights.weight.grad.flatten(), weights.bias.grad]).norm()
    assert logged["gradient/head2"] == pytest.approx(float(expected), rel=1e-5)


class OneStack(pl.LightningModule):
    """The least that trains and has stacks; its loss is the step's number, and so is the gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.network = torch.nn.Module()
        self.network.stacks = torch.nn.ModuleList([torch.nn.Linear(1, 1, bias=False)])
        self.network.stacks[0].heatmaps = None

    def training_step(self, batch, _):
        loss = (self.global_step + 1.0) * self.network.stacks[0](torch.ones(1)).sum()
        self.log("train/loss", loss.detach())
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1e-3)


def test_every_logged_step_has_its_own_norm_whatever_epochs_end_between(tmp_path):
    """Epochs of three steps, values of every second: the gradient of step n is n."""
    trainer = pl.Trainer(
        accelerator="cpu", max_steps=8, log_every_n_steps=2, callbacks=[GradientNorms(2)], enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, logger=CSVLogger(tmp_path, name="", version=""),
    )  # fmt: skip
    trainer.fit(OneStack(), torch.utils.data.DataLoader(range(3)))
    with open(tmp_path / "metrics.csv", newline="") as file:
        norms = {int(row["step"]) + 1: float(row["gradient/stack1"] or "nan") for row in csv.DictReader(file)}
    assert norms == {2: 2, 4: 4, 6: 6, 8: 8}
