"""The curve's clock and throughput, by a clock that is told what time it is; pictures by a real small training."""

from types import SimpleNamespace

import pytest
import torch
from module_of import module_of, outputs
from toy_sweeps import TOY

from c2fpose.training import callbacks
from c2fpose.training import run as training_run
from c2fpose.training.callbacks import TrainingCurve
from c2fpose.training.curve import read_curve


class Told:
    """Stands for ``time``: the hour is what the test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Heard:
    """A logger that remembers."""

    def __init__(self) -> None:
        self.values: list[tuple[dict[str, float], int]] = []

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.values.append((metrics, step))


@pytest.fixture
def clock(monkeypatch) -> Told:
    told = Told()
    monkeypatch.setattr(callbacks, "time", told)
    return told


@pytest.fixture
def trainer() -> SimpleNamespace:
    return SimpleNamespace(
        global_step=0, state=SimpleNamespace(fn="fit"), callback_metrics={"val/mpjpe_mm": 200.0}, is_global_zero=True,
        loggers=[Heard()], accumulate_grad_batches=2, world_size=3,
        optimizers=[SimpleNamespace(param_groups=[{"lr": 0.5}])],
    )  # fmt: skip


def validated(curve: TrainingCurve, trainer: SimpleNamespace, clock: Told, step: int, error: float, seconds: float):
    """Train until ``step`` for ``seconds``, then validate for a minute."""
    clock.now += seconds
    trainer.global_step, trainer.callback_metrics = step, {"val/mpjpe_mm": error}
    curve.on_validation_start(trainer, None)
    clock.now += 60
    curve.on_validation_end(trainer, None)


def test_validation_does_not_count_as_training(tmp_path, clock, trainer):
    curve = TrainingCurve(tmp_path, batch_size=4, log_every=10)
    curve.on_train_start(trainer, None)
    validated(curve, trainer, clock, 100, 150.0, seconds=20)
    validated(curve, trainer, clock, 200, 120.0, seconds=30)
    clock.now += 5
    curve.on_train_end(trainer, None)
    clock.now += 1000
    assert curve.seconds == pytest.approx(55)
    assert [list(row.values()) for row in read_curve(curve.path)] == [[100, 20, 150], [200, 50, 120]]


def test_a_resumed_curve_is_that_of_an_undisturbed_run(tmp_path, clock, trainer):
    curve = TrainingCurve(tmp_path, 4, 10)
    curve.on_train_start(trainer, None)
    validated(curve, trainer, clock, 100, 150.0, seconds=20)
    saved = curve.state_dict()
    validated(curve, trainer, clock, 200, 120.0, seconds=30)  # after the checkpoint: lost, and trained again

    again = TrainingCurve(tmp_path, 4, 10)
    again.load_state_dict(saved)
    trainer.global_step = 100
    again.on_train_start(trainer, None)
    validated(again, trainer, clock, 200, 121.0, seconds=31)
    assert [list(row.values()) for row in read_curve(again.path)] == [[100, 20, 150], [200, 51, 121]]


def test_throughput_counts_all_processes_and_only_training(tmp_path, clock, trainer):
    curve, heard = TrainingCurve(tmp_path, batch_size=4, log_every=10), trainer.loggers[0]
    curve.on_train_start(trainer, None)
    clock.now += 2
    for trainer.global_step in range(1, 11):
        curve.on_train_batch_end(trainer, None)
    ((values, step),) = heard.values
    assert step == 10 and values["train/learning_rate"] == 0.5 and values["memory/gib"] > 0.01
    assert values["speed/images_per_second"] == pytest.approx(10 * 4 * 2 * 3 / 2)
    validated(curve, trainer, clock, 12, 100.0, seconds=1)
    clock.now += 4
    trainer.global_step = 20
    curve.on_train_batch_end(trainer, None)
    assert heard.values[-1][0]["speed/images_per_second"] == pytest.approx(8 * 4 * 2 * 3 / 4)


def test_a_validation_outside_of_training_leaves_the_curve_alone(tmp_path, clock, trainer):
    curve = TrainingCurve(tmp_path, 4, 10)
    trainer.state.fn = "validate"
    curve.on_validation_end(trainer, None)
    assert not curve.path.exists()


@pytest.mark.parametrize("head", ["volume", "integral", "ordinal_volume"])
def test_volumes_are_drawn_as_points_are_read_from_them(head):
    module = module_of(head=head)
    image = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(5))
    labels = {"joints_box": torch.full((2, 17, 2), 0.5), "depth_rel_mm": torch.zeros(2, 17)}
    shown = callbacks.shown_first(module, labels | {"image": image, "visible": torch.ones(2, 17, dtype=torch.bool)})
    for volume, output in zip(shown.volumes, outputs(module), strict=True):
        flat = output[0].flatten(1)
        likely = flat if head == "volume" else flat.exp() / flat.exp().sum(1, keepdim=True)
        torch.testing.assert_close(volume.flatten(1), likely, atol=1e-6, rtol=1e-3)


def test_no_volumes_are_drawn_of_coordinates():
    module = module_of(head="coordinates", depths=(16,))
    labels = {"joints_box": torch.full((1, 17, 2), 0.5), "depth_rel_mm": torch.zeros(1, 17)}
    batch = labels | {"image": torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "visible": torch.ones(1, 17).bool()}
    assert callbacks.shown_first(module, batch) is None


@pytest.mark.slow
def test_pictures_are_drawn_at_every_second_validation_and_at_the_end(files, tmp_path, unevaluated):
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir
    from c2fpose.config.run import train_settings
    from c2fpose.training.run import run

    words = [*TOY, *files, f"run_dir={tmp_path / 'run'}", "logger.pictures_every=2", "trainer.max_steps=16"]
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        settings = train_settings(compose("train", overrides=words))
    (tmp_path / "run").mkdir()
    run(settings, tmp_path / "run")
    names = sorted(path.name for path in (tmp_path / "run" / "pictures").iterdir())
    assert names == [f"step_{step:06d}_{kind}.png" for step in (4, 12, 16) for kind in ("poses", "volumes")]
    checkpoint = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=False)
    assert checkpoint["callbacks"]["PredictionPictures"] == {"validations": 4}


def test_memory_that_a_system_does_not_say_is_left_out_of_the_facts(trainer, tmp_path, monkeypatch):
    """NaN is no JSON: on Windows every evaluation would fail when it is written."""
    curve = TrainingCurve(tmp_path, 2, 10)
    trainer.callbacks, trainer.strategy = [curve], SimpleNamespace(root_device=torch.device("cpu"))
    trainer.precision = "32-true"
    settings = SimpleNamespace(data=SimpleNamespace(batch_size=2), trainer=SimpleNamespace(accumulate=1))
    monkeypatch.setattr(training_run, "memory_gib", lambda: float("nan"))
    assert "memory_gib" not in training_run._training_facts(trainer, settings)
    monkeypatch.setattr(training_run, "memory_gib", lambda: 1.234)
    assert training_run._training_facts(trainer, settings)["memory_gib"] == 1.23
