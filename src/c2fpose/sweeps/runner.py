"""One job of a sweep: skipped, gone on with, taken over or begun; and what is written down of it."""

import sys
import time
import traceback
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from c2fpose.base.errors import DataError, first_line, refusal
from c2fpose.base.lock import alone_in
from c2fpose.base.pools import end_with_leader
from c2fpose.base.provenance import code_version, file_hash
from c2fpose.base.rank import rank
from c2fpose.base.signals import stop_here
from c2fpose.config.run import TrainSettings
from c2fpose.data.schema import SplitReader
from c2fpose.evaluation.certainty import FILE as CALIBRATION
from c2fpose.evaluation.scores import Evaluation
from c2fpose.model.networks.cost import network_cost
from c2fpose.model.representations import representation_of
from c2fpose.sweeps.again import evaluate_again
from c2fpose.sweeps.identity import Identity, data_fingerprints, identify
from c2fpose.sweeps.job import FAILED, FINISHED, JOB, Finished, check_same, read_finished, read_json, write_json
from c2fpose.sweeps.reuse import same_training, take_over
from c2fpose.sweeps.rows import PlannedJob, planned
from c2fpose.training.resuming import going_on
from c2fpose.training.run import run

GROUND_TRUTH = "ground_truth"  # the root-depth rule of the error that a job is known by


def run_job(cfg: DictConfig, directory: Path, row: str | None = None) -> float:
    """Run one job of a sweep as far as it is not done. Returns its error in mm, NaN where there is none.

    ``row``: what a job of a multirun of overrides is called.

    Whatever fails in it is written down and leaves the others alone.
    """
    end_with_leader()
    name = cfg.job or row
    try:
        job = planned(cfg, row)
        identity = identify(job, data_fingerprints(job.settings))
        check_same(directory, identity, job.settings.accept_code)
        first = rank() == 0  # it keeps the books; further processes of the same job come to the same, and compute
        with alone_in(directory) if first else nullcontext():
            finished = read_finished(directory)
            if finished is not None:
                if first:
                    print(f"{name}: finished already, skipped", flush=True)
                return finished.mpjpe_mm[GROUND_TRUTH]
            if first:
                return _run_new(job, directory, identity)
            if job.of is not None or _twin(job, identity) is not None:
                return float("nan")  # nothing to train together
            return _compute(job, _resumed(job, directory), directory)
    except Exception as error:
        stop_here()  # as below
        if (line := refusal(error)) is None:
            raise
        print(f"error: {name}: {line}", file=sys.stderr, flush=True)
        return float("nan")


def _run_new(job: PlannedJob, directory: Path, identity: Identity) -> float:
    settings = _resumed(job, directory)
    print(f"{job.name}: {'goes on from its last checkpoint' if settings.resume else 'begins'}", flush=True)
    if not (directory / JOB).is_file():
        row = settings.sweep.rows[job.row].model_dump(mode="json") if settings.sweep else None
        write_json(directory / JOB, {"identity": asdict(identity), "row": row, "code_version": code_version()})
    OmegaConf.save(job.cfg, directory / "config.yaml", resolve=True)
    (directory / FAILED).unlink(missing_ok=True)  # of an earlier try: this one is under way
    try:
        twin = _twin(job, identity)
        if twin is not None:
            take_over(twin, directory)
            print(f"{job.name}: the same training as {twin}, taken over", flush=True)
        else:
            _compute(job, settings, directory)
        finished = _finished(settings, directory, identity, twin)
        write_json(directory / FINISHED, finished.model_dump(mode="json"))
    except Exception as error:
        stop_here()  # an error that foreign code has made of a signal is no failure of the job
        line = refusal(error) or first_line(error)
        if refusal(error) is None and str(error).strip():
            line = f"{type(error).__name__}: {line}"
        write_json(directory / FAILED, {"reason": line, "traceback": traceback.format_exc(), "time": _now()})
        print(f"error: {job.name}: {line}", file=sys.stderr, flush=True)
        return float("nan")
    error_mm = finished.mpjpe_mm[GROUND_TRUTH]
    print(f"{job.name}: {error_mm:.1f} mm MPJPE, root depth given ({directory})", flush=True)
    return error_mm


def _twin(job: PlannedJob, identity: Identity) -> Path | None:
    """Find the finished job whose results this one takes over."""
    reuse = job.settings.reuse
    return same_training(reuse, identity) if reuse and job.of is None else None


def _compute(job: PlannedJob, settings: TrainSettings, directory: Path) -> float:
    """Train and evaluate, or evaluate another row's network again."""
    if job.of is not None:
        return evaluate_again(job, directory)
    return run(settings, directory)


def _resumed(job: PlannedJob, directory: Path) -> TrainSettings:
    """Point the job's settings at its directory and at the last checkpoint in it."""
    given = {"run_dir": str(directory), "resume": "auto"}
    return going_on(job.settings.model_copy(update=given), directory)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _finished(settings: TrainSettings, directory: Path, identity: Identity, twin: Path | None) -> Finished:
    evaluation = Evaluation.read(directory / "evaluation")
    origin = evaluation.provenance
    if origin["data_fingerprints"] != identity.data:
        raise DataError(
            f"{directory}: the data files were changed while the job ran; remove the directory, run it again"
        )
    return Finished(
        identity=asdict(identity),
        config_hash=identity.config_hash,
        mpjpe_mm={rule: evaluation.mpjpe_mm(rule) for rule in evaluation.rules},
        reconstruction_mm={rule: evaluation.reconstruction_mm(rule) for rule in evaluation.rules},
        axes_mm=evaluation.axes_mm(),
        calibration=(read_json(directory / "evaluation" / CALIBRATION) or {}).get("measured"),
        dataset=SplitReader(settings.data.test_file).info.dataset,
        images=evaluation.frames,
        evaluation_sha256=file_hash(directory / "evaluation" / "evaluation.npz"),
        **network_cost(settings.model.network, representation_of(settings.model).heads()),
        max_steps=settings.trainer.max_steps,
        training=origin.get("training", {}),
        evaluation_images_per_second=origin["evaluation_images_per_second"],
        code_version=origin["code_version"],
        torch=origin["torch"],
        time=_now(),
        taken_from=str(twin) if twin else None,
    )
