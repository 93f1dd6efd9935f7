"""Write files whole: under a temporary name beside the target, synced, read back if asked, then renamed.

A kill at any moment leaves the file as it was before or as it is meant to be, never half of it.
"""

import errno
import os
import platform
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from c2fpose.base.errors import UserError, first_line

_MARK = "partial"
_STEM = 24  # letters of a file's name in its temporary one's, so that this is not too long where that is not
_ROOM = 1 << 20  # bytes: a disk with fewer is full
_CLEARED: set[Path] = set()  # directories in which this process has looked for what killed ones left


class OutputError(UserError):
    """A place cannot be written to; the message names it and the reason."""


@contextmanager
def written_whole(
    path: str | Path,
    *,
    check: Callable[[Path], object] | None = None,
    foreign: tuple[type[Exception], ...] = (),
    durable: bool = True,
) -> Iterator[Path]:
    """Give the block a temporary path beside ``path``, and rename it to ``path`` when the block ends well.

    The temporary name ends as ``path`` does, for writers that look at the ending; missing directories are made.
    ``check`` reads the temporary file back: if it raises, ``path`` stays as it was. ``foreign``: what a writer raises
    instead of ``OSError`` when it cannot write, such as ``RuntimeError``. ``durable``: have the disk hold it before the
    rename, so that a loss of power leaves no empty file; not needed for what can be made again. Raises ``OutputError``
    where the place cannot be written to; what the block raises otherwise goes on. Nothing is left beside the target.
    """
    target = Path(os.path.realpath(path))  # a link goes on pointing to the file
    try:
        _check_replaceable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_orphans(target.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({reason(error)})") from None
    start = target.stem[:_STEM]
    temporary = target.with_name(f".{start}.{_writer()}.{secrets.token_hex(3)}.{_MARK}{target.suffix}")
    try:
        with blamed_on(path, temporary, foreign=foreign):
            yield temporary
            if durable:
                sync(temporary)
            if check is not None:
                check(temporary)
            os.replace(temporary, target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def blamed_on(path: str | Path, *working: Path, foreign: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Say that ``path`` cannot be written where the block fails to write it or the ``working`` files beside it.

    Raises ``OutputError`` for an ``OSError`` of these files, or of none in particular, and for ``foreign`` errors.
    """
    ours = {os.path.abspath(place) for each in (Path(path), *working) for place in (each, each.parent)}
    try:
        yield
    except (OSError, *foreign) as error:  # type: ignore[misc]
        about = getattr(error, "filename", None)
        if isinstance(about, str | bytes) and os.path.abspath(os.fsdecode(about)) not in ours:
            raise  # of a file that the block read
        full = not isinstance(error, OSError) and _is_full(Path(os.path.realpath(path)).parent)
        raise OutputError(
            f"{path}: cannot be written ({os.strerror(errno.ENOSPC) if full else reason(error)})"
        ) from None


def _is_full(directory: Path) -> bool:
    """Whether a disk has no room left: a writer with an error of its own does not say so."""
    try:
        return shutil.disk_usage(directory).free < _ROOM
    except OSError:
        return False


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file whole. Raises ``OutputError``."""
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, text: str) -> None:
    """Write a file whole, UTF-8. Raises ``OutputError``."""
    write_bytes(path, text.encode())


def ready_directory(path: str | Path) -> Path:
    """Make a directory if it is missing and try whether a file can be made in it: before the work, not after.

    Raises ``OutputError``.
    """
    directory = Path(path)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):  # without a name where there can be such: a kill leaves nothing
            pass
    except OSError as error:
        raise OutputError(f"{path}: nothing can be written there ({reason(error)})") from None
    return directory


@contextmanager
def gone_if_refused(directory: str | Path, *names: str) -> Iterator[None]:
    """Remove a directory behind a refusal (``UserError``) of the block, if it holds nothing but ``names``.

    For what is made before a command knows whether it has anything to do. What cannot be removed stays, as does the
    current directory.
    """
    try:
        yield
    except UserError:
        with suppress(OSError):
            place = Path(directory)
            if {each.name for each in place.iterdir()} <= set(names) and not place.samefile(Path.cwd()):
                for name in names:
                    shutil.rmtree(place / name) if (place / name).is_dir() else (place / name).unlink(missing_ok=True)
                place.rmdir()
        raise


def reason(error: BaseException) -> str:
    """Say in a few words why a file could not be read or written."""
    if isinstance(error, FileExistsError | NotADirectoryError) and error.filename:
        ancestors = [Path(os.fsdecode(error.filename)), *Path(os.fsdecode(error.filename)).parents]
        file = next((place for place in ancestors if place.exists() and not place.is_dir()), ancestors[0])
        return f"{file} is not a directory"
    if isinstance(error, OSError) and error.strerror and len(error.strerror) < 80:
        return error.strerror
    if inner := re.search(r"error message = '([^']+)'", str(error)):  # HDF5 tells the system's reason in the middle
        return inner[1]
    first = first_line(error)
    return first if len(first) <= 160 else first[:157] + "..."


def _check_replaceable(target: Path) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISREG(target.stat().st_mode):
            raise OSError(0, "it is a directory" if target.is_dir() else "it is no regular file")


def sync(path: Path) -> None:
    """Have the disk hold what was written."""
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # Windows syncs what it may write
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _writer() -> str:
    """Name this process in a temporary file's name, for those who clear up after it."""
    return f"{_host()}-{os.getpid()}"


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "", platform.node()) or "host"


def _clear_orphans(directory: Path) -> None:
    """Remove what killed processes of this machine left, once for each directory."""
    if directory in _CLEARED:
        return
    _CLEARED.add(directory)
    pattern = re.compile(rf"\..*\.{_host()}-(\d+)\.[0-9a-f]{{6}}\.{_MARK}(\.[^.]*)?")
    for name in os.listdir(directory):
        if (match := pattern.fullmatch(name)) and not is_alive(int(match[1])):
            with suppress(OSError):
                (directory / name).unlink()


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is there; on Windows, where asking would end it, yes."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
