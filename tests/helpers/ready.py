"""A process that has imported what commands need, and starts them as forks of itself: in a moment, not in seconds.

Stopped at random moments, ``python -m c2fpose.train`` would mostly be met while it imports PyTorch.
"""

import atexit
import json
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

# What commands import when they are needed
IMPORTS = (
    "c2fpose.training.run", "c2fpose.evaluation.checkpoint", "c2fpose.prediction.run", "c2fpose.prediction.export",
    "c2fpose.training.callbacks", "c2fpose.sweeps.runner", "c2fpose.sweeps.hooks", "c2fpose.reports.hooks",
    "c2fpose.reports.tables", "c2fpose.model.volumes.kernels", "pytorch_lightning", "matplotlib.backends.backend_agg",
)  # fmt: skip


@pytest.fixture(scope="session")
def ready() -> "Iterator[Ready]":
    """What starts a command in a moment."""
    process = Ready(*IMPORTS)
    yield process
    process.close()


class Ready:
    """The process, seen from a test. ``imports``: modules that it imports before the first command."""

    def __init__(self, *imports: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, *imports], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, words: list[str], folder: Path, said: Path | None = None, out: Path | None = None) -> int:
        """Run ``python WORDS`` in a folder, ``-m`` first; returns its number.

        Standard error goes to ``said`` (``folder.txt``), output to ``out`` (nowhere).
        """
        files = [str(said or folder.with_suffix(".txt")), str(out or os.devnull)]
        self._last = self._asked([words, str(folder), *files])
        return self._last

    def wait(self, number: int | None = None) -> tuple[int, float]:
        """Wait for the end of a command, the one started last if no number is given.

        Returns the exit code (negative: the signal that killed it) and processor seconds.
        """
        code, busy_s = self._asked(self._last if number is None else number)
        return code, busy_s

    def _asked(self, request: Any) -> Any:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def run(self, words: list[str], folder: Path) -> subprocess.CompletedProcess:
        """Run a command to its end, as ``subprocess.run`` with text captured does."""
        with tempfile.TemporaryDirectory() as place:
            said, out = Path(place) / "stderr", Path(place) / "stdout"
            self.start(words, folder, said, out)
            code, _ = self.wait()
            return subprocess.CompletedProcess(words, code, out.read_text(), said.read_text())

    def close(self) -> None:
        """Let the process end."""
        self._process.stdin.close()
        self._process.wait(timeout=60)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    for request in sys.stdin:
        asked = json.loads(request)
        if isinstance(asked, int):
            _, status, used = os.wait4(asked, 0)
            answer = [os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime]
        else:
            words, *files = asked
            answer = os.fork()
            if answer == 0:
                _command(words[1], words[2:], *files)
        print(json.dumps(answer), file=answers, flush=True)


def _look_around() -> None:
    """Do what every command would do once: Numba's and Hydra's lists of what there is, Matplotlib's of fonts."""
    from hydra.core.plugins import Plugins
    from matplotlib.font_manager import findfont
    from numba.core.registry import cpu_target

    findfont("sans")
    cpu_target.target_context.refresh()
    Plugins.instance()


def _own_media_folder() -> None:
    """Give this fork a folder for W&B's media: the one that W&B made on import is deleted when any fork ends."""
    if (private := sys.modules.get("wandb.sdk.data_types._private")) is not None:
        private.MEDIA_TMP.name = tempfile.mkdtemp("wandb-media")


def _command(module: str, words: list[str], folder: str, said: str, out: str) -> None:
    """In the fork: what ``python -m MODULE WORDS`` does, to the end of the process."""
    code: int | str | None = 1
    try:
        os.setsid()
        os.chdir(folder)
        _own_media_folder()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, place in ((1, out), (2, said)):
            os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
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
    if "pytorch_lightning" in sys.modules:
        _look_around()
    _serve()
    os._exit(0)  # nothing is left to be put away
