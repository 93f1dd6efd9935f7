"""One process at a time in a directory; the second is told who is there, and no dead process keeps it."""

import json
import os
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from c2fpose.base import lock
from c2fpose.base.files import OutputError
from c2fpose.base.lock import OccupiedError, alone_in

HOLD = """
import sys, time
from c2fpose.base.lock import alone_in
with alone_in(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(directory: Path) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(directory)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_is_there_and_a_killed_holder_holds_nothing(tmp_path):
    first = holder(tmp_path)
    try:
        with pytest.raises(OccupiedError) as refused, alone_in(tmp_path):
            pass
        said = str(refused.value)
        assert said.startswith(f"{tmp_path}: process {first.pid} on {os.uname().nodename} (")
        assert said.endswith("wait for it, or choose another directory") and "\n" not in said
    finally:
        first.kill()
        first.wait()
    with alone_in(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_also_within_one_process_and_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), alone_in(tmp_path / "a"):
        with pytest.raises(OccupiedError), alone_in(tmp_path / "a"):
            pass
        raise KeyboardInterrupt
    with alone_in(tmp_path / "a"):
        pass


def test_a_forked_child_does_not_keep_the_lock(tmp_path):
    ready, done = os.pipe(), None
    with alone_in(tmp_path):
        done = os.fork()
        if not done:  # pragma: no cover
            os.write(ready[1], b"x")
            time.sleep(60)
            os._exit(0)
        os.read(ready[0], 1)
        with pytest.raises(OccupiedError), alone_in(tmp_path):
            pass
    try:
        with alone_in(tmp_path):
            pass
    finally:
        os.kill(done, signal.SIGKILL)
        os.waitpid(done, 0)


def _count(directory: str, rounds: int) -> None:
    counter = Path(directory) / "counter"
    while rounds:
        try:
            with alone_in(directory):
                value = int(counter.read_text())
                time.sleep(0.001)
                counter.write_text(str(value + 1))
                rounds -= 1
        except OccupiedError:
            pass


def test_never_two_at_once_though_the_file_is_removed_each_time(tmp_path):
    (tmp_path / "counter").write_text("0")
    processes = [get_context("fork").Process(target=_count, args=(str(tmp_path), 40)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert (tmp_path / "counter").read_text() == "120"


def test_a_lock_beside_a_directory_that_is_renamed(tmp_path):
    made = tmp_path / "out.partial"
    with alone_in(made, lock=tmp_path / ".out.lock"):
        made.mkdir()
        with pytest.raises(OccupiedError, match=r"out\.partial: process"), alone_in(made, lock=tmp_path / ".out.lock"):
            pass
        made.rename(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_bad_places_are_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for bad in (tmp_path / "file", Path("/proc/c")):
        with pytest.raises(OutputError, match="nothing can be written there"), alone_in(bad):
            pass

    def no_locks(*_) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock.fcntl, "flock", no_locks)
    with pytest.raises(OutputError, match="its file system has no locks"), alone_in(tmp_path):
        pass
