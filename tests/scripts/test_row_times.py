"""Rows are timed each alone; what they are called with is checked before."""

import csv

import pytest
from script_modules import loaded
from toy_sweeps import TOY


@pytest.fixture
def script():
    return loaded("row_times")


def test_a_row_is_timed_in_a_process_of_its_own(script, tmp_path, files, capsys):
    words = ["ablation_depth", "--out", str(tmp_path / "t.csv"), "--rows", "d1_64", "--steps", "2", *TOY, *files]
    script.main(words)
    with open(tmp_path / "t.csv", newline="") as file:
        (told,) = csv.DictReader(file)
    assert told["row"] == "d1_64" and set(told) == set(script.COLUMNS)
    step_s, a_second = float(told["step_ms"]) / 1000, float(told["training_images_per_second"])
    batch = next(int(word.split("=")[1]) for word in TOY if word.startswith("data.batch_size="))
    assert step_s * a_second == pytest.approx(batch, rel=0.1)
    assert float(told["predicted_images_per_second"]) > 0 and 0.05 < float(told["memory_gib"]) < 20


def test_the_least_of_what_counts_is_taken(script, monkeypatch):
    ticks = iter([0, 1, 0, 1, 0, 1, 0, 9, 0, 5, 0, 7])  # the first three do not count
    monkeypatch.setattr(script.time, "process_time", lambda: next(ticks))
    assert script._least(lambda: None, 3) == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ablation_depth"], "--out is needed"),
        (
            ["ablation_bins", "--out", "t.csv", "--rows", "d16_argmax"],
            "d16_argmax: no row of ablation_bins that trains; d16, d64",
        ),
    ],
)
def test_what_cannot_be_timed_is_one_line(script, words, message, capsys):
    with pytest.raises(SystemExit):
        script.main(words)
    assert message in capsys.readouterr().err
