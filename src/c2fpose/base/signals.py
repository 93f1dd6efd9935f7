"""End in one line where somebody stops a command (Ctrl-C: exit code 130, SIGTERM: 143), workers with their parent."""

import atexit
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

GRACE_S = 4.0  # to put things in order; then the process ends as it stands (files are whole at any moment)
STEP_GRACE_S, NOTICE_S = 25.0, 2.0  # to end a step (batch systems kill after 30), and before that is said
GOES_ON = "what is finished is kept, and the same command goes on"
_PR_SET_PDEATHSIG = 1


class Stopped(SystemExit):
    """Somebody has stopped the process by a signal; ``code`` is what a shell expects of it, 128 and the signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum


@contextmanager
def stops_in_one_line(what_now: str | Callable[[], str] = "", grace_s: float | None = GRACE_S) -> Iterator[None]:
    """Turn SIGINT and SIGTERM in the block into one line on standard error and exit code 130 or 143.

    In the block they raise ``KeyboardInterrupt`` and ``Stopped``, so that ``finally`` is obeyed; a second signal ends
    the process at once, and so does ``grace_s`` after the first (None: never). ``what_now`` ends the line, such as
    ``GOES_ON``; a function is asked at that moment. A block within a block says what now and how long; the outermost
    one ends the process. Outside the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if _Stop.current is not None:
        with _Stop.current.within(what_now, grace_s):
            yield
        return
    stop = _Stop.current = _Stop(what_now, grace_s)
    before = {number: signal.signal(number, stop.receive) for number in (signal.SIGINT, signal.SIGTERM)}
    sys.unraisablehook, hook_before = stop.unraisable, sys.unraisablehook
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(stop.say(signal.SIGINT)) from None
    except Stopped as stopped:
        raise SystemExit(stop.say(stopped.signum)) from None
    except SystemExit as ending:
        if stop.signum is None:
            raise
        raise SystemExit(stop.say(stop.signum)) from ending  # a library has turned the signal into its own exit
    except Exception as error:
        if stop.signum is None:
            raise
        raise SystemExit(stop.say(stop.signum)) from error  # or into its own error, as extensions in C++ do
    else:
        if stop.signum is not None:  # it was caught on the way, and what was under way came to an end
            raise SystemExit(stop.say(stop.signum))
    finally:
        stop.over()
        _Stop.current = None
        sys.unraisablehook = hook_before
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stops_between_steps() -> Iterator[None]:
    """Have a signal wait in the block until it calls ``stop_here``, but no longer than ``STEP_GRACE_S``.

    For work that must not end halfway through a step, and foreign code that an exception would abort. What came is
    obeyed at the latest where the block ends. What takes longer than a moment is said.
    """
    stop = _Stop.current
    if stop is None or stop.waits or threading.current_thread() is not threading.main_thread():
        yield  # the block around ends it
        return
    stop.waits = True
    try:
        yield
    finally:
        stop.waits = False
    stop_here()


def is_stopping() -> bool:
    """Whether somebody has stopped the command that is under way."""
    return _Stop.current is not None and _Stop.current.signum is not None


def stop_here() -> None:
    """End now if a signal has come; raises ``KeyboardInterrupt`` or ``Stopped``."""
    stop = _Stop.current
    if stop is not None and stop.signum is not None:
        stop.end_wait()
        stop.leave(stop.signum)


class _Stop:
    """What is known of the signal that a command received."""

    current: "_Stop | None" = None
    ending: int | None = None  # the exit code of a command that has said that it was stopped

    def __init__(self, what_now: str | Callable[[], str], grace_s: float | None) -> None:
        self.what_now, self.grace_s = what_now, grace_s
        self.signum: int | None = None
        self.said = False
        self.waits = self.waited = False  # until stop_here; and whether the signal has done so
        self.lost = False  # raised where Python cannot pass it on
        self.timers: list[threading.Timer] = []

    @contextmanager
    def within(self, what_now: str | Callable[[], str], grace_s: float | None) -> Iterator[None]:
        """Tell what an inner block says; it stands if the signal came in the block."""
        before = self.what_now, self.grace_s
        self.what_now, self.grace_s = what_now or self.what_now, grace_s
        try:
            yield
        finally:
            if self.signum is None:
                self.what_now, self.grace_s = before

    def receive(self, signum: int, frame: FrameType | None) -> None:
        """Raise in the main thread; end the process if it was told before."""
        if self.lost:
            self.lost = False
            self.leave(signum)
        if self.signum is not None:
            self.end_now()
        self.signum = signum
        if self.waits:
            self.waited = True
            self.after(NOTICE_S, self.notice)
            self.after(STEP_GRACE_S, self.end_now)
            return
        if self.grace_s is not None:
            self.after(self.grace_s, self.end_now)
        self.leave(signum)

    def end_wait(self) -> None:
        """Leave the ordinary grace to what is put in order now."""
        if self.waited:
            self.waited = False
            self.over()
            if self.grace_s is not None:
                self.after(self.grace_s, self.end_now)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Have something done later, if the command has not ended by then."""
        timer = threading.Timer(seconds, act)
        timer.daemon = True
        timer.start()
        self.timers.append(timer)

    def notice(self) -> None:
        """Say what is waited for."""
        print(f"the step is finished first, {STEP_GRACE_S:.0f} s at most; again: at once", file=sys.stderr, flush=True)

    def unraisable(self, what: "sys.UnraisableHookArgs") -> None:
        """Send a signal again that was met in a finaliser: Python would print a traceback there and go on."""
        if self.signum is None or not isinstance(what.exc_value, Stopped | KeyboardInterrupt):
            sys.__unraisablehook__(what)
            return
        self.lost = True
        again = threading.Timer(0.02, os.kill, (os.getpid(), self.signum))  # not here: it would be lost here too
        again.daemon = True
        again.start()

    def leave(self, signum: int) -> NoReturn:
        """Raise what the signal means."""
        raise KeyboardInterrupt if signum == signal.SIGINT else Stopped(signum)

    def say(self, signum: int) -> int:
        """Print the line, once; returns the exit code."""
        if not self.said:
            self.said = True
            _Stop.ending = 128 + signum if _is_command() else None
            name = "Ctrl-C" if signum == signal.SIGINT else signal.Signals(signum).name
            what_now = self.what_now() if callable(self.what_now) else self.what_now
            print(f"stopped by {name}" + (f"; {what_now}" if what_now else ""), file=sys.stderr, flush=True)
        return 128 + signum

    def end_now(self) -> None:
        """Leave without ``finally``: what is in the way may take for ever."""
        os._exit(self.say(self.signum if self.signum is not None else signal.SIGTERM))

    def over(self) -> None:
        """Call off what was to be done later."""
        for timer in self.timers:
            timer.cancel()


def _is_command() -> bool:
    """Whether this process is one command of the package: what is raised out of its outermost block ends it."""
    main = sys.modules.get("__main__")
    name = getattr(getattr(main, "__spec__", None), "name", "")
    return name.partition(".")[0] == "c2fpose" or os.path.basename(getattr(main, "__file__", "") or "") == "c2fpose"


def _end_as_said() -> None:
    """End a stopped command before Python takes itself down, after everything else that is done at the end.

    Where the signal has cut short the import of an extension, taking it down can crash (SIGSEGV); and where it came in
    code given as text, Python forgets the exit code and ends by SIGINT.
    """
    if _Stop.ending is not None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # closed, or nobody reads it any more
                stream.flush()
        os._exit(_Stop.ending)


atexit.register(_end_as_said)  # called last: what registers first is; this file is imported first


def stop_while_importing() -> None:
    """End in one line before a command has begun, when nothing is to be put in order yet."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, frame: os._exit(_Stop("", None).say(signum)))


def follow_parent(parent: int) -> None:
    """In a worker: leave Ctrl-C to the parent, and end when the parent does, however it does.

    ``parent``: its process number, as it was when the worker was started.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if not _kernel_ends_us_with_parent():
        threading.Thread(target=watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it was gone before we could ask
        os._exit(1)


def _kernel_ends_us_with_parent() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        return ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0
    except (OSError, AttributeError):
        return False


def watch(parent: int) -> None:
    """End as soon as the parent has."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


_held = threading.local()  # the mask of signals that a thread had before it began to fork


def _hold() -> None:
    """Before a fork: let SIGTERM wait, which a child would lose that still has its parent's handler."""
    _held.mask = None if _Stop.current is None else signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _let_come() -> None:
    if (mask := getattr(_held, "mask", None)) is not None:
        _held.mask = None
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _forget() -> None:
    """In a forked child, such as a loader's process: how the command ends is its parent's to say."""
    _Stop.ending = None
    if _Stop.current is not None:
        _Stop.current = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_come()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_hold, after_in_parent=_let_come, after_in_child=_forget)
