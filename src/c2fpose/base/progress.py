"""Show how far long work has come: a bar on a terminal or in a notebook, else a plain line now and then."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TextIO, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TaskID, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from c2fpose.base.console import PlainConsole, words_column

Item = TypeVar("Item")
FIRST_S, LONGEST_S = 10.0, 60.0  # the first plain line comes after, and the longest wait for the next
RATE_S = 300.0  # rates are means over the last of


class RateColumn(ProgressColumn):
    """How much is done in a second."""

    def render(self, task: Task) -> Text:
        """Say the rate, once it is known."""
        return Text(f"{task.speed:.0f}/s" if task.speed and task.speed >= 1 else "")


def default_columns() -> tuple[ProgressColumn, ...]:
    """Columns for work that is counted: what, a bar, done of all, how fast, time left."""
    return words_column("{task.description}"), BarColumn(), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn()


class Progress(Bars):
    """rich's bars; where no screen is (logs, batch systems) plain lines, ever rarer: after 10 s, and up to a minute.

    A line has the task's description, what is done of all, the rate, the time left, and its field ``values`` if it has
    one. ``out``: where lines go, the console's standard output or error if not given.
    """

    def __init__(
        self, *columns: Any, console: PlainConsole | None = None, out: TextIO | None = None, **options: Any
    ) -> None:
        console = console or PlainConsole(stderr=True)
        self.plain = not (console.is_terminal or console.is_jupyter)
        self.out = out
        self.said_at: dict[TaskID, float] = {}
        options = {"speed_estimate_period": RATE_S, **options}
        super().__init__(*(columns or default_columns()), console=console, disable=self.plain, **options)

    def add_task(self, description: str, *args: Any, **options: Any) -> TaskID:
        """Begin to count a piece of work."""
        task = super().add_task(description, *args, **options)
        self.said_at[task] = time.monotonic()
        return task

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Count what has been done since the last call."""
        super().advance(task_id, advance)
        self._say_if_due(task_id)

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Change what is known of a piece of work."""
        super().update(task_id, **changes)
        self._say_if_due(task_id)

    def say(self, task_id: TaskID) -> None:
        """Print the plain line now, where lines are printed."""
        if self.plain:
            self.said_at[task_id] = time.monotonic()
            print(
                plain_line(self._tasks[task_id]),
                file=self.out or (sys.stderr if self.console.stderr else sys.stdout),
                flush=True,
            )

    def _say_if_due(self, task_id: TaskID) -> None:
        if self.plain and self._tasks[task_id].visible:
            worked = self._tasks[task_id].elapsed or 0.0
            if time.monotonic() - self.said_at[task_id] >= min(max(FIRST_S, worked / 10), LONGEST_S):
                self.say(task_id)


def plain_line(task: Task) -> str:
    """Say in words how far a task is."""
    done = f"{task.completed:.0f}" if task.total is None else f"{task.completed:.0f} of {task.total:.0f}"
    words = [f"{task.description or 'work'}: {done}"]
    if task.fields.get("values"):
        words.append(str(task.fields["values"]))
    if task.speed:
        words.append(f"{task.speed:.1f} a second" if task.speed >= 1 else f"{1 / task.speed:.1f} s each")
    if task.time_remaining:
        words.append(f"{duration(task.time_remaining)} left")
    return ", ".join(words)


def duration(seconds: float) -> str:
    """Hours, minutes and seconds in words: 2 h 05 min, 3 min 07 s, 42 s."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {left:02d} s" if minutes else f"{left} s"


def track(items: Iterable[Item], description: str, total: int | None = None, **options: Any) -> Iterator[Item]:
    """Yield the items, and show how many are done; ``total`` where they have no length."""
    with Progress(transient=True, **options) as progress:
        count = total if total is not None else (len(items) if isinstance(items, Sized) else None)
        task = progress.add_task(description, total=count)
        for item in items:
            yield item
            progress.advance(task)
