"""The table of ingredients, made of figures written here."""

import pytest
from script_modules import FOLDER, loaded

FOUND = {
    "synth36_mm": 100.0, "synth36_reconstruction_mm": 80.0, "synth36_near": 90.0, "synth_wild_mm": 200.0,
    "synth_wild_reconstruction_mm": 150.0, "synth_wild_near": 60.0,
}  # fmt: skip


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return loaded("reality_table")


def test_rows_keep_their_order_and_seeds_become_means(script):
    photographs = {"photographs_near": 40.0, "photographs_median": 12.0, "photographs_missed": 1.0}
    rows = {"b": [FOUND | photographs, FOUND | photographs | {"synth36_mm": 110.0}], "a": [FOUND]}
    lines = script.table(rows, {"a": "first", "b": "second", "c": "never run"}).splitlines()
    assert lines[2:] == [
        "| first | 1 | 100.0 | 80.0 | 200.0 | 150.0 | 60.0 |  |  |  |",
        "| second | 2 | 105.0 ± 7.1 | 80.0 ± 0.0 | 200.0 ± 0.0 | 150.0 ± 0.0 | 60.0 ± 0.0 | 40.0 ± 0.0 | 12.0 ± 0.0 "
        "| 1.0 ± 0.0 |",
    ]


def test_a_checkpoint_is_measured_once_and_another_again(script, tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(script, "figures", lambda ckpt, settings: measured.append(ckpt) or FOUND)
    ckpt = tmp_path / "runs" / "base" / "seed0" / "checkpoints" / "final.ckpt"
    ckpt.parent.mkdir(parents=True)
    words = [f"runs={tmp_path / 'runs'}", f"out={tmp_path / 'out'}"]
    for weights, times in ((b"a", 1), (b"a", 1), (b"b", 2)):
        ckpt.write_bytes(weights)
        script.main(words)
        assert len(measured) == times
    assert "| synth36 | 1 | 100.0 |" in (tmp_path / "out" / "table.md").read_text()


def test_nothing_trained_and_unknown_keys_are_one_line(script, tmp_path):
    with pytest.raises(SystemExit, match=r"no finished rows; train them"):
        script.main([f"runs={tmp_path}", f"out={tmp_path}"])
    with pytest.raises(SystemExit, match=r"error: photos: no such key; one of"):
        script.main(["photos=here"])
