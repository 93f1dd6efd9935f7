"""The examples in docstrings say what the functions give."""

import doctest
import importlib
from pathlib import Path

import pytest

import c2fpose

_ROOT = Path(c2fpose.__file__).parent
MODULES = sorted(
    ".".join(("c2fpose", *path.relative_to(_ROOT).with_suffix("").parts))
    for path in _ROOT.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


def test_about_fifteen_functions_have_one():
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [each for name in MODULES for each in finder.find(importlib.import_module(name)) if each.examples]
    assert len(examples) >= 15


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried and not failed
