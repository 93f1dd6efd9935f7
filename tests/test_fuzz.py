"""Damaged files that commands leave for one another, and people write by hand: read, or refused in one line."""

import dataclasses

import pytest
import toy_runs
from torture import fuzz

from c2fpose.config.command_line import options
from c2fpose.config.evaluation import EvaluateSettings
from c2fpose.evaluation.scores import Evaluation
from c2fpose.pose.skeleton import C2F17, Skeleton
from c2fpose.sweeps.identity import Identity
from c2fpose.sweeps.job import FINISHED, JOB, Finished, identity_in, read_finished, write_json
from c2fpose.training.curve import CURVE, read_curve, write_curve

pytestmark = pytest.mark.torture


def test_skeletons(tmp_path):
    path = tmp_path / "skeleton.yaml"
    C2F17.to_file(path)
    assert fuzz(path, lambda: Skeleton.from_file(path), path.name)


@pytest.mark.parametrize("name", ["evaluation.json", "evaluation.npz"])
def test_evaluations(tmp_path, name):
    toy_runs.evaluation().write(tmp_path)
    assert fuzz(tmp_path / name, lambda: Evaluation.read(tmp_path), str(tmp_path))


def test_finished_jobs(tmp_path):
    rules = {"ground_truth": 100.0}
    done = Finished(
        identity={"row": "d64"}, mpjpe_mm=rules, reconstruction_mm=rules, dataset="synth36", images=6,
        evaluation_sha256="0" * 64, parameters=1, flops=1, max_steps=12, evaluation_images_per_second=1.0,
        code_version="0.1.0", torch="2.11",
    )  # fmt: skip
    write_json(tmp_path / FINISHED, done.model_dump(mode="json"))
    assert fuzz(tmp_path / FINISHED, lambda: read_finished(tmp_path), str(tmp_path))


def test_jobs(tmp_path):
    values = {"experiment": "a", "scale": "b", "row": "d64", "seed": 0, "configuration": {"seed": 0, "model": {"x": 1}},
              "common": {}, "code": "0" * 16, "data": {"train": "1" * 64}, "init": "2" * 64}  # fmt: skip
    assert set(values) == {field.name for field in dataclasses.fields(Identity)}
    write_json(tmp_path / JOB, {"identity": values, "row": None, "code_version": "0.1.0"})
    assert fuzz(tmp_path / JOB, lambda: identity_in(tmp_path), str(tmp_path))


def test_curves(tmp_path):
    rows = [{"step": step, "training_seconds": step / 7, "val_mpjpe_mm": 900 / step} for step in (4, 8, 12)]
    write_curve(tmp_path / CURVE, rows)
    assert fuzz(tmp_path / CURVE, lambda: read_curve(tmp_path / CURVE), CURVE)


def test_command_lines(tmp_path):
    path = tmp_path / "words"
    path.write_text("ckpt=runs/a/checkpoints/final.ckpt\ntest_file=a.h5\nbatch_size=3\ncameras=[0,1]\nflip=false")

    def read() -> None:
        options(EvaluateSettings, "evaluate.yaml", path.read_text(errors="replace").split("\n"), positional="ckpt")

    assert fuzz(path, read, "")
