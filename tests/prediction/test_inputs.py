"""Files, folders and patterns to a list of pictures and videos."""

from pathlib import Path

import pytest

from c2fpose.base.errors import DataError
from c2fpose.prediction.inputs import expand, left_out


def names(words) -> list[tuple[str, str]]:
    return [(found.path.name, found.kind) for found in expand([str(word) for word in words])]


@pytest.fixture
def folder(tmp_path):
    for name in (
        "p10.jpg",
        "p2.PNG",
        "clip.MP4",
        "notes.txt",
        ".hidden.jpg",
        "p2_pose.png",
        "my_pose.jpg",
        "[odd] name.jpg",
    ):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep.jpg").touch()
    return tmp_path


def test_a_folder_holds_pictures_and_videos_in_order_but_no_outputs(folder):
    assert names([folder]) == [
        ("[odd] name.jpg", "image"),
        ("clip.MP4", "video"),
        ("my_pose.jpg", "image"),
        ("p2.PNG", "image"),
        ("p10.jpg", "image"),
    ]


def test_a_picture_is_no_output_whatever_its_name(tmp_path):
    """Pictures are never written as JPEG: this one is the user's own, though another one has the rest of its name."""
    for name in ("dance.jpg", "dance_pose.jpg", "dance_pose.png", "dance_pose.webm"):
        (tmp_path / name).touch()
    expected = [("dance.jpg", "image"), ("dance_pose.jpg", "image")]
    assert names([tmp_path]) == names([tmp_path / "*"]) == expected


def test_patterns_and_files_each_once(folder):
    assert names([folder / "p*.jpg", folder / "p10.jpg", folder / "**" / "*.jpg"]) == [
        ("p10.jpg", "image"), ("[odd] name.jpg", "image"), ("deep.jpg", "image"),
        ("my_pose.jpg", "image"),
    ]  # fmt: skip
    assert names([folder / "[odd] name.jpg"]) == [("[odd] name.jpg", "image")]  # a name first, a pattern second
    assert names([folder / "notes.txt"]) == [("notes.txt", "image")]  # refused when it is read


@pytest.mark.parametrize(
    ("word", "message"),
    [("none.jpg", "no such image, video or folder"), ("x*.jpg", "no file has such a name"), ("", "no such image")],
)
def test_what_names_nothing_is_refused(folder, monkeypatch, word, message):
    monkeypatch.chdir(folder / "inner")
    with pytest.raises(DataError, match=message):
        expand([word]) if word else expand([str(folder / "none")])


def test_names_that_only_look_like_a_home_or_a_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("~nobody-of-this-name.jpg", "3²4.jpg", "31.jpg", "tape.M2TS"):
        Path(name).touch()
    found = [("3²4.jpg", "image"), ("31.jpg", "image"), ("tape.M2TS", "video"), ("~nobody-of-this-name.jpg", "image")]
    assert names([tmp_path]) == found
    assert names(["~nobody-of-this-name.jpg"]) == found[3:]
    assert left_out(["~nobody-of-this-name"]) == []


def test_one_file_by_two_names_is_one_input(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "x.jpg").touch()
    assert [each.path for each in expand(["x.jpg", str(folder / "x.jpg"), "./x.jpg"])] == [Path("x.jpg")]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="a folder without pictures or videos"):
        expand([str(tmp_path)])


def test_pictures_that_cannot_be_read_are_counted(tmp_path):
    for name in ("a.jpg", "b.HEIC", "c.heic", "d.dng", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    expected = f"{tmp_path}: 3 pictures (.dng, .heic) cannot be read and are left out; save them as JPEG"
    assert left_out([str(tmp_path), str(tmp_path / "a.jpg")]) == [expected]
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "b.heic").write_bytes(b"")
    assert left_out([f"{tmp_path}/one"]) == [
        f"{tmp_path}/one: 1 picture (.heic) cannot be read and is left out; save it as JPEG"
    ]
