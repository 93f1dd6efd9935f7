"""The one exception that users see: a line that says what was wrong, where, and what to do."""

import os
import re
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from c2fpose.base.signals import stops_in_one_line

P = ParamSpec("P")
R = TypeVar("R")


class UserError(Exception):
    """Wrong input, configuration or data. Commands print its message on one line and exit with 2; no traceback."""

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows of it."""
        return [f"error: {self}"]


class DataError(UserError):
    """A data file or a record in it cannot be used; the message names the file and the record."""


class ConfigError(UserError):
    """A configuration value is refused; the message names the key, the value and what is allowed."""


def exits_cleanly(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a ``UserError`` of a command into one line on standard error and exit code 2.

    A signal is one line and 128 plus its number.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with stops_in_one_line():
            try:
                return command(*args, **kwargs)
            except UserError as error:
                print(f"error: {error}", file=sys.stderr)
                raise SystemExit(2) from None

    return run


def refuses_in_one_line(command: Callable[[], object]) -> None:
    """Run a Hydra command; what Hydra itself refuses (keys, choices, syntax) is one line and exit code 2 too."""
    from hydra.errors import CompactHydraException

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # else Hydra prints several lines, and exits with 1
    with stops_in_one_line("a sweep goes on with the same command, a run with resume=RUN_DIR/checkpoints/last.ckpt"):
        try:
            command()
        except CompactHydraException as error:
            print(f"error: {_hydra_refusal(error)}", file=sys.stderr)
            raise SystemExit(2) from None


def _hydra_refusal(error: Exception) -> str:
    text = str(error)
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    if key := re.match(r"Could not append to config\W+An item is already at '([^']+)'", text):
        return f"{key[1]}: a key already; give it without the +"
    if key := re.match(r"Could not (?:override|delete from config)\W+(?:.*?')?([\w./@]+)'", text):
        return f"{key[1]}: no such key; --help lists them"
    if choice := re.match(r".*Could not find '([^']+)'", text):
        found = re.search(r"Available options in '[^']+':\n((?:\t.+\n?)+)", text)
        allowed = f"one of {', '.join(found[1].split())}" if found else "--help lists the groups"
        return f"{choice[1].replace('/', '=')}: no such choice; {allowed}"
    override = getattr(error, "override", None)
    if override:
        return f"{override}: {first}; put values with brackets, spaces or commas in quotes"
    return first
