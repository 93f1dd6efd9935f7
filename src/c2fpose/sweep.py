"""The jobs of a sweep: checked as a whole, run one by one or taken over, and summed up in tables. Light to import."""

import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from c2fpose.config import NetworkConfig
from c2fpose.errors import ConfigError, DataError, UserError
from c2fpose.experiment import check_overrides, jobs, split_job, sweep_of, with_row
from c2fpose.identity import Identity, data_fingerprints, identify
from c2fpose.job_directory import (
    FAILED,
    FINISHED,
    JOB,
    LAST,
    SWEEP,
    alone_in,
    check_same,
    read_json,
    state,
    write_json,
)  # fmt: skip
from c2fpose.provenance import code_version, file_hash
from c2fpose.reuse import same_training, take_over
from c2fpose.settings import TrainSettings, train_settings

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
        twin = same_training(settings.reuse, identity) if settings.reuse and not again else None
        if twin is not None:
            take_over(twin, directory)
            print(f"{cfg.job or identity.row}: the same training as {twin}, taken over", flush=True)
        else:
            (evaluate_again if again else run)(resumed, directory)
        finished = _finished(settings, directory, identity) | {"taken_from": str(twin) if twin else None}
        write_json(directory / FINISHED, finished)
        error = finished["mpjpe_mm"]["ground_truth"]
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


def _exits(hook: Callable[..., None]) -> Callable[..., None]:
    """Hydra swallows exceptions of hooks, so these exit: 2 behind one line for a user's error, 1 behind a traceback."""

    @wraps(hook)
    def run(self: "SweepHooks", config: DictConfig, **_: Any) -> None:
        try:
            if config.get("sweep") is not None:
                hook(self, config)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        except Exception:
            traceback.print_exc()
            raise SystemExit(1) from None

    return run


class SweepHooks(Callback):
    """Hydra's hooks round a sweep: everything is checked before the first job, tables are made after the last."""

    @_exits
    def on_multirun_start(self, config: DictConfig) -> None:
        check_sweep(config, list(config.hydra.overrides.task))

    @_exits
    def on_multirun_end(self, config: DictConfig) -> None:
        from c2fpose.report import summarise

        directory = Path(config.sweep_dir)
        summarise((directory,), directory / "tables", accept_code=bool(config.accept_code))
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
