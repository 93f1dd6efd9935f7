"""The place of a pose, against the projection that made it and SciPy's and NumPy's least squares."""

import numpy as np
import pytest
import torch
from scipy.optimize import lsq_linear

from c2fpose.pose.camera import back_project, project, rays
from c2fpose.pose.strong_perspective import placed_mm, strong_perspective_mm, weak_perspective_mm

CAMERA = np.array([1145.0, 1130.0, 512.0, 500.0])


@pytest.fixture
def people() -> np.ndarray:
    random = np.random.default_rng(0)
    return random.normal(0, 350, (50, 17, 3)) + random.uniform([-900, -400, 2500], [900, 400, 9000], (50, 1, 3))


def test_a_pose_and_its_picture_give_the_place_exactly(people):
    ray, root = rays(project(people, CAMERA), CAMERA), people[:, :1]
    found = strong_perspective_mm(ray, people - root, np.ones((50, 17)))
    np.testing.assert_allclose(found, root[:, 0], atol=1e-6)
    np.testing.assert_allclose(placed_mm(ray, people - root, np.ones((50, 17)), found, 0.3), people, atol=1e-6)


def test_noisy_ones_give_the_least_squares_of_the_stated_equations(people):
    random = np.random.default_rng(1)
    uv = rays(project(people, CAMERA) + random.normal(0, 8, (50, 17, 2)), CAMERA)
    relative = people - people[:, :1] + random.normal(0, 40, people.shape)
    in_view = (random.random((50, 17)) < 0.7).astype(float)
    found = strong_perspective_mm(uv, relative, in_view)
    for person in range(50):
        rows, right = [], []
        for (u, v, _), (x, y, z), weight in zip(uv[person], relative[person], in_view[person], strict=True):
            scale = np.sqrt(weight + 1e-8)
            rows += [[scale, 0, -scale * u], [0, scale, -scale * v]]
            right += [scale * (u * z - x), scale * (v * z - y)]
        expected = lsq_linear(np.array(rows), np.array(right), tol=1e-14).x
        np.testing.assert_allclose(found[person], expected, rtol=1e-5, atol=1e-2)


def test_joints_out_of_view_have_no_say_and_stay_where_the_pose_says(people):
    ray, root = rays(project(people, CAMERA), CAMERA), people[:, :1]
    ray[:, 9:, :2] = 0.3  # where the picture's edge holds them
    in_view = np.arange(17) < 9
    in_view = np.broadcast_to(in_view.astype(float), (50, 17))
    found = strong_perspective_mm(ray, people - root, in_view)
    np.testing.assert_allclose(found, root[:, 0], rtol=1e-4, atol=0.5)
    np.testing.assert_allclose(placed_mm(ray, people - root, in_view, found), people, rtol=1e-4, atol=0.5)


def test_joints_out_of_view_have_no_say_in_weak_perspective_either(people):
    people[..., 2] = people[:, :1, 2]
    ray, root = rays(project(people, CAMERA), CAMERA), people[:, :1]
    ray[:, 9:, :2] = 0.3
    in_view = np.broadcast_to((np.arange(17) < 9).astype(float), (50, 17))
    found = weak_perspective_mm(ray, people - root, in_view)
    np.testing.assert_allclose(found, root[:, 0], rtol=1e-4, atol=0.5)


@pytest.mark.parametrize("mix", [0.0, 0.3, 1.0])
def test_a_joint_lies_between_what_picture_and_pose_say(mix):
    """Both at the pose's depth; one out of view where the pose alone says."""
    ray = np.array([[0.2, -0.1, 1.0], [0.2, -0.1, 1.0]])
    relative, reference = np.array([[100.0, -50.0, 30.0]] * 2), np.array([500.0, -300.0, 4000.0])
    shown, hidden = placed_mm(ray, relative, np.array([1.0, 0.0]), reference, mix)
    by_pose, by_picture = np.array([600.0, -350.0, 4030.0]), np.array([806.0, -403.0, 4030.0])
    np.testing.assert_allclose(shown, mix * by_pose + (1 - mix) * by_picture)
    np.testing.assert_allclose(hidden, by_pose)
    by_default = placed_mm(ray, relative, np.array([1.0, 0.0]), reference)
    np.testing.assert_allclose(by_default[0], (by_pose + by_picture) / 2)


@pytest.mark.parametrize("assumed_mm", [3000.0, 5000.0])
def test_a_pose_found_with_an_assumed_depth_gives_that_depth_back(people, assumed_mm):
    px = project(people, CAMERA)
    pose = back_project(px, people[..., 2] - people[:, :1, 2] + assumed_mm, CAMERA)
    found = strong_perspective_mm(rays(px, CAMERA), pose - pose[:, :1], np.ones((50, 17)))
    np.testing.assert_allclose(found[:, 2], assumed_mm, rtol=1e-9)


def test_weak_perspective_is_exact_for_a_flat_pose_and_near_for_others(people):
    flat = people.copy()
    flat[..., 2] = flat[:, :1, 2]
    for pose, within in ((flat, 1e-6), (people, 0.35)):
        found = weak_perspective_mm(rays(project(pose, CAMERA), CAMERA), pose - pose[:, :1], np.ones((50, 17)))
        np.testing.assert_allclose(found[:, 2] / pose[:, 0, 2], 1, atol=within)
    np.testing.assert_allclose(
        weak_perspective_mm(rays(project(flat, CAMERA), CAMERA), flat - flat[:, :1], np.ones((50, 17))), flat[:, 0],
        atol=1e-6,
    )  # fmt: skip


def test_tensors_give_the_same_and_a_gradient(people):
    ray, relative = rays(project(people, CAMERA), CAMERA), people - people[:, :1] + 5.0
    tensors = [torch.tensor(each, requires_grad=True) for each in (ray, relative)]
    for place in (strong_perspective_mm, weak_perspective_mm):
        expected = place(ray, relative, np.ones((50, 17)))
        found = place(*tensors, torch.ones(50, 17, dtype=torch.float64))
        np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9)
        found.sum().backward()
    assert all(tensor.grad.isfinite().all() for tensor in tensors)


def test_all_joints_in_one_point_of_the_picture_give_a_finite_answer():
    ray, relative = np.tile([0.1, 0.2, 1.0], (17, 1)), np.zeros((17, 3))
    for place in (strong_perspective_mm, weak_perspective_mm):
        assert np.isfinite(place(ray, relative, np.zeros(17))).all()
