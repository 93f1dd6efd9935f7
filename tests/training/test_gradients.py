"""Norms of gradients by stack, against the gradients themselves; a stack without supervision has no head's."""

from types import SimpleNamespace

import pytest
import torch
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
    callback.on_before_optimizer_step(SimpleNamespace(global_step=7), module, None)
    assert not logged
    callback.on_before_optimizer_step(SimpleNamespace(global_step=10), module, None)
    heads = (2,) if supervision == "none" else (1, 2)
    assert set(logged) == {"gradient/stack1", "gradient/stack2", *(f"gradient/head{number}" for number in heads)}
    for number, stack in enumerate(module.network.stacks, start=1):
        gradients = torch.cat([p.grad.flatten() for p in stack.parameters() if p.grad is not None])
        assert logged[f"gradient/stack{number}"] == pytest.approx(float(gradients.norm()), rel=1e-5)
    weights = module.network.stacks[1].heatmaps
    expected = torch.cat([weights.weight.grad.flatten(), weights.bias.grad]).norm()
    assert logged["gradient/head2"] == pytest.approx(float(expected), rel=1e-5)
