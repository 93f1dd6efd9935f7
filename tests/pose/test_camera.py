"""Geometry against closed forms, SciPy's scalar optimiser, and the answers of the released evaluation code."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.spatial.transform import Rotation

from c2fpose.base.errors import ConfigError
from c2fpose.pose import camera
from c2fpose.pose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM, MEAN_LIMB_LENGTHS_MM
from c2fpose.pose.skeleton import EDGES

# 80 synthetic people and what the authors' evaluation code made of them (run under Octave).
PUBLISHED = Path(__file__).parents[1] / "fixtures" / "evaluation.npz"
RULES = camera.RULES_OF_DEPTHS
BINS = (1, 2, 4, 8, 16, 32, 64)


@pytest.fixture(scope="module")
def published() -> dict[str, np.ndarray]:
    arrays = dict(np.load(PUBLISHED))
    matrix = arrays["intrinsics"]
    arrays["intrinsics_px"] = np.stack([matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, 0, 2], matrix[:, 1, 2]], -1)
    return arrays


def test_projection_equals_the_camera_matrix(published):
    joints = published["joints_cam_mm"]
    homogeneous = np.einsum("nij,nkj->nki", published["intrinsics"], joints)
    px = camera.project(joints, published["intrinsics_px"])
    np.testing.assert_allclose(px, homogeneous[..., :2] / homogeneous[..., 2:], atol=1e-9)
    np.testing.assert_allclose(px, published["joints_px"], atol=1e-9)


def test_back_projection_inverts_projection_for_any_leading_dimensions():
    rng = np.random.default_rng(0)
    joints = rng.normal(0, 300, (2, 3, 17, 3)) + np.array([0, 0, 4000])
    intrinsics = rng.uniform([900, 900, 400, 400], [1300, 1300, 600, 600], (3, 4))
    px = camera.project(joints, intrinsics)
    np.testing.assert_allclose(camera.back_project(px, joints[..., 2], intrinsics), joints, atol=1e-9)
    np.testing.assert_array_equal(camera.project(joints[1, 2], intrinsics[2]), px[1, 2])


def test_world_to_camera_puts_the_camera_at_the_origin_and_keeps_distances():
    rng = np.random.default_rng(1)
    rotation = Rotation.random(4, random_state=1).as_matrix()
    position = rng.normal(0, 3000, (4, 3))
    joints = rng.normal(0, 1000, (4, 17, 3))
    seen = camera.world_to_camera(joints, rotation, position)
    np.testing.assert_allclose(np.linalg.norm(seen, axis=-1), np.linalg.norm(joints - position[:, None], axis=-1))
    np.testing.assert_allclose(seen[2, 5], rotation[2] @ (joints[2, 5] - position[2]))
    np.testing.assert_allclose(camera.world_to_camera(position[:, None], rotation, position), 0, atol=1e-9)


def test_distortion_equals_human36ms_formula_term_by_term():
    k, p = (-0.2, 0.25, -0.007), (-0.0009, -0.0016)  # of the size of Human3.6M's
    xy = np.random.default_rng(2).uniform(-0.4, 0.4, (5, 17, 2))
    joints = np.concatenate([xy, np.ones((5, 17, 1))], -1) * 3500
    px = camera.project(joints, np.array([1145.0, 1144.0, 512.0, 515.0]), np.array([*k, *p]))
    for person in range(5):
        for joint in range(17):
            x, y = xy[person, joint]
            r = np.hypot(x, y)
            gain = 1 + k[0] * r**2 + k[1] * r**4 + k[2] * r**6 + p[0] * y + p[1] * x
            expected = (1145.0 * (x * gain + p[1] * r**2) + 512.0, 1144.0 * (y * gain + p[0] * r**2) + 515.0)
            np.testing.assert_allclose(px[person, joint], expected, rtol=1e-12)


def test_depth_bins_are_the_published_ones():
    assert camera.depth_step_mm() == pytest.approx(31.0319651, abs=5e-8)
    assert camera.depth_bin(np.array(0.0)) == 32
    assert camera.depth_centres_mm()[32] == pytest.approx(3.35, abs=0.01)
    assert camera.depth_limits_mm()[[0, -1]] == pytest.approx([DEPTH_MIN_MM, DEPTH_MAX_MM])


def test_depth_labels_are_the_published_ones(published):
    relative = published["joints_cam_mm"][..., 2] - published["joints_cam_mm"][:, :1, 2]
    np.testing.assert_array_equal(camera.depth_bin(relative) + 1, published["zind_1based"])


@pytest.mark.parametrize("bins", BINS)
def test_every_depth_lies_between_the_limits_of_its_bin(bins):
    depths = np.random.default_rng(3).uniform(DEPTH_MIN_MM, DEPTH_MAX_MM, 2000)
    limits, held_by = camera.depth_limits_mm(bins), camera.depth_bin(depths, bins)
    assert np.all((limits[held_by] <= depths) & (depths <= limits[held_by + 1]))
    # The released code's rule for coarser bins, counted from 1.
    np.testing.assert_array_equal(held_by + 1, np.ceil((camera.depth_bin(depths) + 1) * bins / 64))
    coordinates = camera.depth_bin_coordinate(camera.depth_centres_mm(bins), bins)
    np.testing.assert_allclose(coordinates, np.arange(bins), atol=1e-12)
    assert camera.depth_bin(np.array([-1e5, 1e5]), bins).tolist() == [0, bins - 1]


@pytest.mark.parametrize("bins", BINS)
def test_depth_bins_of_torch_tensors_are_those_of_numpy(bins):
    depths = np.random.default_rng(4).uniform(-1200, 1200, 500)
    tensor = torch.from_numpy(depths)
    np.testing.assert_array_equal(camera.depth_bin(tensor, bins).numpy(), camera.depth_bin(depths, bins))
    back = camera.depth_of_bin_mm(camera.depth_bin_coordinate(tensor, bins), bins)
    np.testing.assert_allclose(back.numpy(), depths, atol=1e-9)


@pytest.mark.parametrize("bins", [0, -1, 3, 48, 128])
def test_bins_that_do_not_divide_64_are_refused(bins):
    with pytest.raises(ConfigError, match="must divide 64"):
        camera.depth_step_mm(bins)


@pytest.mark.parametrize("people", ["clean", "noisy"])
def test_root_depths_equal_the_published_fit_solved_exactly(published, people):
    px, truth = published[f"{people}_joints_px"], published["joints_cam_mm"]
    relative = camera.depth_of_bin_mm(published[f"{people}_voxels_1based"][..., 2] - 1)
    for index, rule in enumerate(RULES):
        fitted = camera.root_depth_mm(rule, px, relative, published["intrinsics_px"], truth)
        # The reference was solved to about 1e-4 mm; our own exactness is tested below.
        np.testing.assert_allclose(fitted, published[f"{people}_root_depth_exact"][index], atol=2e-4)


def limb_cost(z: float, px, relative, intrinsics_px, target) -> float:
    """The released code's cost of one person, spelled out."""
    fx, fy, cx, cy = intrinsics_px
    joints = [((u - cx) / fx * (r + z), (v - cy) / fy * (r + z), r + z) for (u, v), r in zip(px, relative, strict=True)]
    lengths = [np.linalg.norm(np.subtract(joints[i], joints[j])) for i, j in EDGES]
    return float(np.sum((np.array(lengths) - target) ** 2))


def test_root_depth_is_where_the_cost_has_its_minimum(published):
    """SciPy's scalar optimiser, given the cost of one person at a time, finds the same place and nothing lower."""
    px = published["noisy_joints_px"][:20]
    relative = camera.depth_of_bin_mm(published["noisy_voxels_1based"][:20, :, 2] - 1)
    target = np.array(MEAN_LIMB_LENGTHS_MM)
    fitted = camera.fit_root_depth_mm(px, relative, published["intrinsics_px"][:20], target)
    for person in range(20):
        args = (px[person], relative[person], published["intrinsics_px"][person], target)
        reference = minimize_scalar(limb_cost, bracket=(2000.0, 2500.0), args=args, tol=1e-10)
        assert fitted[person] == pytest.approx(reference.x, abs=1e-3)
        assert limb_cost(fitted[person], *args) <= reference.fun * (1 + 1e-14)


def test_root_depth_is_exact_to_a_millionth_of_a_millimetre():
    """Exact projections of a person have the minimum 0 at the true depth, wherever the person stands."""
    rng = np.random.default_rng(5)
    joints = rng.normal(0, 300, (300, 17, 3))
    joints[..., 2] += rng.uniform(1500, 15000, (300, 1))
    intrinsics = np.array([1145.0, 1144.0, 512.0, 515.0])
    px, relative = camera.project(joints, intrinsics), joints[..., 2] - joints[:, :1, 2]
    fitted = camera.root_depth_mm("own_limbs", px, relative, intrinsics, joints)
    np.testing.assert_allclose(fitted, joints[:, 0, 2], atol=1e-6)
    in_two_dimensions = camera.root_depth_mm(
        "own_limbs", px.reshape(3, 100, 17, 2), relative.reshape(3, 100, 17), intrinsics, joints.reshape(3, 100, 17, 3)
    )
    np.testing.assert_array_equal(in_two_dimensions.ravel(), fitted)


def test_many_people_are_fitted_as_each_alone(published, monkeypatch):
    joints = published["joints_cam_mm"]
    people = (
        published["noisy_joints_px"], joints[..., 2] - joints[:, :1, 2], published["intrinsics_px"], joints,
    )  # fmt: skip
    alone = [camera.root_depth_mm("own_limbs", *(each[at : at + 1] for each in people))[0] for at in range(len(joints))]
    monkeypatch.setattr(camera, "_FIT_CHUNK", 7)
    np.testing.assert_array_equal(camera.root_depth_mm("own_limbs", *people), alone)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 20))
def test_root_depth_scales_with_the_focal_length(seed, zoom):
    """Twice the focal length with flat limbs means twice the distance."""
    rng = np.random.default_rng(seed)
    px = rng.uniform(300, 700, (1, 17, 2))
    flat, target = np.zeros((1, 17)), np.array(MEAN_LIMB_LENGTHS_MM)
    one = camera.fit_root_depth_mm(px, flat, np.array([1000.0, 1000.0, 500.0, 500.0]), target)
    other = camera.fit_root_depth_mm(px, flat, np.array([1000.0 * zoom, 1000.0 * zoom, 500.0, 500.0]), target)
    np.testing.assert_allclose(other, zoom * one, rtol=1e-7)


def next_downhill(px, relative, intrinsics_px, target) -> float:
    """Walk from 2000 mm, where the released code starts, in steps of a millimetre until the cost rises."""
    ray = np.concatenate([(px - intrinsics_px[2:]) / intrinsics_px[:2], np.ones((17, 1))], 1)
    z = np.arange(-3000.0, 12000.0)
    joints = ray * (relative + z[:, None])[..., None]
    cost = np.zeros(len(z))
    for (i, j), length in zip(EDGES, target, strict=True):
        cost += (np.linalg.norm(joints[:, i] - joints[:, j], axis=1) - length) ** 2
    at = int(np.flatnonzero(z == 2000.0)[0])
    step = 1 if cost[at + 1] < cost[at] else -1
    while cost[at + step] < cost[at]:
        at += step
    return z[at]


@pytest.mark.parametrize(
    ("distance_mm", "behind_root_mm"),
    [((2500, 9000), 0), ((250, 900), 0), ((900, 2000), 0), ((3000, 5000), -2400)],
    ids=["usual", "close", "near", "beyond the start"],
)
def test_root_depth_is_the_minimum_next_downhill_from_the_published_start(distance_mm, behind_root_mm):
    """Of people so close that their mirror image behind the camera is as good, and of some beyond a second minimum."""
    rng = np.random.default_rng(6)
    intrinsics, target = np.array([1145.0, 1144.0, 512.0, 515.0]), np.array(MEAN_LIMB_LENGTHS_MM)
    joints = rng.normal(0, [250, 350, 150], (8, 17, 3))
    joints[..., 2] += rng.uniform(*distance_mm, (8, 1)) - np.minimum(joints[..., 2].min(1, keepdims=True), 0)
    px = camera.project(joints, intrinsics) + rng.normal(0, 3, (8, 17, 2))
    relative = joints[..., 2] - joints[:, :1, 2]
    relative[:, 1:] += behind_root_mm
    fitted = camera.fit_root_depth_mm(px, relative, intrinsics, target)
    for person in range(8):
        expected = next_downhill(px[person], relative[person], intrinsics, target)
        assert fitted[person] == pytest.approx(expected, abs=1.1), person


def test_limbs_of_unknown_length_pull_nowhere():
    """As if the skeleton had only the others."""
    rng = np.random.default_rng(7)
    joints = rng.normal(0, 300, (20, 17, 3)) + np.array([0, 0, 4000])
    intrinsics = np.array([1145.0, 1144.0, 512.0, 515.0])
    target = np.linalg.norm(np.diff(joints[:, EDGES], axis=2)[:, :, 0], axis=-1) * rng.uniform(0.9, 1.1, (20, 16))
    px, relative = camera.project(joints, intrinsics), joints[..., 2] - joints[:, :1, 2]
    known = np.arange(16) % 3 > 0
    found = camera.fit_root_depth_mm(px, relative, intrinsics, np.where(known, target, np.nan))
    for person in range(20):
        ray = np.concatenate([(px[person] - intrinsics[2:]) / intrinsics[:2], np.ones((17, 1))], 1)

        def cost(z, ray=ray, relative=relative[person], target=target[person]):
            points = ray * (relative + z)[:, None]
            lengths = np.array([np.linalg.norm(points[i] - points[j]) for i, j in EDGES])
            return ((lengths - target)[known] ** 2).sum()

        assert found[person] == pytest.approx(minimize_scalar(cost, bracket=(3500.0, 4000.0), tol=1e-10).x, abs=1e-3)


def test_root_depth_of_joints_in_one_pixel_is_the_start_of_the_fit():
    px = np.full((2, 17, 2), 400.0)
    fitted = camera.root_depth_mm("mean_limbs", px, np.zeros((2, 17)), np.array([1000.0, 1000.0, 500.0, 500.0]))
    np.testing.assert_array_equal(fitted, 2000.0)  # mm, as the released code


def test_no_people_have_no_root_depth():
    fitted = camera.root_depth_mm("mean_limbs", np.zeros((0, 17, 2)), np.zeros((0, 17)), np.ones(4))
    assert fitted.shape == (0,)


def test_rules_that_cannot_be_applied_are_refused():
    arguments = (np.zeros((1, 17, 2)), np.zeros((1, 17)), np.ones(4))
    with pytest.raises(ConfigError, match="must be one of ground_truth, own_limbs, mean_limbs"):
        camera.root_depth_mm("guess", *arguments)
    with pytest.raises(ConfigError, match="needs the true joints"):
        camera.root_depth_mm("own_limbs", *arguments)
