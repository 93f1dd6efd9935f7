"""The table of ingredients, made of figures written here."""

import json

import pytest
from omegaconf import OmegaConf
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


def test_other_photographs_or_test_people_are_measured_again(script, tmp_path, monkeypatch, files):
    measured = []
    monkeypatch.setattr(script, "figures", lambda ckpt, settings: measured.append(ckpt) or FOUND)
    ckpt = tmp_path / "runs" / "base" / "seed0" / "checkpoints" / "final.ckpt"
    ckpt.parent.mkdir(parents=True)
    ckpt.write_bytes(b"a")
    people = tmp_path / "people.json"
    test_file = next(word.split("=")[1] for word in files if word.startswith("data.test_file="))
    words = [f"runs={tmp_path / 'runs'}", f"out={tmp_path / 'out'}", f"photographs={tmp_path}"]
    for labels, others, times in (("[]", [], 1), ("[]", [], 1), ("[1]", [], 2), ("[1]", [f"synth36={test_file}"], 3)):
        people.write_text(labels)
        script.main(words + others)
        assert len(measured) == times


def test_rows_measured_on_another_machine_stay_in_the_table(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "figures", lambda ckpt, settings: FOUND | {"synth36_mm": 104.0})
    ckpt = tmp_path / "runs" / "base" / "seed0" / "checkpoints" / "final.ckpt"
    ckpt.parent.mkdir(parents=True)
    ckpt.write_bytes(b"a")
    elsewhere = {name: {"checkpoint": "b", "figures": FOUND} for name in ("base/seed1", "wild/seed0")}
    (tmp_path / "figures.json").write_text(json.dumps(elsewhere))
    script.main([f"runs={tmp_path / 'runs'}", f"out={tmp_path}"])
    text = (tmp_path / "table.md").read_text()
    assert "| synth36 | 2 | 102.0 ± 2.8 |" in text and "| synth_wild instead of synth36 | 1 | 100.0 |" in text


def test_the_repositorys_table_is_that_of_its_figures(script):
    """Of all seeds that were measured, and the same in the page."""
    folder = FOLDER.parent / "experiments" / "ablation_reality"
    labels = {"start": "(the network that all rows begin with)"}
    experiment = OmegaConf.load(FOLDER.parent / "conf" / "experiment" / "ablation_reality.yaml")
    labels |= {str(name): row.label for name, row in experiment.sweep.rows.items()}
    rows: dict[str, list] = {}
    for name, measured in json.loads((folder / "figures.json").read_text()).items():
        rows.setdefault(name.split("/")[0], []).append(measured["figures"])
    table = script.table(rows, labels)
    assert (folder / "table.md").read_text() == table
    assert table.strip() in (folder / "README.md").read_text()


def test_nothing_trained_and_unknown_keys_are_one_line(script, tmp_path):
    with pytest.raises(SystemExit, match=r"no finished rows; train them"):
        script.main([f"runs={tmp_path}", f"out={tmp_path}"])
    with pytest.raises(SystemExit, match=r"error: photos: no such key; one of"):
        script.main(["photos=here"])
