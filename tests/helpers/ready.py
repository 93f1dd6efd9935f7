"""A process that has imported what commands need, and starts them as forks of itself: in a moment, not in seconds.

Stopped at random moments, ``python -m c2fpose.train`` would mostly be met while it imports PyTorch.
"""

import atexit
import json
import os
import runpy
import subprocess
import sys
import threading
import traceback
from importlib import import_module
from pathlib import Path


class Ready:
    """The process, seen from a test. ``imports``: modules that commands import when they are needed."""

    def __init__(self, *imports: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, *imports], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, words: list[str], folder: Path) -> int:
        """Run ``python WORDS`` in a folder, ``-m`` first; what it says goes to ``folder.txt``. Returns its number."""
        self._process.stdin.write(json.dumps([words, str(folder)]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self) -> tuple[int, float]:
        """Wait for its end; returns the exit code (negative: the signal that killed it) and processor seconds."""
        code, busy_s = json.loads(self._process.stdout.readline())
        return code, busy_s

    def close(self) -> None:
        """Let the process end."""
        self._process.stdin.close()
        self._process.wait(timeout=60)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    for request in sys.stdin:
        words, folder = json.loads(request)
        child = os.fork()
        if child == 0:
            _command(words[1], words[2:], Path(folder))
        print(child, file=answers, flush=True)
        _, status, used = os.wait4(child, 0)
        print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime]), file=answers, flush=True)


def _command(module: str, words: list[str], folder: Path) -> None:
    """In the fork: what ``python -m MODULE WORDS`` does, to the end of the process."""
    code: int | str | None = 1
    try:
        os.setsid()
        os.chdir(folder)
        said = os.open(folder.with_suffix(".txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, place in ((0, nothing), (1, os.open(os.devnull, os.O_WRONLY)), (2, said)):
            os.dup2(place, number)
        sys.argv = [module, *words]
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
            code = 0
        except SystemExit as ending:
            code = ending.code or 0
        except BaseException:
            traceback.print_exc()
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    from c2fpose.base.signals import stop_while_importing

    stop_while_importing()  # as in a command that has just begun
    for name in sys.argv[1:]:
        import_module(name)
    _serve()
