"""Processes of foreign pools (joblib's) end with the command that started them, however that ends.

Left alone, they wait for more work for minutes, or for ever for a lock that one of them held when it was killed.
"""

import multiprocessing
import os
import subprocess
import sys
import threading

from c2fpose.base.signals import watch

_LEADER = "C2FPOSE_LEADER"  # environment: the process number of the command that jobs belong to
_MARK = "popen_loky"  # in the command line of joblib's processes
# Waits for the end of standard input, which the command holds open, and ends whoever belongs to it
_GUARDIAN = """
import os, signal, sys, time
sys.stdin.read()
mine, mark = sys.argv[1].encode(), sys.argv[2].encode()
for _ in range(20):
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as words, open(f"/proc/{name}/environ", "rb") as environment:
                if int(name) != os.getpid() and mark in words.read() and mine in environment.read().split(b"\\0"):
                    os.kill(int(name), signal.SIGKILL)
        except OSError:
            pass
    time.sleep(0.1)
"""
_watched: set[int] = set()
_guardians: list[subprocess.Popen[bytes]] = []


def lead() -> None:
    """Let processes that this command starts know whom they end with."""
    os.environ[_LEADER] = str(os.getpid())


def guard_pool() -> None:
    """Start a small process that ends joblib's when this command is gone; on Linux, which says whose they are."""
    if not sys.platform.startswith("linux"):
        return
    guardian = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _GUARDIAN, f"{_LEADER}={os.environ[_LEADER]}", _MARK],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    _guardians.append(guardian)  # its standard input ends with this process, not before


def end_with_leader() -> None:
    """In a process of a foreign pool: end when the command that started it does, at once if it has.

    In any other process nothing happens. Reaches who has begun a job; ``guard_pool`` the others too.
    """
    leader = int(os.environ.get(_LEADER, 0))
    if not leader or multiprocessing.current_process().name == "MainProcess" or leader in _watched:
        return
    _watched.add(leader)
    if os.getppid() != leader:
        os._exit(1)
    threading.Thread(target=watch, args=(leader,), daemon=True).start()
