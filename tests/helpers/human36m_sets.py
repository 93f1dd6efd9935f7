"""One set of synthetic people, fabricated once, in every format."""

import shutil
from pathlib import Path

import fabricate_human36m as fabricate
import pytest

from c2fpose.base.console import PlainConsole
from c2fpose.data.human36m import preparation as command
from c2fpose.data.human36m.options import PrepareConfig


@pytest.fixture(scope="session")
def people():
    return fabricate.fabricate()


@pytest.fixture(scope="session")
def sets(people, tmp_path_factory) -> dict[str, Path]:
    """A directory for each source; not to be changed."""
    root = tmp_path_factory.mktemp("human36m")
    writers = {
        "c2f": fabricate.write_c2f,
        "raw": fabricate.write_raw,
        "mmpose": fabricate.write_mmpose,
        "h36m_fetch": fabricate.write_h36m_fetch,
        "posenet_json": fabricate.write_posenet_json,
        "videopose3d": fabricate.write_videopose3d,
    }
    made = {name: writer(root / name, people) for name, writer in writers.items()}
    made["metadata"] = fabricate.write_metadata(root / "metadata.xml", people)
    return made


@pytest.fixture
def damaged(sets, tmp_path):
    """A copy of one source that a test may damage."""

    def copy(source: str) -> Path:
        return Path(shutil.copytree(sets[source], tmp_path / "damaged" / source))

    return copy


@pytest.fixture
def prepare(sets, tmp_path):
    def run(source, path=None, out="out", **more):
        more = {"metadata": sets["metadata"], "subjects": (1, 9), "actions": fabricate.ACTION_NAMES} | more
        config = PrepareConfig(source=source, path=path or sets[source], out=tmp_path / out, **more)
        return command.prepare(config, PlainConsole(quiet=True))

    return run
