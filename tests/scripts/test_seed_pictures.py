"""Pictures of seeds that several folders of tables hold: which jobs are in them, and what is refused."""

import csv

import numpy as np
import pytest
from script_modules import FOLDER, loaded

from c2fpose.base.errors import DataError

EXPERIMENTS = FOLDER.parent / "experiments"
DEPTH = [EXPERIMENTS / "ablation_depth", EXPERIMENTS / "ablation_depth" / "seeds_3_4"]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return loaded("seed_pictures")


def test_seeds_of_all_folders_are_drawn(script, tmp_path):
    results = script.results_of("ablation_depth", DEPTH, {}, "synth36")
    with open(DEPTH[1] / "jobs.csv", newline="") as file:
        later = {(job["row"], int(job["seed"])): float(job["mpjpe_mm_ground_truth"]) for job in csv.DictReader(file)}
    drawn = {(job.row, job.seed): job.result.mpjpe_mm["ground_truth"] for job in results.finished}
    assert later.items() <= drawn.items() and [job.seed for job in results.of("d64_64")] == [0, 1, 2, 3, 4]
    for job in results.finished:
        assert job.curve[-1, 0] == 3500 and (np.diff(job.curve[:, 0]) > 0).all()
    script.main(["ablation_depth", *map(str, DEPTH), "--out", str(tmp_path), "--rows", "d64_64,d1_64"])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["errors.png", "validation.png"]


def test_a_row_of_another_experiment_is_taken_under_ones_own_name(script):
    theirs = [EXPERIMENTS / "ablation_supervision", DEPTH[1]]
    results = script.results_of("ablation_supervision", theirs, {"d1_64": "separated"}, "synth36")
    assert [job.seed for job in results.of("separated")] == [0, 1, 2, 3, 4]
    assert {job.row for job in results.jobs} == {"direct", "separated", "none"}  # d64_64 is none of its rows


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ablation_depht", DEPTH[0]], "ablation_depht: no such experiment"),
        (["ablation_depth", EXPERIMENTS], "no such file; give folders that c2fpose.tables wrote"),
        (["ablation_depth", EXPERIMENTS / "ablation_labels"], "holds no finished job of ablation_depth"),
        (["ablation_depth", *DEPTH, "--as", "separated"], "--as: takes THEIRS=OURS"),
        (["ablation_depth", *DEPTH, "--rows", "d65"], "has no row d65"),
        (["ablation_depth", DEPTH[0], DEPTH[0] / "longer" / "seeds_1_2"], "seeds of 3500 and of 10500 steps"),
    ],
)
def test_what_cannot_be_drawn(script, tmp_path, capsys, words, message):
    with pytest.raises(SystemExit) as exit:
        script.main([*map(str, words), "--out", str(tmp_path)])
    assert exit.value.code == 2
    assert message in capsys.readouterr().err


def test_another_file_of_that_name(script, tmp_path, capsys):
    (tmp_path / "curves.csv").write_text("row,seed,step\nd1_64,0,500\n")
    (tmp_path / "jobs.csv").write_text("row,seed\nd1_64,0\n")
    with pytest.raises(SystemExit):
        script.main(["ablation_depth", str(tmp_path), "--out", str(tmp_path / "out")])
    assert "curves.csv: no column training_seconds" in capsys.readouterr().err


def test_times_of_rows_take_the_place_of_what_jobs_took(script, tmp_path):
    results = script.results_of("ablation_depth", DEPTH, {}, "synth36").only(["d64_64", "d1_64"])
    file = tmp_path / "times.csv"
    file.write_text("row,step_ms\nd64_64,200\nd1_64,100\n")
    script.put_times(results, file)
    for job in results.finished:
        assert job.curve[-1, 1] == pytest.approx(3500 * (0.2 if job.row == "d64_64" else 0.1))
    file.write_text("row,step_ms\nd64_64,200\n")
    with pytest.raises(DataError, match="no row d1_64; time it"):
        script.put_times(results, file)
    with pytest.raises(DataError, match=r"none\.csv: no such file; give what scripts/row_times\.py wrote"):
        script.put_times(results, tmp_path / "none.csv")
