"""What commands print on: paths and names as they are, brackets in them no markup."""

from typing import Any

from rich.console import Console
from rich.progress import TextColumn
from rich.text import Text


class PlainConsole(Console):
    """rich's console without markup and highlighting: ``a[1]`` would lose its bracket, and ``a[/b]`` end the command.

    Colours are given as ``style`` or as rich's ``Text``. Words are not wrapped: a path is one line, to be copied.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "highlight": False, **options})

    def print(self, *objects: Any, **options: Any) -> None:
        """Print words as they are, and tables within the width of the screen."""
        words = all(isinstance(each, str | Text) for each in objects)
        super().print(*objects, **{"soft_wrap": words, **options})


def words_column(template: str) -> TextColumn:
    """Make a column of a progress bar that shows words of a task, such as ``{task.description}``, as they are."""
    return TextColumn(template, markup=False)
