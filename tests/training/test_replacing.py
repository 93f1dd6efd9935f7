"""A run that overwrites another: aside until it has ended, back where it is refused."""

from pathlib import Path

import pytest
from toy_sweeps import composed

from c2fpose.base.errors import ConfigError
from c2fpose.config.run import TrainSettings, train_settings
from c2fpose.training.replacing import replacing

PARTS = ("checkpoints/last.ckpt", "evaluation/evaluation.json", "logs/metrics.csv", "pictures/a.png", "curve.csv",
         "config.yaml")  # fmt: skip


@pytest.fixture(scope="module")
def overwriting() -> TrainSettings:
    settings = train_settings(composed(experiment="ablation_depth"))
    return settings.model_copy(update={"overwrite": True, "resume": None})


def leave(folder: Path, word: str) -> Path:
    for name in PARTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(word)
    return folder


def words(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_run_lies_aside_until_the_other_has_ended(tmp_path, overwriting):
    leave(tmp_path, "the run")
    with replacing(overwriting, tmp_path):
        assert words(tmp_path) == {f"replaced/{name}": "the run" for name in PARTS}
        leave(tmp_path, "the next")
    assert words(tmp_path) == dict.fromkeys(PARTS, "the next")


def test_a_refused_run_gives_back_what_it_found(tmp_path, overwriting):
    leave(tmp_path, "the run")
    (tmp_path / "pictures" / "a.png").unlink()
    (tmp_path / "pictures").rmdir()
    before = words(tmp_path)
    with pytest.raises(ConfigError), replacing(overwriting, tmp_path):
        (tmp_path / "config.yaml").write_text("of the refused one")
        for folder in ("logs", "pictures"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "b").write_text("of the refused one")
        raise ConfigError("no such data")
    assert words(tmp_path) == before and not (tmp_path / "replaced").exists()


@pytest.mark.parametrize("error", [ConfigError("diverged"), KeyboardInterrupt(), RuntimeError("a bug")])
def test_what_has_begun_stays_and_an_attempt_goes_when_another_begins(tmp_path, overwriting, error):
    leave(tmp_path, "the run")
    with pytest.raises(type(error)), replacing(overwriting, tmp_path):
        leave(tmp_path, "an attempt")
        raise error
    assert words(tmp_path / "replaced") == dict.fromkeys(PARTS, "the run")
    with replacing(overwriting, tmp_path):
        assert words(tmp_path) == {f"replaced/{name}": "the run" for name in PARTS}
    assert not (tmp_path / "replaced").exists()


def test_killed_between_two_folders_loses_neither(tmp_path, overwriting):
    leave(tmp_path, "the run")
    (tmp_path / "replaced").mkdir()
    (tmp_path / "checkpoints").rename(tmp_path / "replaced" / "checkpoints")
    with replacing(overwriting, tmp_path):
        assert words(tmp_path) == {f"replaced/{name}": "the run" for name in PARTS}


def test_who_does_not_overwrite_removes_nothing(tmp_path, overwriting):
    leave(tmp_path / "replaced", "the run")
    with replacing(overwriting.model_copy(update={"overwrite": False}), tmp_path):
        leave(tmp_path, "another")
    assert words(tmp_path / "replaced") == dict.fromkeys(PARTS, "the run")
