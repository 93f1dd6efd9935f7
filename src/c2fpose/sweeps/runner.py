"""The jobs of a sweep: checked as a whole, run one by one or taken over, and summed up in tables. Light to import."""

import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from c2fpose.base.errors import DataError, UserError
from c2fpose.base.provenance import code_version, file_hash
from c2fpose.config.run import TrainSettings, train_settings
from c2fpose.model.networks.cost import network_cost
from c2fpose.sweeps.identity import Identity, data_fingerprints, identify
from c2fpose.sweeps.job import FAILED, FINISHED, JOB, LAST, alone_in, check_same, read_json, state, write_json
from c2fpose.sweeps.reuse import same_training, take_over
from c2fpose.sweeps.rows import with_row

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
    from c2fpose.data.schema import SplitReader
    from c2fpose.evaluation.scores import Evaluation
    from c2fpose.model.representations import representation_of
    from c2fpose.pose.camera import ROOT_DEPTH_RULES

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
        **network_cost(settings.model.network, representation_of(settings.model).heads()),
        "max_steps": settings.trainer.max_steps,
        "training": origin.get("training", {}),
        "evaluation_images_per_second": origin["evaluation_images_per_second"],
        "code_version": origin["code_version"],
        "torch": origin["torch"],
        "time": _now(),
    }


# --- the sweep as a whole -----------------------------------------------------------------------------------------
