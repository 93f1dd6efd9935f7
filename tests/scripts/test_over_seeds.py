"""Two rows compared over seeds of several tables: against SciPy, and what stands in the repository's."""

import pytest
from scipy.stats import ttest_ind
from script_modules import FOLDER, loaded

HEADER = "row,seed,state,mpjpe_mm_ground_truth\n"


def test_seeds_of_several_files_are_one_row(tmp_path, capsys):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text(HEADER + "a,0,finished,10\na,1,finished,12\nb,0,finished,7\nb,1,begun,\n")
    other.write_text(HEADER + "a,2,finished,15\nb,1,finished,8\n")
    loaded("over_seeds").main("a", "b", [str(one), str(other)])
    said = capsys.readouterr().out
    p = ttest_ind([10, 12, 15], [7, 8], equal_var=False).pvalue
    assert "3 seeds (10.0, 12.0, 15.0)" in said and "a less b: 4.8 mm" in said and f"p = {p:.2g}" in said


def test_one_seed_is_nothing_to_compare(tmp_path):
    (tmp_path / "jobs.csv").write_text(HEADER + "a,0,finished,10\nb,0,finished,7\nb,1,finished,8\n")
    with pytest.raises(SystemExit, match="fewer than two seeds"):
        loaded("over_seeds").main("a", "b", [str(tmp_path / "jobs.csv")])


def test_the_papers_table_2_as_it_is_said_to_be(capsys):
    folder = FOLDER.parent / "experiments" / "ablation_depth"
    loaded("over_seeds").main("d64_64", "d1_64", [str(folder / "jobs.csv"), str(folder / "seeds_3_4" / "jobs.csv")])
    assert capsys.readouterr().out.splitlines()[-1] == "d64_64 less d1_64: 6.8 mm (1.9 to 11.7), p = 0.014"
