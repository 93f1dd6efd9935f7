"""Processes of foreign pools end with the command, whether they have begun to work or not."""

import os
import signal
import subprocess
import sys
import time

import pytest
from torture import runs

HEAD = """
import multiprocessing, os, subprocess, sys, time
from c2fpose.base import pools
pools.lead()
pools.end_with_leader()  # of no pool: nothing happens
"""
FORKED = """
def work():
    print(os.getpid(), flush=True)
    time.sleep({late})
    pools.end_with_leader()
    pools.end_with_leader()
    time.sleep(60)
multiprocessing.get_context("fork").Process(target=work).start()
time.sleep(60)
"""
# What joblib's process is to others: its command line and its environment; and one that is somebody else's
GUARDED = """
pools.guard_pool()
for word in ("popen_loky_posix", "other"):
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", word])
    print(worker.pid, flush=True)
time.sleep(60)
"""


def started(code: str, count: int) -> tuple[subprocess.Popen, list[int]]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    return process, [int(process.stdout.readline()) for _ in range(count)]


def ends(pid: int, patience_s: float = 10.0) -> bool:
    deadline = time.monotonic() + patience_s
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not runs(pid)


@pytest.mark.parametrize("late", [0, 1], ids=["at work", "still importing"])
def test_who_has_begun_a_job_ends_with_the_command(late):
    process, (worker,) = started(HEAD + FORKED.format(late=late), 1)
    time.sleep(0.3)
    assert runs(worker)
    process.kill()
    process.wait()
    assert ends(worker)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux says whose processes are")
def test_who_waits_for_a_first_job_is_ended_and_nobody_else():
    process, (waiting, other) = started(HEAD + GUARDED, 2)
    time.sleep(0.3)
    assert runs(waiting) and runs(other)
    process.kill()
    process.wait()
    assert ends(waiting)
    assert runs(other)
    os.kill(other, signal.SIGKILL)
