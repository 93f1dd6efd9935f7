"""Run a function in worker processes: one that dies ends the work in one line, and none outlives its parent."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from typing import TypeVar

from c2fpose.base.errors import UserError
from c2fpose.base.signals import follow_parent

T = TypeVar("T")
R = TypeVar("R")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class WorkerDied(UserError):
    """A worker process ended before its work was done."""


def each_done(function: Callable[[T], R], items: Sequence[T], workers: int, what_now: str = "") -> Iterator[R]:
    """Yield ``function(item)`` of every item in the order in which they are done, from so many spawned processes.

    Numerical libraries use one thread in each. What the function raises is raised here. ``what_now`` ends the line of
    ``WorkerDied``, such as "the same command goes on". However the iteration ends, the workers end with it.
    """
    before = set(active_children())
    parent = (os.getpid(),)
    context = get_context("spawn")  # not forked: the parent may have threads
    executor = ProcessPoolExecutor(min(workers, len(items)), context, initializer=follow_parent, initargs=parent)
    ours: set[BaseProcess] = set()
    try:
        with _one_thread_each(), _starting_deaf_to_ctrl_c():
            futures = [executor.submit(function, item) for item in items]
        ours = set(active_children()) - before
        for future in as_completed(futures):
            yield future.result()
        executor.shutdown()
    except BrokenProcessPool:
        time.sleep(0.2)  # where all processes were stopped at once, the parent's own signal comes first
        raise WorkerDied(_in_words(ours) + (f"; {what_now}" if what_now else "")) from None
    finally:
        for process in set(active_children()) - before:
            process.kill()
        executor.shutdown(cancel_futures=True)


@contextmanager
def _starting_deaf_to_ctrl_c() -> Iterator[None]:
    """Have processes start with Ctrl-C held off: a terminal sends it to them too, and their imports take a second.

    One that comes meanwhile is heard here when the block ends. Does nothing where signals cannot be held off.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_words(processes: set[BaseProcess]) -> str:
    """How a worker ended; the others are ended by SIGTERM as a consequence."""
    codes = sorted({process.exitcode for process in processes if process.exitcode})
    if not codes:
        return "a worker process ended too early"
    code = next((code for code in codes if code != -signal.SIGTERM), codes[0])
    if code == -signal.SIGKILL:
        return "a worker process was killed (SIGKILL; often for lack of memory: fewer workers= need less)"
    return f"a worker process ended by {signal.Signals(-code).name if code < 0 else f'exit code {code}'}"


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Numerical libraries read these variables when they are imported."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
