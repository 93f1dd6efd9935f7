"""Data commands that cannot write end in one line and exit code 2, leave nothing, and say so before the work."""

import errno
import os
from importlib import import_module
from pathlib import Path

import pytest


@pytest.fixture
def commands(make_split, sets):
    """A command's words, its output's key left open."""
    data = make_split(records=60)
    return {
        "verify json": ("c2fpose.data.verify", [data, "images=2", "json={}"]),
        "verify sheet": ("c2fpose.data.verify", [data, "images=2", "sheet_images=2", "sheet={}"]),
        "sheet": ("c2fpose.data.synth36.sheet", [data, "out={}"]),
        "synth36": ("c2fpose.data.synth36.__main__", ["preset=tiny", "workers=1", "out={}"]),
        "synth_wild": ("c2fpose.data.synth_wild.__main__", ["preset=tiny", "workers=1", "out={}"]),
        "prepare": (
            "c2fpose.data.prepare",
            [
                "source=videopose3d",
                f"path={sets['videopose3d']}",
                f"metadata={sets['metadata']}",
                "complete=false",
                "out={}",
            ],
        ),
    }


def said(command: tuple[str, list[str]], place: Path, capsys) -> str:
    module, words = command
    capsys.readouterr()
    with pytest.raises(SystemExit) as ending:
        import_module(module).main([word.format(place) for word in words])
    assert ending.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


NAMES = ("verify json", "verify sheet", "sheet", "synth36", "synth_wild", "prepare")


@pytest.mark.parametrize("name", NAMES)
def test_bad_places_are_one_line(name, commands, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    line = said(commands[name], tmp_path / "file" / "x.png", capsys)
    assert f"{tmp_path / 'file'} is not a directory" in line
    line = said(commands[name], Path("/proc/x/y.png"), capsys)
    assert line.startswith("error: /proc/x") and "can" in line and "be written" in line
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "train.h5"]


@pytest.mark.parametrize("name", ["verify json", "verify sheet", "sheet", "prepare"])
def test_a_full_disk_is_one_line_and_leaves_nothing_half(name, commands, tmp_path, capsys, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    line = said(commands[name], tmp_path / "out" / "x.png", capsys)
    assert line.endswith("cannot be written (No space left on device)")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []
