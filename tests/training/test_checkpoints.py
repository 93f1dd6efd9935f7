"""The last checkpoint is never half a file, wherever ``/tmp`` is."""

import errno
import tempfile

import pytest
import torch

from c2fpose.base.files import OutputError
from c2fpose.training.checkpoints import WholeCheckpoints


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "checkpoints" / "last.ckpt"
    WholeCheckpoints().save_checkpoint({"state_dict": {"w": torch.arange(3)}, "global_step": 7}, path)
    saved = torch.load(path, weights_only=True)
    assert saved["global_step"] == 7 and saved["state_dict"]["w"].tolist() == [0, 1, 2]
    assert [each.name for each in path.parent.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("moment", ["write", "read back"])
def test_the_one_before_stays_until_the_new_one_is_whole(moment, tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    WholeCheckpoints().save_checkpoint({"step": 1}, path)
    before = path.read_bytes()

    def fails(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save" if moment == "write" else "load", fails)
    with pytest.raises(OutputError, match=r"last\.ckpt: cannot be written \(No space left on device\)"):
        WholeCheckpoints().save_checkpoint({"step": 2}, path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_nothing_goes_through_the_temporary_directory(tmp_path, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("a temporary file elsewhere")

    for name in ("mkstemp", "NamedTemporaryFile", "TemporaryDirectory", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, forbidden)
    WholeCheckpoints().save_checkpoint({"step": 1}, tmp_path / "last.ckpt")
