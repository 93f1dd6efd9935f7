"""From voxels to millimetres: against the released evaluation code's own answers, and its published floors."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2fpose.base.errors import ConfigError
from c2fpose.pose import camera
from c2fpose.pose import to_millimetres as poses
from c2fpose.pose.camera import project
from c2fpose.pose.metrics import joint_errors_mm
from c2fpose.pose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM
from c2fpose.pose.skeleton import C2F17
from c2fpose.pose.space import PoseSpace
from c2fpose.pose.strong_perspective import SizedPoses

# 80 synthetic people and what the authors' evaluation code made of them (run under Octave).
PUBLISHED = dict(np.load(Path(__file__).parents[1] / "fixtures" / "evaluation.npz"))
INTRINSICS = PUBLISHED["intrinsics"][:, [0, 1, 0, 1], [0, 1, 2, 2]]
TRUE = PUBLISHED["joints_cam_mm"]
RULES = camera.RULES_OF_DEPTHS


def published_poses(people: str, rule: str) -> np.ndarray:
    voxels = PUBLISHED[f"{people}_voxels_1based"].astype(int) - 1
    return poses.released_poses_cam_mm(voxels, PUBLISHED["center"], PUBLISHED["scale"], INTRINSICS, rule, TRUE)


def test_boxes_are_the_published_ones():
    left_top, size = poses.released_box(PUBLISHED["center"], PUBLISHED["scale"])
    box = np.concatenate([left_top, left_top + size - 1], -1)
    np.testing.assert_array_equal(box, PUBLISHED["clean_bbox_1based"])
    assert (size[:, 0] != size[:, 1]).any()


def test_halves_are_rounded_away_from_zero():
    left_top, size = poses.released_box(np.array([2.5, -2.5]), np.array(0.02))  # edges 0.5, 4.5 and -4.5, -0.5
    assert left_top.tolist() == [2, -4]
    assert size.tolist() == [5, 5]


@pytest.mark.parametrize("people", ["clean", "noisy"])
def test_poses_with_given_root_depth_are_the_published_ones(people):
    np.testing.assert_allclose(
        published_poses(people, "ground_truth"), PUBLISHED[f"{people}_pose_octave"][0], atol=1e-6
    )


@pytest.mark.parametrize("people", ["clean", "noisy"])
@pytest.mark.parametrize(("index", "rule"), list(enumerate(RULES)))
def test_errors_are_the_published_ones(people, index, rule):
    errors = joint_errors_mm(published_poses(people, rule), TRUE).mean(-1)
    np.testing.assert_allclose(errors, PUBLISHED[f"{people}_mpjpe_exact"][index], atol=1e-3)
    # The original's own optimiser stops early.
    np.testing.assert_allclose(errors, PUBLISHED[f"{people}_mpjpe_octave"][index], atol=0.02)


def test_perfect_volume_has_the_published_voxels():
    """Where box and crop agree, our whole cells and bins are the labels of the released data."""
    left_top = PUBLISHED["center"] - 100 * PUBLISHED["scale"][:, None]
    joints_box = (PUBLISHED["joints_px"] - left_top[:, None]) / (200 * PUBLISHED["scale"])[:, None, None]
    depth_rel = TRUE[..., 2] - TRUE[:, :1, 2]
    whole_box, whole_depth = poses.quantised(joints_box, depth_rel, 64, 64)
    np.testing.assert_allclose(whole_box * 64 + 0.5, PUBLISHED["clean_voxels_1based"][..., :2], atol=1e-9)
    np.testing.assert_array_equal(camera.depth_bin(whole_depth) + 1, PUBLISHED["zind_1based"])


@given(st.sampled_from([1, 2, 4, 8, 16, 32, 64]), st.sampled_from([8, 16, 64]), st.integers(0, 2**32 - 1))
def test_quantisation_moves_joints_by_half_a_voxel_at_most(bins, cells, seed):
    rng = np.random.default_rng(seed)
    joints_box, depth = rng.uniform(0, 1, (5, 17, 2)), rng.uniform(DEPTH_MIN_MM, DEPTH_MAX_MM, (5, 17))
    whole_box, whole_depth = poses.quantised(joints_box, depth, cells, bins)
    assert np.abs(whole_box - joints_box).max() <= 0.5 / cells + 1e-12
    assert np.abs(whole_depth - depth).max() <= camera.depth_step_mm(bins) / 2 + 1e-9
    again = poses.quantised(whole_box, whole_depth, cells, bins)
    np.testing.assert_allclose(again[0], whole_box)
    np.testing.assert_allclose(again[1], whole_depth)


@pytest.mark.parametrize("bins", [3, 48, 128])
def test_a_network_may_have_bins_that_the_paper_has_not(bins):
    depth = np.random.default_rng(1).uniform(DEPTH_MIN_MM, DEPTH_MAX_MM, (5, 17))
    whole = poses.quantised(np.full((5, 17, 2), 0.3), depth, 16, bins)[1]
    share = (whole - DEPTH_MIN_MM) / (DEPTH_MAX_MM - DEPTH_MIN_MM) * bins - 0.5
    np.testing.assert_allclose(share, np.rint(share), atol=1e-9)
    assert np.abs(whole - depth).max() <= (DEPTH_MAX_MM - DEPTH_MIN_MM) / bins / 2 + 1e-9


def test_bins_and_spreads_of_another_space_have_its_depths():
    space = PoseSpace(C2F17, (-700.0, 600.0))
    depth = np.array([-9e3, -700.0, -601.0, -599.0, 599.0, 9e3])
    whole = poses.quantised(np.full((6, 2), 0.3), depth, 16, 13, space)[1]
    np.testing.assert_allclose(whole, [-650, -650, -650, -550, 550, 550])
    middle, intrinsics = np.array([[500.0, 500.0]]), np.array([1000.0, 1000.0, 500.0, 500.0])
    along = np.diag([0, 0, 1.0])[None]
    found = poses.covariances_cam_mm2(along, middle, np.array([4000.0]), np.array(400.0), intrinsics, space)
    np.testing.assert_allclose(found[0], np.diag([0, 0, 1300.0**2]))


def test_joints_outside_the_volume_go_to_its_border():
    whole_box, whole_depth = poses.quantised(np.array([[-0.3, 1.2]]), np.array([5000.0]), 16, 16)
    assert whole_box.tolist() == [[0.5 / 16, 15.5 / 16]]
    assert whole_depth == pytest.approx(DEPTH_MAX_MM - camera.depth_step_mm(16) / 2)


def test_strong_perspective_takes_poses_in_mm_and_places_them():
    joints_px = project(TRUE, INTRINSICS)
    depth = TRUE[..., 2] - TRUE[:, :1, 2]
    sized = SizedPoses(TRUE - TRUE[:, :1], np.ones(TRUE.shape[:2], bool))
    found = poses.poses_cam_mm(joints_px, depth, INTRINSICS, "strong_perspective", sized=sized)
    np.testing.assert_allclose(found, TRUE, atol=1e-5)
    with pytest.raises(ConfigError, match="'strong_perspective' needs poses in mm; this network's have no size"):
        poses.poses_cam_mm(joints_px, depth, INTRINSICS, "strong_perspective")


def test_joints_beyond_the_crop_do_not_move_a_pose_in_mm():
    joints_px = project(TRUE, INTRINSICS)
    joints_px[:, 9:] += 200.0  # where the picture's edge holds them
    sized = SizedPoses(TRUE - TRUE[:, :1], np.broadcast_to(np.arange(17) < 9, TRUE.shape[:2]))
    depth = TRUE[..., 2] - TRUE[:, :1, 2]
    found = poses.poses_cam_mm(joints_px, depth, INTRINSICS, "strong_perspective", sized=sized)
    np.testing.assert_allclose(found, TRUE, rtol=1e-3, atol=1)


def test_exact_joints_give_the_true_pose_back():
    left_top, side = PUBLISHED["center"] - 150, np.full(80, 300.0)
    joints_box = (PUBLISHED["joints_px"] - left_top[:, None]) / 300
    joints_px = poses.box_to_frame_px(joints_box, left_top, side)
    for rule in ("ground_truth", "own_limbs"):
        found = poses.poses_cam_mm(joints_px, TRUE[..., 2] - TRUE[:, :1, 2], INTRINSICS, rule, TRUE)
        np.testing.assert_allclose(found, TRUE, atol=1e-5)
