"""Tables of seeds that several folders of tables hold: whose figures are in them, and what is refused."""

import csv
import statistics

import pytest
from script_modules import FOLDER, loaded

EXPERIMENTS = FOLDER.parent / "experiments"
DEPTH = [EXPERIMENTS / "ablation_depth", EXPERIMENTS / "ablation_depth" / "seeds_3_4"]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return loaded("seed_table")


def cells_of(text: str) -> dict[str, dict[str, str]]:
    """Cells of the first table, by the row's label and the heading."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    header, _, *rows = lines
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)}


def write(folder, jobs, rows=()):
    """A folder of tables with these jobs, and with these means of rows."""
    folder.mkdir()
    for name, records in (("jobs.csv", jobs), ("table.csv", rows)):
        if records:
            with open(folder / name, "w", newline="") as file:
                writer = csv.DictWriter(file, dict.fromkeys(key for record in records for key in record))
                writer.writeheader()
                writer.writerows(records)
    return folder


def job(seed, error, row="d64_64", state="finished", **more):
    return {"row": row, "seed": seed, "state": state, "mpjpe_mm_ground_truth": error, "max_steps": 10} | more


def row(seeds, x_mm, name="d64_64"):
    return {"row": name, "seeds_finished": seeds, "x_mm": x_mm, "train_data": "a" * 64, "test_data": "b" * 64}


def table(script, tmp_path, *folders, words=()):
    script.main(["ablation_depth", *map(str, folders), "--out", str(tmp_path / "out.md"), *words])
    return (tmp_path / "out.md").read_text(encoding="utf-8")


def test_means_are_of_the_seeds_of_all_folders(script, tmp_path):
    text = table(script, tmp_path, *DEPTH)
    errors = []
    for folder in DEPTH:
        with open(folder / "jobs.csv", newline="") as file:
            jobs = [told for told in csv.DictReader(file) if told["row"] == "d64_64"]
        errors += [float(told["mpjpe_mm_ground_truth"]) for told in jobs]
    cells = cells_of(text)["64, 64"]
    assert cells["MPJPE, mm"].startswith(f"{statistics.mean(errors):.1f} ± ")
    assert cells["seeds"] == "5" == f"{len(errors)}"
    assert "3,500 steps; data train 5faea250403f, test 0e038366bbc9" in text
    assert "[64, 64] less [1, 64] | +10.37 | +6.8 | 5, 5 | +1.9 to +11.7 | 0.014" in text  # as over_seeds.py says


def test_a_folders_mean_counts_for_its_seeds(script, tmp_path):
    old = write(tmp_path / "old", [job(0, 10), job(1, 20)], [row(2, 5.0)])
    new = write(tmp_path / "new", [job(2, 30, x_mm=8.0)])
    cells = cells_of(table(script, tmp_path, old, new))["64, 64"]
    assert (cells["seeds"], cells["x"]) == ("3", "6.0")


def test_a_mean_over_a_seed_that_is_another_by_now_does_not_count(script, tmp_path):
    old = write(tmp_path / "old", [job(0, 10), job(1, 20)], [row(2, 5.0)])
    new = write(tmp_path / "new", [job(1, 30, x_mm=8.0)])
    cells = cells_of(table(script, tmp_path, old, new))["64, 64"]
    assert (cells["MPJPE, mm"].split()[0], cells["seeds"], cells["x"]) == ("20.0", "2", "8.0 (1)")


def test_what_nobody_knows_is_a_dash_and_what_did_not_finish_is_left_out(script, tmp_path):
    folder = write(tmp_path / "one", [job(0, 10), job(1, 99, state="failed"), job(0, 12, row="base")])
    text = table(script, tmp_path, folder, words=["--as", "base=d1_64", "--dataset", "mine"])
    cells = cells_of(text)
    assert list(cells) == ["64, 64", "1, 64"] and cells["64, 64"]["x"] == "-" == cells["64, 64"]["GFLOP"]
    assert cells["64, 64"]["MPJPE, mm"] == "10.0" and "Ours: mine." in text and "data not written down" in text
    assert "[64, 64] less [1, 64] | +10.37 | -2.0 | 1, 1 | - | - |" in text


def test_times_stand_beside_their_rows(script, tmp_path):
    folder = write(tmp_path / "one", [job(0, 10), job(0, 11, row="d1_64")])
    times = tmp_path / "times.csv"
    times.write_text(
        "row,step_ms,training_images_per_second,predicted_images_per_second,memory_gib\nd1_64,166.6,96,234.1,0.72\n"
    )
    cells = cells_of(table(script, tmp_path, folder, words=["--times", str(times), "--rows", "d1_64,d64_64"]))
    assert cells["1, 64"]["a step, ms"] == "167" and cells["1, 64"]["memory, GiB"] == "0.72"
    assert cells["64, 64"]["a step, ms"] == "-"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ablation_depht", DEPTH[0]], "ablation_depht: no such experiment"),
        (["ablation_depth", EXPERIMENTS], "no such file; give folders that c2fpose.tables wrote"),
        (["ablation_depth", EXPERIMENTS / "ablation_labels"], "holds no finished job of this experiment"),
        (["ablation_depth", *DEPTH, "--as", "separated"], "--as: takes THEIRS=OURS"),
        (["ablation_depth", *DEPTH, "--rows", "d65"], "--rows: no finished job of d65"),
        (["ablation_depth", DEPTH[0], DEPTH[0] / "longer" / "seeds_1_2"], "seeds of 3500 and of 10500 steps"),
    ],
)
def test_what_cannot_be_written(script, tmp_path, capsys, words, message):
    with pytest.raises(SystemExit) as exit:
        script.main([*map(str, words), "--out", str(tmp_path / "out.md")])
    assert exit.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.md").exists()
