"""Two rows compared over seeds of several files: against SciPy, and what stands in the repository's."""

import json

import pytest
from scipy.stats import ttest_ind, ttest_rel
from script_modules import FOLDER, loaded

HEADER = "row,seed,state,mpjpe_mm_ground_truth\n"
EXPERIMENTS = FOLDER.parent / "experiments"


def said(capsys, *words) -> list[str]:
    loaded("over_seeds").main([str(word) for word in words])
    return capsys.readouterr().out.splitlines()


def test_seeds_of_several_files_are_one_row(tmp_path, capsys):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text(HEADER + "a,0,finished,10\na,1,finished,12\nb,0,finished,7\nb,1,begun,\n")
    other.write_text(HEADER + "a,2,finished,15\nb,1,finished,8\n")
    first, _, last = said(capsys, "a", "b", one, other)
    p = ttest_ind([10, 12, 15], [7, 8], equal_var=False).pvalue
    assert "mm, 3 seeds (10.0, 12.0, 15.0)" in first
    assert last.startswith("a less b: 4.8 mm") and last.endswith(f"p = {p:.2g}")


def test_a_seed_counts_once_in_the_last_file_that_has_it_finished(tmp_path, capsys):
    for name, first in (("one", "10"), ("other", "20"), ("third", "30")):
        state = "failed" if name == "third" else "finished"
        (tmp_path / f"{name}.csv").write_text(HEADER + f"a,0,{state},{first}\na,1,finished,12\nb,0,finished,7\n")
    (tmp_path / "b.csv").write_text(HEADER + "b,1,finished,8\n")
    first, *_ = said(capsys, "a", "b", *(tmp_path / f"{name}.csv" for name in ("one", "other", "third", "b")))
    assert "2 seeds (20.0, 12.0)" in first


def test_a_row_has_another_name_in_another_file(tmp_path, capsys):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text(HEADER + "a,0,finished,10\nb,0,finished,7\n")
    other.write_text(HEADER + "first_a,1,finished,14\nb,1,finished,8\n")
    lines = said(capsys, "a", "b", one, other, "--as", "first_a=a")
    assert "2 seeds (10.0, 14.0)" in lines[0]
    with pytest.raises(SystemExit):
        loaded("over_seeds").main(["a", "b", str(one), "--as", "a"])
    assert "--as: takes THEIRS=OURS" in capsys.readouterr().err


def test_readings_of_the_same_networks_are_paired_by_seed(tmp_path, capsys):
    """Flip averaging, of the repository's own networks: their seeds hide it from Welch's test, and move both alike."""
    file = EXPERIMENTS / "ablation_recipe" / "jobs.csv"
    first, second = [102.3653, 106.7773, 104.0839], [98.93998, 104.3262, 101.2125]
    p = ttest_rel(first, second).pvalue
    last = said(capsys, "no_flip", "base", file, "--paired")[-1]
    assert last == f"no_flip less base: 2.9 mm (1.7 to 4.1), p = {p:.2g}, paired by seed"
    assert said(capsys, "no_flip", "base", file)[-1].endswith("p = 0.23")
    one = tmp_path / "one.csv"
    one.write_text(HEADER + "a,0,finished,10\na,1,finished,12\nb,0,finished,7\nb,2,finished,9\n")
    with pytest.raises(SystemExit):
        loaded("over_seeds").main(["a", "b", str(one), "--paired"])
    assert "a: fewer than two seeds of both rows" in capsys.readouterr().err


def test_a_row_of_two_experiments_is_said_to_be(tmp_path, capsys):
    """``base`` is a row of several experiments; files from before they said whose are read as they were."""
    for name, experiment, seed in (("one", "recipe", 0), ("other", "plateau", 1)):
        lines = "".join(f"{experiment},{row},{seed},finished,{10 + seed}\n" for row in ("base", "b"))
        (tmp_path / f"{name}.csv").write_text("experiment," + HEADER + lines)
    (tmp_path / "older.csv").write_text(HEADER + "b,2,finished,12\n")
    files = [tmp_path / f"{name}.csv" for name in ("one", "other", "older")]
    lines = said(capsys, "base", "b", *files)
    assert lines[0].endswith("2 seeds (10.0, 11.0), of plateau and recipe") and "3 seeds (10.0, 11.0, 12.0)" in lines[1]


def test_another_figure_of_a_json_file(tmp_path, capsys):
    rows = {"start/first": 1.0, "a/seed0": 30.0, "a/seed1": 34.0, "b/seed0": 41.0, "b/seed1": 40.0}
    (tmp_path / "figures.json").write_text(json.dumps({key: {"figures": {"near": each}} for key, each in rows.items()}))
    lines = said(capsys, "a", "b", tmp_path / "figures.json", "--figure=near")
    assert "2 seeds (30.0, 34.0)" in lines[0] and lines[-1].startswith("a less b: -8.5 (")


@pytest.mark.parametrize(
    ("words", "message"), [((), "b: fewer than two seeds"), (("--figure=colour",), "no figure 'colour'")]
)
def test_what_cannot_be_compared(tmp_path, capsys, words, message):
    (tmp_path / "jobs.csv").write_text(HEADER + "a,0,finished,10\na,1,finished,9\nb,0,finished,7\n")
    with pytest.raises(SystemExit) as exit:
        loaded("over_seeds").main(["a", "b", str(tmp_path / "jobs.csv"), *words])
    assert exit.value.code == 2 and message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("curves.csv", "row,seed,step\na,0,500\n", "curves.csv: neither a jobs.csv of c2fpose.tables nor"),
        ("figures.json", "{", "figures.json: neither a jobs.csv of c2fpose.tables nor a figures.json"),
        ("jobs.csv", HEADER + "a,0,finished,10\na,1,finished,\n", "mpjpe_mm_ground_truth of a/seed1 is '', no number"),
    ],
)
def test_a_file_of_something_else_and_a_gap_are_one_line(tmp_path, capsys, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(SystemExit) as exit:
        loaded("over_seeds").main(["a", "b", str(tmp_path / name)])
    error = capsys.readouterr().err
    assert exit.value.code == 2 and message in error and error.count("\n") == 1


def test_seeds_of_two_lengths_are_no_seeds_of_one_row(capsys):
    """Table 2 of the paper, and the same trained three times as long: their mean is of nothing."""
    files = [EXPERIMENTS / "ablation_depth" / part / "jobs.csv" for part in ("", "longer/seeds_1_2")]
    with pytest.raises(SystemExit) as exit:
        loaded("over_seeds").main(["d64_64", "d1_64", *map(str, files)])
    assert exit.value.code == 2 and "d64_64: seeds of 3500 and of 10500 steps" in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path, capsys):
    with pytest.raises(SystemExit) as exit:
        loaded("over_seeds").main(["a", "b", str(tmp_path / "no.csv")])
    assert exit.value.code == 2 and "no.csv: no such file" in capsys.readouterr().err


def test_the_papers_tables_2_and_3_trained_longer_as_they_are_said_to_be(capsys):
    depth, supervision = (EXPERIMENTS / name / "longer" for name in ("ablation_depth", "ablation_supervision"))
    files = [folder / part / "jobs.csv" for folder in (depth, supervision) for part in ("", "seeds_1_2")]
    assert said(capsys, "d64_64", "d1_64", *files)[-1] == "d64_64 less d1_64: 1.0 mm (-1.0 to 3.0), p = 0.18"
    assert said(capsys, "direct", "d1_64", *files)[-1] == "direct less d1_64: 0.8 mm (-1.2 to 2.7), p = 0.28"


def test_the_papers_table_2_as_it_is_said_to_be(capsys):
    folder = EXPERIMENTS / "ablation_depth"
    lines = said(capsys, "d64_64", "d1_64", folder / "jobs.csv", folder / "seeds_3_4" / "jobs.csv")
    assert lines[-1] == "d64_64 less d1_64: 6.8 mm (1.9 to 11.7), p = 0.014"


def test_whole_people_in_photographs_as_it_is_said_to_be(capsys):
    file = EXPERIMENTS / "ablation_reality" / "figures.json"
    lines = said(capsys, "without_boxes", "wild_photo", file, "--figure=photographs_near")
    assert lines[-1] == "without_boxes less wild_photo: 6.6 (0.5 to 12.7), p = 0.041"
