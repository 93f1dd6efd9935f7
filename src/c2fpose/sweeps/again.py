"""Evaluate another row's trained network again."""

from __future__ import annotations

from pathlib import Path

from c2fpose.base.cores import say_threads
from c2fpose.base.errors import ConfigError
from c2fpose.data.datamodule import PoseData
from c2fpose.evaluation.checkpoint import check_statistics
from c2fpose.evaluation.test_set import Evaluating, evaluate_module
from c2fpose.model.checkpoints.formats import FINAL
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.device import device_for
from c2fpose.model.precision import resolve_precision
from c2fpose.sweeps.job import FINISHED
from c2fpose.sweeps.rows import PlannedJob
from c2fpose.training.run import recalibrated


def evaluate_again(job: PlannedJob, run_dir: Path) -> float:
    """Evaluate another row's trained network with this one's decoding and BatchNorm; returns the MPJPE in mm."""
    assert job.of is not None, "the row names another one"
    settings = job.settings
    trained = run_dir.parent.parent / job.of / f"seed{job.seed}"
    checkpoint = trained / FINAL
    if not (trained / FINISHED).is_file():
        raise ConfigError(f"{trained}: not trained yet, and this row evaluates its network; start the sweep again")
    device = device_for(settings.trainer.accelerator, "trainer.accelerator")
    if device.type == "cpu":
        say_threads()
    module = load_module(checkpoint).to(device)
    # what a configuration leaves to the data, such as how many joints there are, was filled in by training
    asked = settings.model.in_space(module.config.pose_space, str(checkpoint))
    if module.config.network != asked.network:
        raise ConfigError(f"row {job.row} sets another network than row {job.of}, which it evaluates")
    check_statistics(module, asked.batch_norm, str(checkpoint))
    data = PoseData(settings.data, seed=settings.seed)
    data.setup()
    origin = dict(module.hparams["provenance"])
    recalibrated(module, data, settings)
    precision = resolve_precision(settings.trainer.precision, "cpu" if module.device.type == "cpu" else "gpu")
    origin |= {"training": {"of": job.of}, "data_fingerprints": data.fingerprints}
    how = Evaluating(
        run_dir / "evaluation", checkpoint, origin, precision, settings.pictures, asked, print_tables=False
    )
    evaluation = evaluate_module(module, data, how)
    return evaluation.mpjpe_mm("ground_truth")
