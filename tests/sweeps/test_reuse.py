"""Jobs taken over from another sweep: only where configuration, code, data and seed are the same."""

import json
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import pytest
from toy_sweeps import TOY, composed

from c2fpose.sweeps.identity import Identity, identify
from c2fpose.sweeps.reuse import same_training, take_over
from c2fpose.sweeps.rows import planned


@cache
def identity_of(experiment: str, job: str) -> Identity:
    cfg = composed(*TOY, experiment=experiment)
    cfg.job = job
    return identify(planned(cfg), {"train": "aa", "test": "bb"})


def finished(directory: Path, identity: Identity, state: str = "finished") -> Path:
    (directory / "checkpoints").mkdir(parents=True)
    (directory / "evaluation").mkdir()
    (directory / "job.json").write_text(json.dumps({"identity": asdict(identity)}))
    (directory / f"{state}.json").write_text("{}")
    (directory / "checkpoints" / "final.ckpt").write_text("weights")
    (directory / "evaluation" / "evaluation.json").write_text("errors")
    return directory


@pytest.fixture
def separated(tmp_path, monkeypatch) -> Path:
    """A finished job of table 3, which is table 2's row 1, 64."""
    monkeypatch.chdir(tmp_path)
    identity = identity_of("ablation_supervision", "separated/seed1")
    return finished(Path("runs/ablation_supervision/laptop/separated/seed1"), identity)


def test_rows_that_two_tables_share_are_found(separated):
    assert same_training("runs/*/laptop", identity_of("ablation_depth", "d1_64/seed1")) == separated
    assert same_training("runs/*/paper", identity_of("ablation_depth", "d1_64/seed1")) is None
    everywhere = f"{Path.cwd()}/runs/*/laptop"
    assert same_training(everywhere, identity_of("ablation_depth", "d1_64/seed1")) == Path.cwd() / separated


@pytest.mark.parametrize(
    ("experiment", "job", "changed"),
    [("ablation_depth", "d1_64/seed0", {}), ("ablation_depth", "d8_64/seed1", {}),
     ("ablation_supervision", "direct/seed1", {}), ("ablation_depth", "d1_64/seed1", {"code": "other"}),
     ("ablation_depth", "d1_64/seed1", {"data": {"train": "aa", "test": "cc"}})],
)  # fmt: skip
def test_another_seed_network_code_or_data_is_not_taken(separated, experiment, job, changed):
    assert same_training("runs/*/laptop", replace(identity_of(experiment, job), **changed)) is None


def test_what_another_code_ended_is_not_taken(separated):
    wanted = identity_of("ablation_depth", "d1_64/seed1")
    for code, taken in ((wanted.code, separated), ("another", None)):
        (separated / "finished.json").write_text(json.dumps({"identity": {"code": code}}))
        assert same_training("runs/*/laptop", wanted) == taken


def test_a_row_that_evaluates_another_ones_network_is_no_training(separated):
    (separated / "checkpoints" / "final.ckpt").unlink()
    assert same_training("runs/*/laptop", identity_of("ablation_depth", "d1_64/seed1")) is None


def test_other_weights_to_begin_with_are_another_training(separated, tmp_path):
    (tmp_path / "a.ckpt").write_text("weights")
    begun = []
    for text in ("weights", "weights", "others"):
        (tmp_path / "a.ckpt").write_text(text)
        cfg = composed(*TOY, f"init={tmp_path / 'a.ckpt'}")
        cfg.job = "d64/seed0"
        begun.append(identify(planned(cfg), {}))
    assert begun[0].difference(begun[1]) is None
    assert "held other weights" in begun[0].difference(begun[2])
    assert replace(begun[0], init=None).difference(begun[2]) is None  # of an earlier version, which did not write it


def test_unfinished_and_unreadable_jobs_are_not_taken(separated, tmp_path):
    wanted = identity_of("ablation_depth", "d1_64/seed1")
    (separated / "job.json").write_text("{")
    assert same_training("runs/*/laptop", wanted) is None
    failed = Path("runs/ablation_recipe/laptop/base/seed1")
    finished(failed, identity_of("ablation_supervision", "separated/seed1"), state="failed")
    assert same_training("runs/*/laptop", wanted) is None


def test_results_are_taken_and_books_are_not(separated, tmp_path):
    target = tmp_path / "target"
    take_over(separated, target)
    take_over(separated, target)  # a second time changes nothing
    names = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert names == {"checkpoints/final.ckpt", "evaluation/evaluation.json"}
    assert (target / "checkpoints" / "final.ckpt").read_text() == "weights"


@pytest.mark.slow
def test_a_second_sweep_trains_what_the_first_has_not(files, tmp_path, ready):
    def sweep(*words: str) -> str:
        done = ready.run(["-m", "c2fpose.train", *TOY, *files, "trainer.max_steps=4", "seeds=[0]", *words], tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    sweep("+experiment=ablation_supervision", "rows=[separated]")
    said = sweep("+experiment=ablation_depth", "rows=[d64,d1_64]", "reuse=runs/*/laptop")
    first = "runs/ablation_supervision/laptop/separated/seed0"
    assert f"d1_64/seed0: the same training as {first}, taken over" in said
    assert "d64/seed0: begins" in said and "d64/seed0: the same" not in said
    taken = tmp_path / "runs/ablation_depth/laptop/d1_64/seed0"
    a, b = (json.loads((path / "finished.json").read_text()) for path in (tmp_path / first, taken))
    assert b["taken_from"] == first and a["taken_from"] is None
    assert a["mpjpe_mm"] == b["mpjpe_mm"] and a["training"] == b["training"]
    assert (tmp_path / "runs/ablation_depth/laptop/tables/table.md").is_file()
