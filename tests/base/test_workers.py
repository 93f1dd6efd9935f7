"""Work in processes: everything is done, a dead worker is one line within seconds, none outlives the iteration."""

import os
import signal
import time
from multiprocessing import active_children

import pytest

from c2fpose.base.errors import DataError
from c2fpose.base.workers import WorkerDied, each_done


def _square(number: int) -> tuple[int, str]:
    return number * number, os.environ["OMP_NUM_THREADS"]


def _die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _refuse(number: int) -> int:
    raise DataError(f"item {number}: no good")


def _long(number: int) -> int:
    if number:
        time.sleep(600)
    return number


def test_everything_is_done_with_one_thread_each(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    done = set(each_done(_square, range(9), 2))
    assert done == {(number * number, "1") for number in range(9)} and os.environ["OMP_NUM_THREADS"] == "5"
    assert active_children() == []


def test_a_dead_worker_is_one_line():
    with pytest.raises(WorkerDied, match=r"^a worker process was killed \(SIGKILL; .*\); go on$"):
        list(each_done(_die, range(20), 2, "go on"))
    assert active_children() == []


def test_what_the_function_raises_is_raised_here():
    with pytest.raises(DataError, match="no good"):
        list(each_done(_refuse, range(2), 2))


def test_workers_end_when_the_iteration_is_given_up():
    started = time.monotonic()
    results = each_done(_long, range(4), 2)
    assert next(results) == 0
    results.close()
    assert active_children() == [] and time.monotonic() - started < 300  # workers that sleep for 600 s


def _deaf(number: int) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signals can be held off here")
def test_workers_start_deaf_to_ctrl_c():
    """A terminal sends it to them too: from their first instruction on it is the parent's."""
    assert all(each_done(_deaf, range(2), 2))
    assert not _deaf(0)
