"""Files are whole or not there, whatever ends the writing; a place that cannot be written to is one line."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from c2fpose.base import files
from c2fpose.base.errors import UserError
from c2fpose.base.files import (
    OutputError,
    gone_if_refused,
    ready_directory,
    write_bytes,
    write_text,
    written_whole,
)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_written_whole_then_renamed(tmp_path):
    target = tmp_path / "new" / "a.npz"
    with written_whole(target) as temporary:
        assert temporary.parent == target.parent and temporary.suffix == ".npz"
        temporary.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole" and names(target.parent) == ["a.npz"]
    write_text(target, "é")
    assert target.read_bytes() == "é".encode() and names(target.parent) == ["a.npz"]


@pytest.mark.parametrize("error", [ValueError("bug"), KeyboardInterrupt(), SystemExit(3)])
def test_what_fails_leaves_the_file_before_and_nothing_beside(tmp_path, error):
    target = tmp_path / "a.txt"
    write_text(target, "before")
    with pytest.raises(type(error)), written_whole(target) as temporary:
        temporary.write_text("aft")
        raise error
    assert target.read_text() == "before" and names(tmp_path) == ["a.txt"]


def test_a_file_that_cannot_be_read_back_does_not_replace_the_one_before(tmp_path):
    target = tmp_path / "a.txt"
    write_text(target, "before")

    def check(path: Path) -> None:
        raise ValueError(f"{path.read_text()} is no good")

    with pytest.raises(ValueError, match="after is no good"), written_whole(target, check=check) as temporary:
        temporary.write_text("after")
    assert target.read_text() == "before" and names(tmp_path) == ["a.txt"]


def test_what_another_machine_is_writing_stays(tmp_path, monkeypatch):
    """On a shared disk, also where one machine's name ends as another's."""
    monkeypatch.setattr("platform.node", lambda: "node1")
    ours, theirs = (f".a.{host}-999999.0a1b2c.partial.bin" for host in ("node1", "gpunode1"))
    for name in (ours, theirs):
        (tmp_path / name).write_bytes(b"half")
    write_bytes(tmp_path / "b.bin", b"whole")
    assert names(tmp_path) == sorted([theirs, "b.bin"])


@pytest.mark.parametrize("moment", ["while writing", "before the rename"])
def test_kill_leaves_the_file_before_and_the_next_writer_clears_up(tmp_path, moment):
    target = tmp_path / "a.bin"
    write_bytes(target, b"before")
    code = f"""
import os, signal
from c2fpose.base.files import written_whole
kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with written_whole({str(target)!r}, check=kill) as temporary:
    temporary.write_bytes(b"af" * 1000)
    if {moment == "while writing"}: kill()
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert target.read_bytes() == b"before" and len(names(tmp_path)) == 2
    files._CLEARED.clear()
    write_bytes(tmp_path / "other", b"")
    assert names(tmp_path) == ["a.bin", "other"]


@pytest.mark.parametrize("letter", ["x", "я", "写"])
def test_a_name_may_be_as_long_as_the_system_has_them(tmp_path, letter):
    name = letter * ((255 - len(".json")) // len(letter.encode())) + ".json"
    write_text(tmp_path / name, "long")
    assert names(tmp_path) == [name]


def test_temporary_files_of_living_processes_are_left_alone(tmp_path):
    with written_whole(tmp_path / "a") as mine:
        mine.touch()
        files._CLEARED.clear()
        write_bytes(tmp_path / "b", b"")
        assert mine.exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    write_text(tmp_path / "a", "before")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"a: cannot be written \(No space left on device\)$"):
        write_text(tmp_path / "a", "after")
    assert (tmp_path / "a").read_text() == "before" and names(tmp_path) == ["a"]


def test_a_real_limit_on_the_size_of_files_is_one_line(tmp_path):
    code = f"""
import resource, signal
from c2fpose.base.files import write_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_bytes({str(tmp_path / "a")!r}, b"x" * 5000)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr
    assert said.strip().endswith("a: cannot be written (File too large)") and names(tmp_path) == []


def test_errors_of_a_writer_that_knows_no_oserror(tmp_path):
    with pytest.raises(OutputError, match=r"cannot be written \(pytorch: unexpected pos 64 vs 0\)"):
        with written_whole(tmp_path / "a", foreign=(RuntimeError,)):
            raise RuntimeError("pytorch: unexpected pos 64 vs 0\nand a long stack")
    with pytest.raises(RuntimeError), written_whole(tmp_path / "a"):
        raise RuntimeError("a bug")


def test_a_writer_that_does_not_say_so_has_met_a_full_disk(tmp_path, monkeypatch):
    used = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: used._replace(free=4096))
    with pytest.raises(OutputError, match=r"a: cannot be written \(No space left on device\)"):
        with written_whole(tmp_path / "a", foreign=(RuntimeError,)):
            raise RuntimeError("unexpected pos 64 vs 0")


def test_errors_of_other_files_are_not_blamed_on_the_target(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"), written_whole(tmp_path / "a"):
        (tmp_path / "elsewhere").read_text()


def test_bad_places_are_one_line(tmp_path):
    (tmp_path / "file").write_text("mine")
    for bad, why in [
        (tmp_path, "it is a directory"),
        (tmp_path / "file" / "a", f"{tmp_path / 'file'} is not a directory"),
        (tmp_path / "file" / "b" / "a", f"{tmp_path / 'file'} is not a directory"),
        (Path("/proc/a"), "No such file or directory"),
        (Path("/dev/null"), "it is no regular file"),
        (tmp_path / ("x" * 300), "File name too long"),
    ]:
        with pytest.raises(OutputError) as refused:
            write_text(bad, "x")
        assert str(refused.value) == f"{bad}: cannot be written ({why})"
    assert names(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "mine"


def test_a_link_goes_on_pointing(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "a")
    write_text(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "a").read_text() == "x"


def test_directories_are_tried_before_the_work(tmp_path):
    assert ready_directory(tmp_path / "a" / "b").is_dir() and names(tmp_path / "a" / "b") == []
    (tmp_path / "file").touch()
    for bad in (tmp_path / "file", tmp_path / "file" / "c", Path("/proc/c")):
        with pytest.raises(OutputError, match="nothing can be written there"):
            ready_directory(bad)


@pytest.mark.parametrize(("held", "error", "stays"), [
    ([], UserError, False),
    (["config.yaml", ".hydra/config.yaml"], UserError, False),
    (["config.yaml", "notes.txt"], UserError, True),  # somebody's
    (["config.yaml", ".lock"], UserError, True),  # another process is at work there
    (["config.yaml"], RuntimeError, True),  # a bug
])  # fmt: skip
def test_of_what_is_refused_no_directory_is_left_that_holds_nothing(tmp_path, held, error, stays):
    for name in held:
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_text("x")
    (tmp_path / "run").mkdir(exist_ok=True)
    with pytest.raises(error), gone_if_refused(tmp_path / "run", "config.yaml", ".hydra"):
        raise error("refused")
    found = sorted(str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert (tmp_path / "run").exists() == stays and found == (sorted(held) if stays else [])


def test_the_current_directory_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path, "nowhere"):
        with pytest.raises(UserError, match="refused"), gone_if_refused(place):
            raise UserError("refused")
    assert tmp_path.exists()


def test_reason_out_of_hdf5s_long_story():
    story = "Can't write data (file write failed: time = Tue, errno = 28, error message = 'No space left on device', x)"
    assert files.reason(OSError(story)) == "No space left on device"
