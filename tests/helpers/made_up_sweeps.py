"""A sweep's directory with jobs that never ran: finished, with errors that are given."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir

from c2fpose.base.provenance import file_hash
from c2fpose.config.command_line import conf_dir
from c2fpose.evaluation.scores import NETWORK, Evaluation, Row
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.pose.metrics import ActionTable
from c2fpose.pose.protocol import ACTIONS
from c2fpose.sweeps import hooks
from c2fpose.sweeps import runner as sweep
from c2fpose.sweeps.identity import Identity
from c2fpose.training.curve import write_curve

IMAGES = 60

NAMES = ["d64_64/seed0", "d64_64/seed1", "d1_64/seed0", "d1_64/seed1", "d64/seed0", "d8_64/seed0"]


def made_up_job(
    directory: Path,
    name: str,
    per_image: np.ndarray,
    seconds: float = 100.0,
    actions: tuple[str, ...] = ACTIONS,
    **identity,
) -> None:
    """A finished job with these errors (the same for all rules; reconstruction half of them)."""
    action, subject = np.arange(IMAGES) % len(actions), np.array((9, 11))[np.arange(IMAGES) // 30]
    job = directory / name
    rows = []
    for metric, factor in (("mpjpe", 1.0), ("reconstruction", 0.5)):
        for rule in ROOT_DEPTH_RULES:
            errors = factor * per_image
            table = ActionTable.of(np.repeat(errors[:, None], 17, 1), action, len(actions))
            rows.append(Row(NETWORK, rule, metric, table, errors))
    evaluation = Evaluation(tuple(rows), subject, action, np.arange(IMAGES), {}, actions=actions)
    evaluation.write(job / "evaluation")
    row, seed = name.split("/seed")
    values = {
        "experiment": "ablation_depth", "scale": "laptop", "row": row, "seed": int(seed), "configuration": {"row": row},
        "common": {"steps": 100}, "code": "c0de", "data": {"train": "a" * 64, "test": "b" * 64},
    } | identity  # fmt: skip
    made = asdict(Identity(**values))
    sweep.write_json(job / sweep.JOB, {"identity": made})
    curve = [
        {"step": step, "training_seconds": seconds * step / 100, "val_mpjpe_mm": per_image.mean() + 100 - step}
        for step in range(10, 101, 10)
    ]
    write_curve(job / "curve.csv", curve)
    record = {
        "identity": made,
        "mpjpe_mm": {rule: evaluation.mpjpe_mm(rule) for rule in ROOT_DEPTH_RULES},
        "reconstruction_mm": {rule: evaluation.reconstruction_mm(rule) for rule in ROOT_DEPTH_RULES},
        "dataset": "synth36", "images": IMAGES, "parameters": 2_000_000, "flops": 3_000_000_000, "max_steps": 100,
        "evaluation_sha256": file_hash(job / "evaluation" / "evaluation.npz"), "code_version": "0.1", "torch": "2",
        "training": {"seconds": seconds, "images_per_second": 16.0, "steps": 100, "memory_gib": 1.0, "device": "CPU"},
        "evaluation_images_per_second": 50.0,
    }  # fmt: skip
    sweep.write_json(job / sweep.FINISHED, record)


def begin_sweep(directory: Path, names: list[str], *overrides: str) -> Path:
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=["+experiment=ablation_depth", *overrides])
    hooks.write_sweep(directory, cfg, names)
    return directory
