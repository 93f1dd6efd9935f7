"""Directories as runs leave them, without a training: logs, configuration, an evaluation of made-up people."""

from pathlib import Path

import numpy as np
import yaml
from matplotlib.figure import Figure

from c2fpose.evaluation.scores import Evaluation, Truth, evaluate_predictions
from c2fpose.pose.camera import project

IMAGES = 45
INTRINSICS_PX = np.array([1145.0, 1144.0, 512.0, 515.0])


def evaluation() -> Evaluation:
    """Random people, three images an action, joints some 60 mm off; subjects 9 and 11."""
    random = np.random.default_rng(0)
    joints = random.normal(0, 300, (IMAGES, 17, 3)) + np.array([0, 0, 5000])
    joints_px = project(joints, INTRINSICS_PX)
    left_top = joints_px.min(1) - 20
    side = np.ptp(joints_px, axis=1).max(1) + 40
    across = (joints_px - left_top[:, None]) / side[:, None, None]
    number = np.arange(IMAGES)
    truth = Truth(
        across, joints[..., 2] - joints[:, :1, 2], joints, np.tile(INTRINSICS_PX, (IMAGES, 1)), left_top, side,
        np.where(number % 2, 9, 11), number % 15, number * 7,
    )  # fmt: skip
    return evaluate_predictions(
        across + random.normal(0, 0.02, across.shape),
        truth.depth_rel_mm + random.normal(0, 60, (IMAGES, 17)),
        truth,
        mean_training_pose_mm=np.zeros((17, 3)),
        heatmap_size=16,
        depth_bins=64,
        provenance={"code_version": "0.1.0+toy", "checkpoint_sha256": "3" * 64},
    )


def write_run(directory: Path, evaluated: bool = True) -> Path:
    """Write a run's logs and configuration, and its evaluation with a sheet of pictures."""
    (directory / "logs").mkdir(parents=True)
    lines = ["epoch,step,train/loss,train/loss_stack1,train/loss_stack2,val/mpjpe_mm"]
    for step in range(49, 1000, 50):
        loss = 20 / (1 + step / 100)
        lines.append(f"0,{step},{loss:.4f},{loss / 2000:.6f},{loss / 4000:.6f},{80 + 100 * loss / 20:.2f}")
    (directory / "logs" / "metrics.csv").write_text("\n".join(lines) + "\n")
    network = {"depths": [1, 64], "image_size": 64, "heatmap_size": 16, "width": 64}
    configuration = {"name": "toy <run>", "seed": 3, "model": {"network": network}}
    (directory / "config.yaml").write_text(yaml.safe_dump(configuration))
    if evaluated:
        evaluation().write(directory / "evaluation")
        Figure(figsize=(4, 2)).savefig(directory / "evaluation" / "sheet.png")
    return directory
