"""Finished, failed and missing jobs of one experiment, read from one or several sweep directories.

Whatever cannot stand in one table is refused: other configurations, code or data, a job that was run twice, a
half-written result.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from c2fpose.base.errors import ConfigError, DataError, readable
from c2fpose.base.provenance import file_hash
from c2fpose.config.schema import flat, parse
from c2fpose.config.sweep import SweepConfig
from c2fpose.evaluation.scores import Evaluation
from c2fpose.sweeps.identity import Identity
from c2fpose.sweeps.job import FAILED, FINISHED, JOB, SWEEP, Finished, identity_in, read_finished, read_json, state
from c2fpose.sweeps.rows import split_job
from c2fpose.training.curve import CURVE, CURVE_COLUMNS, by_source, read_curve

_BETTER = ("finished", "failed", "begun", "missing")


@dataclass(frozen=True)
class SweepJob:
    """One row and seed, in whatever state it is."""

    row: str
    seed: int
    directory: Path
    state: str  # finished, failed, begun, missing
    reason: str | None = None  # of a failure
    record: Finished | None = None

    @property
    def result(self) -> Finished:
        """What a finished job ended with."""
        assert self.record is not None, f"{self.directory}: not finished"
        return self.record

    @property
    def identity(self) -> Identity:
        """What the result was made from. Raises ``DataError`` for what another version wrote down of it."""
        try:
            return Identity(**self.result.identity)
        except TypeError as error:
            raise DataError(
                f"{self.directory / FINISHED}: identity: {error}: not of this version; remove the job's directory to "
                "run it again"
            ) from None

    @cached_property
    def told(self) -> dict[str, Any]:
        """The configuration of a job that has begun; empty for one that is missing."""
        identity = identity_in(self.directory)
        return {} if identity is None else identity.configuration

    @cached_property
    def evaluation(self) -> Any:
        """Per-image errors; raises ``DataError`` if they are not those that the job ended with."""
        folder = self.directory / "evaluation"
        evaluation = Evaluation.read(folder)
        if file_hash(folder / "evaluation.npz") != self.result.evaluation_sha256:
            raise DataError(f"{folder}: was changed after the job finished; remove {self.directory} and run it again")
        return evaluation

    @cached_property
    def curve(self) -> np.ndarray:
        """Validations as rows of step, seconds of training, error in mm."""
        rows = read_curve(self.directory / CURVE)
        return np.array([[row[name] for name in CURVE_COLUMNS] for row in rows], float).reshape(-1, 3)

    @cached_property
    def source_errors(self) -> dict[str, dict[str, float]]:
        """Errors of each source of a mix at the last validation; empty for other trainings."""
        rows = read_curve(self.directory / CURVE)
        return by_source(rows[-1]) if rows else {}


@dataclass(frozen=True)
class Results:
    """All jobs of an experiment at one scale."""

    name: str
    scale: str
    sweep: SweepConfig
    jobs: tuple[SweepJob, ...]

    def of(self, row: str, finished: bool = True) -> list[SweepJob]:
        """Return a row's jobs by seed."""
        chosen = [job for job in self.jobs if job.row == row and (job.state == "finished" or not finished)]
        return sorted(chosen, key=lambda job: job.seed)

    @property
    def finished(self) -> list[SweepJob]:
        """Jobs that have a result."""
        return [job for job in self.jobs if job.state == "finished"]

    def only(self, rows: Sequence[str]) -> "Results":
        """Keep some rows, in the experiment's order. Raises ``ConfigError`` for one that it does not have."""
        if not rows:
            raise ConfigError("rows=[]: name at least one row, or null for all")
        if unknown := set(rows) - self.sweep.rows.keys():
            raise ConfigError(f"rows: {self.name} has no row {min(unknown)}; it has {', '.join(self.sweep.rows)}")
        kept = {name: row for name, row in self.sweep.rows.items() if name in rows}
        compare = tuple(pair for pair in self.sweep.compare if set(pair) <= kept.keys())
        sweep = self.sweep.model_copy(update={"rows": kept, "compare": compare})
        return replace(self, sweep=sweep, jobs=tuple(job for job in self.jobs if job.row in kept))

    def values(self, key: str) -> list[str]:
        """List the different values that finished jobs have of something, such as "code_version"."""
        return sorted({str(getattr(job.record, key)) for job in self.finished})


def read_results(directories: Sequence[Path], accept_code: bool = False) -> Results:
    """Read one experiment's sweep directories, of one machine or several. Raises ``DataError``."""
    labels = _plain_rows([directory for directory in directories if not (directory / SWEEP).is_file()])
    books = [_read_sweep(directory, labels) for directory in directories]
    first = books[0]
    rows: dict[str, Any] = {}
    found: dict[tuple[str, int], SweepJob] = {}
    for directory, book in zip(directories, books, strict=True):
        if (book["name"], book["scale"]) != (first["name"], first["scale"]):
            raise DataError(
                f"{directory}: {book['name']} at scale {book['scale']}, while {directories[0]} is {first['name']} at "
                f"scale {first['scale']}: no one table holds both"
            )
        for name, row in book["sweep"]["rows"].items():
            if rows.setdefault(name, row)["set"] != row["set"]:
                raise DataError(f"{directory}: row {name} sets {row['set']}, elsewhere {rows[name]['set']}")
        for job in _jobs_in(directory, book["jobs"], labels):
            if job.row not in rows:
                raise DataError(f"{job.directory}: row {job.row} is none of {directory / SWEEP}; move it elsewhere")
            _keep(found, job)
    sweep = parse(SweepConfig, first["sweep"] | {"rows": rows}, "sweep")
    results = Results(first["name"], first["scale"], sweep, tuple(found.values()))
    _check_one_source(results, accept_code)
    return results


def _read_sweep(directory: Path, labels: dict[Path, str]) -> dict[str, Any]:
    if not directory.is_dir():
        raise DataError(f"{directory}: no such directory; give a sweep's, such as runs/ablation_depth/laptop")
    book = read_json(directory / SWEEP)
    if book is not None:
        again = "damaged, or of another version: remove it and give the sweep's command again"
        with readable(directory / SWEEP, "not a sweep's list of rows and jobs", again):
            rows = {name: row | {"set": row["set"]} for name, row in book["sweep"]["rows"].items()}
            return {key: book[key] for key in ("name", "scale", "jobs")} | {"sweep": book["sweep"] | {"rows": rows}}
    names = {path: label for path, label in labels.items() if path.parent == directory}
    if not names:
        raise DataError(f"{directory}: not a sweep's directory: it holds neither {SWEEP} nor jobs")
    first = _identity(next(iter(names)))
    rows = {_as_name(label): {"label": label, "set": {}} for label in names.values()}
    return {
        "name": first.experiment,
        "scale": first.scale,
        "sweep": {"title": first.experiment, "rows": rows},
        "jobs": [],
    }


def _identity(directory: Path) -> Identity:
    identity = identity_in(directory)
    assert identity is not None, f"{directory}: holds no job"
    return identity


def _plain_rows(directories: Sequence[Path]) -> dict[Path, str]:
    """Jobs of sweeps of overrides, without an experiment, each labelled by the settings in which any of them differ."""
    paths = [path.parent for directory in directories for path in sorted(directory.glob(f"*/{JOB}"))]
    found = {path: flat(_identity(path).configuration) for path in paths}
    keys = {key for settings in found.values() for key in settings} - {"seed"}
    varying = sorted(key for key in keys if len({str(settings.get(key)) for settings in found.values()}) > 1)
    return {
        path: ", ".join(f"{key.split('.')[-1]}={settings.get(key)}" for key in varying) or "all"
        for path, settings in found.items()
    }


def _as_name(label: str) -> str:
    return re.sub(r"[^\w.-]+", "_", label).strip("_")


def _jobs_in(directory: Path, names: list[str], labels: dict[Path, str]) -> list[SweepJob]:
    jobs = [_read_job(directory / name, *split_job(name)) for name in names]
    known = {job.directory for job in jobs}
    for path in sorted(directory.glob(f"*/*/{JOB}")):
        if path.parent not in known:
            identity = _identity(path.parent)
            jobs.append(_read_job(path.parent, identity.row, identity.seed))
    plain = {path: label for path, label in labels.items() if path.parent == directory}
    jobs += [_read_job(path, _as_name(label), _identity(path).seed) for path, label in plain.items()]
    return jobs


def _read_job(directory: Path, row: str, seed: int) -> SweepJob:
    failure = read_json(directory / FAILED)
    with readable(directory / FAILED, "not what a failed job writes", "remove it"):
        why = None if failure is None else str(failure["reason"])
    return SweepJob(row, seed, directory, state(directory), why, read_finished(directory))


def _keep(found: dict[tuple[str, int], SweepJob], job: SweepJob) -> None:
    other = found.get((job.row, job.seed))
    if other is None or _BETTER.index(job.state) < _BETTER.index(other.state):
        found[job.row, job.seed] = job
    elif other.state == job.state == "finished":
        raise DataError(f"{job.row}/seed{job.seed} was run twice, in {other.directory} and {job.directory}; give one")


def _check_one_source(results: Results, accept_code: bool) -> None:
    done = results.finished
    by_row: dict[str, SweepJob] = {}
    by_data: dict[str | None, SweepJob] = {}  # the first of each row with data of its own, and of all others
    for job in done:
        seed = by_row.setdefault(job.row, job)
        if differ := seed.identity.row_difference(job.identity):
            raise DataError(f"{seed.directory} and {job.directory} are no two seeds of one row: {differ}")
        like = by_data.setdefault(job.row if results.sweep.rows[job.row].own_data else None, job)
        for other, same_data in ((like, True), (done[0], False)):
            clash = other.identity.clash(job.identity, accept_code, same_data)
            if clash:
                raise DataError(f"{other.directory} and {job.directory} cannot stand in one table: {clash}")
