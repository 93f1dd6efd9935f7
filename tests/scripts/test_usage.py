"""A script that is asked how it is called says so, and does nothing else."""

import subprocess
import sys

import pytest
from script_modules import FOLDER, loaded

RUN = [path for path in sorted(FOLDER.glob("*.py")) if "__main__" in path.read_text("utf-8")]


@pytest.mark.parametrize(
    ("words", "least", "code"), [(["--help"], 0, 0), (["a", "-h"], 1, 0), (["a"], 2, 2), ([], 1, 2)]
)
def test_the_docstring_is_printed_where_it_is_asked_for_or_words_are_missing(words, least, code, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["script.py", *words])
    with pytest.raises(SystemExit) as ended:
        loaded("usage").say_how("What it does.\n", least)
    told = capsys.readouterr()
    assert ended.value.code == code
    assert told.out == ("" if code else "What it does.\n")
    assert told.err == (f"error: {least} words are needed, {len(words)} given\nWhat it does.\n" if code else "")


def test_enough_words_are_let_through(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["script.py", "a", "b=--help"])
    loaded("usage").say_how("What it does.", 2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.stem)
def test_every_script_says_how_it_is_called_before_it_does_anything(path):
    text = path.read_text("utf-8")
    block = text[text.index('if __name__ == "__main__":') :].splitlines()
    takes_no_words = "sys.argv" not in text
    assert takes_no_words or "argparse" in text or block[1].strip().startswith("say_how(__doc__")


def test_help_of_a_script_writes_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, FOLDER / "oldest_versions.py", "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.startswith("Print the oldest versions") and not list(tmp_path.iterdir())
