"""The network that comes with the package is there, small, and says what it is; without it there is one clear line."""

import json

import pytest
import torch
from safetensors import safe_open
from toy_networks import TINY

from c2fpose.base.errors import UserError
from c2fpose.model.checkpoints import builtin
from c2fpose.model.checkpoints.builtin import BUILTIN, BUILTIN_FILE, checkpoint_path
from c2fpose.model.checkpoints.formats import save_safetensors
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.module import PoseModule


def test_it_is_small_and_says_where_it_comes_from():
    assert BUILTIN_FILE.stat().st_size <= 12e6
    module = load_module(BUILTIN)
    origin = module.hparams["provenance"]
    assert {"code_version", "configuration", "data_fingerprints"} <= set(origin)
    assert module.hparams["mean_training_pose_mm"] is not None
    assert origin["configuration"]["data"]["augmentation"]["jpeg_probability"] > 0
    with safe_open(BUILTIN_FILE, framework="pt") as file:
        text = json.dumps(file.metadata())
    assert not [place for place in ("/home/", "/root/", "/tmp/", "/work/") if place in text]


def test_builtin_is_that_file_and_other_words_are_paths(tmp_path):
    assert checkpoint_path(BUILTIN) == BUILTIN_FILE
    assert checkpoint_path("./builtin").name == "builtin"
    assert checkpoint_path(tmp_path / "a.ckpt") == tmp_path / "a.ckpt"
    image = torch.randint(0, 256, (1, 3, *[load_module(BUILTIN).config.network.image_size] * 2), dtype=torch.uint8)
    with torch.inference_mode():
        one, other = (load_module(path).predict_points(image) for path in (BUILTIN, BUILTIN_FILE))
    torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "ckpt=builtin: .* is missing; install c2fpose again"),
        (lambda path: path.write_bytes(BUILTIN_FILE.read_bytes()[:5000]), "not a safetensors file, or a damaged one"),
        (lambda path: _write(path, {"network": {"colour": 3}}), "configuration of another version of c2fpose"),
    ],
)
def test_missing_damaged_or_of_another_version(make, message, tmp_path, monkeypatch):
    path = tmp_path / "people.safetensors"
    make(path)
    monkeypatch.setattr(builtin, "BUILTIN_FILE", path)
    with pytest.raises(UserError, match=message) as caught:
        load_module(BUILTIN)
    assert "\n" not in str(caught.value)


def _write(path, model):
    save_safetensors(path, PoseModule(TINY).state_dict(), model, {})


def test_what_was_found_after_its_file_was_made_holds_for_copies_and_for_no_other_network(tmp_path):
    assert load_module(BUILTIN).config.decoding.predict_power == builtin.PREDICT_POWER
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(BUILTIN_FILE.read_bytes())
    assert load_module(copy).config.decoding.predict_power == builtin.PREDICT_POWER
    module = load_module(copy)
    trained_on = tmp_path / "people.safetensors"
    weights = module.state_dict()
    next(iter(weights.values())).add_(1e-3)
    as_trained = module.config.model_dump(mode="json")
    as_trained["decoding"]["predict_power"] = None
    save_safetensors(trained_on, weights, as_trained, {})
    assert load_module(trained_on).config.decoding.predict_power is None
