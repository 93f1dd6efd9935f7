"""Tables of a sweep: curves, what is printed and what is written."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hydra import compose, initialize_config_dir
from made_up_sweeps import IMAGES, made_up_job

from c2fpose.base.errors import ConfigError
from c2fpose.config.command_line import conf_dir
from c2fpose.pose.protocol import ACTIONS, TEST_FRAMES_50FPS
from c2fpose.reports import plots
from c2fpose.reports.dashboard.html import page as dashboard
from c2fpose.reports.dashboard.panels import sections
from c2fpose.reports.records import budget, difference_records, differences, job_records
from c2fpose.reports.results import read_results
from c2fpose.reports.statistics import (
    gained_at_the_end,
    mean_and_half_interval,
    value_at,
)
from c2fpose.reports.tables import budget_table, difference_table, error_table, source_table, summarise
from c2fpose.sweeps import hooks
from c2fpose.sweeps import job as job_files
from c2fpose.sweeps import runner as sweep
from c2fpose.tables import main
from c2fpose.training.curve import read_curve, write_curve


def test_curves():
    positions, values = np.array([10.0, 20.0, 40.0]), np.array([100.0, 80.0, 70.0])
    assert value_at(positions, values, 30) == 75 and np.isnan(value_at(positions, values, 41))
    assert gained_at_the_end(np.linspace(200, 100, 21)) == pytest.approx(25)
    assert gained_at_the_end(np.full(21, 90.0)) == pytest.approx(0)
    assert np.isnan(gained_at_the_end(np.array([3.0, 2.0])))


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
    done = [sweep.read_json(directory / f"d1_64/seed{seed}" / sweep.FINISHED) for seed in (0, 1)]
    mean = f"{sum(each['evaluation_images_per_second'] for each in done) / 2:.0f}"
    assert rows["1, 64"]["predicted images/s"] == mean and "memory, GiB" in table.header
    aligned = np.mean([job["reconstruction_mm_ground_truth"] for job in job_records(results) if job["row"] == "d1_64"])
    assert rows["1, 64"]["aligned, mm"] == f"{aligned:.1f}"
    jobs = {(job["row"], job["seed"]): job for job in job_records(results)}
    assert [jobs["d1_64", 1][key] for key in ("x_mm", "depth_mm", "coverage_90", "surest_80_mm")] == [21, 60, 0.89, 61]
    assert jobs["d64_64", 0]["x_mm"] == "" and "own_limbs_mm" not in jobs["d64_64", 0]  # mpjpe_mm_own_limbs is there


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


def test_some_rows_alone(directory, tmp_path):
    main([str(directory), f"out={tmp_path / 'some'}", "rows=[d64_64,d1_64]", "times=false"])
    text = (tmp_path / "some" / "table.md").read_text()
    assert "| 64, 64 |" in text and "| 1, 64 |" in text and "8, 64" not in text and "failed" not in text
    with open(tmp_path / "some" / "differences.csv", newline="") as file:
        assert {(each["first"], each["second"]) for each in csv.DictReader(file)} == {("d64_64", "d1_64")}
    some = read_results([directory]).only(["d1_64"])
    assert [len(plots.validation_figure(some, times).axes) for times in (True, False)] == [2, 1]
    with pytest.raises(ConfigError, match="ablation_depth has no row d65"):
        read_results([directory]).only(["d65"])


def test_captions_do_not_call_synthetic_people_human36m(directory):
    notes = " ".join(error_table(read_results([directory]), "mpjpe", "ground_truth").notes)
    assert "Ours: synth36" in notes and "not Human3.6M" in notes
    assert "aaaaaaaaaaaa" in notes and "bbbbbbbbbbbb" in notes
    for path in directory.glob("*/*/finished.json"):
        sweep.write_json(path, sweep.read_json(path) | {"dataset": "synth_wild"})
    notes = " ".join(error_table(read_results([directory]), "mpjpe", "ground_truth").notes)
    assert "Ours: synth_wild, people rendered by this package; not Human3.6M" in notes


def test_precisions_of_the_training_are_told_and_kept(directory, tmp_path):
    def trained(name, **facts):
        record = sweep.read_json(directory / name / sweep.FINISHED)
        sweep.write_json(directory / name / sweep.FINISHED, record | {"training": record["training"] | facts})

    trained("d1_64/seed0", precision="bf16-mixed")
    notes = error_table(read_results([directory]), "mpjpe", "ground_truth").notes
    assert "Trained on CPU; CPU, bf16-mixed." in notes  # the others are from before it was written down
    assert not any("different precisions" in note for note in notes)
    trained("d1_64/seed1", precision="32-true", device="another CPU")
    notes = error_table(summarise([directory], tmp_path), "mpjpe", "ground_truth").notes
    assert "Trained on CPU; CPU, bf16-mixed; another CPU, 32-true: times of different machines." in notes
    assert "Jobs were trained in different precisions; jobs.csv says which in which." in notes
    with open(tmp_path / "jobs.csv", newline="") as file:
        written = {(job["row"], job["seed"]): job["training_precision"] for job in csv.DictReader(file)}
    assert [written["d1_64", "0"], written["d1_64", "1"], written["d64_64", "0"]] == ["bf16-mixed", "32-true", ""]


def test_jobs_name_their_experiment(directory):
    """``base`` is a row of several experiments: a file of jobs that travels alone says whose."""
    jobs = job_records(read_results([directory]))
    assert {(job["experiment"], job["scale"]) for job in jobs} == {("ablation_depth", "laptop")}
    assert {job["state"] for job in jobs} >= {"finished", "failed", "missing"}


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


def test_rows_of_an_experiment_about_reconstruction_errors_are_compared_by_these(directory, errors):
    """Made-up ones are half of the MPJPE."""
    results = read_results([directory])
    results = replace(results, sweep=results.sweep.model_copy(update={"metric": "reconstruction"}))
    (pair,) = differences(results, "ground_truth")
    first, second = (np.mean([errors[f"{row}/seed{k}"] for k in (0, 1)]) for row in ("d64_64", "d1_64"))
    for found in (pair.mean_mm, pair.over_images.mean_mm, pair.over_seeds.mean_mm):
        assert found == pytest.approx((first - second) / 2, abs=1e-3)


def test_rows_of_other_test_images_are_not_compared_image_by_image(directory):
    results = read_results([directory])
    last = [job for job in results.finished if job.row == "d1_64"][-1]
    last.__dict__["evaluation"] = replace(last.evaluation, record=last.evaluation.record + 1)
    with pytest.raises(ConfigError, match="evaluated on different test images"):
        differences(results, "ground_truth")


def test_rows_that_read_the_same_networks_are_paired_by_their_common_seeds(tmp_path, errors):
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=["+experiment=ablation_recipe"])
    means = {"base/seed0": 0.0, "base/seed1": 5.0, "base/seed2": 2.0, "no_flip/seed0": 3.4, "no_flip/seed1": 7.5}
    means |= {"target_whole/seed0": 4.0, "target_whole/seed1": 1.0}
    hooks.write_sweep(tmp_path, cfg, list(means))
    for name, mean in means.items():
        made_up_job(tmp_path, name, errors["d1_64/seed0"] + mean, experiment="ablation_recipe")
    results = read_results([tmp_path])
    pairs = {(pair.first, pair.second): pair for pair in differences(results, "ground_truth")}
    paired, unpaired = pairs["no_flip", "base"], pairs["target_whole", "base"]
    assert paired.same_networks and paired.mean_mm == pytest.approx(2.95, abs=1e-3)  # seed 2 was not read so
    assert paired.over_images.mean_mm == pytest.approx(2.95, abs=1e-3)
    assert paired.over_seeds.p == pytest.approx(scipy.stats.ttest_rel([3.4, 7.5], [0, 5]).pvalue, abs=1e-4)
    welch = scipy.stats.ttest_ind([4, 1], [0, 5, 2], equal_var=False)
    assert not unpaired.same_networks and unpaired.over_seeds.p == pytest.approx(welch.pvalue, abs=1e-4)
    assert "rows that read the same networks are paired by seed" in difference_table(results, "ground_truth").notes[0]
    tests = {(each["first"], each["over"]): each["test"] for each in difference_records(results, "ground_truth")}
    assert [tests["no_flip", "seeds"], tests["target_whole", "seeds"]] == ["paired", "Welch"]
    assert tests["no_flip", "test images"] == "paired, clustered"


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
    assert "At equal time -" not in "".join(short.notes)
    late = directory / "d64_64" / "seed0" / "curve.csv"
    late.write_text("step,training_seconds,val_mpjpe_mm\n10,500,150\n20,600,149\n")
    table = budget_table(read_results([directory]))
    assert [row[2] for row in table.rows if row[0] == "64, 64"] == ["-"]
    assert "At equal time -: a seed was validated for the first time" in "".join(table.notes)


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
    assert (rows["d1_64"]["train_data"], rows["d1_64"]["test_data"]) == ("a" * 64, "b" * 64)
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
    by_action = [errors["d1_64/seed0"][np.arange(IMAGES) % 15 == action].mean() for action in range(15)]
    averages = {
        "frame weighted": errors["d1_64/seed0"].mean(), "mean over actions": np.mean(by_action),
        "published weighted": np.average(by_action, weights=TEST_FRAMES_50FPS),
    }  # fmt: skip
    assert {name: rows[name][3] for name in averages} == {name: f"{mean:.1f}" for name, mean in averages.items()}
    half = {row[0]: row for row in action_table(read_results([tmp_path]), "reconstruction", "mean_limbs").rows}
    assert half["Walking"][-1] == f"{walking / 2:.1f}" and half["frame weighted"][-1] == f"{np.mean(by_action) / 2:.1f}"
