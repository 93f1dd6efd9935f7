"""Which files a command will write is settled, and wrong wishes are refused, before anything is computed."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.prediction.outputs import FORMATS, of_fewer_people, plan, write
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
        ("a.gif", None, r"out=a\.gif: no output ends in '\.gif'; expected one of \.json, "),
        ("o", ["jsn"], "formats=jsn: no such output; expected some of json, npz"),
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


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_writes_a_file_of_its_ending_and_nothing_else(name, image, video, pictures, tmp_path):
    result, shown = (video, pictures) if name == "video" else (image, pictures[3:4])
    for ending in FORMATS[name].endings:
        written = write(result, tmp_path / f"deep/er/out{ending}", shown)
        assert written and all(path.suffix == ending and path.stat().st_size > 100 for path in written)
        assert sorted((tmp_path / "deep/er").iterdir()) == sorted(written)
        for path in written:
            path.unlink()


def test_pictures_are_asked_for_where_they_are_needed(image, tmp_path):
    with pytest.raises(ConfigError, match=re.escape("out.png: figure needs the pictures")):
        write(image, tmp_path / "out.png")
