import pytest
import torch

from c2fpose.base.errors import ConfigError
from c2fpose.model.device import device_for


@pytest.mark.parametrize("there", [True, False])
def test_the_gpu_is_taken_where_there_is_one_and_nobody_says_otherwise(there, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(there))
    assert device_for("auto").type == ("cuda" if there else "cpu")
    assert device_for("cpu").type == "cpu"


def test_a_gpu_that_is_not_there_is_refused_by_its_key(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ConfigError, match=r"^trainer\.accelerator=gpu: PyTorch finds no GPU here; use .*=cpu"):
        device_for("gpu", "trainer.accelerator")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert device_for("gpu").type == "cuda"
