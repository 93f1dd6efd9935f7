"""Which files a command will write is settled, and wrong wishes are refused, before anything is computed."""

import importlib
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.prediction import outputs
from c2fpose.prediction.outputs import known_formats, of_fewer_people, plan, write
from c2fpose.prediction.result import Frame


def names(planned: dict[str, Path]) -> dict[str, str]:
    return {name: str(path) for name, path in planned.items()}


def test_the_ending_or_the_formats_decide(tmp_path):
    assert names(plan("in/walk.mp4", "out/a.html")) == {"html": "out/a.html"}
    assert names(plan("in/walk.mp4", "out/a.MP4", ["json", "bvh"])) == {
        "video": "out/a.MP4", "json": "out/a.json", "bvh": "out/a.bvh",
    }  # fmt: skip
    assert names(plan("in/walk.mp4", "out", ["csv", "html"])) == {
        "csv": "out/walk_pose.csv", "html": "out/walk_pose.html",
    }  # fmt: skip
    assert names(plan("in/walk.jpg")) == {"figure": "in/walk_pose.png", "json": "in/walk_pose.json"}
    (tmp_path / "with.dot").mkdir()
    assert plan("walk.jpg", tmp_path / "with.dot", ["npz"]) == {"npz": tmp_path / "with.dot/walk_pose.npz"}


@pytest.mark.parametrize(
    ("out", "formats", "message"),
    [
        ("a.gif", None, r"out=a\.gif: no output ends in '\.gif'; expected one of \.bvh, \.csv, "),
        ("o", ["jsn"], "formats=jsn: no such output; expected some of bvh, csv, "),
        ("photo.png", None, "photo.png: would replace what is read"),
        ("there.json", None, "there.json: is there already; overwrite=true replaces it"),
    ],
)
def test_wrong_wishes(tmp_path, monkeypatch, out, formats, message):
    monkeypatch.chdir(tmp_path)
    Path("photo.png").touch()
    Path("there.json").touch()
    with pytest.raises(UserError, match=message):
        plan("photo.png", out, formats, overwrite=False)


def test_motions_of_several_people_are_there_already_too(image, tmp_path):
    """BVH has a file a person: ``walk_0.bvh`` is what ``walk.bvh`` was planned as; ``walk_old.bvh`` is not."""
    (tmp_path / "walk_old.bvh").touch()
    (path,) = plan("walk.jpg", tmp_path / "walk.bvh", overwrite=False).values()
    written = write(image, path)
    with pytest.raises(UserError, match=r"walk_0\.bvh: is there already; overwrite=true replaces it"):
        plan("walk.jpg", path, overwrite=False)
    assert len(written) == 2 and plan("walk.jpg", path, overwrite=True) == {"bvh": path}
    assert of_fewer_people({"bvh": path}, written) == []
    one = replace(image, frames=(Frame(image.frames[0].people[:1]),))
    assert of_fewer_people({"bvh": path}, write(one, path)) == written


@pytest.mark.parametrize("name", known_formats())
def test_each_format_writes_a_file_of_its_ending_and_nothing_else(name, image, video, pictures, tmp_path):
    result, shown = (video, pictures) if name == "video" else (image, pictures[3:4])
    for ending in known_formats()[name].endings:
        written = write(result, tmp_path / f"deep/er/out{ending}", shown)
        assert written and all(path.suffix == ending and path.stat().st_size > 100 for path in written)
        assert sorted((tmp_path / "deep/er").iterdir()) == sorted(written)
        for path in written:
            path.unlink()


def test_pictures_are_asked_for_where_they_are_needed(image, tmp_path):
    with pytest.raises(ConfigError, match=re.escape("out.png: figure needs the pictures")):
        write(image, tmp_path / "out.png")


TOY = """
from c2fpose.prediction.outputs.formats import Format

FORMAT = Format(endings=(".toy.json", ".toy"), file_a_person=True)


def write(result, pictures, path):
    several = [path.with_name(f"{path.stem}_{pose.id}{path.suffix}") for pose in result.frames[0].people]
    for each in several:
        each.write_text(str(len(result.frames)))
    return several
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "toy.py").write_text(TOY)
    monkeypatch.setattr(outputs, "__path__", [*outputs.__path__, str(tmp_path / "code")])
    importlib.invalidate_caches()
    yield
    sys.modules.pop(f"{outputs.__name__}.toy", None)


def test_a_new_file_is_a_format(toy, image, tmp_path):
    assert plan("walk.jpg", "a.toy.json", ["json"]) == {"toy": Path("a.toy.json"), "json": Path("a.json")}
    assert names(plan("walk.jpg", "o", ["toy"])) == {"toy": "o/walk_pose.toy.json"}
    with pytest.raises(ConfigError, match=r"expected one of \.bvh, .*\.toy\.json, \.toy, \.webm"):
        plan("walk.jpg", "a.gif")
    (path,) = plan("walk.jpg", tmp_path / "walk.toy", overwrite=False).values()
    assert [each.name for each in write(image, path)] == ["walk_0.toy", "walk_3.toy"]
    with pytest.raises(UserError, match=r"walk_0\.toy: is there already"):
        plan("walk.jpg", path, overwrite=False)


def test_no_two_formats_end_alike_and_none_is_imported_to_be_listed():
    import subprocess

    endings = [ending for known in known_formats().values() for ending in known.endings]
    assert len(endings) == len(set(endings))
    code = (
        "import sys; from c2fpose.prediction.outputs import known_formats; "
        "sys.exit('c2fpose.prediction.outputs.html' in sys.modules or len(known_formats()) < 7)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
