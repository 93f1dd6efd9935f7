"""The one exception that users see: a line that says what was wrong, where, and what to do."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class UserError(Exception):
    """Wrong input, configuration or data. Commands print its message on one line and exit with 2; no traceback."""


class DataError(UserError):
    """A data file or a record in it cannot be used; the message names the file and the record."""


class ConfigError(UserError):
    """A configuration value is refused; the message names the key, the value and what is allowed."""


def exits_cleanly(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a ``UserError`` of a command into one line on standard error and exit code 2."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None

    return run
