"""A checkpoint evaluated again: what its representation cannot be asked is refused before any data is read."""

import pytest
import torch
from toy_labels import config_of

from c2fpose.base.errors import ConfigError
from c2fpose.config.evaluation import EvaluateSettings
from c2fpose.config.representations import schema_of
from c2fpose.evaluation.checkpoint import evaluate_checkpoint, own_folder
from c2fpose.model.checkpoints.formats import save_checkpoint
from c2fpose.model.module import PoseModule


@pytest.mark.parametrize(("head", "has"), [("integral", "one way alone"), ("simcc", "argmax and expectation")])
def test_a_decoding_of_another_representation_is_refused(head, has, tmp_path):
    config = config_of(head).model_dump(mode="json")
    save_checkpoint(tmp_path / "x.ckpt", PoseModule(config).state_dict(), config, {})
    with pytest.raises(ConfigError, match=f"decoding=subvoxel is not for head={head}, which has {has}") as caught:
        evaluate_checkpoint(EvaluateSettings(ckpt=str(tmp_path / "x.ckpt"), decoding="subvoxel"))
    assert "\n" not in str(caught.value)


def test_a_gpu_that_is_not_there_is_refused_before_any_data_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    config = config_of("integral").model_dump(mode="json")
    save_checkpoint(tmp_path / "x.ckpt", PoseModule(config).state_dict(), config, {})
    with pytest.raises(ConfigError, match=r"^accelerator=gpu: PyTorch finds no GPU here"):
        evaluate_checkpoint(EvaluateSettings(ckpt=str(tmp_path / "x.ckpt"), accelerator="gpu"))


def test_every_checkpoint_has_evaluations_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [
        tmp_path / name for name in ("run/checkpoints/final.ckpt", "run/checkpoints/last.ckpt", "a/m.ckpt", "b/m.ckpt")
    ]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    folders = [own_folder(path, {"flip": True, "precision": "auto"}) for path in paths]
    assert len(set(folders)) == 4
    assert folders[0] == tmp_path / "run" / "evaluations" / "flip=True"
    assert folders[1].name == "checkpoint=last,flip=True" and folders[2].parts[1].startswith("m_")


def test_volumes_have_all_decodings_and_coordinates_none():
    known = {"volume": 3, "simcc": 2, "integral": 0, "coordinates": 0}
    assert {name: len(schema_of(name).decodings) for name in known} == known


def test_a_test_file_that_is_not_there_is_asked_for(tmp_path, monkeypatch):
    """A network's own file is named as it was where it was trained; elsewhere its key is what helps."""
    monkeypatch.chdir(tmp_path)
    config = config_of("integral").model_dump(mode="json")
    data = {"train_file": "data/synth_wild_s12/train.h5", "test_file": "data/synth_wild_s12/test.h5"}
    save_checkpoint("x.ckpt", PoseModule(config).state_dict(), config, {"configuration": {"data": data}})
    with pytest.raises(ConfigError, match=r"^data/synth_wild_s12/test\.h5: .*not there, seen from .* test_file="):
        evaluate_checkpoint(EvaluateSettings(ckpt="x.ckpt"))


@pytest.mark.parametrize(
    ("trained", "wanted", "message"),
    [
        (
            {"batch_norm": "recalibrated"},
            "running",
            r"^batch_norm=running: .*x\.ckpt was kept with batch_norm=recalibrated",
        ),
        ({"network": {"norm": "group"}}, "batch", r"^batch_norm=batch: .*x\.ckpt has norm=group"),
    ],
)
def test_statistics_that_a_network_does_not_have_are_refused(trained, wanted, message, tmp_path):
    config = config_of("volume").model_dump(mode="json")
    config["network"] |= trained.pop("network", {})
    config |= trained
    save_checkpoint(tmp_path / "x.ckpt", PoseModule(config).state_dict(), config, {})
    with pytest.raises(ConfigError, match=message):
        evaluate_checkpoint(EvaluateSettings(ckpt=str(tmp_path / "x.ckpt"), batch_norm=wanted))


def test_a_folders_name_is_short_in_bytes(tmp_path):
    path = tmp_path / "run" / "checkpoints" / "final.ckpt"
    first, second = (own_folder(path, {"actions": "\u8d70\u308b" * 50 + end}) for end in "ab")
    assert len(first.name.encode()) < 130 and first != second
    first.mkdir(parents=True)
