"""Commands that make data, stopped at random moments: the same command gives the same bytes, and nothing is left over.

SIGTERM and SIGINT end them within five seconds in one line, with 143 and 130, and no worker outlives its parent.
"""

import hashlib
import re
import signal
import time
from pathlib import Path

import fabricate_human36m as fabricate
import pytest
import toy_generation
from torture import moments, rounds, run, stopped

pytestmark = [pytest.mark.slow, pytest.mark.torture]
IN_THE_PACKAGE = re.compile(r"src[/\\]c2fpose[/\\]")  # a file of ours in a traceback
LINE = {signal.SIGTERM: (143, "stopped by SIGTERM"), signal.SIGINT: (130, "stopped by Ctrl-C")}


def digests(directory: Path) -> dict[str, str]:
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def check_stops(command, out: Path, whole: Path, seed: int, few: int) -> None:
    """Stop a command again and again, each time a little later, until it has made what an undisturbed one made."""
    started = time.monotonic()
    assert run(command(whole)).returncode == 0
    longest_s = 1.1 * (time.monotonic() - started)
    finished = 0
    for number, after_s in moments(seed, rounds(few, 50), longest_s):
        code, said, ended_s = stopped(command(out), number, after_s)
        if code == 0:
            assert digests(out) == digests(whole)
            finished += 1
            for path in sorted(out.rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
            out.rmdir()
        elif number == signal.SIGKILL:
            assert code == -signal.SIGKILL
        elif code == -number:  # Python itself was still starting, or had done everything and was ending
            assert not said or digests(out) == digests(whole) or not IN_THE_PACKAGE.search(said), said
        else:
            lines = [line for line in said.splitlines() if line.startswith(("stopped", "error", "Traceback"))]
            assert code == LINE[number][0] and lines and lines[0].startswith(LINE[number][1]), (code, said)
            assert len(lines) == 1 and ended_s < 5, (ended_s, said)
    done = run(command(out))
    assert done.returncode == 0, done.stderr
    assert digests(out) == digests(whole)
    assert [path.name for path in out.parent.iterdir() if path.name not in (out.name, whole.name)] == []


@pytest.mark.parametrize("workers", [1, 2])
def test_generation(tmp_path, workers):
    def command(out: Path) -> list[str]:
        return [toy_generation.__file__, str(out), str(workers)]

    check_stops(command, tmp_path / "out", tmp_path / "whole", seed=workers, few=4)


@pytest.mark.parametrize(
    ("source", "words"), [("c2f", []), ("raw", []), ("c2f", ["crop=box"]), ("raw", ["images=files"])]
)
def test_prepare(tmp_path, sets, source, words):
    def command(out: Path) -> list[str]:
        return [
            "-m", "c2fpose.data.prepare", f"source={source}", f"path={sets[source]}", f"metadata={sets['metadata']}",
            "subjects=[1,9]", f"actions=[{','.join(fabricate.ACTION_NAMES)}]", f"out={out}", *words,
        ]  # fmt: skip

    check_stops(command, tmp_path / "out", tmp_path / "whole", seed=len(words), few=4)
