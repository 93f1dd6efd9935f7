"""Sweeps: which jobs they have, what they refuse, and that one that was killed ends as an undisturbed one."""
# long: one sweep, stopped and changed in every way

import errno
import importlib.util
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pytest
from fabricated import jpeg, people
from omegaconf import OmegaConf
from torture import runs
from toy_sweeps import TOY, composed

from c2fpose.base.cores import cores
from c2fpose.base.errors import ConfigError, DataError
from c2fpose.base.lock import OccupiedError
from c2fpose.base.signals import stops_in_one_line
from c2fpose.config.command_line import conf_dir
from c2fpose.config.model import NetworkConfig
from c2fpose.config.run import train_settings
from c2fpose.data.schema import SplitReader, write_split
from c2fpose.model.checkpoints.formats import LAST
from c2fpose.model.networks.cost import network_cost
from c2fpose.reports.dashboard.html import logged
from c2fpose.sweeps import hooks, identity
from c2fpose.sweeps import job as job_files
from c2fpose.sweeps import runner as sweep
from c2fpose.sweeps.rows import check_overrides, jobs, sweep_of, with_row
from c2fpose.training.curve import CURVE, read_curve

EXPERIMENTS = [
    file.stem for file in sorted(Path(conf_dir(), "experiment").glob("*.yaml")) if "sweep" in OmegaConf.load(file)
]
# --- experiments and their jobs ---


def test_every_experiment_is_in_the_docs():
    assert len(EXPERIMENTS) > 10
    said = Path(__file__).parents[2].joinpath("docs", "sweeps.md").read_text("utf-8")
    assert [name for name in EXPERIMENTS if f"| `{name}` |" not in said] == []


@pytest.mark.parametrize("scale", ["laptop", "workstation", "paper"])
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_row_of_every_experiment_is_a_valid_configuration(experiment, scale):
    cfg = composed(f"scale={scale}", "seeds=[3]", experiment=experiment)
    for name in jobs(cfg):
        cfg.job = name
        settings = train_settings(with_row(cfg))
        row, seed = name.split("/seed")
        assert settings.seed == int(seed)
        assert settings.run_dir == f"runs/{experiment}/{scale}/{name}"
        whole = settings.model_dump(mode="json")
        for key, value in settings.sweep.rows[row].set.items():
            node = whole
            for part in key.split("."):
                node = node[part]
            assert holds(node, json.loads(json.dumps(value)))  # depths as keys are words in JSON


def holds(node, value) -> bool:
    """Whether settings are as given; a source of a mix has defaults for what is not."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return len(node) == len(value) and all(each | given == each for each, given in zip(node, value, strict=True))
    return node == value


def test_the_depth_experiment_has_the_papers_schedules():
    cfg = composed()
    schedules = {tuple(row.set["model.network.depths"]) for row in sweep_of(cfg).rows.values()}
    papers = {(64,) * n for n in (1, 2, 3, 4)} | {(1, 64), (8, 64), (1, 2, 64), (1, 4, 64), (1, 2, 4, 64)}
    assert schedules == papers | {(1, 2, 4, 8, 16, 32, 64)}


def test_jobs_are_rows_times_seeds_and_trained_rows_come_first():
    assert jobs(composed("rows=[d64,d1_64]")) == ["d64/seed0", *(f"d1_64/seed{seed}" for seed in range(5))]
    assert jobs(composed("rows=[d1_64,d64]", "seeds=[3,1]")) == [
        "d1_64/seed3", "d64/seed3", "d1_64/seed1", "d64/seed1",
    ]  # fmt: skip
    names = jobs(composed("rows=[no_flip,base]", experiment="ablation_recipe"))
    assert names[:3] == ["base/seed0", "base/seed1", "base/seed2"]


@pytest.mark.parametrize(
    ("override", "message"),
    [("rows=[d99]", "no row 'd99'"), ("rows=[]", "at least one row"), ("seeds=[1,1]", "none twice"),
     ("seeds=[]", "at least one seed"), ("seeds=3", r"seeds=3: expected a list, such as seeds=\[0,1,2\]"),
     ("rows=d64", r"rows=d64: expected a list, such as rows=\[d64\]")],
)  # fmt: skip
def test_wrong_rows_and_seeds_are_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        jobs(composed(override))


@pytest.mark.parametrize(
    ("override", "message"),
    [("model.network.depths=[64]", "is what row d64 of ablation_depth sets"), ("seed=1", r"give seeds="),
     ("++resume=x.ckpt", "goes on by itself"), ("overwrite=true", "a finished job is not run again"),
     ("job=d64/seed0", r"job is set by the sweep; give sweep_dir=, rows=\[...\]"), ("run_dir=x", "run_dir is set by"),
     ("scale=laptop,paper", "scale: several values, and a sweep's jobs are its rows and seeds"),
     ("trainer.max_steps=1,2", "trainer.max_steps: several values")],
)  # fmt: skip
def test_what_the_rows_would_undo_is_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        check_overrides(composed(), [override])
    check_overrides(composed(), ["trainer.max_steps=10"])


def test_a_row_that_cannot_run_at_the_scale_is_named(tmp_path, files):
    cfg = composed(
        *files, f"sweep_dir={tmp_path / 'runs'}", "rows=[d1_64]", "+sweep.rows.d1_64.set.model.network.levels=9"
    )
    cfg.sweep.rows.d1_64.set = {"model.network.depths": [1, 48]}
    with pytest.raises(ConfigError, match=r"row d1_64 of ablation_depth: .*depths"):
        hooks.check_sweep(cfg, [])
    cfg.sweep.rows.d1_64.set = {"model.netwrk.depths": [1, 64]}
    with pytest.raises(ConfigError, match=r"row d1_64 of ablation_depth: model.netwrk: no such key"):
        hooks.check_sweep(cfg, [])
    assert not (tmp_path / "runs").exists()


def test_two_hundred_jobs_are_checked_without_opening_the_data_for_each(tmp_path, files, monkeypatch):
    """Each file is opened once and each row checked once, however many seeds are finished already."""
    opened, checked = [], []
    reader, plan = SplitReader.__init__, hooks.planned
    monkeypatch.setattr(SplitReader, "__init__", lambda self, path: opened.append(path) or reader(self, path))
    monkeypatch.setattr(hooks, "planned", lambda cfg, **more: checked.append(cfg.job) or plan(cfg, **more))
    cfg = composed(*TOY, *files, f"sweep_dir={tmp_path / 'runs'}", f"seeds=[{','.join(map(str, range(20)))}]")
    names = jobs(cfg)
    assert len(names) == 200
    for name in names:  # the same in every job's directory, as its own run writes it
        cfg.job = name
        identity = hooks._identity(cfg, name, train_settings(cfg)) if name.endswith(("seed0", "seed7")) else None
        if identity is not None:
            job_files.write_json(tmp_path / "runs" / name / job_files.JOB, {"identity": asdict(identity)})
    cfg.job = None
    opened.clear(), checked.clear()
    hooks.check_sweep(cfg, [])
    assert opened == [] and len(checked) == 10  # the files are known by now, and of what seed 7 was made too
    by_seed = composed(*TOY, *files, f"sweep_dir={tmp_path / 'other'}", "seeds=[0,1]", "init=of/${seed}.ckpt")
    checked.clear()
    hooks.check_sweep(by_seed, [])
    assert len(checked) == 20


# --- one job: begun, skipped, refused, failed ---


class FakeRun:
    """Stands for a training: leaves a checkpoint and an evaluation, or fails as told."""

    def __init__(self, error: Exception | None = None, during=lambda directory: None) -> None:
        self.calls, self.error, self.during = [], error, during

    def __call__(self, settings, directory):
        self.calls.append(settings)
        (directory / "checkpoints").mkdir(exist_ok=True)
        (directory / LAST).write_text("weights")
        self.during(directory)
        if self.error:
            raise self.error
        return 100.0


@pytest.fixture
def job(tmp_path, files, monkeypatch):
    """Runs job d1_64/seed0 in ``tmp_path/job``; the contents of its finished marker are left out."""
    done = job_files.Finished(
        identity={}, mpjpe_mm={"ground_truth": 100.0}, reconstruction_mm={}, dataset="synth36", images=6,
        evaluation_sha256="", parameters=1, flops=1, max_steps=12, evaluation_images_per_second=1.0, code_version="",
        torch="",
    )  # fmt: skip
    monkeypatch.setattr(sweep, "_finished", lambda *_: done)
    monkeypatch.setattr("c2fpose.training.resuming.is_whole", Path.is_file)  # what stands for a checkpoint is none

    def run(fake, *overrides):
        cfg = composed(*TOY, *files, *overrides)
        cfg.job = "d1_64/seed0"
        monkeypatch.setattr(sweep, "run", fake)
        return sweep.run_job(cfg, tmp_path / "job")

    return run


def snapshot(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def test_a_finished_job_is_not_run_again(job, tmp_path, capsys):
    first, second = FakeRun(), FakeRun()
    assert job(first) == job(second) == 100.0
    assert len(first.calls) == 1 and not second.calls
    assert first.calls[0].model.network.depths == (1, 64)
    assert "finished already, skipped" in capsys.readouterr().out
    assert job_files.state(tmp_path / "job") == "finished"


def test_a_further_process_of_a_job_does_what_the_first_one_does(job, tmp_path, capsys, monkeypatch):
    """Where all are started at once, as by torchrun, one that computes alone would wait for the others for ever."""
    job(FakeRun())
    before = snapshot(tmp_path / "job")
    monkeypatch.setenv("RANK", "1")
    assert job(skipped := FakeRun()) == 100.0 and not skipped.calls
    assert math.isnan(job(refused := FakeRun(), "trainer.max_steps=16")) and not refused.calls
    assert snapshot(tmp_path / "job") == before
    shutil.move(tmp_path / "job", tmp_path / "earlier" / "d1_64" / "seed0")
    (tmp_path / "earlier" / "d1_64" / "seed0" / "checkpoints" / "final.ckpt").write_text("weights")
    assert math.isnan(job(taken_over := FakeRun(), f"reuse={tmp_path / 'earlier'}")) and not taken_over.calls
    assert "skipped" not in capsys.readouterr().out
    (tmp_path / "job").mkdir()
    assert job(computing := FakeRun()) == 100.0 and len(computing.calls) == 1
    assert not (tmp_path / "job" / "finished.json").exists()


def test_further_processes_evaluate_no_network_again(tmp_path, files, monkeypatch):
    """The first one writes that evaluation; nothing is trained together."""
    cfg = composed(*TOY, *files, experiment="ablation_bins")
    cfg.job = "d16_argmax/seed0"
    monkeypatch.setattr(sweep, "evaluate_again", lambda *_: pytest.fail("it evaluates"))
    monkeypatch.setenv("RANK", "1")
    assert math.isnan(sweep.run_job(cfg, tmp_path / "job"))
    assert not (tmp_path / "job").exists()


def test_too_little_memory_says_what_to_lower(job, tmp_path):
    assert math.isnan(job(FakeRun(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 12 bytes"))))
    assert job_files.read_json(tmp_path / "job" / "failed.json")["reason"].startswith("out of memory; lower batch_size")


def test_a_failed_job_says_why_and_goes_on_from_its_checkpoint(job, tmp_path, capsys):
    assert math.isnan(job(FakeRun(RuntimeError("shapes differ\nlong story"))))
    assert job_files.state(tmp_path / "job") == "failed"
    assert job_files.read_json(tmp_path / "job" / "failed.json")["reason"] == "RuntimeError: shapes differ"
    assert capsys.readouterr().err == "error: d1_64/seed0: RuntimeError: shapes differ\n"
    again = FakeRun(during=lambda directory: states.append(job_files.state(directory)))
    states: list[str] = []
    assert job(again) == 100.0
    assert states == ["begun"]
    assert again.calls[0].resume == str(tmp_path / "job" / LAST)
    assert job_files.state(tmp_path / "job") == "finished" and not (tmp_path / "job" / "failed.json").exists()


def test_a_fine_tuning_goes_on_from_its_checkpoint_not_from_the_weights_it_began_with(job, tmp_path):
    """Both at once are refused, for a training goes on or begins: the job could never have been finished."""
    first, again = FakeRun(RuntimeError("out of memory")), FakeRun()
    assert math.isnan(job(first, "init=builtin"))
    assert (first.calls[0].init, first.calls[0].resume) == ("builtin", None)
    assert job(again, "init=builtin") == 100.0
    assert (again.calls[0].init, again.calls[0].resume) == (None, str(tmp_path / "job" / LAST))


def test_a_signal_that_comes_out_as_an_error_is_no_failure_of_the_job(job, tmp_path, capsys):
    class Run(FakeRun):
        def __call__(self, settings, directory):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(10)
            except BaseException:
                raise ValueError("Invalid bounding box") from None  # as matplotlib's renderer does

    with pytest.raises(SystemExit) as ending, stops_in_one_line():
        job(Run())
    assert ending.value.code == 143 and job_files.state(tmp_path / "job") == "begun"
    assert capsys.readouterr().err == "stopped by SIGTERM\n"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [(["trainer.max_steps=16"], "trainer.max_steps was 12, now 16"), (["data.batch_size=8"], "data.batch_size was 4")],
)
def test_other_settings_are_refused_and_nothing_is_changed(job, tmp_path, capsys, overrides, message):
    job(FakeRun(RuntimeError("stopped")))
    before = snapshot(tmp_path / "job")
    refused = FakeRun()
    assert math.isnan(job(refused, *overrides)) and not refused.calls
    error = capsys.readouterr().err.splitlines()[-1]
    assert message in error and "nothing was changed" in error
    assert snapshot(tmp_path / "job") == before


def test_other_data_and_other_code_are_refused(job, tmp_path, capsys, monkeypatch):
    job(FakeRun())
    with monkeypatch.context() as patch:
        patch.setattr(identity, "code_fingerprint", lambda: "0" * 16)
        job(refused := FakeRun())
        assert "code " in capsys.readouterr().err and not refused.calls
        assert job(FakeRun(), "accept_code=true") == 100.0
    path = tmp_path / "train.h5"
    path.unlink()
    write_split(path, people(24, 1, "train"), map(jpeg, range(24)), dataset="synth36", split="train", provenance={})
    job(refused := FakeRun())
    assert "train data" in capsys.readouterr().err and not refused.calls


def test_what_differs_between_machines_does_not_count(job):
    job(FakeRun())
    job(skipped := FakeRun(), "data.workers=3", "trainer.progress=true", "data.cache=none", "logger.project=other")
    assert not skipped.calls


def test_results_of_something_else_and_broken_books_are_refused(job, tmp_path, capsys):
    directory = tmp_path / "job"
    (directory / "checkpoints").mkdir(parents=True)
    (directory / "checkpoints" / "x.ckpt").write_text("")
    job(refused := FakeRun())
    assert "holds results but no job.json" in capsys.readouterr().err and not refused.calls
    (directory / "job.json").write_text('{"identity": {"row"')
    job(refused)
    assert "cannot be read" in capsys.readouterr().err and not refused.calls


def test_what_the_machine_refuses_ends_a_job_and_not_the_sweep(tmp_path, capsys, monkeypatch):
    def away(*_):
        raise OSError(errno.EIO, "Input/output error", "last.ckpt")

    monkeypatch.setattr(sweep, "planned", away)
    assert math.isnan(sweep.run_job(OmegaConf.create({"job": "a/seed0"}), tmp_path))
    assert capsys.readouterr().err == "error: a/seed0: last.ckpt: Input/output error\n"


def test_a_job_runs_in_one_process_at_a_time(job, tmp_path, capsys):
    class Nested(FakeRun):
        def __call__(self, settings, directory):
            with pytest.raises(OccupiedError, match="at work there"), sweep.alone_in(directory):
                pass
            return super().__call__(settings, directory)

    assert job(Nested()) == 100.0


@pytest.mark.slow
def test_the_code_that_counts_is_what_a_training_imports(tmp_path, files):
    """A module that training and evaluation import either counts, or is known to leave results alone."""
    aside = (  # what refuses or watches, and what draws
        "base", "config", "pictures", "sweeps", "reports", "model.checkpoints", "data.child", "data.hdf5",
        "data.plausible", "data.synth36", "training.callbacks", "training.checkpoints", "training.curve",
        "training.divergence",
        "training.gradients",
        "training.loggers", "training.progress", "training.replacing", "training.threads", "train",
    )  # fmt: skip
    code = (
        "import sys; from c2fpose.train import main\n"
        "try: main()\n"
        "finally: print(*[name for name in sys.modules if name.startswith('c2fpose')])"
    )
    words = [*TOY, *files, "trainer.max_steps=1", f"run_dir={tmp_path / 'run'}"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.splitlines()[-1].split())
    files_imported = {name for name in imported if Path(sys.modules[name].__file__ if name in sys.modules else
                      importlib.util.find_spec(name).origin).name != "__init__.py"}  # fmt: skip
    counted = {f"c2fpose.{name.removesuffix('.py').replace('/', '.')}" for name in identity.RESULT_CODE}

    def within(name: str, places: Iterable[str]) -> bool:
        return any(name == place or name.startswith(f"{place}.") for place in places)

    assert not [name for name in files_imported if not within(name, [*counted, *(f"c2fpose.{a}" for a in aside)])]
    assert not [place for place in counted if not any(within(name, [place]) for name in files_imported)]


@pytest.fixture
def package(tmp_path) -> Path:
    """A copy of the code that counts."""
    source = Path(identity.__file__).parents[1]
    for name in identity.RESULT_CODE:
        copy = shutil.copytree if (source / name).is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy(source / name, tmp_path / name)
    return tmp_path


def test_comments_do_not_make_other_code(package):
    before = identity.fingerprint_of(package)
    module = package / "model/networks/input.py"
    module.write_text(module.read_text().replace('"""', '"""Other words. ', 1) + "\n\n# a remark\n")
    assert identity.fingerprint_of(package) == before


def test_a_changed_formula_makes_other_code(package):
    before = identity.fingerprint_of(package)
    module = package / "model/networks/input.py"
    module.write_text(module.read_text().replace("div_(255)", "div_(256)"))
    assert identity.fingerprint_of(package) != before


def test_a_move_and_its_imports_do_not_make_other_code(package):
    """A function moves to a new file of the same folder; whoever uses it imports it from there."""
    before = identity.fingerprint_of(package)
    old = package / "model/volumes/points.py"
    text = old.read_text()
    start, end = text.index("def mirror_points"), len(text)
    (package / "model/volumes/mirrored.py").write_text("import torch\n\n\n" + text[start:end])
    imported = "import torch\nfrom c2fpose.model.volumes.mirrored import mirror_points\n"
    old.write_text(text[:start].replace("import torch\n", imported, 1))
    assert identity.fingerprint_of(package) == before


@pytest.mark.parametrize(
    ("depths", "family", "millions"),
    [
        ((1, 64), "stacked", 26.9),
        ((64, 64), "stacked", 27.6),
        ((1, 2, 4, 64), "stacked", 53.6),
        ((64,), "uniform", 9.7),
    ],
)
def test_parameters_are_those_of_the_released_networks(depths, family, millions):
    cost = network_cost(NetworkConfig(depths=depths, family=family))
    assert cost["parameters"] / 1e6 == pytest.approx(millions, abs=0.05)
    assert cost["flops"] > 100 * cost["parameters"]


# --- the command ---


def errors_of(directory: Path) -> dict[str, float]:
    return {
        str(path.parent.relative_to(directory)): json.loads(path.read_text())["mpjpe_mm"]
        for path in sorted(directory.glob("*/*/finished.json"))
    }


@pytest.mark.slow
def test_a_sweep_killed_in_its_second_job_ends_as_an_undisturbed_one(files, tmp_path, ready):
    alone = ["-m", "c2fpose.train", *TOY, "+experiment=ablation_depth", "seeds=[0]", *files, "trainer.max_steps=8"]
    words = [*alone, "rows=[d64,d1_64]"]
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    undisturbed.mkdir(), killed.mkdir()
    done = ready.run([*alone, "rows=[d1_64]"], undisturbed)
    assert done.returncode == 0, done.stderr

    process = ready.start(words, killed)
    second = killed / "runs" / "ablation_depth" / "laptop" / "d1_64" / "seed0"
    while not (second / LAST).is_file():
        assert runs(process), killed.with_suffix(".txt").read_text()
        time.sleep(0.005)
    os.kill(process, signal.SIGKILL)
    assert ready.wait()[0] == -signal.SIGKILL
    first = second.parent.parent / "d64" / "seed0"
    assert job_files.state(second) == "begun" and job_files.state(first) == "finished"
    before = [(first / name).read_bytes() for name in ("finished.json", "checkpoints/final.ckpt")]

    done = ready.run(words, killed)
    assert done.returncode == 0, done.stderr
    assert "d64/seed0: finished already, skipped" in done.stdout
    assert "d1_64/seed0: goes on from its last checkpoint" in done.stdout
    sweeps = [directory / "runs" / "ablation_depth" / "laptop" for directory in (undisturbed, killed)]
    assert [(first / name).read_bytes() for name in ("finished.json", "checkpoints/final.ckpt")] == before
    alone, both = map(errors_of, sweeps)
    assert set(both) == {"d64/seed0", "d1_64/seed0"} and alone == {"d1_64/seed0": both["d1_64/seed0"]}
    curves = [read_curve(directory / "d1_64" / "seed0" / CURVE) for directory in sweeps]
    errors = [[(point["step"], point["val_mpjpe_mm"]) for point in curve] for curve in curves]
    assert errors[0] == errors[1] and [step for step, _ in errors[0]] == [4, 8]


@pytest.mark.slow
def test_a_failed_job_leaves_the_others_alone(files, tmp_path, ready):
    """The first row asks for an action that is not in the data; the second one is fine. Two processes at a time."""
    words = ["-m", "c2fpose.train", *TOY, "+experiment=ablation_depth", "rows=[d64,d1_64]", "seeds=[0]", *files,
             "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "trainer.max_steps=4"]  # fmt: skip
    done = ready.run([*words, "++sweep.rows.d64.set={data.actions:[WalkTogether]}"], tmp_path)
    assert done.returncode == 1
    directory = tmp_path / "runs" / "ablation_depth" / "laptop"
    assert job_files.state(directory / "d64" / "seed0") == "failed", done.stderr
    assert job_files.state(directory / "d1_64" / "seed0") == "finished"
    assert "no record left" in done.stderr
    assert "1 of 2 jobs did not finish: d64/seed0" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(cores().open < 2, reason="a core for each process")
def test_two_processes_give_the_losses_of_one(files, tmp_path, ready):
    """gloo on the CPU: half the batch each, the same order; group norm, since batch statistics would differ.

    As jobs of a sweep, of which the first process alone keeps the books.
    """
    common = [*files, "model.network.norm=group", "+experiment=ablation_depth", "rows=[d1_64]", "seeds=[0]",
              "trainer.precision=64-true", "trainer.log_every=1", "trainer.max_steps=4", "logger.csv=true"]  # fmt: skip
    losses = []
    for devices in (1, 2):
        parallel = [f"trainer.devices={devices}", f"trainer.strategy={'ddp' if devices == 2 else 'auto'}"]
        words = [*common, *parallel, f"data.batch_size={4 // devices}", f"name=on_{devices}"]
        done = ready.run(["-m", "c2fpose.train", *TOY, *words], tmp_path)
        assert done.returncode == 0, done.stderr
        sweep_dir = tmp_path / "runs" / f"on_{devices}" / "laptop"
        losses.append(logged(sweep_dir / "d1_64" / "seed0", "train/loss")[1])
        assert list(errors_of(sweep_dir)) == ["d1_64/seed0"] and (sweep_dir / "tables" / "table.md").is_file()
    assert len(losses[0]) == 4
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)


@pytest.mark.slow
def test_submitit_runs_jobs_as_processes_of_their_own(files, tmp_path, ready):
    """Its local executor stands for SLURM."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    words = ["-m", "c2fpose.train", *TOY, "+experiment=ablation_depth", "rows=[d64,d1_64]", "seeds=[0]", *files,
             "trainer.max_steps=4", "hydra/launcher=submitit_local", "hydra.launcher.timeout_min=10"]  # fmt: skip
    done = ready.run(words, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(errors_of(tmp_path / "runs" / "ablation_depth" / "laptop")) == 2


def test_books_that_cannot_be_read_are_an_error(tmp_path):
    (tmp_path / "finished.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        job_files.read_json(tmp_path / "finished.json")
