"""What the machine has not is refused or warned of in one line."""

import pytest
import torch
from toy_sweeps import composed

from c2fpose.base.cores import Cores
from c2fpose.base.errors import ConfigError
from c2fpose.config.run import TrainerConfig, train_settings
from c2fpose.config.schema import parse
from c2fpose.model import precision
from c2fpose.training import trainer
from c2fpose.training.callbacks import memory_gib, reset_memory
from c2fpose.training.trainer import check_machine


@pytest.fixture
def gpus(monkeypatch):
    def there(number: int) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: number)

    there(0)
    return there


def test_a_gpu_that_is_not_there_is_refused(gpus):
    with pytest.raises(ConfigError, match=r"trainer\.accelerator=gpu: PyTorch finds no GPU here; use .*cpu"):
        check_machine(TrainerConfig(accelerator="gpu"))


def test_more_devices_than_there_are_are_refused(gpus, monkeypatch):
    monkeypatch.setattr(trainer, "cores", lambda: Cores(2))
    check_machine(TrainerConfig(accelerator="cpu", devices=2))
    with pytest.raises(ConfigError, match=r"^trainer\.devices=3: there are 2 cores here, for one process each$"):
        check_machine(TrainerConfig(accelerator="cpu", devices=3))
    gpus(1)
    check_machine(TrainerConfig(devices=1))
    with pytest.raises(ConfigError, match=r"^trainer\.devices=2: there is 1 GPU here, for one process each$"):
        check_machine(TrainerConfig(devices=2))


@pytest.mark.parametrize(("key", "value"), [("accelerator", "tpu9"), ("devices", 0), ("devices", -1)])
def test_unknown_accelerators_and_no_devices_are_refused(key, value):
    with pytest.raises(ConfigError, match=rf"^trainer\.{key}.*={value}"):
        parse(TrainerConfig, {key: value}, "trainer")


def test_emulated_bf16_is_warned_of_with_its_factor(gpus, monkeypatch, capsys):
    monkeypatch.setattr(trainer, "computes_in_bf16", lambda accelerator: False)
    monkeypatch.setattr(trainer, "times_slower_in_bf16", lambda: 65.4)
    check_machine(TrainerConfig(precision="bf16-mixed", accelerator="cpu"))
    (line,) = capsys.readouterr().err.splitlines()
    assert "emulates bf16" in line and "takes 65 times as long" in line and "trainer.precision=auto" in line
    check_machine(TrainerConfig(precision="auto", accelerator="cpu"))
    assert capsys.readouterr().err == ""


def test_auto_is_float32_where_bf16_is_emulated(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    assert precision.resolve_precision("auto", "cpu") == "32-true"
    assert precision.resolve_precision("bf16-mixed", "cpu") == "bf16-mixed"


def test_the_factor_is_measured():
    assert precision.times_slower_in_bf16(32) > 0


def test_denormals_are_flushed_in_the_block_alone():
    tiny = torch.tensor([1e-39])
    with precision.denormals_flushed():
        assert (tiny * 0.5).item() == 0
    assert (tiny * 0.5).item() > 0


def test_auto_is_one_device_however_many_there_are(monkeypatch, tmp_path):
    """More would train on larger batches, and tables would call it the same training."""
    made = {}
    monkeypatch.setattr(trainer.pl, "Trainer", lambda **given: made.update(given))
    monkeypatch.setattr(trainer, "check_machine", lambda _: None)
    for gpu, accelerator in ((True, "gpu"), (False, "cpu")):
        monkeypatch.setattr(trainer, "device_for", lambda *_, gpu=gpu: torch.device("cuda" if gpu else "cpu"))
        trainer.make_trainer(train_settings(composed("logger=none", "trainer.precision=32-true")), tmp_path, [])
        assert (made["devices"], made["accelerator"]) == (1, accelerator)


def test_memory_is_the_processors_where_a_gpu_was_not_used(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: None)
    for held, expected in ((0, None), (3 * 2**30, 3.0)):
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda held=held: held)
        reset_memory()
        assert memory_gib() == expected if expected else memory_gib() > 0.1
