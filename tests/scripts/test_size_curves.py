"""The page of errors after a given time, made of figures written here."""

import json

import pytest
from script_modules import loaded


@pytest.fixture(scope="module")
def script():
    return loaded("size_curves")


def test_each_size_is_a_row_of_table_and_picture_and_what_is_missing_stays_empty(script):
    run = {"steps": 986, "step_ms": 121.7, "error_mm": 159.47}
    found = {"as scale=laptop": {"5": run | {"error_mm": 117.58}, "2": run}, "96 px": {"2": run}}
    lines = script.page(found).splitlines()
    assert "| size | a step, ms | 2 min | 5 min |" in lines
    assert "| as scale=laptop | 122 | 159.5 (986) | 117.6 (986) |" in lines
    assert "| 96 px | 122 | 159.5 (986) |  |" in lines
    (axes,) = script.picture(found).axes
    drawn = {line.get_label().split(" of")[0]: line.get_xydata().tolist() for line in axes.lines}
    assert drawn == {
        "after 2 min": [[159.47, 0], [159.47, 1]],
        "after 5 min": [[117.58, 0]],
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == list(found)
    assert {line.get_linestyle() for line in axes.lines} == {"None"}  # nothing was measured between the times


def test_every_size_is_a_valid_configuration(script):
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir
    from c2fpose.config.run import train_settings

    seen = set()
    for overrides in script.SIZES.values():
        with initialize_config_dir(conf_dir(), version_base="1.3"):
            settings = train_settings(compose("train", overrides=["run_dir=runs/sizes", "logger=none", *overrides]))
        seen.add((settings.model.network.model_dump_json(), settings.data.batch_size))
    assert len(seen) == len(script.SIZES) >= 6


def test_a_run_is_repeated_for_other_keys_alone(script, tmp_path, monkeypatch):
    ran = []
    run = {"steps": 10, "step_ms": 1.0, "error_mm": 100.0}
    monkeypatch.setattr(script, "measured", lambda overrides, minutes: ran.append((overrides, minutes)) or dict(run))
    for name, file in (("FIGURES", "sizes.json"), ("PAGE", "sizes.md"), ("PICTURE", "sizes.png")):
        monkeypatch.setattr(script, name, tmp_path / file)
    (tmp_path / "sizes.json").write_text(json.dumps({"width 32": {"2": run}}))  # of before keys were written down
    for words, times in ((["only=width 32", "minutes=2"], 0), (["only=width 32", "minutes=2", "seed=1"], 1)):
        for _ in range(2):
            script.main(words)
            assert len(ran) == times
    assert ran == [([*script.SIZES["width 32"], "seed=1"], 2.0)]
    script.main(["only=width 32", "minutes=2"])
    assert len(ran) == 2


def test_keys_stand_on_the_page_and_unknown_sizes_are_one_line(script):
    run = {"steps": 10, "step_ms": 1.0, "error_mm": 100.0}
    assert "Further keys" not in script.page({"width 32": {"2": run}})
    assert "several: none; seed=1." in script.page({"width 32": {"2": run, "5": run | {"keys": ["seed=1"]}}})
    with pytest.raises(SystemExit, match="only=huge: no such size; one of as scale=laptop"):
        script.main(["only=huge"])
