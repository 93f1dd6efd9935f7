"""One grammar for all commands: what is a key, what is a file, and what no YAML may read as its own."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from c2fpose.base.errors import ConfigError
from c2fpose.config import command_line
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema, parse


class Example(Schema):
    inputs: tuple[str, ...] = ()
    ckpt: str
    out: Path | None = None
    mode: Literal["fast", "true"] = "fast"
    count: int = 1
    sizes: tuple[int, ...] = (1, 2)


class One(Schema):
    file: Path
    count: int = 1
    whole: bool = False
    flip: bool | None = None


@pytest.fixture(autouse=True)
def conf(tmp_path, monkeypatch):
    (tmp_path / "example.yaml").write_text(
        "# what it is\ninputs: []\nckpt: ???\nout: null\nmode: fast\ncount: 1\nsizes: [1, 2]\n"
    )
    (tmp_path / "one.yaml").write_text("file: ???\ncount: 1\nwhole: false\nflip: null\n")
    monkeypatch.setattr(command_line, "conf_dir", lambda: str(tmp_path))
    monkeypatch.chdir(tmp_path)


def read(*words: str) -> Example:
    return options(Example, "example.yaml", list(words), positional="inputs")


@pytest.mark.parametrize(
    "name",
    ["[a].ckpt", "{a}.ckpt", "${a}.ckpt", "po ${HOME}", "${oc.env:HOME}", "a: b", "- x", "1e3", "0x10", "true", "a#b",
     "é,ü", "'q'", '"q"', "a=b", "%s", "*", "&x", "!t", "a\\b"],
)  # fmt: skip
def test_text_and_paths_are_taken_as_they_stand(name):
    settings = read(f"ckpt={name}", f"out={name}")
    assert settings.ckpt == name and settings.out == Path(name)


def test_the_home_folder_is_put_where_a_shell_has_left_its_mark(monkeypatch):
    monkeypatch.setenv("HOME", "/of/mine")
    settings = read("ckpt=~/a b.ckpt", "--out", "~")
    assert settings.ckpt == "/of/mine/a b.ckpt" and settings.out == Path("/of/mine")
    assert read("ckpt=~a", "out=a/~/b").ckpt == "~a"  # a name like any other


def test_null_is_nothing_and_other_values_are_yaml():
    settings = read("ckpt=x", "out=null", "count=3", "sizes=[4,5,6]", "mode=true")
    assert (settings.out, settings.count, settings.sizes, settings.mode) == (None, 3, (4, 5, 6), "true")


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        (["a.h5"], False), (["a.h5", "--whole"], True), (["--whole", "a.h5"], True), (["a.h5", "whole=true"], True),
        (["--whole", "--file", "a.h5"], True), (["a.h5", "--whole", "false"], False),
    ],
)  # fmt: skip
def test_truth_needs_no_word(words, whole):
    assert options(One, "one.yaml", words, positional="file") == One(file=Path("a.h5"), whole=whole)


@pytest.mark.parametrize(
    ("words", "flip"),
    [
        (["a.h5"], None), (["a.h5", "--flip"], True), (["--flip", "a.h5"], True), (["a.h5", "--flip", "false"], False),
        (["--flip", "null", "a.h5"], None), (["--flip", "--count", "1", "a.h5"], True),
    ],
)  # fmt: skip
def test_truth_that_may_be_left_open_needs_no_word_either(words, flip):
    assert options(One, "one.yaml", words, positional="file") == One(file=Path("a.h5"), flip=flip)


def test_words_without_a_key_are_the_positional_ones():
    Path("a=b.jpg").touch()
    assert read("x.jpg", "ckpt=y", "a=b.jpg").inputs == ("x.jpg", "a=b.jpg")
    assert options(One, "one.yaml", ["x y.h5"], positional="file").file == Path("x y.h5")


def test_dashes_do_too():
    assert read("x.jpg", "--ckpt", "y", "--out=z").out == Path("z")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x.jpg"], "ckpt=... is needed"),
        (["ckpt=x", "count=[1"], "count=.1"),
        (["ckpt=x", "count=${nowhere}"], "nowhere"),
        (["ckpt=x", "nothing=1"], "nothing: no such key; --help lists them$"),
        (["ckpt=x", "cuont=1"], r"cuont: no such key; did you mean count\? --help lists them$"),
        (["ckpt=x", "--cuont"], r"--cuont: expected key=value; did you mean count\? --help lists the keys$"),
        (["ckpt=x", "--nothing"], "--nothing: expected key=value; --help"),
        (["ckpt=x", "--count"], "^--count: no value behind it; expected count=value; --help"),
        (["--out", "--ckpt", "x"], "^--out: no value behind it"),
    ],
)
def test_what_is_wrong_is_one_line(words, message):
    with pytest.raises(ConfigError, match=message) as refused:
        read(*words)
    assert "\n" not in str(refused.value)


def test_a_refused_item_is_not_called_missing_too():
    class Sized(Schema):
        sizes: Annotated[tuple[Annotated[float, Field(ge=0.5)], ...], Field(min_length=1)]

    for given, message in [([0.1], r"^sizes\.0=0\.1: input should be [^;]*$"), ([], r"^sizes=\[\]: .*at least 1")]:
        with pytest.raises(ConfigError, match=message):
            parse(Sized, {"sizes": given}, "")


def test_a_second_file_where_one_is_wanted_is_refused():
    with pytest.raises(ConfigError, match=r"b\.h5: expected key=value"):
        options(One, "one.yaml", ["a.h5", "b.h5"], positional="file")


def test_names_in_a_list_are_taken_as_they_stand():
    assert read("ckpt=a", "inputs=[anna,7,001,no,1e3]").inputs == ("anna", "7", "001", "no", "1e3")
    assert read("ckpt=a", "sizes=[7,001]").sizes == (7, 1)
