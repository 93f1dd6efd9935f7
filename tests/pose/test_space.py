"""The space of other people than the paper's: depths and lengths of limbs as the records have them, counted by hand."""

import numpy as np
import pytest

from c2fpose.pose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM, MEAN_LIMB_LENGTHS_MM
from c2fpose.pose.skeleton import C2F17, Skeleton
from c2fpose.pose.space import space_of

# The root is the second joint
BIRD = Skeleton.of(["beak", "body", "tail"], {"beak": "body", "tail": "body"})


def birds(number: int) -> np.ndarray:
    """Beaks up to 400 mm nearer than the body, tails up to 200 mm farther, evenly; 3, 4, 5 are the sides of a limb."""
    joints = np.zeros((number, 3, 3))
    joints[:, 1] = [100.0, 50.0, 5000.0]
    joints[:, 0] = joints[:, 1] - np.linspace(0, 400, number)[:, None] * [0, 0.75, 1]
    joints[:, 2] = joints[:, 1] + np.linspace(0, 200, number)[:, None] * [0.75, 0, 1]
    return joints


def test_depths_reach_a_little_beyond_the_nearest_and_the_farthest_joint():
    space = space_of(BIRD, "birds", birds(101))
    assert space.skeleton == BIRD
    # 600 mm of extent: 30 mm more at either end, less what one joint in 2000 may be off
    assert space.depth_range_mm == pytest.approx((-430, 230), abs=3)


def test_one_joint_in_a_thousand_gone_astray_does_not_stretch_them():
    joints = birds(1000)
    joints[7, 0, 2] = -90_000.0
    assert space_of(BIRD, "birds", joints).depth_range_mm == pytest.approx((-430, 230), abs=3)


def test_lengths_are_means_over_the_records_that_have_them():
    joints = birds(101)
    joints[:60, 0] = np.nan  # the other beaks are 240 to 400 mm nearer
    limbs = dict(zip(BIRD.limbs, space_of(BIRD, "birds", joints).mean_limb_lengths_mm, strict=True))
    names = {tuple(BIRD.names[joint] for joint in limb): length for limb, length in limbs.items()}
    assert names[("body", "beak")] == pytest.approx(1.25 * 320, abs=0.01)
    assert names[("body", "tail")] == pytest.approx(1.25 * 100, abs=0.01)
    joints[:, 0] = np.nan
    lengths = space_of(BIRD, "birds", joints).mean_limb_lengths_mm
    assert np.isnan(lengths).tolist() == [limb == BIRD.limbs[0] for limb in BIRD.limbs]


def test_flat_labels_and_none_have_a_range_too():
    flat = birds(5)
    flat[..., 2] = 5000.0
    assert space_of(BIRD, "birds", flat).depth_range_mm == (-1.0, 1.0)
    unknown = np.full((5, 3, 3), np.nan)
    space = space_of(BIRD, "birds", unknown)
    assert space.depth_range_mm[0] <= DEPTH_MIN_MM and space.depth_range_mm[1] >= DEPTH_MAX_MM
    assert np.isnan(space.mean_limb_lengths_mm).all()


@pytest.mark.parametrize(("dataset", "papers"), [("h36m", True), ("synth36", True), ("mine", False)])
def test_the_papers_constants_are_for_the_papers_joints_of_people_of_that_size(dataset, papers):
    children = np.random.default_rng(0).normal(0, 100, (50, 17, 3)) + np.array([0, 0, 3000])
    space = space_of(C2F17, dataset, children)
    assert (space.depth_range_mm == (DEPTH_MIN_MM, DEPTH_MAX_MM)) == papers
    assert (space.mean_limb_lengths_mm == MEAN_LIMB_LENGTHS_MM) == papers
    assert space_of(BIRD, dataset, birds(9)).depth_range_mm != (DEPTH_MIN_MM, DEPTH_MAX_MM)
