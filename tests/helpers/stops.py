"""Commands stopped at random moments and given again: they end in one line, and what they make is what it would be."""

import csv
import hashlib
import io
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from torture import descendants, rounds, runs

KINDS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LINES = {signal.SIGTERM: (143, "stopped by SIGTERM"), signal.SIGINT: (130, "stopped by Ctrl-C")}
# Times, and hashes of files that hold times
TIMED = {
    "seconds", "images_per_second", "evaluation_images_per_second", "memory_gib", "time", "resume", "training_seconds",
    "checkpoint_sha256", "evaluation_sha256", "sha256", "checkpoint", "training_images_per_second",
    "training_memory_gib",
}  # fmt: skip
# Of a sweep, with minutes and images a second in them: jobs.csv beside them has the numbers
TIMES = {"table.csv", "table.md", "table.tex", "validation.png"}
_TICKS = os.sysconf("SC_CLK_TCK")


class Starter(Protocol):
    """What starts ``python WORDS`` in a folder, one at a time: ``ready.Ready``, or ``Fresh``."""

    def start(self, words: list[str], folder: Path) -> int: ...

    def wait(self) -> tuple[int, float]: ...


class Fresh:
    """Starts a Python of its own for each command."""

    def start(self, words: list[str], folder: Path) -> int:
        with folder.with_suffix(".txt").open("w") as said:
            self._process = subprocess.Popen(
                [sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
            )
        return self._process.pid

    def wait(self) -> tuple[int, float]:
        _, status, used = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return self._process.returncode, used.ru_utime + used.ru_stime


@dataclass
class Stopping:
    """One command, such as ``["-m", "c2fpose.train", ...]``, its outputs named relative to where it runs."""

    starter: Starter
    words: list[str]
    outlives: bool = False  # its jobs are processes of a queue's, which go on without it
    workers: int = 0  # processes that work for it, and end with it

    def check(self, folder: Path, seed: int, few: int = 3) -> None:
        """Stop it again and again until it has made what an undisturbed one makes; prints how that went.

        The moments are drawn in processor seconds, so that a busy machine does not move them.
        """
        whole, stopped = folder / "whole", folder / "stopped"
        whole.mkdir()
        stopped.mkdir()
        self.starter.start(self.words, whole)
        code, longest_s = self.starter.wait()
        assert code == 0, self.said(whole)
        expected = contents(whole)
        assert expected
        draw, finished, slowest_s = random.Random(seed), 0, 0.0
        count = rounds(few, 50)
        for index in range(count):
            number = KINDS[index % 3]
            code, ended_s = self.stop(stopped, number, draw.uniform(0, longest_s))
            if code == 0:
                self.compare(stopped, expected)
                shutil.rmtree(stopped)
                stopped.mkdir()
                finished += 1
            else:
                self.check_end(stopped, number, code)
                slowest_s = max(slowest_s, ended_s)
        self.starter.start(self.words, stopped)
        code, _ = self.starter.wait()
        assert code == 0, self.said(stopped)
        self.compare(stopped, expected)
        print(f"{' '.join(self.words[:3])}: {count} signals, {finished} after the end, {slowest_s:.1f} s to end")

    def compare(self, folder: Path, expected: dict[str, str]) -> None:
        """Name the files that are not those of the undisturbed command."""
        found = contents(folder)
        different = sorted(name for name in expected | found if expected.get(name) != found.get(name))
        assert not different, (different, sorted(expected), sorted(found))

    def said(self, folder: Path) -> str:
        """What the last command in a folder said on standard error."""
        return folder.with_suffix(".txt").read_text()

    def stop(self, folder: Path, number: int, after_busy_s: float) -> tuple[int, float]:
        """Start the command and send a signal; its exit code, and how long it took to end (s)."""
        pid = self.starter.start(self.words, folder)
        while runs(pid) and busy_s(pid) < after_busy_s:
            time.sleep(0.02)
        children, before = descendants(pid), busy_s(pid)
        try:
            os.kill(pid, number)
        except ProcessLookupError:  # it had ended by itself
            children, before = [], math.inf
        started = time.monotonic()
        code, used_s = self.starter.wait()
        ended_s = time.monotonic() - started
        assert number == signal.SIGKILL or used_s - before < 5 * (1 + self.workers), (
            used_s - before,
            self.said(folder),
        )
        patience = time.monotonic() + 120
        while any(map(runs, children)) and (self.outlives or time.monotonic() < patience):
            time.sleep(0.05)
        assert not any(map(runs, children)), "workers outlived their parent"
        return code, ended_s

    def check_end(self, folder: Path, number: int, code: int) -> None:
        """SIGKILL leaves no word; the others leave one line and the exit code that a shell expects."""
        said = self.said(folder)
        if number == signal.SIGKILL or code == -number:  # or Python itself was starting, or ending
            assert code == -number and "c2fpose/" not in said, (code, said)
            return
        lines = [line for line in said.splitlines() if line.startswith(("stopped", "error", "Traceback"))]
        assert code == LINES[number][0] and len(lines) == 1 and lines[0].startswith(LINES[number][1]), (code, said)


def busy_s(pid: int) -> float:
    """Processor seconds of a process, of its children, and of those that have ended."""
    total = 0.0
    for each in (pid, *descendants(pid)):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(map(int, fields[11:15])) / _TICKS
    return total


def contents(folder: Path) -> dict[str, str]:
    """What every file below a folder holds, as digests: to the byte, or without times, dates and places."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".submitit" not in path.parts)
    return {path.relative_to(folder).as_posix(): _digest(path, folder) for path in files}


def _digest(path: Path, folder: Path) -> str:
    content: bytes
    if path.name in TIMES:
        content = b""
    elif path.suffix == ".ckpt":
        saved = torch.load(path, map_location="cpu", weights_only=False)
        tensors = {key: value.numpy().tobytes() for key, value in saved["state_dict"].items()}
        content = repr((sorted(tensors.items()), saved.get("global_step"))).encode()
    elif path.suffix == ".npz":
        with np.load(path) as arrays:
            kept = {key: arrays[key] for key in sorted(arrays) if arrays[key].dtype.kind in "fiub"}
        content = b"".join(key.encode() + value.tobytes() for key, value in kept.items())
    elif path.suffix == ".json":
        content = json.dumps(_untimed(json.loads(path.read_text())), sort_keys=True).encode()
    elif path.suffix in (".webm", ".mp4"):  # the container holds random numbers of its own
        frames = cv2.VideoCapture(str(path))
        content = b"".join(iter(lambda: frames.retrieve()[1].tobytes() if frames.grab() else b"", b""))
    elif path.suffix == ".csv":
        rows = csv.DictReader(io.StringIO(path.read_text()))
        content = repr([sorted((k, v) for k, v in row.items() if k not in TIMED) for row in rows]).encode()
    else:
        content = path.read_bytes()
    return hashlib.sha256(content.replace(os.fsencode(folder), b"")).hexdigest()


def _untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _untimed(item) for key, item in value.items() if key not in TIMED}
    return [_untimed(item) for item in value] if isinstance(value, list) else value
