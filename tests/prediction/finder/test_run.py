"""The command's work around a training: what is measured is what was trained."""

import numpy as np
import pytest

from c2fpose.base.errors import UserError
from c2fpose.config.prediction import FinderSettings
from c2fpose.prediction.finder import run as command
from c2fpose.prediction.finder import training
from c2fpose.prediction.finder.cutouts import Cutout
from c2fpose.prediction.finder.network import Finder
from c2fpose.prediction.finder.weights import read_finder, save_finder


@pytest.fixture
def few_pieces(monkeypatch):
    """One person of plain colour instead of rendered ones."""
    joints = np.column_stack([np.linspace(40, 104, 17), np.linspace(17, 127, 17)])
    person = Cutout(np.full((144, 144, 3), 200, np.uint8), np.full((144, 144), 255, np.uint8), joints)
    monkeypatch.setattr(command, "_pieces", lambda *_: ([person], []))


def test_a_finder_is_measured_at_its_own_size(few_pieces, tmp_path, monkeypatch, capsys):
    """Not at the size that another would be trained at: its least score would be chosen for pictures it never sees."""
    save_finder(tmp_path / "old.safetensors", Finder(), {"size": 64, "least_score": 0.4})
    sizes, tried = [], command.tried
    monkeypatch.setattr(command, "tried", lambda seed, size, *rest: sizes.append(size) or tried(seed, size, *rest))
    new, old = (str(tmp_path / f"{name}.safetensors") for name in ("new", "old"))
    command.run(FinderSettings(out=new, measure=old, test_scenes=2, judge=None))
    assert sizes == [64, 64] and read_finder(new)[1]["size"] == 64
    assert "scenes of test people: pictures 2" in capsys.readouterr().out


def test_what_is_trained_is_kept_until_it_is_measured(few_pieces, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "KEEP_EVERY", 1)
    settings = FinderSettings(
        out=str(tmp_path / "f.safetensors"), size=64, steps=1, batch=2, test_scenes=1, judge=None, bf16=False
    )
    with monkeypatch.context() as killed:
        killed.setattr(command, "tried", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            command.run(settings)
    assert read_finder(settings.out)[1]["least_score"] == command.UNMEASURED
    monkeypatch.setattr(training, "_loss", lambda *_: pytest.fail("trained again"))
    command.run(settings)
    assert read_finder(settings.out)[1]["test_subjects"]["pictures"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["f.safetensors"]


def test_a_finder_is_not_written_over_a_checkpoint(tmp_path):
    (tmp_path / "final.ckpt").write_text("mine")
    with pytest.raises(UserError, match=r"final\.ckpt: must end in \.safetensors"):
        command.run(FinderSettings(out=str(tmp_path / "final.ckpt")))


@pytest.mark.parametrize("key", ["people", "test_people", "measure", "start_from", "judge"])
def test_a_file_that_is_not_there_is_refused_before_the_rendering(tmp_path, monkeypatch, key):
    monkeypatch.setattr(command, "_pieces", lambda *_: pytest.fail("rendered"))
    settings = FinderSettings(out=str(tmp_path / "f.safetensors")).model_copy(update={key: str(tmp_path / "none.h5")})
    with pytest.raises(UserError, match=r"none\.h5"):
        command.run(settings)
