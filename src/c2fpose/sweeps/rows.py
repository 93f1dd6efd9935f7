"""An experiment: the rows of a table, what each of them sets, and the jobs that they make.

The files are ``conf/experiment/*.yaml``. A sweep runs one job for each row and seed, named ``<row>/seed<k>``; the row's
settings are put into the composed configuration here, before it is checked. Light to import.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from c2fpose.base.errors import ConfigError
from c2fpose.config.run import TrainSettings, train_settings
from c2fpose.config.schema import parse
from c2fpose.config.sweep import SweepConfig

FINISHED = "finished.json"  # in a job's directory, when all of it is done
_NOT_OVERWRITTEN = "overwrite=true: a finished job is not run again; remove the directory of one that is to be"
_JOB = re.compile(r"(?P<row>[\w.-]+)/seed(?P<seed>\d+)")


def sweep_of(cfg: DictConfig) -> SweepConfig:
    """Read the experiment in a composed configuration; raises ``ConfigError``."""
    if cfg.get("sweep") is None:
        raise ConfigError("no experiment chosen; add +experiment=..., one of conf/experiment/")
    return parse(SweepConfig, cfg.sweep, "sweep")


def jobs(cfg: DictConfig) -> list[str]:
    """Names of the jobs that a configuration asks for: rows that train first, then those that evaluate them again.

    Seeds go round before rows do, so that a sweep cut short has every row once.
    """
    sweep = sweep_of(cfg)
    for key, example in (("rows", f"[{next(iter(sweep.rows), '')}]"), ("seeds", "[0,1,2]")):
        if cfg.get(key) is not None and not OmegaConf.is_list(cfg[key]):
            raise ConfigError(f"{key}={cfg[key]}: expected a list, such as {key}={example}")
    chosen = list(sweep.rows) if cfg.get("rows") is None else [str(name) for name in cfg.rows]
    for name in chosen:
        if name not in sweep.rows:
            raise ConfigError(f"rows: no row {name!r} in {cfg.name}; one of {', '.join(sweep.rows)}")
    if not chosen or len(set(chosen)) < len(chosen):
        raise ConfigError(f"rows={chosen}: name at least one row, and none twice")
    if cfg.get("seeds") is not None and (not len(cfg.seeds) or len(set(cfg.seeds)) < len(cfg.seeds)):
        raise ConfigError(f"seeds={list(cfg.seeds)}: give at least one seed, and none twice")
    pairs = []
    for place, name in enumerate(chosen):
        row = sweep.rows[name]
        seeds = row.seeds if cfg.get("seeds") is None else tuple(cfg.seeds)
        pairs += [(row.of is not None, turn, place, f"{name}/seed{seed}") for turn, seed in enumerate(seeds)]
    return [name for *_, name in sorted(pairs)]


def left(cfg: DictConfig) -> list[str]:
    """Names of the jobs that are not finished; the first one where all are, since Hydra runs at least one.

    Hydra composes the configuration of each job that it is given, a quarter of a second each.
    """
    names = jobs(cfg)
    return [name for name in names if not _is_finished(Path(cfg.sweep_dir) / name)] or names[:1]


def _is_finished(directory: Path) -> bool:
    """Whether there is a book of a finished job, which can be read: else the job itself says what is wrong."""
    try:
        json.loads((directory / FINISHED).read_text())
        return True
    except (OSError, ValueError):
        return False


def split_job(job: str) -> tuple[str, int]:
    """Row and seed of a job's name; raises ``ConfigError``."""
    match = _JOB.fullmatch(job)
    if match is None:
        raise ConfigError(f"job={job}: expected <row>/seed<k>, such as d1_64/seed0")
    return match["row"], int(match["seed"])


def with_row(cfg: DictConfig) -> DictConfig:
    """Make a copy of the configuration with the settings of its job's row and seed in place; raises ``ConfigError``."""
    row, seed = split_job(cfg.job)
    sweep = sweep_of(cfg)
    if row not in sweep.rows:
        raise ConfigError(f"job={cfg.job}: no row {row!r} in {cfg.name}; one of {', '.join(sweep.rows)}")
    merged = cfg.copy()
    for key, value in ({"seed": seed} | sweep.rows[row].set).items():
        OmegaConf.update(merged, key, value, merge=False, force_add=True)  # the schema refuses what it does not know
    return merged


@dataclass(frozen=True)
class PlannedJob:
    """One job, made and checked once and handed on: what it is called, what it is told, and what its table shares."""

    name: str  # <row>/seed<k>, or the directory's name of a multirun of overrides
    row: str
    seed: int
    cfg: DictConfig  # composed, the row's settings in place
    settings: TrainSettings
    common: TrainSettings | None  # of all rows, without this one's settings; None: not of an experiment

    @property
    def of(self) -> str | None:
        """Name the row whose trained network is evaluated, None where the job trains one."""
        return self.settings.sweep.rows[self.row].of if self.settings.sweep is not None else None


def planned(cfg: DictConfig, row: str | None = None, common: TrainSettings | None = None) -> PlannedJob:
    """Check the job that a composed configuration describes; ``row`` names it where there is no experiment.

    ``common``: the same configuration without the row, if it was checked before. Raises ``ConfigError``.
    """
    if not cfg.job:
        settings = train_settings(cfg)
        assert row is not None, "where there is no experiment the caller names the row"
        _refuse_what_a_multirun_does(settings)
        return PlannedJob(row, row, settings.seed, cfg, settings, None)
    merged = with_row(cfg)
    name, seed = split_job(cfg.job)
    return PlannedJob(cfg.job, name, seed, merged, train_settings(merged), common or train_settings(cfg))


def _refuse_what_a_multirun_does(settings: TrainSettings) -> None:
    """Raise ``ConfigError`` for keys of a single run that would do nothing here."""
    if settings.resume not in (None, "auto"):
        raise ConfigError(
            f"resume={settings.resume}: a job of a multirun goes on from its own last checkpoint alone; begin with "
            "these weights by init=, or go on without -m"
        )
    if settings.overwrite:
        raise ConfigError(_NOT_OVERWRITTEN)


def check_overrides(cfg: DictConfig, overrides: list[str]) -> None:
    """Refuse a command line that sets what the rows set, which would be lost. Raises ``ConfigError``."""
    given = {override.split("=")[0].lstrip("+~") for override in overrides}
    if "seed" in given:
        raise ConfigError("seed is set by the sweep; give seeds=[0,1,2]")
    if "resume" in given:
        raise ConfigError("resume: a sweep goes on by itself; start it again with the same words")
    if "overwrite" in given:
        raise ConfigError(_NOT_OVERWRITTEN)
    for key in ("job", "run_dir"):
        if key in given:
            raise ConfigError(f"{key} is set by the sweep; give sweep_dir=, rows=[...] or seeds=[...]")
    if several := _swept(overrides):
        raise ConfigError(
            f"{several[0]}: several values, and a sweep's jobs are its rows and seeds; give the command once for each"
        )
    for name, row in sweep_of(cfg).rows.items():
        for key in row.set:
            lost = [each for each in sorted(given) if each == key or each.startswith(f"{key}.")]
            if lost:
                raise ConfigError(
                    f"{lost[0]} is what row {name} of {cfg.name} sets; choose rows=[...], or train without it"
                )


def _jobs_resolver(*, _root_: DictConfig) -> str:
    return ",".join(left(_root_))


_SWEPT = "C2FPOSE_SWEPT"  # the environment reaches the processes of every launcher


def remember_swept(words: list[str]) -> None:
    """Keep the keys that a command line gives several values, for the names of a multirun's directories."""
    os.environ[_SWEPT] = " ".join(_swept(words))


def _swept(words: list[str]) -> list[str]:
    """List the keys that have several values."""
    parser = OverridesParser.create()
    swept: list[str] = []
    for word in words:
        try:
            override = parser.parse_override(word)
        except HydraException:  # no override, or a wrong one, which Hydra says
            continue
        if override.is_sweep_override():
            swept.append(override.get_key_element().lstrip("+~"))
    return swept


def _directory_resolver(overrides: str) -> str:
    """Name a multirun's directory by what is swept; by all overrides where that is not known. Of bearable length."""
    swept = set(os.environ.get(_SWEPT, "").split())
    parts = re.split(r",(?=[+~]*[\w./@]+=)", overrides)
    kept = [part for part in parts if part.split("=")[0].lstrip("+~") in swept] or parts
    name = ",".join(kept).replace("/", "_").replace(" ", "")
    if len(name.encode()) <= 150:
        return name or "defaults"
    return f"{name.encode()[:130].decode(errors='ignore')}_{hashlib.sha256(name.encode()).hexdigest()[:12]}"


OmegaConf.register_new_resolver("jobs", _jobs_resolver, replace=True)
OmegaConf.register_new_resolver("directory", _directory_resolver, replace=True)
