"""Have a child process try to read a file on which a library may end the process, or never come back."""

import faulthandler
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from c2fpose.base.errors import DataError

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_WORK_S, _BYTES_A_S = 5, 10e6  # of processor time, which a busy machine does not lengthen; a look takes a fraction
_PATIENCE_S, _LONG_PATIENCE_S = 60.0, 3600.0  # by the clock: for a child that may wait for a lock, for a slow disk
_BREAKS_OFF = ("SIGSEGV", "SIGABRT", "SIGFPE", "SIGILL", "SIGBUS")
_NO_END, _WAITS = "SIGXCPU", "waits"  # ends of a child that did not end by itself
_looked_at: set[tuple[str, int, int]] = set()  # path, size, time of change of files that can be read to their end


def check_in_a_child(path: str | Path, library: str, read: Callable[[], object], again: str) -> None:
    """Have a child process ``read`` a file as this one is going to, before it does.

    Raises ``DataError`` for a file on which the child breaks off or works for ever; ``library`` says in it of what.
    What else is wrong is for the reader to say. ``again``: Python that reads the file ``sys.argv[1]``, for a process
    that shares no lock with this one. A file is looked at once, as long as it does not change. On Linux alone:
    elsewhere processes do not fork, or not safely.
    """
    if not sys.platform.startswith("linux"):
        return
    about = os.stat(path)
    known = (os.path.realpath(path), about.st_size, about.st_mtime_ns)
    if known in _looked_at:
        return
    work_s = _WORK_S + int(about.st_size / _BYTES_A_S)
    how = _end_of_a_fork(work_s, read)
    if how == _WAITS:  # for a lock that some thread held while this process forked? A new one has none
        how = _end_of_a_new_process(path, work_s, again)
    if how in (*_BREAKS_OFF, _NO_END):
        what = "never comes to an end" if how == _NO_END else f"breaks off ({how})"
        raise DataError(f"{path}: damaged: {library} {what} on it; make or copy it again")
    _looked_at.add(known)


def _end_of_a_fork(work_s: int, read: Callable[[], object]) -> str:
    """Read a file in a forked child; says what ended it: the name of a signal, waiting, or nothing."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # that threads may hold locks
        child = os.fork()
    if child == 0:
        try:
            faulthandler.disable()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent sees to it
            limit_work(work_s)
            read()
        finally:
            os._exit(0)
    ends, status = time.monotonic() + _PATIENCE_S + 4 * work_s, None
    try:
        while status is None and time.monotonic() < ends:
            done, found = os.waitpid(child, os.WNOHANG)
            status = found if done else None
            if not done:
                time.sleep(0.002)
    finally:
        if status is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return _WAITS if status is None else _name(os.WTERMSIG(status))


def _end_of_a_new_process(path: str | Path, work_s: int, again: str) -> str:
    """Read a file in a process that shares no lock with this one; a slow disk is waited for."""
    code = f"import sys\nfrom c2fpose.data.child import limit_work\nlimit_work(int(sys.argv[2]))\n{again}"
    command = [sys.executable, "-c", code, str(path), str(work_s + 5)]  # imports take some of it
    try:
        return _name(-subprocess.run(command, capture_output=True, timeout=_LONG_PATIENCE_S).returncode)
    except subprocess.TimeoutExpired:
        return _WAITS


def _name(number: int) -> str:
    return signal.Signals(number).name if number > 0 else ""


def limit_work(work_s: int) -> None:
    """Have the kernel end this process by SIGXCPU after so many seconds of processor time."""
    resource.setrlimit(resource.RLIMIT_CPU, (work_s, resource.getrlimit(resource.RLIMIT_CPU)[1]))
