"""What a person's result says of its certainty: in millimetres, and only where the checkpoint holds a calibration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from c2fpose.base.errors import UserError
from c2fpose.evaluation.calibration import Calibration
from c2fpose.model.representations.interface import Certainty
from c2fpose.model.volumes.points import from_points
from c2fpose.pose.camera import back_project
from c2fpose.pose.space import PoseSpace
from c2fpose.pose.to_millimetres import box_to_frame_px, covariances_cam_mm2
from c2fpose.prediction.result import PersonPose


class JointCertainty(NamedTuple):
    """The optional fields of ``result.PersonPose``, for P people; None for what the network cannot say."""

    confidence: Float[np.ndarray, "P J"] | None
    covariance_mm2: Float[np.ndarray, "P J 3 3"] | None
    second_mode_cam_mm: Float[np.ndarray, "P J 3"] | None  # NaN where there is none
    second_mode_weight: Float[np.ndarray, "P J"] | None

    def of(self, person: int) -> dict[str, Any]:
        """Give one person's, by the names of ``PersonPose``."""
        return {name: None if value is None else value[person] for name, value in self._asdict().items()}


def calibration_of(provenance: dict[str, Any]) -> Calibration | None:
    """Read the calibration that training left beside a network. Raises ``UserError`` for one that cannot be read."""
    values = provenance.get("calibration")
    if values is None:
        return None
    try:
        return Calibration.of(values)
    except (KeyError, TypeError, ValueError):
        raise UserError("the checkpoint's calibration is of another version of c2fpose; train it again") from None


def meaning_of(provenance: dict[str, Any], people: Iterable[PersonPose]) -> str | None:
    """Say what the confidences of some people mean, for ``PoseResult.confidence_meaning``; None if nobody has any."""
    calibration = calibration_of(provenance)
    if calibration is None or all(person.confidence is None for person in people):
        return None
    return calibration.meaning


def joint_certainty(
    sure: Certainty | None,
    calibration: Calibration | None,
    joints_px: Float[np.ndarray, "P J 2"],
    joints_cam_mm: Float[np.ndarray, "P J 3"],
    root_depth_mm: Float[np.ndarray, " P"],
    box_left_top_px: Float[np.ndarray, "P 2"],
    box_side_px: Float[np.ndarray, " P"],
    intrinsics_px: Float[np.ndarray, "#P 4"],
    space: PoseSpace,
) -> JointCertainty:
    """Bring certainties of points to the camera frame, calibrated.

    Without a calibration they are in order at best, and no probabilities or ellipsoids: all is None then.
    """
    if sure is None or calibration is None:
        return JointCertainty(None, None, None, None)
    confidence, covariance, second, weight = (None if part is None else part.double().cpu().numpy() for part in sure)
    if confidence is not None:
        confidence = calibration.confidence(confidence)
    if covariance is not None:
        raw = covariances_cam_mm2(covariance, joints_px, joints_cam_mm[..., 2], box_side_px, intrinsics_px, space)
        covariance = calibration.covariance_mm2(raw)
    if sure.second_mode is not None:
        joints_box, depth_rel_mm = (part.double().cpu().numpy() for part in from_points(sure.second_mode, space))
        second_px = box_to_frame_px(joints_box, box_left_top_px, box_side_px)
        second = back_project(second_px, depth_rel_mm + root_depth_mm[:, None], intrinsics_px)
    return JointCertainty(confidence, covariance, second, weight)
