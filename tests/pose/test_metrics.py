"""Errors against loops written out, SciPy's Procrustes, and the paper's own averages."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import minimize
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from c2fpose.pose import metrics
from c2fpose.pose.metrics import ActionTable
from c2fpose.pose.protocol import ACTIONS, TEST_FRAMES_50FPS

RNG = np.random.default_rng(0)
TRUE = RNG.normal(0, 250, (12, 17, 3)) + np.array([100, -50, 4000])
PREDICTED = TRUE + RNG.normal(0, 60, TRUE.shape)
ACTION = RNG.integers(0, len(ACTIONS), 12)


def test_joint_errors_equal_a_loop_over_people_and_joints():
    errors = metrics.joint_errors_mm(PREDICTED, TRUE)
    for person in range(12):
        for joint in range(17):
            offset = (PREDICTED[person, joint] - PREDICTED[person, 0]) - (TRUE[person, joint] - TRUE[person, 0])
            assert errors[person, joint] == pytest.approx(np.sqrt(offset @ offset))


def test_moving_a_whole_pose_changes_no_error():
    moved = PREDICTED + RNG.normal(0, 1000, (12, 1, 3))
    np.testing.assert_allclose(metrics.joint_errors_mm(moved, TRUE), metrics.joint_errors_mm(PREDICTED, TRUE))


def test_alignment_equals_scipys_procrustes():
    aligned = metrics.align_similarity(PREDICTED, TRUE)
    for person in range(12):
        # SciPy standardises the fixed pose to unit norm and gives both in those units.
        fixed, moved, _ = procrustes(TRUE[person], PREDICTED[person])
        size = np.linalg.norm(TRUE[person] - TRUE[person].mean(0))
        np.testing.assert_allclose(aligned[person] - TRUE[person], (moved - fixed) * size, atol=1e-9)


def test_alignment_undoes_any_similarity():
    rotation = Rotation.random(12, random_state=2).as_matrix()
    scale, shift = RNG.uniform(0.1, 10, (12, 1, 1)), RNG.normal(0, 500, (12, 1, 3))
    disguised = scale * np.einsum("nij,nkj->nki", rotation, TRUE) + shift
    np.testing.assert_allclose(metrics.align_similarity(disguised, TRUE), TRUE, atol=1e-8)
    assert metrics.aligned_joint_errors_mm(disguised.reshape(3, 4, 17, 3), TRUE.reshape(3, 4, 17, 3)).max() < 1e-8


def test_mirrored_poses_are_not_mirrored_back():
    """Best proper rotation of a mirrored pose, by a general optimiser from many starts; SciPy's would reflect."""
    mirrored = TRUE[:3] * [-1, 1, 1]
    aligned = metrics.align_similarity(mirrored, TRUE[:3])
    for person in range(3):
        moving, fixed = mirrored[person] - mirrored[person].mean(0), TRUE[person] - TRUE[person].mean(0)

        def cost(parameters, moving=moving, fixed=fixed):
            turned = moving @ Rotation.from_rotvec(parameters[:3]).as_matrix()
            return ((np.exp(parameters[3]) * turned - fixed) ** 2).sum() / 1e6

        starts = Rotation.random(8, random_state=3).as_rotvec()
        best = min(minimize(cost, [*start, 0.0], options={"gtol": 1e-9}).fun for start in starts)
        assert ((aligned[person] - TRUE[person]) ** 2).sum() / 1e6 == pytest.approx(best, rel=1e-6)
        reflection, _ = orthogonal_procrustes(moving, fixed)
        assert np.linalg.det(reflection) < 0  # the test would be empty if SciPy did not reflect here
        assert best > 0.01


def test_degenerate_poses_give_finite_errors():
    collapsed = np.zeros_like(TRUE)
    flat = TRUE * [1, 1, 0]
    for predicted in (collapsed, flat):
        assert np.isfinite(metrics.aligned_joint_errors_mm(predicted, TRUE)).all()
        assert np.isfinite(metrics.scaled_joint_errors_mm(predicted, TRUE)).all()
    spread = np.linalg.norm(TRUE - TRUE.mean(1, keepdims=True), axis=-1)
    np.testing.assert_allclose(metrics.aligned_joint_errors_mm(collapsed, TRUE), spread)


def test_scale_fit_is_the_best_scale():
    errors = metrics.scaled_joint_errors_mm(PREDICTED, TRUE)
    predicted, true = PREDICTED - PREDICTED[:, :1], TRUE - TRUE[:, :1]
    for person in range(12):
        scale = np.linalg.lstsq(predicted[person].reshape(-1, 1), true[person].ravel(), rcond=None)[0]
        expected = np.linalg.norm(scale * predicted[person] - true[person], axis=-1)
        np.testing.assert_allclose(errors[person], expected)


def test_pck_and_auc():
    errors = np.array([[0.0, 100.0], [150.0, 151.0]])
    assert metrics.pck(errors) == 0.75
    assert metrics.auc(errors) == pytest.approx((1 + 11 / 31 + 1 / 31 + 0) / 4)


def test_table_averages_equal_loops():
    errors = metrics.joint_errors_mm(PREDICTED, TRUE)
    table = ActionTable.of(errors, ACTION)
    present = [errors[index == ACTION].mean() for index in range(15) if (index == ACTION).any()]
    assert table.frame_weighted() == pytest.approx(errors.mean())
    assert table.mean_over_actions() == pytest.approx(np.mean(present))
    np.testing.assert_allclose(table.by_joint(), errors.mean(0))
    by_action = table.by_action()
    np.testing.assert_allclose(by_action[~np.isnan(by_action)], present)
    assert np.isnan(table.published_weighted()) == (len(present) < 15)


def test_published_weights_give_the_papers_average():
    """The paper's row (CVPR version) averages to 71.9 mm only when weighted by frames; plainly it is 71.5."""
    row = [67.4, 71.9, 66.7, 69.1, 72.0, 77.0, 65.0, 68.3, 83.7, 96.5, 71.7, 65.8, 74.9, 59.1, 63.2]
    one_frame_each = ActionTable(np.array(row)[:, None], np.ones(15, np.int64))
    assert one_frame_each.published_weighted() == pytest.approx(71.899, abs=5e-4)
    assert one_frame_each.mean_over_actions() == pytest.approx(71.49, abs=5e-3)
    full_set = ActionTable(np.array(row)[:, None] * np.array(TEST_FRAMES_50FPS)[:, None], np.array(TEST_FRAMES_50FPS))
    assert full_set.frame_weighted() == pytest.approx(one_frame_each.published_weighted())
