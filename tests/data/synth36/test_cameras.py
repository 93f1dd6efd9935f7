import numpy as np
import pytest

from c2fpose.data.synth36.cameras import CORNERS, FRAME_PX, subject_cameras

SUBJECTS = (1, 5, 6, 7, 8, 9, 11)


@pytest.fixture(params=SUBJECTS)
def cameras(request):
    return subject_cameras(0, request.param)


def test_cameras_stand_and_look_as_documented(cameras):
    assert len(cameras) == 4
    for camera, corner in zip(cameras, CORNERS, strict=True):
        x, y, z = camera.position_mm
        assert 1700 <= x * corner[0] <= 2100 and 3900 <= y * corner[1] <= 5200 and 1350 <= z <= 1700
        # The ray through the middle of the image meets the vertical through the room's middle at 0.8 to 0.95 m.
        axis = camera.rotation[2]
        distance = -(x * axis[0] + y * axis[1]) / (axis[0] ** 2 + axis[1] ** 2)
        nearest = camera.position_mm + distance * axis
        assert distance > 0 and np.abs(nearest[:2]).max() < 250 and 750 < nearest[2] < 1000
        assert np.abs(camera.intrinsics_px[:2] - 1147).max() < 12
        assert np.abs(camera.intrinsics_px[2:] - FRAME_PX / 2).max() < 35


def test_rotations_are_proper_and_upright(cameras):
    for camera in cameras:
        np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(camera.rotation) > 0
        assert camera.rotation[1, 2] < -0.9  # the image's y axis points down


def test_projection_against_homogeneous_matrices(cameras):
    points = np.random.default_rng(0).uniform(-700, 700, (50, 3)) + np.array([0, 0, 900])
    for camera in cameras:
        fx, fy, cx, cy = camera.intrinsics_px
        matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]) @ np.column_stack(
            [camera.rotation, camera.translation_mm]
        )
        homogeneous = np.column_stack([points, np.ones(50)]) @ matrix.T
        expected = homogeneous[:, :2] / homogeneous[:, 2:]
        np.testing.assert_allclose(camera.to_image(points), expected, atol=1e-8)
        np.testing.assert_allclose(camera.to_camera(points)[:, 2], homogeneous[:, 2], atol=1e-8)
        left_top, step = np.array([123.4, 77.7]), 1.7
        np.testing.assert_allclose(camera.cut(left_top, step).to_image(points), (expected - left_top) / step, atol=1e-8)


def test_a_person_in_the_middle_is_in_every_frame(cameras):
    corners = np.array([[x, y, z] for x in (-450, 450) for y in (-450, 450) for z in (0, 1900)], float)
    for camera in cameras:
        assert (camera.to_image(corners) > 0).all() and (camera.to_image(corners) < FRAME_PX).all()


def test_cameras_depend_on_seed_and_subject_alone():
    def positions(seed, subject):
        return tuple(camera.position_mm[0] for camera in subject_cameras(seed, subject))

    assert positions(0, 5) == positions(0, 5)
    assert len({positions(0, subject) for subject in SUBJECTS} | {positions(1, 1)}) == 8
