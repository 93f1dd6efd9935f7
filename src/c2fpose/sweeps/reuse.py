"""Finished jobs of other sweeps that are the very same training: taken over instead of trained once more.

The paper's tables share rows (the plain hourglass of table 1 opens table 2; table 2's 1, 64 is table 3's separated).
"""

import glob
import os
import shutil
from pathlib import Path

from c2fpose.base.errors import DataError
from c2fpose.model.checkpoints.formats import FINAL
from c2fpose.sweeps.identity import Identity
from c2fpose.sweeps.job import FINISHED, identity_in, read_json

# What a finished job leaves that belongs to its training; W&B's run stays with the sweep that ran it.
_RESULTS = (FINAL, "curve.csv", "evaluation", "logs", "pictures")


def same_training(pattern: str, identity: Identity) -> Path | None:
    """Find a finished job, in a directory that ``pattern`` matches, of equal configuration, code, data and seed.

    One that evaluated another row's network again has no network of its own, and is none.
    """
    for job in map(Path, sorted(glob.glob(f"{pattern}/*/seed{identity.seed}"))):
        if not (job / FINAL).is_file():
            continue
        try:
            other, ended = identity_in(job), read_json(job / FINISHED)
        except DataError:  # not of this version: nothing to take
            continue
        if other is None or not isinstance(ended, dict) or other.difference(identity) is not None:
            continue
        if ended.get("identity", {}).get("code", other.code) == other.code:  # else begun by one code, ended by another
            return job
    return None


def take_over(job: Path, directory: Path) -> None:
    """Link (or copy, across file systems) a finished job's results into another job's directory."""
    for name in _RESULTS:
        for source in (path for path in _files(job / name) if path.is_file()):
            target = directory / source.relative_to(job)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            try:
                os.link(source, target)
            except OSError:
                shutil.copy2(source, target)


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*")) if path.is_dir() else [path]
