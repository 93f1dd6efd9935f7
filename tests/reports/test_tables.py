"""Tables of a sweep: the statistics against SciPy's, what is printed, what is refused."""

import csv
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hydra import compose, initialize_config_dir

from c2fpose.base.errors import DataError
from c2fpose.base.provenance import file_hash
from c2fpose.config.command_line import conf_dir
from c2fpose.evaluation.scores import NETWORK, Evaluation, Row
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.pose.metrics import ActionTable
from c2fpose.pose.protocol import ACTIONS
from c2fpose.reports import plots
from c2fpose.reports.dashboard.html import page as dashboard
from c2fpose.reports.dashboard.panels import sections
from c2fpose.reports.records import budget, differences, row_records
from c2fpose.reports.results import read_results
from c2fpose.reports.statistics import (
    gained_at_the_end,
    mean_and_half_interval,
    paired_difference,
    seed_difference,
    value_at,
)
from c2fpose.reports.tables import budget_table, difference_table, error_table, source_table, summarise
from c2fpose.sweeps import hooks
from c2fpose.sweeps import job as job_files
from c2fpose.sweeps import runner as sweep
from c2fpose.sweeps.identity import Identity
from c2fpose.tables import main
from c2fpose.training.curve import read_curve, write_curve

IMAGES = 60


# --- statistics ---


def test_intervals_over_seeds_are_students():
    values = [101.0, 97.0, 104.5]
    mean, half = mean_and_half_interval(values)
    low, high = scipy.stats.t.interval(0.95, 2, np.mean(values), scipy.stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert mean_and_half_interval([5.0])[0] == 5.0 and np.isnan(mean_and_half_interval([5.0])[1])
    assert np.isnan(mean_and_half_interval([])[0])


def test_paired_difference_with_single_images_is_the_paired_t_test():
    random = np.random.default_rng(0)
    first, second = random.normal(100, 10, 40), random.normal(97, 10, 40)
    found = paired_difference(first, second, np.arange(40))
    expected = scipy.stats.ttest_rel(first, second)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.low_mm, found.high_mm) == pytest.approx((interval.low, interval.high))


def test_copies_of_an_image_add_nothing():
    """Frames of one sequence: with copies, the test is that of the sequences' means; unclustered it would be surer."""
    random = np.random.default_rng(1)
    difference = random.normal(3, 10, 12)
    copied, cluster = np.repeat(difference, 50), np.repeat(np.arange(12), 50)
    found = paired_difference(copied, np.zeros(600), cluster)
    assert found.p == pytest.approx(scipy.stats.ttest_1samp(difference, 0).pvalue)
    assert found.p > 10 * paired_difference(copied, np.zeros(600), np.arange(600)).p
    assert paired_difference(copied, np.zeros(600), np.zeros(600, int)) is None


def test_difference_over_seeds_is_welchs():
    first, second = [100.0, 103.0, 99.0], [95.0, 90.0]
    found = seed_difference(first, second)
    expected = scipy.stats.ttest_ind(first, second, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.low_mm, found.high_mm) == pytest.approx((interval.low, interval.high))
    assert seed_difference(first, [1.0]) is None


def test_curves():
    positions, values = np.array([10.0, 20.0, 40.0]), np.array([100.0, 80.0, 70.0])
    assert value_at(positions, values, 30) == 75 and np.isnan(value_at(positions, values, 41))
    assert gained_at_the_end(np.linspace(200, 100, 21)) == pytest.approx(25)
    assert gained_at_the_end(np.full(21, 90.0)) == pytest.approx(0)
    assert np.isnan(gained_at_the_end(np.array([3.0, 2.0])))


# --- a sweep's directory, made up ---


def made_up_job(
    directory: Path,
    name: str,
    per_image: np.ndarray,
    seconds: float = 100.0,
    actions: tuple[str, ...] = ACTIONS,
    **identity,
) -> None:
    """A finished job with these errors (the same for all rules; reconstruction half of them)."""
    action, subject = np.arange(IMAGES) % len(actions), np.array((9, 11))[np.arange(IMAGES) // 30]
    job = directory / name
    rows = []
    for metric, factor in (("mpjpe", 1.0), ("reconstruction", 0.5)):
        for rule in ROOT_DEPTH_RULES:
            errors = factor * per_image
            table = ActionTable.of(np.repeat(errors[:, None], 17, 1), action, len(actions))
            rows.append(Row(NETWORK, rule, metric, table, errors))
    evaluation = Evaluation(tuple(rows), subject, action, np.arange(IMAGES), {}, actions=actions)
    evaluation.write(job / "evaluation")
    row, seed = name.split("/seed")
    values = {
        "experiment": "ablation_depth", "scale": "laptop", "row": row, "seed": int(seed), "configuration": {"row": row},
        "common": {"steps": 100}, "code": "c0de", "data": {"train": "a" * 64, "test": "b" * 64},
    } | identity  # fmt: skip
    made = asdict(Identity(**values))
    sweep.write_json(job / sweep.JOB, {"identity": made})
    curve = [
        {"step": step, "training_seconds": seconds * step / 100, "val_mpjpe_mm": per_image.mean() + 100 - step}
        for step in range(10, 101, 10)
    ]
    write_curve(job / "curve.csv", curve)
    record = {
        "identity": made,
        "mpjpe_mm": {rule: evaluation.mpjpe_mm(rule) for rule in ROOT_DEPTH_RULES},
        "reconstruction_mm": {rule: evaluation.reconstruction_mm(rule) for rule in ROOT_DEPTH_RULES},
        "dataset": "synth36", "images": IMAGES, "parameters": 2_000_000, "flops": 3_000_000_000, "max_steps": 100,
        "evaluation_sha256": file_hash(job / "evaluation" / "evaluation.npz"), "code_version": "0.1", "torch": "2",
        "training": {"seconds": seconds, "images_per_second": 16.0, "steps": 100, "memory_gib": 1.0, "device": "CPU"},
        "evaluation_images_per_second": 50.0,
    }  # fmt: skip
    sweep.write_json(job / sweep.FINISHED, record)


def begin_sweep(directory: Path, names: list[str], *overrides: str) -> Path:
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=["+experiment=ablation_depth", *overrides])
    hooks.write_sweep(directory, cfg, names)
    return directory


NAMES = ["d64_64/seed0", "d64_64/seed1", "d1_64/seed0", "d1_64/seed1", "d64/seed0", "d8_64/seed0"]


@pytest.fixture
def errors() -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    hard = random.normal(150, 30, IMAGES)
    means = {"d64_64/seed0": 10, "d64_64/seed1": 12, "d1_64/seed0": 0, "d1_64/seed1": 1}
    return {name: hard + mean + random.normal(0, 3, IMAGES) for name, mean in means.items()}


@pytest.fixture
def directory(tmp_path, errors) -> Path:
    """Two rows finished, one failed, one never begun, the others not asked for."""
    directory = begin_sweep(tmp_path / "sweep", NAMES)
    for name, per_image in errors.items():
        made_up_job(directory, name, per_image, seconds=200.0 if "d64" in name else 100.0)
    sweep.write_json(directory / "d64" / "seed0" / sweep.FAILED, {"reason": "RuntimeError: out of memory"})
    return directory


def test_means_intervals_and_papers_figures_are_printed(directory, errors):
    table = error_table(read_results([directory]), "mpjpe", "ground_truth")
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    mean, half = mean_and_half_interval([errors["d1_64/seed0"].mean(), errors["d1_64/seed1"].mean()])
    assert rows["1, 64"]["ours"] == f"{mean:.1f} ± {half:.1f}"
    assert rows["1, 64"]["paper (v1)"] == "69.77" and rows["64, 64"]["paper (v1)"] == "80.14"
    assert (
        rows["1, 64"]["seeds"] == "2" and rows["1, 64"]["parameters, M"] == "2.00" and rows["1, 64"]["GFLOP"] == "3.00"
    )
    assert rows["64"]["ours"] == "failed" and rows["64"]["seeds"] == "0 of 1"
    assert rows["8, 64"]["ours"] == "missing" and rows["1, 2, 64"]["ours"] == "not asked for"


def test_parts_of_the_error_and_calibration_are_columns_where_they_are_asked_for(directory):
    for place, name in enumerate(("d1_64/seed0", "d1_64/seed1")):
        record = sweep.read_json(directory / name / sweep.FINISHED)
        measured = {"expected_calibration_error": 0.02 + 0.02 * place, "coverage": {"0.9": 0.88 + 0.01 * place}}
        measured |= {"error_mm": 90.0 + 4 * place, "error_of_surest_mm": 60.0 + place}
        axes = {"x": 20.0 + place, "y": 15.0, "depth": 60.0}
        sweep.write_json(directory / name / sweep.FINISHED, record | {"axes_mm": axes, "calibration": measured})
    results = read_results([directory])
    assert "depth" not in error_table(results, "mpjpe", "ground_truth").header
    results = replace(results, sweep=results.sweep.model_copy(update={"apart": True}))
    table = error_table(results, "mpjpe", "ground_truth")
    assert {len(row) for row in table.rows} == {len(table.header)}
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    names = ("x", "y", "depth", "calibration error, %", "90 % ellipsoids hold, %", "surest 80 %, of all, mm")
    assert [rows["1, 64"][name] for name in names] == ["20.5", "15.0", "60.0", "3.0", "88.5", "60.5 of 92.0"]
    assert [rows["64, 64"][name] for name in names] == ["-"] * 6  # a job from before these were kept


def test_sources_of_a_mix_have_a_table_of_their_own(directory, tmp_path):
    assert source_table(read_results([directory])).rows == ()
    for name, seed in (("d1_64/seed0", 0), ("d1_64/seed1", 1)):
        rows = read_curve(directory / name / "curve.csv")
        rows[-1] |= {"val_mpjpe_mm_lab": 100.0 + seed, "val_off_percent_lab": 5.0, "val_off_percent_photos": 8.0 + seed}
        write_curve(directory / name / "curve.csv", rows)  # earlier rows know nothing of sources
    results = summarise([directory], tmp_path / "tables")
    rows = source_table(results).rows
    assert rows == (("1, 64", "lab", "100.5", "5.0"), ("1, 64", "photos", "-", "8.5"))
    assert "## Sources of a mix, each apart" in (tmp_path / "tables" / "table.md").read_text()
    with open(tmp_path / "tables" / "sources.csv", newline="") as file:
        assert [(r["source"], r["seeds"], r["mpjpe_mm"]) for r in csv.DictReader(file)] == [
            ("lab", "2", "100.5"), ("photos", "2", ""),
        ]  # fmt: skip
    assert results.of("d1_64")[0].curve.shape == (10, 3)


def test_more_rows_than_colours_differ_by_their_lines(directory, monkeypatch):
    monkeypatch.setattr(plots, "SERIES", ("#0072B2",))
    figure = plots.validation_figure(read_results([directory]))
    means = [line for line in figure.axes[0].lines if not line.get_label().startswith("_")]
    assert [line.get_linestyle() for line in means] == ["-", "--"]
    assert len({line.get_label() for line in means}) == 2


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


def test_captions_do_not_call_synthetic_people_human36m(directory):
    notes = " ".join(error_table(read_results([directory]), "mpjpe", "ground_truth").notes)
    assert "Ours: synth36" in notes and "not Human3.6M" in notes
    assert "aaaaaaaaaaaa" in notes and "bbbbbbbbbbbb" in notes


def test_differences_are_paired_over_images_and_welchs_over_seeds(directory, errors):
    (pair,) = differences(read_results([directory]), "ground_truth")
    assert (pair.first, pair.second) == ("d64_64", "d1_64")
    over_images, over_seeds = pair.over_images, pair.over_seeds
    first, second = (np.mean([errors[f"{row}/seed{k}"] for k in (0, 1)], 0) for row in ("d64_64", "d1_64"))
    assert over_images.mean_mm == pytest.approx((first - second).mean(), abs=1e-3)
    assert over_images.groups == 30 and over_images.significant
    assert over_seeds.mean_mm == pytest.approx((first - second).mean(), abs=1e-3)
    assert pair.mean_mm == pytest.approx((first - second).mean(), abs=1e-3)
    (row,) = difference_table(read_results([directory]), "ground_truth").rows
    assert row[1] == "+10.37"  # 80.14 less 69.77


def test_equal_steps_and_equal_time(directory, errors):
    known = budget(read_results([directory]))
    assert (known.steps, known.seconds) == (100, 100)
    naive = np.mean([errors[f"d64_64/seed{k}"].mean() for k in (0, 1)])
    assert known.at_steps["d64_64"] == pytest.approx(naive, abs=0.01)
    assert known.at_seconds["d64_64"] == pytest.approx(naive + 50, abs=0.01)  # half of its steps
    assert known.gained["d1_64"] == pytest.approx(20, abs=0.1)
    assert "A gain of -" not in "".join(budget_table(read_results([directory])).notes)
    for path in directory.glob("*/seed*/curve.csv"):
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    short = budget_table(read_results([directory]))
    assert {row[-1] for row in short.rows} == {"-"} and "A gain of -" in "".join(short.notes)


def test_everything_is_written_and_the_csv_holds_the_values(directory, errors, tmp_path):
    out = tmp_path / "out"
    summarise([directory], out)
    names = {
        "table.md",
        "table.tex",
        "table.csv",
        "jobs.csv",
        "differences.csv",
        "curves.csv",
        "errors.png",
        "validation.png",
    }
    assert {path.name for path in out.iterdir()} == names
    with open(out / "table.csv", newline="") as file:
        rows = {row["row"]: row for row in csv.DictReader(file)}
    expected = np.mean([errors[f"d1_64/seed{k}"].mean() for k in (0, 1)])
    assert float(rows["d1_64"]["mpjpe_mm"]) == pytest.approx(expected, abs=1e-3)
    assert rows["d1_64"]["paper_mm"] == "69.77" and rows["d64"]["mpjpe_mm"] == ""
    text = (out / "table.md").read_text()
    assert "d64/seed0 failed: RuntimeError: out of memory" in text and "d8_64/seed0 missing" in text
    columns = [line.count("&") for line in (out / "table.tex").read_text().splitlines() if line.endswith(r"\\")]
    assert len(set(columns[:11])) == 1


def test_actions_are_columns_where_the_experiment_asks_for_them(tmp_path, errors):
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=["+experiment=ablation_supervision"])
    hooks.write_sweep(tmp_path, cfg, ["direct/seed0"])
    made_up_job(tmp_path, "direct/seed0", errors["d1_64/seed0"], experiment="ablation_supervision")
    table = error_table(read_results([tmp_path]), "mpjpe", "ground_truth")
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    phoning = errors["d1_64/seed0"][np.arange(IMAGES) % 15 == 4].mean()
    assert rows["direct"]["Phoning"] == f"{phoning:.1f}"
    assert rows["direct: paper (v1)"]["Phoning"] == "75.0" and rows["separated: paper (v1)"]["Walking"] == "59.1"


def test_actions_have_the_names_of_the_jobs_own_data(tmp_path, errors):
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=["+experiment=ablation_supervision"])
    hooks.write_sweep(tmp_path, cfg, ["direct/seed0", "separated/seed0"])
    for row, actions in (("direct", ("Phoning", "Walking", "juggling")), ("separated", ("juggling", "Phoning"))):
        made_up_job(tmp_path, f"{row}/seed0", errors["d1_64/seed0"], actions=actions, experiment="ablation_supervision")
    results = read_results([tmp_path])
    table = error_table(results, "mpjpe", "ground_truth")
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    for row, place, count in (("direct", 0, 3), ("separated", 1, 2)):
        mean = errors["d1_64/seed0"][np.arange(IMAGES) % count == place].mean()
        assert rows[row]["Phoning"] == f"{mean:.1f}", row
    assert rows["direct"]["Walking"] not in ("", "-") and rows["separated"]["Walking"] in ("", "-")
    page = dashboard(results, sections(stacks=2), "ground_truth")
    assert page.count(">juggling</th>") == 1 and "Directions" not in page


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


def test_half_written_and_foreign_directories_get_one_line(directory, tmp_path, capsys):
    (directory / "d1_64" / "seed0" / sweep.FINISHED).write_text('{"identity"')
    for words, message in (
        ([str(directory)], "finished.json: cannot be read"),
        ([str(tmp_path)], "not a sweep's directory"),
        ([], "give at least one sweep directory"),
        ([str(tmp_path / "nowhere")], "no such directory; give a sweep's, such as runs/"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main(words)
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ") and message in line
    assert json.loads((directory / job_files.SWEEP).read_text())["name"] == "ablation_depth"


def test_the_benchmark_has_a_column_for_each_version_of_the_paper(tmp_path, errors):
    from c2fpose.pose.protocol import ACTIONS
    from c2fpose.reports.tables import action_table

    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=["+experiment=benchmark_h36m"])
    hooks.write_sweep(tmp_path, cfg, ["d1_2_4_64/seed0"])
    made_up_job(tmp_path, "d1_2_4_64/seed0", errors["d1_64/seed0"], experiment="benchmark_h36m")
    table = action_table(read_results([tmp_path]), "mpjpe", "mean_limbs")
    assert table.header == ("", "paper (v1)", "paper (v2)", "1, 2, 4, 64")
    rows = {row[0]: row for row in table.rows}
    assert rows["Walking"][1:3] == ("56.4", "59.1") and rows["frame weighted"][1:3] == ("66.9", "71.9")
    assert rows["mean over actions"][2] == "71.5"
    walking = errors["d1_64/seed0"][np.arange(IMAGES) % 15 == ACTIONS.index("Walking")].mean()
    assert rows["Walking"][3] == f"{walking:.1f}"
