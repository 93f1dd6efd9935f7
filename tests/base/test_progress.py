"""Long work says how far it is: plain lines where no screen is, a bar where there is one."""

import io
import itertools

import pytest
from rich.console import Console

from c2fpose.base import progress
from c2fpose.base.progress import Progress, duration, track


class Clock:
    """Seconds that pass when the test says so, for rich and for us."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    return clock


def lines_of(work, clock: Clock, **options) -> list[str]:
    out = io.StringIO()
    with Progress(console=Console(file=io.StringIO()), out=out, get_time=clock, **options) as bars:
        work(bars)
    return out.getvalue().splitlines()


def test_plain_lines_come_ever_rarer(clock):
    times = []

    def work(bars):
        task = bars.add_task("images", total=1000)
        for number in range(1000):
            clock.now += 1.0
            before = len(bars.out.getvalue())
            bars.advance(task)
            if len(bars.out.getvalue()) > before:
                times.append(number + 1)

    lines = lines_of(work, clock)
    assert lines[0] == "images: 10 of 1000, 1.0 a second, 16 min 30 s left"
    assert times[:3] == [10, 20, 30]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert max(gaps) == 60 and gaps == sorted(gaps)


def test_a_line_has_the_values_and_work_without_end_has_no_time_left(clock):
    def work(bars):
        task = bars.add_task("training", total=None, values="loss 1.50 val 90.0 mm")
        for _ in range(3):
            bars.advance(task, 5)
            clock.now += 100

    assert lines_of(work, clock)[-1] == "training: 15, loss 1.50 val 90.0 mm, 20.0 s each"


def test_short_work_says_nothing(clock):
    def work(bars):
        task = bars.add_task("images", total=3)
        for _ in range(3):
            clock.now += 2
            bars.advance(task)

    assert lines_of(work, clock) == []


def test_a_terminal_has_a_bar_and_no_lines(clock):
    screen, out = io.StringIO(), io.StringIO()
    with Progress(console=Console(file=screen, force_terminal=True), out=out, get_time=clock) as bars:
        task = bars.add_task("images", total=2)
        clock.now += 100
        bars.advance(task)
        bars.say(task)
    assert "images" in screen.getvalue() and out.getvalue() == ""


def test_track_yields_everything_and_counts(clock, capsys):
    seen = []
    for item in track(range(4), "rounds"):
        clock.now += 30
        seen.append(item)
    assert seen == [0, 1, 2, 3]
    err = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in err] == [f"rounds: {n} of 4" for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (187, "3 min 07 s"), (7500, "2 h 05 min")]
)
def test_duration(seconds, words):
    assert duration(seconds) == words


def test_what_has_no_bar_on_a_screen_has_no_line_in_a_log(clock):
    def work(bars):
        task = bars.add_task("inputs", total=1, visible=False)
        clock.now += 100
        bars.advance(task)

    assert lines_of(work, clock) == []
