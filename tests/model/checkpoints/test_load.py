"""Checkpoints come back as they were; every other file is refused in one line."""

import pytest
import pytorch_lightning as pl
import torch
from toy_networks import TINY

from c2fpose.base.errors import UserError
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.module import PoseModule


@pytest.fixture(scope="module")
def module() -> PoseModule:
    torch.manual_seed(0)
    return PoseModule(TINY, {"code_version": "0.0.1+test", "data_fingerprints": {"train": "ab"}}).eval()


@pytest.fixture
def checkpoint(module, tmp_path):
    """As Lightning writes it."""
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    trainer.strategy.connect(module)
    trainer.save_checkpoint(tmp_path / "run.ckpt")
    return tmp_path / "run.ckpt"


def edited(checkpoint, edit):
    saved = torch.load(checkpoint, weights_only=True)
    edit(saved)
    torch.save(saved, checkpoint)


def test_same_points_after_a_round_trip(module, checkpoint):
    loaded = load_module(checkpoint)
    image = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.predict_points(image), module.predict_points(image), rtol=0, atol=0)
    assert not loaded.training
    assert loaded.hparams["provenance"]["code_version"] == "0.0.1+test"
    assert loaded.config == module.config


def test_refuses_a_missing_file_and_a_directory(tmp_path):
    with pytest.raises(UserError, match=r"none\.ckpt: no such file; builtin is .* a \.ckpt or \.safetensors of"):
        load_module(tmp_path / "none.ckpt")
    with pytest.raises(UserError, match="a directory"):
        load_module(tmp_path)


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[: len(b) // 2], lambda b: b"\xff\xd8 a picture" * 9])
def test_refuses_damaged_files(checkpoint, damage):
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    with pytest.raises(UserError, match="not a checkpoint, or a damaged one") as caught:
        load_module(checkpoint)
    assert "\n" not in str(caught.value)


class Harmful:
    """What a malicious pickle would hold: a call on loading."""

    def __reduce__(self):
        return (open, ("harm.txt", "w"))


def test_refuses_code_in_a_pickle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {}, "hyper_parameters": {"model": TINY, "x": Harmful()}}, "bad.ckpt")
    with pytest.raises(UserError, match="not a checkpoint, or a damaged one"):
        load_module("bad.ckpt")
    assert not (tmp_path / "harm.txt").exists()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda saved: saved.pop("state_dict"), "holds no network"),
        (lambda saved: saved.pop("hyper_parameters"), "another kind of network"),
        (lambda saved: saved.update(hyper_parameters={"lr": 1.0}), "another kind of network"),
        (lambda saved: saved["hyper_parameters"]["model"].update(colour=1), "another version .*model.colour"),
        (lambda saved: saved["hyper_parameters"]["model"]["network"].update(width=32), r"network.* is \(.*, expected"),
        (lambda saved: saved["hyper_parameters"]["model"]["network"].update(depths=[1, 2, 64]), "is missing"),
        (lambda saved: saved["hyper_parameters"]["model"]["network"].update(depths=[64]), "has no place in it"),
        (lambda saved: next(iter(saved["state_dict"].values())).fill_(float("nan")), "had diverged"),
    ],
)
def test_refuses_other_checkpoints(checkpoint, edit, message):
    edited(checkpoint, edit)
    with pytest.raises(UserError, match=message) as caught:
        load_module(checkpoint)
    assert str(checkpoint) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["e", "hello", "1", "\x80"])
def test_a_file_of_text_is_called_what_it_is(tmp_path, text):
    """Unpickling stumbles on a letter and names its number alone: (101)."""
    path = tmp_path / "text.ckpt"
    path.write_text(text)
    with pytest.raises(UserError, match=r"text\.ckpt: not a checkpoint, or a damaged one \([^()]{8,}") as refused:
        load_module(path)
    assert "\n" not in str(refused.value)
