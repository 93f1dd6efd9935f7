"""Our own weights through both formats and back; damaged and foreign files refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.model.checkpoints.conversion import convert
from c2fpose.model.checkpoints.formats import check_suffix, read_safetensors, save_checkpoint
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.module import PoseModule
from c2fpose.weights import main

MODEL = {
    "network": {"depths": [1, 8], "depth_bins": 8, "image_size": 32, "heatmap_size": 8, "width": 8, "levels": 2},
    "decoding": {"method": "subvoxel"},
}
PROVENANCE = {"code_version": "0.0.1+test", "data_fingerprints": {"test": "ab"}}


@pytest.fixture
def module() -> PoseModule:
    torch.manual_seed(0)
    return PoseModule(MODEL, PROVENANCE).eval()


@pytest.fixture
def checkpoint(module, tmp_path):
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, module.state_dict(), MODEL, PROVENANCE)
    return path


def test_weights_survive_both_formats(module, checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "run.safetensors")
    convert(tmp_path / "run.safetensors", tmp_path / "back.ckpt")
    image = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    for path in ("run.ckpt", "run.safetensors", "back.ckpt"):
        loaded = load_module(tmp_path / path)
        assert loaded.config == module.config
        assert loaded.hparams["provenance"] == PROVENANCE
        found = loaded.state_dict()
        for name, weight in module.state_dict().items():
            assert torch.equal(found[name], weight), name
        with torch.inference_mode():
            torch.testing.assert_close(loaded.predict_points(image), module.predict_points(image), rtol=0, atol=0)


def test_configuration_can_be_read_from_the_header_alone(checkpoint, tmp_path):
    main([str(checkpoint), "--out", str(tmp_path / "run.safetensors")])
    raw = (tmp_path / "run.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]
    ours = json.loads(header["c2fpose"])
    assert ours["model"]["network"]["depths"] == [1, 8]
    assert ours["model"]["decoding"]["method"] == "subvoxel"
    assert ours["provenance"] == PROVENANCE


def test_truncated_and_foreign_files_are_refused(checkpoint, tmp_path):
    path = tmp_path / "run.safetensors"
    convert(checkpoint, path)
    whole = path.read_bytes()
    for cut in (0, 5, 100, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(UserError, match=r"run\.safetensors: not a safetensors file, or a damaged one"):
            read_safetensors(path)
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="without a c2fpose configuration"):
        read_safetensors(path)
    with pytest.raises(UserError, match="no such"):
        read_safetensors(tmp_path / "none.safetensors")


def test_command_refuses_in_one_line_and_leaves_nothing(checkpoint, tmp_path, capsys):
    for source, out in ((checkpoint, "run.onnx"), (tmp_path / "none.ckpt", "new.safetensors")):
        with pytest.raises(SystemExit) as exit_:
            main([str(source), "--out", str(tmp_path / "out" / out)])
        assert exit_.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_interrupted_writing_leaves_the_old_file(checkpoint, monkeypatch):
    before = checkpoint.read_bytes()

    def fails(_, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(checkpoint, {}, MODEL, PROVENANCE)
    assert checkpoint.read_bytes() == before
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_half_precision_rounds_convolutions_alone(module, checkpoint, tmp_path):
    main([str(checkpoint), "--out", str(tmp_path / "half.safetensors"), "--half"])
    halved = load_module(tmp_path / "half.safetensors").state_dict()
    assert (tmp_path / "half.safetensors").stat().st_size < 0.7 * checkpoint.stat().st_size
    for name, weight in module.state_dict().items():
        expected = weight.half().float() if weight.ndim == 4 else weight
        assert torch.equal(halved[name], expected), name


def test_checkpoints_keep_all_digits(checkpoint, tmp_path):
    with pytest.raises(ConfigError, match=r"half precision is for \.safetensors"):
        convert(checkpoint, tmp_path / "half.ckpt", half=True)


def test_what_is_read_is_not_written_over(checkpoint, tmp_path):
    """It may be a training's last.ckpt, whose optimizer the other format does not have."""
    before = checkpoint.read_bytes()
    (tmp_path / "link.ckpt").symlink_to(checkpoint)
    for out in (checkpoint, tmp_path / "link.ckpt"):
        with pytest.raises(ConfigError, match="is the file that is read"):
            convert(checkpoint, out)
    assert checkpoint.read_bytes() == before


@pytest.mark.parametrize("name", ["x.foo", "x.onnx", "x.SAFETENSORS", "x"])
def test_endings_that_are_no_checkpoints_are_refused(name):
    with pytest.raises(UserError, match=r"\.ckpt"):
        check_suffix(Path(name))
