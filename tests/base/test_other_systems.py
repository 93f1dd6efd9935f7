"""What is only true on Linux has another branch: tested with the Linux part taken away."""

import builtins
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from c2fpose.base import files, host_memory, lock
from c2fpose.config.data import DataConfig
from c2fpose.data.datamodule import start_method

# As on Windows: no such modules, no such functions
WITHOUT = """
import os, sys
import hydra.experimental.callback, numpy, omegaconf, pydantic, rich.progress, torch  # have branches of their own
for name in ("fcntl", "resource"):
    sys.modules[name] = None
for name in ("sched_getaffinity", "register_at_fork", "uname", "getloadavg", "sysconf", "fork"):
    delattr(os, name)
import importlib
for name in sys.argv[1:]:
    importlib.import_module(f"c2fpose.{name}")
from c2fpose.base.cores import OtherWork, cores
print(cores().open)
"""
LIGHT = (
    "base.lock",
    "base.files",
    "base.signals",
    "base.host_memory",
    "base.progress",
    "sweeps.job",
    "sweeps.identity",
)


def test_light_modules_start_without_what_only_linux_has():
    run = subprocess.run([sys.executable, "-c", WITHOUT, *LIGHT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split()[0] == str(os.cpu_count())


def test_peak_memory_of_other_systems(tmp_path, monkeypatch):
    nowhere = tmp_path / "status"
    usage = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda _: SimpleNamespace(ru_maxrss=2**31))
    monkeypatch.setattr(host_memory, "resource", usage)
    monkeypatch.setattr(host_memory.sys, "platform", "darwin")
    assert host_memory.process_peak_gib(nowhere) == 2.0  # bytes there
    monkeypatch.setattr(host_memory.sys, "platform", "freebsd")
    assert host_memory.process_peak_gib(nowhere) == 2048.0  # kilobytes there
    monkeypatch.setattr(host_memory, "resource", None)
    assert not host_memory.process_peak_gib(nowhere) > 0


@pytest.mark.parametrize("missing", [OSError, AttributeError, TypeError])
def test_another_c_library_keeps_no_memory(monkeypatch, missing):
    def library(_):
        raise missing

    monkeypatch.setattr(host_memory.ctypes, "CDLL", library)
    assert host_memory.keep_freed_memory() is False


@pytest.mark.parametrize(("system", "expected"), [("linux", "fork"), ("darwin", "spawn"), ("win32", "spawn")])
def test_loader_processes_begin_by_fork_on_linux_alone(monkeypatch, system, expected):
    monkeypatch.setattr(sys, "platform", system)
    assert start_method(DataConfig.model_construct(start_method="auto")) == expected
    assert start_method(DataConfig.model_construct(start_method="forkserver")) == "forkserver"


def test_a_directory_is_held_by_windows_locks(tmp_path, monkeypatch):
    """The same function with a stand-in for ``msvcrt``: held once, refused the second time, free afterwards."""
    held: set[int] = set()

    def locking(descriptor: int, mode: int, count: int) -> None:
        inode = os.fstat(descriptor).st_ino
        if inode in held:
            raise OSError(13, "Permission denied")
        held.add(inode)

    monkeypatch.setattr(lock, "fcntl", None)
    monkeypatch.setattr(lock, "_ENDING_S", 0.0)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    with lock.alone_in(tmp_path):
        assert held
        with pytest.raises(lock.OccupiedError, match="has been at work there since"), lock.alone_in(tmp_path):
            pass
    held.clear()
    with lock.alone_in(tmp_path):
        pass


def test_files_are_written_where_no_process_can_be_asked(tmp_path, monkeypatch):
    """Windows opens no directories, and a signal that asks whether a process is alive would end it."""
    monkeypatch.setattr(files, "os", _windows())
    files.write_text(tmp_path / "a" / "text.txt", "whole")
    assert (tmp_path / "a" / "text.txt").read_text() == "whole"
    assert files.is_alive(2**22 + 1)


def _windows() -> SimpleNamespace:
    def opened(path, flags, *rest):
        if os.path.isdir(path):
            raise PermissionError(path)
        return os.open(path, flags, *rest)

    names = {name: getattr(os, name) for name in dir(os) if not name.startswith("__")}
    return SimpleNamespace(**names | {"name": "nt", "open": opened, "kill": builtins.exit, "uname": None})
