"""A job of a sweep on disk: begun, finished or failed, and never mixed with results of something else.

A job's directory holds ``job.json`` (what it is, written first), then checkpoints, curve and evaluation, and at the end
``finished.json`` or ``failed.json``. What counts as "the same": configuration, code that results depend on, and data.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.base.files import write_text
from c2fpose.config.schema import Schema
from c2fpose.sweeps.identity import Identity
from c2fpose.sweeps.rows import FINISHED as FINISHED

JOB, FAILED, SWEEP = "job.json", "failed.json", "sweep.json"


class Finished(Schema):
    """The contents of ``finished.json``: what a table needs beside the per-image errors."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # of another version: what is not known is left alone

    identity: dict[str, Any]
    config_hash: str = ""
    mpjpe_mm: dict[str, float]  # by root-depth rule
    reconstruction_mm: dict[str, float]
    axes_mm: dict[str, float] = Field(default_factory=dict)  # error along x, y and depth; earlier jobs have none
    calibration: dict[str, Any] | None = (
        None  # ``calibration.measure``; None where a network does not say how sure it is
    )
    dataset: str
    images: int
    evaluation_sha256: str
    parameters: int
    flops: int  # of one image's forward pass
    max_steps: int
    training: dict[str, Any] = Field(default_factory=dict)  # seconds, memory, processes, device ...
    evaluation_images_per_second: float
    code_version: str
    torch: str
    time: str = ""
    taken_from: str | None = None  # the job of another sweep whose training this is


def read_finished(directory: Path) -> Finished | None:
    """Read a finished job's results; None for one that is not finished. Raises ``DataError``."""
    values = read_json(directory / FINISHED)
    if values is None:
        return None
    try:
        return Finished.model_validate(values)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise DataError(
            f"{directory / FINISHED}: {place}: {error.errors()[0]['msg']}: not of this version, or damaged; remove the "
            "job's directory to run it again"
        ) from None


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write a file that has its name only when it is complete."""
    write_text(path, json.dumps(values, indent=1) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """None for a missing file; raises ``DataError`` for one that cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
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
