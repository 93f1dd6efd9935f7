"""The jobs of a sweep on disk: begun, finished or failed, gone on with, and never mixed with results of something else.

A job's directory holds ``job.json`` (what it is, written first), then checkpoints, curve and evaluation, and at the end
``finished.json`` or ``failed.json``. What counts as "the same": configuration, code that results depend on, and data.
Light to import.
"""

import ast
import fcntl
import hashlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from c2fpose.config import NetworkConfig
from c2fpose.errors import ConfigError, DataError, UserError
from c2fpose.experiment import check_overrides, jobs, split_job, sweep_of, with_row
from c2fpose.provenance import code_version, config_hash, file_hash
from c2fpose.settings import TrainSettings, train_settings

JOB, FINISHED, FAILED, SWEEP, LAST = "job.json", "finished.json", "failed.json", "sweep.json", "checkpoints/last.ckpt"

# Modules that a result depends on beside its configuration. Commands, pictures and tables are not among them.
RESULT_CODE = (
    "camera", "data/augmentation", "data/crop", "data/datamodule", "data/dataset", "data/released_crop",
    "data/schema", "evaluate", "evaluation", "metrics", "module", "networks/coarse_to_fine", "networks/coordinates",
    "networks/hourglass", "poses", "precision", "protocol", "skeleton", "train", "volume", "volume_kernels",
    "volume_loss",
)  # fmt: skip

# What may differ between machines, or names things, without making another result.
_IMMATERIAL = {
    "": (
        "run_dir", "resume", "logger", "name", "sweep", "seeds", "rows", "job", "sweep_dir", "pictures", "accept_code",
    ),
    "data": (
        "preset", "train_file", "test_file", "workers", "start_method", "pin_memory", "cache", "cache_limit_gb",
        "eval_batch_size",
    ),
    "trainer": ("accelerator", "strategy", "progress", "log_every"),
}  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """What a result was made from; jobs of one table differ in ``row`` and ``seed`` alone."""

    experiment: str
    scale: str
    row: str
    seed: int
    configuration: dict[str, Any]  # all that matters, with the row's settings
    common: dict[str, Any]  # the same without them
    code: str  # ``code_fingerprint``
    data: dict[str, str]  # fingerprints

    @property
    def config_hash(self) -> str:
        return config_hash(self.configuration)

    def difference(self, other: "Identity", accept_code: bool = False) -> str | None:
        """The first thing in which two identities of one job differ, in words; None if they are the same."""
        for key, (ours, theirs) in _differences(self.configuration, other.configuration).items():
            return f"{key} was {ours}, now {theirs}"
        return self._other_source(other, accept_code)

    def clash(self, other: "Identity", accept_code: bool = False) -> str | None:
        """Why two jobs cannot stand in one table; None if they can."""
        if (self.experiment, self.scale) != (other.experiment, other.scale):
            return f"{self.experiment} at scale {self.scale} and {other.experiment} at scale {other.scale}"
        for key, (ours, theirs) in _differences(self.common, other.common).items():
            return f"{key} {ours} and {theirs}"
        return self._other_source(other, accept_code)

    def _other_source(self, other: "Identity", accept_code: bool) -> str | None:
        for split in sorted(self.data.keys() | other.data.keys()):
            if self.data.get(split) != other.data.get(split):
                return f"{split} data {self.data.get(split)!s:.12} and {other.data.get(split)!s:.12}"
        if self.code != other.code and not accept_code:
            return f"code {self.code} and {other.code}; accept_code=true if they compute the same"
        return None


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    a, b = _flat(ours), _flat(theirs)
    return {key: (a.get(key), b.get(key)) for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)}


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


@cache
def code_fingerprint() -> str:
    """Of the code that this process runs: taken once, so that files changed while a sweep runs do not count."""
    return fingerprint_of(Path(__file__).parent)


def fingerprint_of(package: Path) -> str:
    """A short hash of ``RESULT_CODE`` in a directory; comments, docstrings and layout do not enter it."""
    digest = hashlib.sha256()
    for path in (package / f"{name}.py" for name in RESULT_CODE):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
                node.body = node.body[1:]
        digest.update(f"{path.name}\n{ast.dump(tree)}\n".encode())
    return digest.hexdigest()[:16]


def material(settings: TrainSettings) -> dict[str, Any]:
    """The part of the configuration that a result depends on."""
    values = settings.model_dump(mode="json")
    for group, keys in _IMMATERIAL.items():
        node = values[group] if group else values
        for key in keys:
            node.pop(key, None)
    return values


def identify(cfg: DictConfig, data: dict[str, str], row: str | None = None) -> Identity:
    """Of the job that a composed configuration describes; ``row``: its name where there is no experiment."""
    base = train_settings(cfg)
    settings = train_settings(with_row(cfg)) if cfg.job else base
    name, seed = split_job(cfg.job) if cfg.job else (row, settings.seed)
    common = material(base)
    common.pop("seed")
    if not cfg.job:
        common = {}
    return Identity(settings.name, settings.scale, name, seed, material(settings), common, code_fingerprint(), data)


def data_fingerprints(settings: TrainSettings) -> dict[str, str]:
    """SHA-256 of both data files, by split, as the files themselves say."""
    from c2fpose.data.schema import SplitReader

    files = {"train": settings.data.train_file, "test": settings.data.test_file}
    return {split: SplitReader(path).info.fingerprint for split, path in files.items()}


# --- what lies in a job's directory -------------------------------------------------------------------------------


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


# --- running ------------------------------------------------------------------------------------------------------

Run = Callable[[TrainSettings, Path], float]
"""Trains and evaluates in a directory; returns the error in mm."""


def run_job(cfg: DictConfig, directory: Path, run: Run, evaluate_again: Run, row: str | None = None) -> float:
    """One job of a sweep: skipped, gone on with or begun. Returns its error in mm, NaN where there is none.

    Does not raise: one job's failure is written down and leaves the others alone.
    """
    name = cfg.job or row
    try:
        settings = train_settings(with_row(cfg)) if cfg.job else train_settings(cfg)
        settings = settings.model_copy(update={"run_dir": str(directory)})
        if _rank() > 0:  # a further process of the same job: the first one keeps the books
            return run(_resumed(settings, directory), directory)
        identity = identify(cfg, data_fingerprints(settings), row)
        check_same(directory, identity, settings.accept_code)
        directory.mkdir(parents=True, exist_ok=True)
        with alone_in(directory):
            if state(directory) == "finished":
                print(f"{name}: finished already, skipped", flush=True)
                return read_json(directory / FINISHED)["mpjpe_mm"]["ground_truth"]
            return _run_new(cfg, settings, directory, identity, run, evaluate_again)
    except UserError as error:
        print(f"error: {name}: {error}", file=sys.stderr, flush=True)
        return float("nan")


def _run_new(
    cfg: DictConfig, settings: TrainSettings, directory: Path, identity: Identity, run: Run, evaluate_again: Run
) -> float:
    resumed = _resumed(settings, directory)
    print(
        f"{cfg.job or identity.row}: {'goes on from its last checkpoint' if resumed.resume else 'begins'}", flush=True
    )
    if not (directory / JOB).is_file():
        row = settings.sweep.rows[identity.row].model_dump(mode="json") if settings.sweep else None
        write_json(directory / JOB, {"identity": asdict(identity), "row": row, "code_version": code_version()})
    OmegaConf.save(with_row(cfg) if cfg.job else cfg, directory / "config.yaml", resolve=True)
    try:
        again = settings.sweep is not None and settings.sweep.rows[identity.row].of is not None
        error = (evaluate_again if again else run)(resumed, directory)
        write_json(directory / FINISHED, _finished(settings, directory, identity))
    except Exception as error:
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        line = reason.strip().splitlines()[0] if reason.strip() else type(error).__name__
        write_json(directory / FAILED, {"reason": line, "traceback": traceback.format_exc(), "time": _now()})
        print(f"error: {cfg.job or identity.row}: {line}", file=sys.stderr, flush=True)
        return float("nan")
    (directory / FAILED).unlink(missing_ok=True)
    print(f"{cfg.job or identity.row}: {error:.1f} mm MPJPE, root depth given ({directory})", flush=True)
    return error


def _resumed(settings: TrainSettings, directory: Path) -> TrainSettings:
    last = directory / LAST
    return settings.model_copy(update={"resume": str(last) if last.is_file() else None})


def _rank() -> int:
    """Of this process in a distributed run, as Lightning, torchrun and SLURM say it."""
    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"):
        if name in os.environ:
            return int(os.environ[name])
    return 0


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _finished(settings: TrainSettings, directory: Path, identity: Identity) -> dict[str, Any]:
    """Everything that a table needs beside the per-image errors."""
    from c2fpose.camera import ROOT_DEPTH_RULES
    from c2fpose.data.schema import SplitReader
    from c2fpose.evaluation import Evaluation

    evaluation = Evaluation.read(directory / "evaluation")
    origin = evaluation.provenance
    if origin["data_fingerprints"] != identity.data:
        raise DataError(
            f"{directory}: the data files were changed while the job ran; remove the directory, run it again"
        )
    return {
        "identity": asdict(identity),
        "config_hash": identity.config_hash,
        "mpjpe_mm": {rule: evaluation.mpjpe_mm(rule) for rule in ROOT_DEPTH_RULES},
        "reconstruction_mm": {rule: evaluation.reconstruction_mm(rule) for rule in ROOT_DEPTH_RULES},
        "dataset": SplitReader(settings.data.test_file).info.dataset,
        "images": evaluation.frames,
        "evaluation_sha256": file_hash(directory / "evaluation" / "evaluation.npz"),
        **network_cost(settings.model.network),
        "max_steps": settings.trainer.max_steps,
        "training": origin.get("training", {}),
        "evaluation_images_per_second": origin["evaluation_images_per_second"],
        "code_version": origin["code_version"],
        "torch": origin["torch"],
        "time": _now(),
    }


def network_cost(config: NetworkConfig) -> dict[str, int]:
    """Parameters, and floating-point operations of one image's forward pass (a multiplication and addition are two)."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from c2fpose.networks.coarse_to_fine import CoarseToFine

    with torch.device("meta"), torch.no_grad():
        network = CoarseToFine(config).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, config.image_size, config.image_size))
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "flops": counter.get_total_flops(),
    }


# --- the sweep as a whole -----------------------------------------------------------------------------------------


class SweepHooks(Callback):
    """Hydra's hooks round a sweep: everything is checked before the first job, tables are made after the last.

    Hydra swallows exceptions of hooks, so these exit.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        try:
            if config.get("sweep") is not None:
                check_sweep(config, list(config.hydra.overrides.task))
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        except Exception:
            traceback.print_exc()
            raise SystemExit(1) from None

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        if config.get("sweep") is None:
            return
        from c2fpose.report import summarise

        directory = Path(config.sweep_dir)
        try:
            summarise((directory,), directory / "tables", accept_code=bool(config.accept_code))
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        except Exception:
            traceback.print_exc()
            raise SystemExit(1) from None
        names = jobs(config)
        unfinished = [name for name in names if state(directory / name) != "finished"]
        if unfinished:
            print(
                f"error: {len(unfinished)} of {len(names)} jobs did not finish: {', '.join(unfinished)}",
                file=sys.stderr,
            )
            raise SystemExit(1)


def check_sweep(cfg: DictConfig, overrides: list[str]) -> None:
    """Check every job's settings, the data, and what lies in the sweep's directory; then write ``sweep.json``.

    Raises ``ConfigError`` or ``DataError`` before anything is changed.
    """
    check_overrides(cfg, overrides)
    names = jobs(cfg)
    fingerprints = data_fingerprints(train_settings(cfg))
    for name in names:
        job = cfg.copy()
        job.job = name
        try:
            identity = identify(job, fingerprints)
        except ConfigError as error:
            raise ConfigError(f"row {split_job(name)[0]} of {cfg.name}: {error}") from None
        check_same(Path(cfg.sweep_dir) / name, identity, bool(cfg.accept_code))
    write_sweep(Path(cfg.sweep_dir), cfg, names)


def write_sweep(directory: Path, cfg: DictConfig, names: list[str]) -> None:
    """What tables are made of: the rows, their order, and all jobs that were ever asked for here."""
    before = read_json(directory / SWEEP) or {}
    known = before.get("jobs", [])
    rows = before.get("sweep", {}).get("rows", {}) | sweep_of(cfg).model_dump(mode="json")["rows"]
    sweep = sweep_of(cfg).model_dump(mode="json") | {"rows": rows}
    jobs_asked = known + [name for name in names if name not in known]
    write_json(directory / SWEEP, {"name": cfg.name, "scale": cfg.scale, "sweep": sweep, "jobs": jobs_asked})
