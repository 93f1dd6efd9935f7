"""Commands that make data, stopped at random moments: the same command gives the same bytes, and nothing is left over.

SIGTERM and SIGINT end them soon in one line, with 143 and 130, and no worker outlives its parent.
"""

from pathlib import Path

import fabricate_human36m as fabricate
import pytest
from ready import Ready
from stops import Stopping

pytestmark = [pytest.mark.slow, pytest.mark.torture]


@pytest.fixture(scope="module")
def ready():
    """A small process: these commands fork themselves, for each file that they look at."""
    process = Ready("c2fpose.data.synth36.generate", "c2fpose.data.human36m.preparation", "cdflib")
    yield process
    process.close()


def check(stopping: Stopping, folder: Path, seed: int) -> None:
    """Stop a command again and again until it has made what an undisturbed one made, and nothing else."""
    stopping.check(folder, seed)
    assert [path.name for path in (folder / "stopped").iterdir()] == ["out"]


@pytest.mark.parametrize("workers", [1, 2])
def test_generation(ready, tmp_path, workers):
    words = ["-m", "toy_generation", "out", str(workers)]
    check(Stopping(ready, words, workers=workers if workers > 1 else 0), tmp_path, seed=workers)


@pytest.mark.parametrize(
    ("source", "words"), [("c2f", []), ("raw", []), ("c2f", ["crop=box"]), ("raw", ["images=files"])]
)
def test_prepare(ready, tmp_path, sets, source, words):
    command = [
        "-m", "c2fpose.data.prepare", f"source={source}", f"path={sets[source]}", f"metadata={sets['metadata']}",
        "subjects=[1,9]", f"actions=[{','.join(fabricate.ACTION_NAMES)}]", "out=out", *words,
    ]  # fmt: skip
    check(Stopping(ready, command), tmp_path, seed=len(words))
