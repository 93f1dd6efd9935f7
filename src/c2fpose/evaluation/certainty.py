"""A network's certainties on the validation images, and the calibration that they give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from c2fpose.base.files import write_text
from c2fpose.evaluation.calibration import Calibration, Observations, fit, measure
from c2fpose.model.precision import computing_in
from c2fpose.model.volumes.points import from_points
from c2fpose.pictures.calibration import calibration_figure
from c2fpose.pictures.figure import save_png
from c2fpose.pose.space import PoseSpace
from c2fpose.pose.to_millimetres import box_to_frame_px, covariances_cam_mm2, poses_cam_mm

if TYPE_CHECKING:
    from c2fpose.data.datamodule import PoseData
    from c2fpose.model.module import PoseModule
FILE = "calibration.json"
LEAST_IMAGES = 4  # fewer make no two halves


class _Batch(NamedTuple):
    """As ``Observations``, not checked yet."""

    confidence: np.ndarray
    covariance_mm2: np.ndarray | None
    error_mm: np.ndarray


def calibrate(module: PoseModule, data: PoseData, folder: Path, precision: str) -> Calibration | None:
    """Fit on the first half of the validation images, measure on the second; write both and a plot to ``folder``.

    None, and nothing is written, where the representation says no confidence, there are too few images, or what the
    network says is not finite. A covariance is calibrated where it says one too.
    """
    found = observed(module, data, precision)
    if found is None:
        return None
    seen, images = found
    if images < LEAST_IMAGES:
        return None
    # halves of the file's order, so that neighbouring frames of one sequence do not stand in both
    first = np.arange(len(seen.confidence)) < len(seen.confidence) // 2
    calibration = fit(seen.half(first))
    measured = measure(calibration, seen.half(~first))
    folder.mkdir(parents=True, exist_ok=True)
    text = {"calibration": calibration.as_dict(), "meaning": calibration.meaning, "measured": measured}
    write_text(folder / FILE, json.dumps(text, indent=1, allow_nan=False) + "\n")
    save_png(calibration_figure(measured), folder / "calibration.png")
    return calibration


def observed(module: PoseModule, data: PoseData, precision: str) -> tuple[Observations, int] | None:
    """Look at the validation images: certainties and errors of visible joints, in the order of the file."""
    kept: list[_Batch] = []
    images, was_training = 0, module.training
    module.eval()
    with torch.no_grad(), computing_in(precision, module.device):
        for batch in data.validation_loader():
            points, sure = module.predict_with_certainty(batch["image"].to(module.device))
            if sure is None or sure.confidence is None:
                break
            kept.append(_compared(points, sure.confidence, sure.covariance, dict(batch), module.config.pose_space))
            images += len(points)
    module.train(was_training)
    if not kept:
        return None
    confidence = np.concatenate([each.confidence for each in kept])
    error_mm = np.concatenate([each.error_mm for each in kept])
    spreads = [each.covariance_mm2 for each in kept if each.covariance_mm2 is not None]
    covariance_mm2 = np.concatenate(spreads) if len(spreads) == len(kept) else None
    said = [part for part in (confidence, covariance_mm2, error_mm) if part is not None]
    if not all(np.isfinite(part).all() for part in said):  # diverged: the evaluation says so
        return None
    return Observations(confidence, covariance_mm2, error_mm), images


def _compared(
    points: torch.Tensor,
    confidence: torch.Tensor,
    covariance: torch.Tensor | None,
    batch: dict[str, Any],
    space: PoseSpace,
) -> _Batch:
    joints_box, depth_rel_mm = (part.double().cpu().numpy() for part in from_points(points, space))
    side, intrinsics = (batch[name].double().numpy() for name in ("box_side_px", "intrinsics_px"))
    truth, visible = batch["joints_cam_mm"].double().numpy(), batch["visible"].numpy()
    joints_px = box_to_frame_px(joints_box, batch["box_left_top_px"].double().numpy(), side)
    poses = poses_cam_mm(joints_px, depth_rel_mm, intrinsics, "ground_truth", truth, space)
    spread = None
    if covariance is not None:
        raw = covariance.double().cpu().numpy()
        spread = covariances_cam_mm2(raw, joints_px, poses[..., 2], side, intrinsics, space)[visible]
    return _Batch(confidence.double().cpu().numpy()[visible], spread, (poses - truth)[visible])
