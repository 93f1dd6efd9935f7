"""Paths and names are printed as they are, whatever brackets they hold."""

import io

import pytest
from rich.progress import Progress
from rich.table import Table

from c2fpose.base.console import PlainConsole, words_column

NAMES = ["runs/mk[red]x", "mk[/y]", "a b=[x],é", "[bold]a[/]", "clip[0].mp4", "\\[a]"]


@pytest.mark.parametrize("name", NAMES)
def test_brackets_are_no_markup(name):
    screen = io.StringIO()
    console = PlainConsole(file=screen, width=200, force_terminal=True, color_system=None)
    table = Table(title=name)
    table.add_column(name)
    table.add_row(name)
    console.print(f"tables: {name}", style="bold")
    console.print(table)
    assert screen.getvalue().count(name) == 4


@pytest.mark.parametrize("name", NAMES)
def test_a_bar_shows_them_too(name):
    screen = io.StringIO()
    console = PlainConsole(file=screen, width=200, force_terminal=True, color_system=None)
    with Progress(words_column("{task.description}"), console=console) as bars:
        bars.add_task(name, total=1)
    assert name in screen.getvalue()


def test_a_long_path_is_one_line():
    screen, path = io.StringIO(), "/" + "/".join(["folder"] * 30)
    PlainConsole(file=screen, width=40).print(f"tables: {path}")
    assert screen.getvalue() == f"tables: {path}\n"
