"""A source is a file: a toy one dropped beside the others is known by name, recognised and read."""

import importlib
import shutil
import sys

import pytest

from c2fpose.base.errors import DataError
from c2fpose.data import prepare as door
from c2fpose.data.human36m import sources
from c2fpose.data.human36m.options import PrepareConfig
from c2fpose.data.schema import SplitReader

TOY = """
from c2fpose.data.human36m.sources import Source
from c2fpose.data.human36m.sources.videopose3d import read

SOURCE = Source(holds=("toy.npz",), stride=3, crop="box", single_file=True)
"""


@pytest.fixture
def toy(sets, tmp_path, monkeypatch):
    """The folder of what a source called toy reads, which is there as long as the test."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "toy.py").write_text(TOY)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path / "code")])
    importlib.invalidate_caches()
    (tmp_path / "toy").mkdir()
    shutil.copy(sets["videopose3d"] / "data_3d_h36m.npz", tmp_path / "toy" / "toy.npz")
    yield tmp_path / "toy"
    sys.modules.pop(f"{sources.__name__}.toy", None)


def test_a_new_file_is_read_by_its_name_with_its_own_stride(toy, sets, tmp_path, capsys):
    door.main([
        "source=toy", f"path={toy / 'toy.npz'}", f"metadata={sets['metadata']}", f"out={tmp_path / 'out'}",
        "subjects=[9]", "complete=false",
    ])  # fmt: skip
    reader = SplitReader(tmp_path / "out" / "test.h5")
    assert set((reader.annotations["frame"] - 1) % 3) == {0} and len(set(reader.annotations["frame"])) > 1
    assert reader.info.provenance["every"] == 3
    with pytest.raises(SystemExit):
        door.main(["source=nobody", f"path={toy}", f"out={tmp_path / 'out'}"])
    assert "raw, toy, videopose3d of Human3.6M" in capsys.readouterr().err


def test_a_new_file_is_recognised(toy, sets, prepare):
    with pytest.raises(DataError, match="holds what source=toy reads, not source=raw"):
        prepare("raw", toy)
    with pytest.raises(DataError, match="holds what source=c2f reads, not source=toy"):
        prepare("toy", sets["c2f"])


def test_what_is_stored_without_a_word_is_the_sources_own(tmp_path):
    said = {
        name: (config.stride, config.cut.crop)
        for name in sources.names()
        if (config := PrepareConfig(source=name, path=tmp_path, out=tmp_path))
    }
    assert said == {
        "c2f": (1, "none"), "h36m_fetch": (1, "none"), "mmpose": (1, "none"), "posenet_json": (5, "none"),
        "raw": (5, "box"), "videopose3d": (5, "none"),
    }  # fmt: skip
