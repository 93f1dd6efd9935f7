"""What a training that goes on is asked for: said where it differs, without what it began with, in whose directory."""

import errno

import pytest
import torch
from hydra import compose, initialize_config_dir

from c2fpose.base.errors import ConfigError
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import TrainSettings, train_settings
from c2fpose.training.replacing import claim
from c2fpose.training.resuming import as_begun, changes, goes_on_in, going_on


def settings_of(*words: str) -> TrainSettings:
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return train_settings(compose("train", overrides=list(words)))


@pytest.fixture
def last(tmp_path):
    """A checkpoint of a training with batches of 8 and seed 3, as far as its settings go."""
    path = tmp_path / "run" / "checkpoints" / "last.ckpt"
    path.parent.mkdir(parents=True)
    begun = settings_of("data.batch_size=8", "seed=3", "init=builtin", "trainer.max_steps=40").model_dump(mode="json")
    saved = {"model": begun["model"], "provenance": {"configuration": begun}}
    torch.save({"state_dict": {}, "hyper_parameters": saved}, path)
    return path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data.batch_size=8", "seed=3", "trainer.max_steps=80", "data.workers=2", "pictures=3"], None),
        (["data.batch_size=8", "seed=3", "model.loss.factor=2"], "model.loss.factor=2.0 (was 1000.0)"),
        (["data.batch_size=8", "seed=3", "trainer.devices=2"], "trainer.devices=2 (was auto)"),
        ([], "seed=0 (was 3), data.batch_size=16 (was 8)"),
    ],
)
def test_settings_that_a_resumed_training_did_not_begin_with_are_named(last, words, said):
    line = changes(settings_of(*words, f"resume={last}"))
    if said is None:
        assert line is None
    else:
        assert line.endswith(f"goes on with other settings than it was begun with: {said}") and "\n" not in line


def test_the_same_words_begin_a_fine_tuning_and_go_on_with_it(last, tmp_path):
    asked = settings_of("init=builtin", "resume=auto")
    begins, goes_on = going_on(asked, tmp_path / "new"), going_on(asked, last.parents[1])
    assert (begins.init, begins.resume) == ("builtin", None)
    assert (goes_on.init, goes_on.resume) == (None, str(last))
    given = settings_of("init=builtin", f"resume={last}")
    assert going_on(given, last.parents[1]) == given  # a contradiction, which the run refuses


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ESTALE, "Stale file handle"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_a_checkpoint_that_the_machine_does_not_give_out_is_not_called_damaged(last, monkeypatch, error):
    """A server that is away for a moment, or too little memory: the training would begin again from nothing."""

    def away(*_, **__):
        raise error

    monkeypatch.setattr(torch, "load", away)
    with pytest.raises(type(error)):
        going_on(settings_of("resume=auto"), last.parents[1])
    assert last.is_file()


def test_what_goes_on_from_another_directory_begins_in_its_own(last, tmp_path):
    settings = settings_of(f"resume={last}")
    assert goes_on_in(settings, last.parents[1]) and not goes_on_in(settings, tmp_path / "other")
    assert not goes_on_in(settings_of(), last.parents[1])


def test_a_held_directory_names_the_checkpoint_that_it_can_go_on_with(last, tmp_path):
    (tmp_path / "short" / "evaluation").mkdir(parents=True)
    (tmp_path / "short" / "evaluation" / "scores.json").touch()
    with pytest.raises(ConfigError) as without:
        claim(tmp_path / "short", settings_of())
    with pytest.raises(ConfigError) as with_one:
        claim(last.parents[1], settings_of())
    assert "overwrite=true" in str(without.value) and "resume=" not in str(without.value)
    assert f"go on with it (resume={last})" in str(with_one.value)


def test_results_of_a_resumed_training_say_what_it_began_with(last):
    assert as_begun(settings_of(f"resume={last}")).init == "builtin"
    assert as_begun(settings_of("init=other.ckpt")).init == "other.ckpt" and as_begun(settings_of()).init is None
