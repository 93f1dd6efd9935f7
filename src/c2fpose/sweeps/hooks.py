"""Hydra's hook before a sweep: everything is checked before the first job (``reports.hooks`` makes its tables)."""

import math
import os
import re
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.base.pools import guard_pool
from c2fpose.base.rank import rank
from c2fpose.base.signals import stop_here
from c2fpose.config.run import TrainSettings, train_settings
from c2fpose.sweeps.identity import Identity, data_fingerprints, identify
from c2fpose.sweeps.job import SWEEP, check_same, read_json, write_json
from c2fpose.sweeps.rows import check_overrides, jobs, left, planned, split_job, sweep_of

_FAILURES = "C2FPOSE_FAILURES"  # the environment reaches the processes of every launcher


def sweep_hook(hook: Callable[..., None]) -> Callable[..., None]:
    """Make a hook exit: 2 behind one line for a user's error, 1 behind a traceback. Hydra swallows exceptions of hooks.

    Runs that are no sweep pass it by.
    """

    @wraps(hook)
    def run(self: Callback, config: DictConfig, **_: Any) -> None:
        try:
            if config.get("sweep") is not None and rank() == 0:  # further processes train with it, no more
                hook(self, config)
        except Exception as error:
            stop_here()
            if not isinstance(error, UserError):
                traceback.print_exc()
                raise SystemExit(1) from None
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None

    return run


class FailedOverrides(Callback):
    """Exit with 1 behind a multirun of overrides of which a job failed; of a sweep, ``reports.hooks`` does.

    Launchers end jobs in processes of their own, so that failures are written down beside the jobs until the last ends.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Choose the list of this command: jobs may be in several folders."""
        if rank() == 0:
            path = Path(config.hydra.sweep.dir).absolute() / f".failed_{os.getpid()}"
            path.unlink(missing_ok=True)  # of a stopped command that had this number
            os.environ[_FAILURES] = str(path)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        """Write a failed job down: it has returned NaN, and said why."""
        if config.hydra.mode != RunMode.MULTIRUN or config.get("sweep") is not None or rank() > 0:
            return
        if isinstance(job_return._return_value, float) and math.isnan(job_return._return_value):
            path = Path(os.environ[_FAILURES])
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a", encoding="utf-8") as file:
                file.write(f"{config.hydra.sweep.subdir}\n")

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Name the jobs that failed."""
        path = Path(os.environ.get(_FAILURES, ""))
        if rank() == 0 and path.is_file():
            failed = path.read_text("utf-8").splitlines()
            path.unlink()
            jobs_failed = "1 job" if len(failed) == 1 else f"{len(failed)} jobs"
            print(f"error: {jobs_failed} failed: {'; '.join(failed)}", file=sys.stderr)
            raise SystemExit(1)


class CheckSweep(Callback):
    """Check a sweep as a whole before its first job."""

    @sweep_hook
    def on_multirun_start(self, config: DictConfig) -> None:
        """Check every job before the first one begins."""
        if "joblib" in config.hydra.launcher._target_:
            guard_pool()
        check_sweep(config, list(config.hydra.overrides.task))
        waiting = set(left(config))
        for name in jobs(config):
            if name not in waiting:
                print(f"{name}: finished already, skipped", flush=True)


def check_sweep(cfg: DictConfig, overrides: list[str]) -> None:
    """Check every job's settings, the data, and what lies in the sweep's directory; then write ``sweep.json``.

    Raises ``ConfigError`` or ``DataError`` before anything is changed.
    """
    check_overrides(cfg, overrides)
    names = jobs(cfg)
    common = train_settings(cfg)
    by_job = _depends_on_job(cfg)
    known: dict[str, Identity] = {}  # a row's, by its first seed: checking a job takes a hundred times as long
    for name in names:
        row, seed = split_job(name)
        if row not in known or by_job:
            known[row] = _identity(cfg, name, common)
        check_same(Path(cfg.sweep_dir) / name, known[row].with_seed(seed), bool(cfg.accept_code))
    write_sweep(Path(cfg.sweep_dir), cfg, names)


def _identity(cfg: DictConfig, name: str, common: TrainSettings) -> Identity:
    job = cfg.copy()
    job.job = name
    try:
        plan = planned(job, common=common)
        return identify(plan, data_fingerprints(plan.settings))
    except ConfigError as error:
        raise ConfigError(f"row {split_job(name)[0]} of {cfg.name}: {error}") from None


def _depends_on_job(cfg: DictConfig) -> bool:
    """Whether more than its directory is named by a job, such as ``init=runs/a/seed${seed}/...``."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key not in ("hydra", "run_dir")])
    return re.search(r"\$\{(seed|job)\}", OmegaConf.to_yaml(own)) is not None


def write_sweep(directory: Path, cfg: DictConfig, names: list[str]) -> None:
    """Keep what tables are made of: the rows, their order, and all jobs that were ever asked for here."""
    before = read_json(directory / SWEEP) or {}
    known = before.get("jobs", [])
    rows = before.get("sweep", {}).get("rows", {}) | sweep_of(cfg).model_dump(mode="json")["rows"]
    sweep = sweep_of(cfg).model_dump(mode="json") | {"rows": rows}
    jobs_asked = known + [name for name in names if name not in known]
    write_json(directory / SWEEP, {"name": cfg.name, "scale": cfg.scale, "sweep": sweep, "jobs": jobs_asked})
