"""What may stand in one table: jobs of several directories, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_sweeps import NAMES, begin_sweep, made_up_job

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.reports.records import differences, row_records
from c2fpose.reports.results import read_results
from c2fpose.reports.tables import error_table
from c2fpose.sweeps.job import FINISHED, SWEEP


def test_a_row_about_other_data_stands_beside_the_others(tmp_path, errors):
    """Trained on other people, tested on the same; two seeds of it are trained on the same too."""
    words = "++sweep.rows.d1_64.set={model.network.depths:[1,64],data.train_file:mine.h5}"
    directory = begin_sweep(tmp_path / "sweep", NAMES, words)
    mine = {"train": "c" * 64, "test": "b" * 64}
    for name, per_image in errors.items():
        made_up_job(directory, name, per_image, **({"data": mine} if name.startswith("d1_64") else {}))
    notes = " ".join(error_table(read_results([directory]), "mpjpe", "ground_truth").notes)
    assert "data train aaaaaaaaaaaa, test bbbbbbbbbbbb; 1, 64: train cccccccccccc;" in notes
    assert "there they do not compare" in notes
    for changed in ({"test": "d" * 64}, {"train": "d" * 64}):
        made_up_job(directory, "d1_64/seed1", errors["d1_64/seed1"], data=mine | changed)
        with pytest.raises(DataError, match=rf"cannot stand in one table: {next(iter(changed))} data .* and dddd"):
            read_results([directory])
    made_up_job(directory, "d1_64/seed1", errors["d1_64/seed1"], data=mine)
    made_up_job(directory, "d64_64/seed1", errors["d64_64/seed1"], data=mine)
    with pytest.raises(DataError, match="cannot stand in one table: train data"):
        read_results([directory])


def test_sweeps_of_two_machines_make_one_table(directory, errors, tmp_path):
    other = begin_sweep(tmp_path / "other", ["d8_64/seed0"])
    made_up_job(other, "d8_64/seed0", errors["d1_64/seed0"] + 4)
    records = {record["row"]: record for record in row_records(read_results([directory, other]), "ground_truth")}
    assert records["d8_64"]["seeds_finished"] == 1 and records["d64_64"]["seeds_finished"] == 2


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({"code": "0ther"}, "code c0de and 0ther"),
        ({"data": {"train": "c" * 64, "test": "b" * 64}}, "train data aaaaaaaaaaaa and cccccccccccc"),
        ({"common": {"steps": 200}}, "steps 100 and 200"),
        ({"scale": "paper"}, "scale laptop and .* scale paper"),
    ],
)
def test_mixed_results_are_refused(directory, errors, identity, message):
    made_up_job(directory, "d8_64/seed0", errors["d1_64/seed0"], **identity)
    with pytest.raises(DataError, match=message):
        read_results([directory])
    if "code" in identity:
        results = read_results([directory], accept_code=True)
        assert "2 versions of the code" in " ".join(error_table(results, "mpjpe", "ground_truth").notes)


def test_a_seed_run_twice_is_refused(directory, errors, tmp_path):
    other = begin_sweep(tmp_path / "other", ["d1_64/seed0"])
    made_up_job(other, "d1_64/seed0", errors["d1_64/seed0"])
    with pytest.raises(DataError, match="d1_64/seed0 was run twice"):
        read_results([directory, other])


def test_a_sweep_without_an_experiment_has_rows_by_what_differs(tmp_path, errors):
    for name, norm, seed in (("a", "batch", 0), ("b", "batch", 1), ("c", "group", 0)):
        configuration = {"seed": seed, "model": {"network": {"norm": norm, "width": 8}}}
        made_up_job(tmp_path / "made", f"{name}/seed{seed}", errors["d1_64/seed0"] + seed, configuration=configuration)
        (tmp_path / "made" / name / f"seed{seed}").rename(tmp_path / name)
    (tmp_path / "made" / "a").rmdir(), (tmp_path / "made" / "b").rmdir(), (tmp_path / "made" / "c").rmdir()
    results = read_results([tmp_path])
    assert [row.label for row in results.sweep.rows.values()] == ["norm=batch", "norm=group"]
    assert [job.seed for job in results.of("norm_batch")] == [0, 1]


def test_directories_without_an_experiment_share_the_names_of_their_rows(tmp_path, errors):
    """Each directory varies the seed alone, and they differ in width: two rows, not four seeds of one."""
    for folder, width in (("a", 32), ("b", 64)):
        for seed in (0, 1):
            configuration = {"seed": seed, "model": {"network": {"width": width}}}
            made_up_job(tmp_path, f"made/seed{seed}", errors["d1_64/seed0"], configuration=configuration)
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / "made" / f"seed{seed}").rename(tmp_path / folder / str(seed))
    results = read_results([tmp_path / "a", tmp_path / "b"])
    assert [row.label for row in results.sweep.rows.values()] == ["width=32", "width=64"]
    assert [[job.seed for job in results.of(row)] for row in results.sweep.rows] == [[0, 1], [0, 1]]


def test_seeds_of_one_row_differ_in_nothing_else(tmp_path, errors):
    def made(configuration: dict, **identity) -> Path:
        directory = begin_sweep(tmp_path / f"sweep{len(list(tmp_path.iterdir()))}", ["d64/seed0", "d64/seed1"])
        made_up_job(
            directory, "d64/seed0", errors["d1_64/seed0"], configuration={"seed": 0, "init": "x", "w": 1}, init="aa"
        )
        made_up_job(
            directory, "d64/seed1", errors["d1_64/seed1"], configuration={"seed": 1} | configuration, **identity
        )
        return directory

    with pytest.raises(DataError, match="no two seeds of one row: w 1 and 2"):
        read_results([made({"init": "x", "w": 2}, init="aa")])
    with pytest.raises(DataError, match=r"no two seeds of one row: init=x held other weights \(aa and bb\)"):
        read_results([made({"init": "x", "w": 1}, init="bb")])
    for init, weights in (("x", "aa"), ("x", None), ("y", "bb")):  # written down before; each seed with its own
        assert len(read_results([made({"init": init, "w": 1}, init=weights)]).finished) == 2


def test_an_evaluation_made_anew_is_refused(directory, errors):
    npz = directory / "d1_64" / "seed0" / "evaluation" / "evaluation.npz"
    arrays = dict(np.load(npz))
    np.savez_compressed(npz, **arrays | {"per_image_mm": arrays["per_image_mm"] + 1})
    with pytest.raises(DataError, match="was changed after the job finished"):
        differences(read_results([directory]), "ground_truth")


def test_subjects_are_told_apart_whatever_the_number_of_actions(directory):
    """Action 100 of subject 1 and action 0 of subject 2 are two clusters."""
    results = read_results([directory])
    (pair,) = (each for each in differences(results, "ground_truth") if each.second == "d1_64")
    assert pair.over_images.groups == 30
    for job in results.finished:
        first = job.evaluation.subject == 9
        of_many = {"actions": tuple(map(str, range(101))), "action": np.where(first, 100, 0)}
        job.__dict__["evaluation"] = replace(job.evaluation, subject=np.where(first, 1, 2), **of_many)
    (pair,) = (each for each in differences(results, "ground_truth") if each.second == "d1_64")
    assert pair.over_images is not None and pair.over_images.groups == 2


def test_a_table_of_no_rows_is_refused(directory):
    with pytest.raises(ConfigError, match=r"^rows=\[\]: name at least one row"):
        read_results([directory]).only([])


def test_what_another_version_wrote_or_a_disk_damaged_is_one_line(directory, errors):
    def changed(path, change):
        before = path.read_text()
        values = json.loads(before)
        change(values)
        path.write_text(json.dumps(values))
        return lambda: path.write_text(before)

    job, book = directory / "d1_64" / "seed0" / FINISHED, directory / SWEEP
    for path, change, message in (
        (book, lambda values: values.clear(), r"sweep.json: not a sweep's list of rows and jobs \('sweep'\); damaged"),
        (book, lambda values: values["sweep"]["rows"]["d64"].pop("set"), r"list of rows and jobs \('set'\)"),
        (
            job,
            lambda values: values["identity"].pop("common"),
            "finished.json: identity: .*common.*not of this",
        ),
        (job, lambda values: values["identity"].update(newer=1), "finished.json: identity: .*newer.*not of this"),
    ):
        restore = changed(path, change)
        with pytest.raises(DataError, match=message):
            read_results([directory])
        restore()
    made_up_job(directory, "d65/seed0", errors["d1_64/seed0"])
    with pytest.raises(DataError, match=r"row d65 is none of .*sweep.json; move it elsewhere"):
        read_results([directory])
