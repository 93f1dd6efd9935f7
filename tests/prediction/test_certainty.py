"""Certainties in millimetres, against a simulation of the camera."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from c2fpose.base.errors import UserError
from c2fpose.evaluation.calibration import Calibration
from c2fpose.model.representations.interface import Certainty
from c2fpose.model.volumes.points import from_points
from c2fpose.pose.camera import back_project
from c2fpose.pose.space import PAPER
from c2fpose.pose.to_millimetres import box_to_frame_px, covariances_cam_mm2
from c2fpose.prediction.certainty import calibration_of, joint_certainty, meaning_of
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import PersonPose

LEFT_TOP, SIDE = np.array([[310.0, 120.0]]), np.array([420.0])
INTRINSICS = np.array([[1100.0, 1120.0, 500.0, 480.0]])
ROOT_MM = np.array([4300.0])


def camera_of(points: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and camera positions of points (P, 17, 3)."""
    joints_box, depth_rel_mm = (part.double().numpy() for part in from_points(points))
    left_top, side, intrinsics = (each.repeat(len(points), 0) for each in (LEFT_TOP, SIDE, INTRINSICS))
    joints_px = box_to_frame_px(joints_box, left_top, side)
    return joints_px, back_project(joints_px, depth_rel_mm + ROOT_MM[:, None], intrinsics)


@pytest.mark.parametrize("at", [0.1, 0.9])
def test_covariances_follow_the_cameras_slope(at):
    """The way from points to the camera frame, moved a little along each axis in turn."""
    step, points = 1e-5, torch.full((1, 17, 3), at, dtype=torch.float64)
    points += 0.05 * torch.arange(17)[:, None] / 17
    sides = [[camera_of(points + sign * step * torch.eye(3)[axis])[1] for sign in (1, -1)] for axis in range(3)]
    slope = np.stack([(ahead - back) / (2 * step) for ahead, back in sides], -1)  # (1, 17, mm, points)
    root = np.array([[0.010, 0, 0], [0.003, 0.008, 0], [-0.004, 0.002, 0.012]])
    covariance = np.broadcast_to(root @ root.T, (1, 17, 3, 3))
    joints_px, joints_cam_mm = camera_of(points)
    found = covariances_cam_mm2(covariance, joints_px, joints_cam_mm[..., 2], SIDE, INTRINSICS)
    for joint in range(17):
        expected = slope[0, joint] @ covariance[0, joint] @ slope[0, joint].T
        np.testing.assert_allclose(found[0, joint], expected, rtol=1e-5)
    assert abs(slope[..., :2, 2]).max() > 100  # depth enters x or y: else a part would not be tested


def test_calibration_and_second_modes_reach_the_result():
    points = torch.full((1, 17, 3), 0.5, dtype=torch.float64)
    second = points.clone()
    second[..., 2] = 0.75
    second[0, 3] = torch.nan
    weight = torch.full((1, 17), 0.3, dtype=torch.float64)
    sure = Certainty(torch.full((1, 17), 0.5), torch.eye(3).expand(1, 17, 3, 3) * 1e-4, second, weight)
    joints_px, joints_cam_mm = camera_of(points)
    calibration = Calibration(2.0, 1.0, 2.0, 2.0, 5.0, 7.0)
    places = (joints_px, joints_cam_mm, ROOT_MM, LEFT_TOP, SIDE, INTRINSICS, PAPER)
    calibrated = joint_certainty(sure, calibration, *places)
    np.testing.assert_allclose(calibrated.confidence, 1 / (1 + np.exp(-1.0)))
    plain = covariances_cam_mm2(sure.covariance.numpy(), joints_px, joints_cam_mm[..., 2], SIDE, INTRINSICS)
    np.testing.assert_allclose(calibrated.covariance_mm2, 4 * plain + np.diag([25.0, 25.0, 49.0]))
    np.testing.assert_allclose(calibrated.second_mode_cam_mm[0, 0], camera_of(second)[1][0, 0])
    assert np.isnan(calibrated.second_mode_cam_mm[0, 3]).all()
    assert calibrated.of(0)["second_mode_weight"].tolist() == [0.3] * 17
    assert set(joint_certainty(sure, None, *places).of(0).values()) == {None}


def test_a_confidence_without_a_covariance_is_calibrated():
    points = torch.full((1, 17, 3), 0.5, dtype=torch.float64)
    places = (*camera_of(points), ROOT_MM, LEFT_TOP, SIDE, INTRINSICS, PAPER)
    found = joint_certainty(Certainty(torch.full((1, 17), 0.5)), Calibration(2.0, 1.0, 0, 0, 0, 0), *places)
    np.testing.assert_allclose(found.confidence, 1 / (1 + np.exp(-1.0)))
    assert found.covariance_mm2 is None and found.second_mode_cam_mm is None


def test_the_meaning_is_said_where_somebody_has_confidences():
    person = PersonPose(0, Box(0, 0, 1), np.zeros((17, 2)), np.zeros((17, 3)), 0.0)
    provenance = {"calibration": Calibration(1, 0, 1, 1, 1, 1).as_dict()}
    assert meaning_of(provenance, [person]) is None and meaning_of({}, [person]) is None
    assert "within 100 mm" in meaning_of(provenance, [person, replace(person, confidence=np.ones(17))])


def test_what_a_network_cannot_say_is_none():
    points = torch.full((1, 17, 3), 0.5)
    found = joint_certainty(None, None, *camera_of(points), ROOT_MM, LEFT_TOP, SIDE, INTRINSICS, PAPER)
    assert set(found.of(0).values()) == {None}


def test_a_foreign_calibration_is_refused():
    assert calibration_of({}) is None
    with pytest.raises(UserError, match="another version"):
        calibration_of({"calibration": {"temperature": 1.0}})
