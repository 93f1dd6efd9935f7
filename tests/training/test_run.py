"""The command: what it refuses, what it leaves behind, and that a resumed run is the undisturbed one."""

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from toy_sweeps import without_evaluation, write_files

from c2fpose.base.errors import ConfigError
from c2fpose.base.signals import stops_in_one_line
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import train_settings
from c2fpose.evaluate import main as evaluate
from c2fpose.evaluation.scores import Evaluation
from c2fpose.model.module import PoseModule
from c2fpose.pose.skeleton import C2F17
from c2fpose.training.curve import CURVE, read_curve
from c2fpose.training.divergence import StopsDiverged
from c2fpose.training.run import run

TINY = [
    "model.network.width=8",
    "model.network.levels=1",
    "model.network.depths=[1,64]",
    "data.batch_size=4",
    "data.eval_batch_size=4",
    "data.validation_every=2",
    "data.augmentation.flip_probability=0.5",
    "trainer.validate_every=4",
    "trainer.precision=32-true",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "trainer.progress=false",
    "logger=none",
    "pictures=1",
]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    return write_files(tmp_path)


STEADY = ["model.optimizer.name=adamw", "model.optimizer.learning_rate=0.003", "model.optimizer.schedule=constant",
          "trainer.max_steps=2", "trainer.validate_every=2"]  # fmt: skip


def settings_for(overrides: list[str], run_dir: Path):
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return train_settings(compose("train", overrides=[*overrides, f"run_dir={run_dir}"]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Trainings of two steps by what they add to ``STEADY``, each made once; not to be changed."""

    @cache
    def run_dir(*more: str) -> Path:
        folder = tmp_path_factory.mktemp("trained")
        with without_evaluation():
            run(settings_for([*TINY, *write_files(folder), *STEADY, *more], folder), folder)
        return folder

    return run_dir


def test_a_checkpoint_of_another_network_is_refused(files, tmp_path, trained):
    other = [*TINY, *files, "model.network.depths=[8,64]", f"resume={trained()}/checkpoints/last.ckpt"]
    with pytest.raises(
        ConfigError, match=r"another network, model.network.depths is \[1, 64\] in it and \[8, 64\] here"
    ):
        run(settings_for(other, tmp_path / "other"), tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        ([], ["model.optimizer.learning_rate=0.5"], r"model.optimizer.learning_rate=0.003, asked for is 0.5"),
        ([], ["model.optimizer.name=rmsprop"], r"model.optimizer.name=adamw, asked for is rmsprop"),
        ([], ["model.optimizer.schedule=one_cycle"], r"model.optimizer.schedule=constant, asked for is one_cycle"),
        ([], ["model.freeze=[stem]"], r"model.freeze=\[\], asked for is \['stem'\]"),
        ([], ["trainer.ema_decay=0.9"], r"holds no running mean of the weights, trainer.ema_decay is 0.9"),
        (["trainer.ema_decay=0.9"], ["trainer.ema_decay=0"], r"holds a running mean .*, trainer.ema_decay is 0"),
    ],
)
def test_a_training_does_not_go_on_with_another_optimizer(files, tmp_path, trained, before, now, message):
    words = [*TINY, *files, *STEADY, *before, *now, "trainer.max_steps=4"]
    last = f"resume={trained(*before)}/checkpoints/last.ckpt"
    with pytest.raises(ConfigError, match=message) as refused:
        run(settings_for([*words, last], tmp_path / "b"), tmp_path / "b")
    assert "\n" not in str(refused.value)


def test_a_strategy_that_there_is_not_is_one_line(files, tmp_path):
    with pytest.raises(ConfigError, match=r"trainer: .*foo") as refused:
        run(settings_for([*TINY, *files, "trainer.strategy=foo"], tmp_path), tmp_path)
    assert "\n" not in str(refused.value)


def test_steps_of_several_batches_are_whole_at_the_end_of_an_epoch(files, tmp_path, unevaluated):
    """Three batches an epoch, two a step: a validation every second step, and one behind the last."""
    words = [*TINY, *files, "trainer.accumulate=2", "trainer.max_steps=6", "trainer.validate_every=2"]
    run(settings_for(words, tmp_path), tmp_path)
    assert [row["step"] for row in read_curve(tmp_path / CURVE)] == [2, 4, 6]
    assert torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=False)["global_step"] == 6


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=False)["state_dict"]


@pytest.mark.parametrize(
    "more",
    [
        [],
        # Whose losses draw random numbers
        pytest.param(["model=metric"], marks=pytest.mark.slow),
        pytest.param(["model=rle", "model.network.depths=[64]"], marks=pytest.mark.slow),
        pytest.param(["model=ordinal_reconstructed", "model.representation.width=16"], marks=pytest.mark.slow),
    ],
)
def test_resumed_training_is_the_undisturbed_one_bit_for_bit(files, tmp_path, unevaluated, more):
    """Stopped in the middle of an epoch, and with RMSprop's and the schedule's state to carry over."""
    common = [*TINY, *files, "model.optimizer.schedule=one_cycle", *more]
    whole, half, rest = (tmp_path / name for name in ("whole", "half", "rest"))
    for directory in (whole, half, rest):
        directory.mkdir()
    run(settings_for([*common, "trainer.max_steps=8"], whole), whole)
    stopped = settings_for([*common, "trainer.max_steps=8"], half)
    with pytest.raises(_Stop):
        _run_and_stop_after(stopped, half, steps=5)
    resume = half / "checkpoints" / "last.ckpt"
    assert torch.load(resume, weights_only=False)["global_step"] == 4
    run(settings_for([*common, "trainer.max_steps=8", f"resume={resume}"], rest), rest)
    undisturbed, resumed = (weights_of(d / "checkpoints" / "final.ckpt") for d in (whole, rest))
    assert undisturbed.keys() == resumed.keys()
    assert all(torch.equal(undisturbed[key], resumed[key]) for key in undisturbed)
    assert not torch.equal(undisturbed["network.stem.conv.weight"], weights_of(resume)["network.stem.conv.weight"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "steps"),
    [
        ([], (1, 3, 6, 7)),
        # three batches an epoch, two a step: within one, and at the end of one
        (["trainer.ema_decay=0.9", "trainer.accumulate=2"], (3, 6)),
        (["model=rle", "model.network.depths=[64]", "trainer.accumulate=2"], (3, 6)),  # whose loss draws random numbers
    ],
)
def test_a_stopped_training_saves_its_step_and_goes_on_bit_for_bit(
    files, tmp_path, monkeypatch, unevaluated, more, steps
):
    """At steps that are not those of a validation, the last of an epoch among them (24 records, 4 a batch)."""
    words = [*TINY, *files, "trainer.max_steps=8", "trainer.validate_every=4", *more]
    (tmp_path / "whole").mkdir()
    run(settings_for(words, tmp_path / "whole"), tmp_path / "whole")
    expected = weights_of(tmp_path / "whole" / "checkpoints" / "final.ckpt")
    for step in steps:
        directory = tmp_path / str(step)
        directory.mkdir()
        stop = lambda _, trainer, *__, step=step: stop_at(step, trainer)  # noqa: E731
        with monkeypatch.context() as patch, pytest.raises(SystemExit, match="143"), stops_in_one_line():
            patch.setattr(StopsDiverged, "on_train_batch_end", stop)  # a callback before the one that saves
            run(settings_for(words, directory), directory)
        last = directory / "checkpoints" / "last.ckpt"
        assert torch.load(last, weights_only=False)["global_step"] == step
        run(settings_for([*words, f"resume={last}"], directory), directory)
        resumed = weights_of(directory / "checkpoints" / "final.ckpt")
        assert all(torch.equal(expected[key], resumed[key]) for key in expected), step
        assert errors_of(directory) == errors_of(tmp_path / "whole"), step


def errors_of(run_dir: Path) -> list[tuple[float, float]]:
    return [(row["step"], row["val_mpjpe_mm"]) for row in read_curve(run_dir / CURVE)]


def stop_at(step: int, trainer) -> None:
    if trainer.global_step == step:
        os.kill(os.getpid(), signal.SIGTERM)


def test_the_running_mean_of_the_weights_is_kept_and_resumes(files, tmp_path, unevaluated):
    """Every tenth step's weights, each moving the mean by 1 - 0.9**10; what goes on training are the weights."""
    common = [*TINY, *files, "trainer.ema_decay=0.9", "trainer.max_steps=22", "trainer.validate_every=11"]
    whole, half, rest = (tmp_path / name for name in ("whole", "half", "rest"))
    for directory in (whole, half, rest):
        directory.mkdir()
    steps = []
    with pytest.MonkeyPatch.context() as patch:
        seen = lambda self, *_: steps.append(self.network.stem.conv.weight.detach().clone())  # noqa: E731
        patch.setattr(PoseModule, "on_train_batch_end", seen)
        run(settings_for(common, whole), whole)
    weight, share = weights_of(whole / "checkpoints" / "final.ckpt")["network.stem.conv.weight"], 0.9**10
    expected = steps[0]  # after the first step, then after the 11th and the 21st
    for later in (steps[10], steps[20]):
        expected = share * expected + (1 - share) * later
    torch.testing.assert_close(weight, expected)
    assert not torch.equal(weight, steps[-1])
    with pytest.raises(_Stop):
        _run_and_stop_after(settings_for(common, half), half, steps=15)
    run(settings_for([*common, f"resume={half}/checkpoints/last.ckpt"], rest), rest)
    assert torch.equal(weights_of(rest / "checkpoints" / "final.ckpt")["network.stem.conv.weight"], weight)


def test_weights_of_smaller_images_start_a_training(files, tmp_path, unevaluated, trained):
    """At a rate of next to nothing the larger network still has the smaller one's weights."""
    small, large = trained(), tmp_path / "large"
    large.mkdir()
    start = [f"init={small}/checkpoints/final.ckpt", "trainer.max_steps=1", "model.optimizer.learning_rate=1e-12"]
    sizes = ["model.network.image_size=128", "model.network.heatmap_size=32"]
    run(settings_for([*TINY, *files, *start, *sizes], large), large)
    first, then = (weights_of(each / "checkpoints" / "final.ckpt") for each in (small, large))
    for name, weight in first.items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(then[name], weight, atol=1e-6, rtol=0)
    with pytest.raises(ConfigError, match=r"init=.*another network, model.network.width is 8 in it and 12 here"):
        run(settings_for([*TINY, *files, *start, "model.network.width=12"], large), large)


class _Stop(Exception):
    """Stands for a kill."""


def _run_and_stop_after(settings, run_dir: Path, steps: int) -> None:
    from c2fpose.model.module import PoseModule

    original = PoseModule.training_step

    def step(self, batch, index):
        if self.global_step == steps:
            raise _Stop
        return original(self, batch, index)

    PoseModule.training_step = step
    try:
        run(settings, run_dir)
    finally:
        PoseModule.training_step = original


def test_a_run_leaves_checkpoint_tables_and_pictures(files, tmp_path, capsys):
    more = ["trainer.max_steps=4", "logger.csv=true", "trainer.progress=true"]
    error = run(settings_for([*TINY, *files, *more], tmp_path), tmp_path)
    assert error > 0
    shown = capsys.readouterr().out
    assert "training: 4 of 4, loss " in shown and "frame weighted" in shown
    for name in (
        "checkpoints/final.ckpt",
        "evaluation/evaluation.json",
        "evaluation/evaluation.csv",
        "logs/metrics.csv",
    ):
        assert (tmp_path / name).is_file(), name
    assert list((tmp_path / "evaluation").glob("*.png"))
    hyper = torch.load(tmp_path / "checkpoints" / "final.ckpt", weights_only=False)["hyper_parameters"]
    assert set(hyper["provenance"]["data_fingerprints"]) == {"train", "test"}
    asked, got = hyper["provenance"]["configuration"]["model"], hyper["model"]
    assert got["space"]["skeleton"] == C2F17.to_dict() and got["network"]["joints"] == 17  # filled in from the data
    assert got | {"space": asked["space"], "network": got["network"] | {"joints": "auto"}} == asked
    _evaluating_again_gives_the_same(tmp_path)


def _evaluating_again_gives_the_same(run_dir: Path) -> None:
    """The command reads the checkpoint (plain values alone), finds its data, and repeats every error."""
    first = Evaluation.read(run_dir / "evaluation")
    again = run_dir / "again"
    evaluate([f"ckpt={run_dir}/checkpoints/final.ckpt", f"out={again}", "precision=32-true", "batch_size=4"])
    second = Evaluation.read(again / "evaluation")
    for row, other in zip(first.rows, second.rows, strict=True):
        np.testing.assert_allclose(row.per_image_mm, other.per_image_mm, atol=1e-2)
    assert first.provenance["checkpoint_sha256"] == second.provenance["checkpoint_sha256"]
    argmax = run_dir / "argmax"
    evaluate([f"ckpt={run_dir}/checkpoints/final.ckpt", f"out={argmax}", "decoding=argmax", "flip=false"])
    assert Evaluation.read(argmax / "evaluation").mpjpe_mm("ground_truth") != first.mpjpe_mm("ground_truth")
    _choosing_records_of_an_evaluation(run_dir, first)


def _choosing_records_of_an_evaluation(run_dir: Path, whole: Evaluation) -> None:
    """The same errors of fewer records, in a folder named by the choice, with the choice in its provenance."""
    words = [f"ckpt={run_dir}/checkpoints/final.ckpt", "precision=32-true"]
    evaluate([*words, "test_subjects=[9]", "cameras=[0]"])
    (folder,) = (run_dir / "evaluations").glob("*9*")
    part = Evaluation.read(folder)
    assert part.provenance["records"] == {"test_subjects": [9], "cameras": [0]}
    assert 0 < len(part.rows[0].per_image_mm) < len(whole.rows[0].per_image_mm)
    for row, other in zip(part.rows, whole.rows, strict=True):
        assert all(np.abs(other.per_image_mm - error).min() < 1e-2 for error in row.per_image_mm)
    with pytest.raises(SystemExit):
        evaluate([*words, "exclude=[s9_drifts]"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.network.depths=[4,2,64]", "model.network: depths=[4, 2, 64] decreases"),
        ("model.network.depths=[]", "depths is empty"),
        ("model.network.supervision=both", "'separated', 'direct' or 'none'"),
        ("data.batch_size=0", "data.batch_size=0"),
        ("data.train_file=nowhere.h5", "nowhere.h5: no such file"),
        ("resume=nothing.ckpt", "resume=nothing.ckpt: no such checkpoint"),
        ("trainer.max_stepz=3", "max_stepz: no such key; did you mean trainer.max_steps? --help lists them"),
        ("model.optimizer.learning_rate=inf", "model.optimizer.learning_rate=inf"),
        (
            "model.network.head_std_by_depth={64: 0.1}",
            "head_std_by_depth: takes names of its own; write '++model.network.head_std_by_depth={NAME: VALUE}'",
        ),
        (
            "model.representation.form=paper",
            "no key of the representation that is chosen, but one of model=rle, model=",
        ),
        ("++model.network.head_std_by_depth={3: 0.1}", "model.network.head_std_by_depth: no stack of depth 3"),
        ("+seed=2", "seed: a key already; give it without the +"),
        ("~foo", "foo: no such key; --help lists them"),
        ("foo", "foo: expected key=value; --help lists the keys"),
        ("--seed=3", "--seed=3: expected key=value, without dashes; --help lists the keys"),
        ("model=resnet", "model=resnet: no such choice; one of coarse_to_fine, coordinates"),
        ("+experiment=ablation", "no such choice; one of ablation_bins, "),
        ("experiment=finetune", "experiment: none is chosen yet; write +experiment=NAME"),
        ("+data=custom", "data: chosen already; give data=custom without the +"),
        ("data/augmentation=photos", "data/augmentation=photos: no such choice; one of original, photo"),
        (
            "seed=[",
            "seed=[: cannot be read; a value with brackets or commas of its own, or letters beyond a to z, stands",
        ),
        ("run_dir=ä ö", "run_dir=ä ö: cannot be read; "),
        ("hydra/launcher=dask", "; more come with the extra: in the repository, .venv/bin/python -m pip install -c "),
        ("data.train_file=a,b", "data.train_file=a,b: several values; -m makes a run of each"),
        ("data.train_file=~/a", "data.train_file=~/a: ~ is not read in values; write the home folder out"),
        ("run_dir=${nowhere}", "run_dir: Interpolation key 'nowhere' not found"),
    ],
)
def test_wrong_values_get_one_line(override, message, tmp_path, ready):
    done = ready.run(["-m", "c2fpose.train", override], tmp_path)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("threads: ")]
    assert len(lines) == 1 and lines[0].startswith("error: ") and message in lines[0], done.stderr
    if "file" not in override and "resume" not in override:
        assert not (tmp_path / "runs").exists()


def test_help_needs_nothing_heavy():
    """What takes seconds to import stays out of ``--help``."""
    heavy = {"torch", "pytorch_lightning", "wandb", "albumentations", "numba", "matplotlib", "cv2"}
    code = f"import sys, c2fpose.train, c2fpose.evaluate, c2fpose.tables; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_debug_run_is_one_batch_without_loggers_and_ends_in_tables(files, tmp_path):
    settings = settings_for([*files, "+debug=default", "data.validation_every=2", "model.network.levels=1"], tmp_path)
    assert settings.trainer.max_steps == 1 and not settings.logger.wandb and not settings.logger.csv
    run(settings, tmp_path)
    assert (tmp_path / "evaluation" / "evaluation.json").is_file() and not (tmp_path / "logs").exists()
