"""Ellipses hold what they say of the joints' distribution in both views; joints fade with their confidence."""

import numpy as np
import pytest
from matplotlib.patches import Ellipse
from scipy.spatial.transform import Rotation

from c2fpose.pictures.people import FAINTEST, Person, camera_view, pose_figure, turned_view
from c2fpose.pose.skeleton import ROOT

IMAGE = np.zeros((64, 64, 3), np.uint8)
RANDOM = np.random.default_rng(0)
POSE = RANDOM.normal(0, 300, (17, 3)) + np.array([0, 0, 4000])
SPREADS = np.array([np.diag(RANDOM.uniform(20, 150, 3)) for _ in range(17)])
TURNS = Rotation.from_quat(np.random.default_rng(1).normal(size=(17, 4))).as_matrix()
COVARIANCE = TURNS @ SPREADS**2 @ TURNS.transpose(0, 2, 1)


def panels(person: Person) -> list:
    """The camera's view and the turned one."""
    figure = pose_figure(person)
    return [axes for axes in figure.axes if not axes.images and axes.axison]


@pytest.mark.parametrize("view", [0, 1])
def test_ellipses_are_the_shadow_of_the_ellipsoid_that_holds_half(view):
    person = Person(IMAGE, RANDOM.random((17, 2)), POSE, covariance_mm2=COVARIANCE)
    ellipses = [patch for patch in panels(person)[view].patches if isinstance(patch, Ellipse)]
    assert len(ellipses) == 17
    see = (camera_view, turned_view)[view]
    directions = RANDOM.normal(size=(3000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for joint in (1, 5, 16):  # not the root: it would move all else
        surface = POSE.copy()[None].repeat(len(directions), 0)
        draws = directions @ np.linalg.cholesky(COVARIANCE[joint]).T
        half = np.sqrt(np.median((RANDOM.normal(size=(200_000, 3)) ** 2).sum(1)))  # radius of half of all draws
        surface[:, joint] += half * draws
        shifted = np.array([see(pose, ROOT)[joint, :2] for pose in surface])
        middle = see(POSE, ROOT)[joint, :2]
        np.testing.assert_allclose(ellipses[joint].center, middle)
        corners = ellipses[joint].get_path().transformed(ellipses[joint].get_patch_transform()).to_polygons()[0]
        turn = np.radians(np.arange(0, 180, 15))
        across = np.column_stack([np.cos(turn), np.sin(turn)])
        np.testing.assert_allclose(
            ((corners - middle) @ across.T).max(0), ((shifted - middle) @ across.T).max(0), rtol=0.02
        )


def test_joints_fade_with_confidence_and_are_whole_without():
    confidence = np.linspace(0, 1, 17)
    faded = Person(IMAGE, RANDOM.random((17, 2)), POSE, confidence=confidence)
    for person, expected in ((faded, FAINTEST + (1 - FAINTEST) * confidence), (faded._replace(confidence=None), None)):
        for axes in panels(person):
            alphas = sorted(line.get_alpha() for line in axes.lines if line.get_marker() == "o")
            assert alphas == pytest.approx([1.0] * 17 if expected is None else sorted(expected))
            assert not [patch for patch in axes.patches if isinstance(patch, Ellipse)]
