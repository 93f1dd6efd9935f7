"""A job of a sweep on disk: begun, finished or failed, and never mixed with results of something else.

A job's directory holds ``job.json`` (what it is, written first), then checkpoints, curve and evaluation, and at the end
``finished.json`` or ``failed.json``. What counts as "the same": configuration, code that results depend on, and data.
Light to import.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.sweeps.identity import Identity

JOB, FINISHED, FAILED, SWEEP, LAST = "job.json", "finished.json", "failed.json", "sweep.json", "checkpoints/last.ckpt"


def write_json(path: Path, values: dict[str, Any]) -> None:
    """The file has its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(values, indent=1) + "\n")
    os.replace(partial, path)


def read_json(path: Path) -> dict[str, Any] | None:
    """None for a missing file; raises ``DataError`` for one that cannot be read."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); remove the job's directory to run it again") from None


def identity_in(directory: Path) -> Identity | None:
    """Whose directory this is; None for a new one. Raises ``DataError`` for a directory of something else."""
    values = read_json(directory / JOB)
    if values is not None:
        try:
            return Identity(**values["identity"])
        except (KeyError, TypeError):
            raise DataError(f"{directory / JOB}: not written by this version; remove the job's directory") from None
    if any(directory.glob("checkpoints/*")) or any(directory.glob("evaluation/*")):
        raise DataError(f"{directory}: holds results but no {JOB}: not of a sweep; choose another name=...")
    return None


def state(directory: Path) -> str:
    """``finished``, ``failed``, ``begun`` or ``missing``."""
    names = {FINISHED: "finished", FAILED: "failed", JOB: "begun"}
    return next((word for name, word in names.items() if (directory / name).is_file()), "missing")


def check_same(directory: Path, now: Identity, accept_code: bool = False) -> None:
    """Raise ``ConfigError`` where a directory holds results of another configuration, code or data."""
    before = identity_in(directory)
    if before is None:
        return
    difference = before.difference(now, accept_code)
    if difference:
        raise ConfigError(
            f"{directory}: holds other results ({difference}); nothing was changed: "
            "choose another name=..., or remove the directory"
        )


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Keep a second process out of a job's directory; the lock goes with the process, however it ends."""
    with open(directory / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{directory}: another process is running this job") from None
        yield
