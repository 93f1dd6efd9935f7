"""The benchmark at toy size: figures add up, the plain port is the same network, the page says what was measured."""

import json
import time
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from memory_held import hold
from omegaconf import OmegaConf
from toy_sweeps import write_files

from c2fpose.bench.contestants import NETWORK_SPANS, SPANS, make_engine
from c2fpose.bench.measure import Clock, gflop_of, peak_gib, spread
from c2fpose.bench.original import ratios_to_original
from c2fpose.bench.report import page, with_like
from c2fpose.bench.run import OURS, PLAIN, BenchConfig, run
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import train_settings
from c2fpose.config.schema import parse
from c2fpose.prediction.engines import TORCH, engine_names, installed

CPU = torch.device("cpu")
TINY = [
    "model.network={width: 8, levels: 1, depths: [1, 64]}",
    "data.batch_size=4",
    "data.validation_every=2",
    "data.augmentation=null",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "trainer.progress=false",
    "trainer.precision=32-true",
    "logger=none",
    "bench={rounds: 2, steps: 2, memory: false}",
]


@pytest.fixture
def overrides(tmp_path: Path) -> list[str]:
    return [*TINY, f"run_dir={tmp_path / 'run'}", f"bench.out={tmp_path / 'benchmark'}", *write_files(tmp_path)]


def settings_from(overrides: list[str]):
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("bench", overrides=overrides)
    return parse(BenchConfig, cfg.bench, "bench"), train_settings(
        OmegaConf.masked_copy(cfg, [key for key in cfg if key != "bench"])
    )


def test_figures_add_up(overrides, tmp_path, monkeypatch):
    monkeypatch.setattr("c2fpose.bench.run.matrix_rate", lambda *_: 50.0)  # seconds; the command's test measures it
    bench, settings = settings_from(overrides)
    results = json.loads(json.dumps(run(bench, settings, tmp_path)))
    for engine in (OURS, PLAIN):
        training = results["training"][engine]
        assert list(training["spans"]) == list(SPANS)
        assert all(span["count"] == bench.rounds * bench.steps for span in training["spans"].values())
        assert sum(span["least"] for span in training["spans"].values()) <= training["step"]["median"]
        assert training["network"]["median"] < training["step"]["median"]
        assert sum(training["spans"][name]["least"] for name in NETWORK_SPANS) <= training["network"]["median"]
    assert set(results["inference_ms"]) == {PLAIN, *(name for name in engine_names() if installed(name))}
    assert set(results["inference_precision"]) == set(results["inference_ms"]) - {PLAIN}
    for name, times in results["inference_ms"].items():
        assert set(times) == {"1", "8"}
        assert all(figure["count"] == bench.rounds * bench.steps for figure in times.values())
        if name != PLAIN:
            gain = results["inference_ms"][PLAIN]["8"]["median"] / times["8"]["median"]
            assert results["ratios"][f"inference, batch 8: plain port / {name}"] == pytest.approx(gain)
    assert results["loop_ms"]["count"] == bench.rounds * bench.steps
    ratio = results["training"][PLAIN]["step"]["median"] / results["training"][OURS]["step"]["median"]
    assert results["ratios"]["training: plain port's step / ours"] == pytest.approx(ratio)
    text = page([[results]])
    assert text.index("| ratio") < text.index("| training step") < text.index("| prediction")
    assert f"{ratio:.2f}" in text and "scale=laptop" in text


def test_both_engines_predict_alike(overrides):
    """The plain port is a fair opponent: the same volumes from the same weights, and the same points."""
    _, settings = settings_from([*overrides, "model.decoding.method=argmax"])  # the plain port knows no other
    ours, plain = (make_engine(name, settings, CPU) for name in (OURS, PLAIN))
    # shuffled differently: give both the very same batch
    image, targets = next(plain.batches)
    plain.network.load_state_dict(ours.module.network.state_dict())
    ours.module.eval()  # float32 and batch statistics would amplify rounding
    plain.network.eval()
    for mine, theirs, target in zip(ours.module.network(image), plain.network(image), targets, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)
        assert target.shape == mine.shape and target.amax() > 0.9
    images = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    ours = ours.predictor(TORCH)
    same = (ours.predict_points(images) - plain.predict(images)).abs().amax(-1) < 1e-6
    assert same.float().mean() > 0.95  # untrained volumes are flat: near ties may be decided by rounding


def test_a_step_changes_the_weights(overrides):
    _, settings = settings_from(overrides)
    for name in (OURS, PLAIN):
        engine = make_engine(name, settings, CPU)
        network = engine.module.network if name == OURS else engine.network
        before = {key: value.clone() for key, value in network.named_parameters()}
        engine.step(Clock(CPU))
        assert all(not torch.equal(value, before[key]) for key, value in network.named_parameters() if "weight" in key)


def test_clock_counts_each_span_once():
    clock = Clock(CPU)
    time.sleep(0.02)
    clock.start()
    time.sleep(0.01)
    clock.mark("a")
    clock.mark("b")
    assert clock.spans_ms["a"][0] >= 10 and clock.spans_ms["b"][0] < clock.spans_ms["a"][0]


def test_spread_and_flops():
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == {"median": 3, "low": 2, "high": 4, "least": 1, "most": 5, "count": 5}
    a = torch.zeros(10, 20)
    assert gflop_of(lambda: a @ a.T) == pytest.approx(2 * 10 * 10 * 20 / 1e9)


@pytest.mark.slow
def test_peak_memory_is_that_of_the_measured_process_alone():
    hold(0.75)  # this process's own peak must not count
    assert peak_gib(hold, 0.5) - peak_gib(hold, 0.125) == pytest.approx(0.375, abs=0.05)


def test_earlier_runs_stand_beside_if_they_measured_the_same():
    run = {"hardware": {"cores": 2, "load_at_start": 0.1}, "network": {"width": 8}, "batch": 4, "precision": "bf16"}
    busy = run | {"hardware": {"cores": 2, "load_at_start": 1.5}}
    others = [
        run | {"mirrored": False},
        run | {"batch": 8},
        run | {"network": {"width": 16}},
        run | {"hardware": {"cores": 4}},
    ]
    assert with_like(run, [busy, *others, run]) == [run, busy, run]


def test_the_original_is_compared_on_its_own_network_and_a_like_machine():
    network = {"depths": [1, 2, 4, 64], "width": 256, "image_size": 256, "family": "stacked", "head": "volume"}
    results = {
        "network": network, "hardware": {}, "batch": 4, "machine": {"float32": {"most": 170.0}},
        "training": {"ours": {"network": {"median": 2280.0}}}, "training_peak_gib": {"ours": 15.5e9 / 2**31},
        "inference_ms": {"torch": {"1": {"median": 692.0}}},
    }  # fmt: skip
    found = ratios_to_original(results, "ours", ["torch"])
    assert list(found.values()) == pytest.approx([10, 0.5, 5])
    for other in ({"network": network | {"width": 128}}, {"hardware": {"gpu": "any"}}, {"batch": 3},
                  {"machine": {"float32": {"most": 300.0}}}):  # fmt: skip
        assert len(ratios_to_original(results | other, "ours", ["torch"])) == ("batch" in other)
    once = list(ratios_to_original(results | {"mirrored": False}, "ours", ["torch"]).values())
    assert once == pytest.approx([10, 0.5, 2.5])
    others = ratios_to_original(results | {"inference_ms": {"torch": {"8": {"median": 692.0}}}}, "ours", ["torch"])
    assert list(others.values()) == pytest.approx([10, 0.5])  # bench.inference=[8]


@pytest.mark.slow
def test_the_command_writes_figures_and_page(overrides, tmp_path, ready):
    words = [f"bench.out={tmp_path / 'benchmark.v1'}", "bench.rounds=1", "bench.steps=1", "bench.inference=[1]"]
    done = ready.run(["-m", "c2fpose.bench", *overrides, *words], tmp_path)
    assert done.returncode == 0, done.stderr
    (figures,) = json.loads((tmp_path / "benchmark.v1" / "laptop-cpu.json").read_text())
    assert figures["scale"] == "laptop"
    assert "plain port" in (tmp_path / "benchmark.v1.md").read_text()


def test_a_wrong_key_is_one_line(tmp_path, ready):
    done = ready.run(["-m", "c2fpose.bench", "bench.rounds=0", f"run_dir={tmp_path}"], tmp_path)
    assert done.returncode == 2 and "bench.rounds=0" in done.stderr and "Traceback" not in done.stderr


def test_what_is_in_the_way_is_said_before_the_work(overrides, tmp_path, ready):
    (tmp_path / "file").write_text("")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "laptop-cpu.json").write_text("[{")
    (tmp_path / "again" / "round1").mkdir(parents=True)
    for word, message in (
        (f"bench.out={tmp_path / 'file'}", "file: nothing can be written there"),
        (f"bench.out={tmp_path / 'damaged'}", "laptop-cpu.json: no figures of a benchmark"),
        (f"run_dir={tmp_path / 'again'}", "again: holds the rounds of an earlier benchmark"),
    ):
        done = ready.run(["-m", "c2fpose.bench", *overrides, word], tmp_path)
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists() and not (tmp_path / "benchmark").exists()  # nothing was to be kept in them
    assert (tmp_path / "damaged" / "laptop-cpu.json").read_text() == "[{"
