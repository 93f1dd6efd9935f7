"""A run's directory belongs to one run: who comes later is told, what is in it stays, who is stopped says so."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from toy_sweeps import TOY, write_files

from c2fpose.training.checkpoints import how_to_go_on

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(ready, tmp_path_factory) -> tuple[Path, list[str]]:
    """A finished run of twelve steps, and the words that made it."""
    folder = tmp_path_factory.mktemp("trained")
    words = [*TOY, *write_files(folder), "model.optimizer.schedule=one_cycle"]
    done = ready.run(["-m", "c2fpose.train", *words, f"run_dir={folder / 'run'}"], folder)
    assert done.returncode == 0, done.stderr
    return folder / "run", words


@pytest.fixture
def train(ready):
    """Run a training to its end."""
    return lambda *words, cwd: ready.run(["-m", "c2fpose.train", *words], cwd)


def refused(done: subprocess.CompletedProcess) -> str:
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert done.returncode == 2 and "Traceback" not in done.stderr
    return line


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def test_a_directory_that_holds_a_run_is_not_trained_in_again(trained, train):
    run, words = trained
    before = contents(run)
    line = refused(train(*words, f"run_dir={run}", "seed=99", cwd=run.parent))
    assert f"run_dir={run}: holds a run already" in line and "overwrite=true" in line and "resume=" in line
    assert contents(run) == before


def test_a_training_that_is_refused_leaves_no_directory(trained, train, tmp_path):
    _, words = trained
    for word in ("data.train_file=nowhere.h5", "init=nowhere.ckpt", "data.train_subjects=[1,2]"):
        refused(train(*words, word, f"run_dir={tmp_path / 'run'}", cwd=tmp_path))
        assert not (tmp_path / "run").exists()


def test_a_run_that_overwrites_another_never_goes_on_from_it(trained, train, tmp_path):
    """Refused, it leaves that as it was; what a killed one has left goes."""
    run, words = trained
    mine = tmp_path / "run"
    shutil.copytree(run, mine)
    before = contents(mine)
    words = [*words, f"run_dir={mine}", "overwrite=true"]
    refused(train(*words, "data.train_file=nowhere.h5", cwd=tmp_path))
    assert contents(mine) == before
    (mine / "replaced").mkdir()
    (mine / "checkpoints").rename(mine / "replaced" / "checkpoints")
    (mine / "checkpoints").mkdir()
    (mine / "checkpoints" / "last.ckpt").write_text("begun")
    (mine / "pictures").mkdir()
    (mine / "pictures" / "step_000999_poses.png").write_text("of the run that is replaced")
    done = train(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (mine / "pictures").exists()
    assert (mine / "checkpoints" / "final.ckpt").is_file() and not (mine / "replaced").exists()


def test_two_default_directories_of_one_second_are_two():
    from hydra import compose, initialize_config_dir

    import c2fpose.config.run  # noqa: F401  (knows run_id)
    from c2fpose.config.command_line import conf_dir

    names = set()
    for _ in range(2):
        with initialize_config_dir(conf_dir(), version_base="1.3"):
            names.add(compose("train").run_dir)
    assert len(names) == 2 and all(re.search(r"\d-[0-9a-f]{4}$", name) for name in names)


def test_training_longer_says_what_can_be_done(trained, train, tmp_path):
    run, words = trained
    last = run / "checkpoints" / "last.ckpt"
    longer = [*words, "trainer.max_steps=20", f"run_dir={tmp_path / 'longer'}"]
    line = refused(train(*longer, f"resume={last}", cwd=tmp_path))
    assert "planned for 12 steps" in line and "init=" in line and "model.optimizer.schedule=constant" in line
    assert refused(train(*longer, f"resume={last}", f"init={last}", cwd=tmp_path)).endswith("other weights")
    assert train(*longer, f"init={last}", cwd=tmp_path).returncode == 0
    constant = [*longer, "model.optimizer.schedule=constant", f"run_dir={tmp_path / 'constant'}", f"resume={last}"]
    done = train(*constant, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shorter = [*words, "trainer.max_steps=10", "model.optimizer.schedule=constant", f"run_dir={tmp_path / 'shorter'}"]
    line = refused(train(*shorter, f"resume={tmp_path / 'constant' / 'checkpoints' / 'last.ckpt'}", cwd=tmp_path))
    assert "has done 20 steps, trainer.max_steps is 10" in line


def test_another_evaluation_leaves_the_runs_own(trained, ready, tmp_path):
    run, _ = trained
    before = contents(run / "evaluation")
    for words, folder in [
        (["decoding=argmax", "flip=false"], "decoding=argmax,flip=False"),
        ([], "as_trained"),
        (["batch_norm=batch", "batch_size=3"], "batch_norm=batch,batch_size=3"),
    ]:
        done = ready.run(
            ["-m", "c2fpose.evaluate", f"ckpt={run / 'checkpoints' / 'final.ckpt'}", *words], tmp_path
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert (run / "evaluations" / folder / "evaluation.json").is_file()
    assert contents(run / "evaluation") == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_training_ends_in_one_line_and_says_so_to_the_shell(number, code, trained, ready, tmp_path):
    _, words = trained
    run, said = tmp_path / "run", tmp_path / "said"
    long = ["-m", "c2fpose.train", *words, "trainer.max_steps=100000", "trainer.validate_every=2",
            f"run_dir={run}"]  # fmt: skip
    first = ready.start(long, tmp_path, said)
    patience = time.monotonic() + 120
    while not (run / "checkpoints" / "last.ckpt").is_file() and time.monotonic() < patience:
        time.sleep(0.1)
    if number == signal.SIGTERM:  # once is enough
        assert "at work there since" in refused(ready.run(long, tmp_path))
    os.kill(first, number)
    ended, _ = ready.wait(first)
    assert ended == code, said.read_text()
    (line,) = [line for line in said.read_text().splitlines() if line.startswith("stopped by")]
    assert line.endswith(f"; the same command goes on with resume={run}/checkpoints/last.ckpt")
    assert "Traceback" not in said.read_text()
    assert not (run / "checkpoints" / "final.ckpt").exists()


def test_no_checkpoint_is_named_that_there_is_not(tmp_path):
    assert how_to_go_on(tmp_path / "last.ckpt") == "no checkpoint is written yet; the same command begins again"
    (tmp_path / "ä ö").touch()
    assert how_to_go_on(tmp_path / "ä ö") == f"the same command goes on with 'resume=\"{tmp_path}/ä ö\"'"


@pytest.mark.parametrize("place", ["file", "file/run"])
def test_a_directory_that_cannot_be_made_is_one_line(place, ready, tmp_path):
    """Hydra makes it, before the command begins."""
    (tmp_path / "file").write_text("mine")
    done = ready.run(["-m", "c2fpose.train", f"run_dir={place}"], tmp_path)
    assert f"{place}: no directory can be made there" in refused(done)
