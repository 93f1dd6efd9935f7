"""Keep a second process out of a directory that something is made in, and tell it who is there."""

import errno
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from c2fpose.base.errors import UserError
from c2fpose.base.files import OutputError, is_alive, reason

NAME = ".lock"
_BYTE = 2**20
_ENDING_S = 5.0  # how long a dead holder's lock may take to go: its workers hold it for a moment longer
_HELD: set[IO[str]] = set()


class OccupiedError(UserError):
    """Another process is at work in a directory; the message says which, and since when."""


@contextmanager
def alone_in(directory: str | Path, lock: str | Path | None = None) -> Iterator[None]:
    """Hold a directory for the block; it is made if missing. The lock goes with the process, however it ends.

    ``lock``: another file than ``.lock`` in the directory, for a directory that gets another name in the end. Raises
    ``OccupiedError`` where another process, or another block of this one, holds it, and ``OutputError`` where nothing
    can be written.
    """
    place, path = Path(directory), Path(lock) if lock is not None else Path(directory) / NAME
    try:
        if lock is None:
            place.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _acquire(path, place)
    except OSError as error:
        raise OutputError(f"{place}: nothing can be written there ({reason(error)})") from None
    _HELD.add(file)
    try:
        yield
    finally:
        _HELD.discard(file)
        with suppress(OSError):  # the directory may be gone
            path.unlink()
        file.close()


def _acquire(path: Path, place: Path) -> IO[str]:
    patience = time.monotonic() + _ENDING_S
    while True:
        file = open(path, "a+", encoding="utf-8")
        try:
            _lock(file)
        except OSError as error:
            holder = _read(file)
            file.close()
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
                raise OSError(error.errno, f"its file system has no locks: {error.strerror}") from None
            if _may_be_ending(holder) and time.monotonic() < patience:
                time.sleep(0.05)
                continue
            raise OccupiedError(f"{place}: {_in_words(holder)}; wait for it, or choose another directory") from None
        # The holder before may have removed the file between our opening and locking it: then it locks nothing.
        if _is_still(path, file):
            _write(file)
            return file
        file.close()


def _lock(file: IO[str]) -> None:
    """Take the file for this process, or raise ``OSError``."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    import msvcrt  # noqa: PLC0415  # Windows alone has it

    file.seek(_BYTE)  # Windows keeps others from reading what is locked: a byte behind the text
    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)


def _is_still(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _write(file: IO[str]) -> None:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:120]
    about = {"pid": os.getpid(), "host": platform.node(), "command": command, "since": f"{datetime.now():%F %T}"}
    file.truncate(0)
    file.write(json.dumps(about))
    file.flush()


def _read(file: IO[str]) -> dict[str, Any]:
    try:
        file.seek(0)
        found = json.loads(file.read())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _may_be_ending(holder: dict[str, Any]) -> bool:
    """Whether nobody is named yet, or one of this machine who is no longer there."""
    if not isinstance(holder.get("pid"), int):
        return True
    return holder.get("host") == platform.node() and not is_alive(holder["pid"])


def _in_words(holder: dict[str, Any]) -> str:
    if not holder:
        return "another process is at work there"
    return (
        f"process {holder.get('pid')} on {holder.get('host')} ({holder.get('command')}) has been at work there since "
        f"{holder.get('since')}"
    )


def _let_go() -> None:
    """In a forked child: the lock is the parent's, and must not outlive it."""
    for file in list(_HELD):
        with suppress(OSError):
            file.close()
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
