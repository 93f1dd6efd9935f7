"""The one exception that users see: a line that says what was wrong, where, and what to do."""

import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from c2fpose.base.pools import lead
from c2fpose.base.signals import stop_here, stops_in_one_line

# What a machine refuses, whatever the program does; other OSErrors are bugs
_MACHINE = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE,
    errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR,
}  # fmt: skip
_LESS_MEMORY = (
    "lower batch_size (data.batch_size, data.eval_batch_size in training), workers or model.network.width, or set "
    "data.cache=none"
)
_IN_QUOTES = "'key=\"value\"'"  # for the shell, and for Hydra
_LONGEST, _KEPT_AT_END = 2000, 400  # characters of a message
P = ParamSpec("P")
R = TypeVar("R")


class UserError(Exception):
    """Wrong input, configuration or data. Commands print its message on one line and exit with 2; no traceback.

    Whatever a message quotes of a damaged file, it is one line: what cannot be printed is escaped, the middle of a
    very long one left out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_one_line(message))

    def _render_traceback_(self) -> list[str]:
        """Say what Jupyter shows of it."""
        return [f"error: {self}"]


class DataError(UserError):
    """A data file or a record in it cannot be used; the message names the file and the record."""


class ConfigError(UserError):
    """A configuration value is refused; the message names the key, the value and what is allowed."""


def how_to_install(extra: str) -> str:
    """Say how an extra of the package is installed. Its name alone would not do: the package is in no index."""
    return f"in the repository, .venv/bin/python -m pip install -c constraints.txt -e '.[{extra}]'"


def _one_line(message: str) -> str:
    line = "".join(each if each.isprintable() else repr(each)[1:-1] for each in message)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - _KEPT_AT_END]} [...] {line[-_KEPT_AT_END:]}"


@contextmanager
def readable(
    where: str | os.PathLike[str], what: str, advice: str = "half a download? Copy it again"
) -> Iterator[None]:
    """Say in one line what cannot be read, whatever the block's library raises about damaged input.

    ``what``: such as "not readable as HDF5". Raises ``DataError``; a ``UserError`` goes on as it is.
    """
    try:
        yield
    except UserError:
        raise
    except MemoryError:
        why = "it asks for more memory than there is: give a smaller one, or it is damaged"
        raise DataError(f"{os.fspath(where)}: {what} ({why})") from None
    except Exception as error:  # libraries raise nearly anything
        text = str(error).strip().splitlines()
        why = text[0][:160] if text else type(error).__name__
        raise DataError(f"{os.fspath(where)}: {what} ({why}); {advice}") from None


def exits_cleanly(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a ``UserError`` of a command into one line on standard error and exit code 2.

    So too for a full disk, too little memory and the like, wherever it was met. Ctrl-C and SIGTERM are one line and 130
    or 143.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show ends nothing
        with stops_in_one_line():
            try:
                return command(*args, **kwargs)
            except Exception as error:
                stop_here()  # foreign code may have made an error of a signal
                line = refusal(error)
                if line is None:
                    raise
                print(f"error: {line}", file=sys.stderr)
            raise SystemExit(2)

    return run


def refusal(error: Exception) -> str | None:
    """Say in a line what the input or the machine refused; None for a bug."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        if error.errno not in _MACHINE:
            return None
        place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        return f"{place}{error.strerror}"
    return f"out of memory; {_LESS_MEMORY}" if _is_out_of_memory(error) else None


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out: Python's own error, or what PyTorch makes of it on a processor or a GPU, or OpenCV."""
    said = (
        "can't allocate memory",
        "out of memory",
        "insufficient memory",
        "failed to allocate",
        "could not create a primitive",
    )  # the last: oneDNN, of a convolution
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in said)


def refuses_in_one_line(command: Callable[[], object], of_key: Callable[[str], str]) -> None:
    """Run a Hydra command; what Hydra itself refuses (keys, choices, syntax) is one line and exit code 2 too.

    ``of_key`` says what is wrong with a key that Hydra does not take.
    """
    from hydra.errors import CompactHydraException  # noqa: PLC0415  # commands without Hydra read this file

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # else Hydra prints several lines, and exits with 1
    lead()
    with stops_in_one_line("a sweep goes on with the same command"):
        _refuse_dashes(sys.argv[1:])
        try:
            command()
        except CompactHydraException as error:
            print(f"error: {_hydra_refusal(error, of_key)}", file=sys.stderr)
            raise SystemExit(2) from None
        except OSError as error:  # Hydra makes a run's directory before the command begins
            if error.errno not in _MACHINE | {errno.EEXIST} or error.filename is None:
                raise
            place = os.fsdecode(error.filename)
            print(f"error: {place}: no directory can be made there ({error.strerror})", file=sys.stderr)
            raise SystemExit(2) from None


def _refuse_dashes(words: list[str]) -> None:
    """End in one line for ``--key value``, at which Hydra prints a page: its own options alone begin with dashes."""
    from hydra._internal.utils import get_args_parser  # noqa: PLC0415  # as above

    _, unknown = get_args_parser().parse_known_args(words)
    if unknown:
        advice = "expected key=value, without dashes; --help lists the keys"
        if not unknown[0].startswith("-"):  # behind one of Hydra's own between other words
            advice = f"-m and the like stand in front of all words, or behind them; behind {words[0]} one was found"
        print(f"error: {unknown[0]}: {advice}", file=sys.stderr)
        raise SystemExit(2)


def first_line(error: BaseException) -> str:
    """Give the first line of what an error says, or its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _hydra_refusal(error: Exception, of_key: Callable[[str], str]) -> str:
    text = str(error)
    first = first_line(error)
    if key := re.match(r"Could not append to config\W+An item is already at '([^']+)'", text):
        return f"{key[1]}: a key already; give it without the +"
    if choice := re.match(r"Multiple values for (\S+)\. To override a value use 'override [^:]+: (.+)'", text):
        return f"{choice[1]}: chosen already; give {choice[1]}={choice[2]} without the +"
    if key := re.match(r"Could not (?:override|delete from config)\W+(?:.*?')?([\w./@]+)'", text):
        return f"{key[1]}: {of_key(key[1])}"
    if choice := re.match(r".*Could not find '([^']+)'", text):
        found = re.search(r"Available options in '[^']+':\n((?:\t.+\n?)+)", text)
        allowed = f"one of {', '.join(found[1].split())}" if found else "--help lists the groups"
        more = (
            f"; more come with the extra: {how_to_install('sweep')}" if choice[1].startswith("hydra/launcher/") else ""
        )
        return f"{'='.join(choice[1].rsplit('/', 1))}: no such choice; {allowed}{more}"
    several = re.match(r"Ambiguous value for argument '(.+)'$", first)
    if several:
        return f"{several[1]}: several values; -m makes a run of each, [...] is a list, {_IN_QUOTES} one with a comma"
    override = getattr(error, "override", None)
    if override and "=" not in override and not override.startswith("~"):
        return f"{override}: expected key=value; --help lists the keys"
    if override and "=~" in override:
        return f"{override}: ~ is not read in values; write the home folder out"
    if override:
        return (
            f"{override}: cannot be read; a value with brackets or commas of its own, or letters beyond a to z, stands "
            f"in quotes: {_IN_QUOTES}"
        )
    return first
