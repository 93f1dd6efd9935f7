"""What a model takes of its training data: joints, depths, limbs."""

import numpy as np

from c2fpose.config.model import ModelConfig
from c2fpose.pose.skeleton import Skeleton
from c2fpose.pose.space import space_of


def test_limbs_without_a_length_are_unknown():
    """Of two joints in one place, and of one that no record has a label of: neither may tell a person's distance."""
    skeleton = Skeleton.of(["hip", "knee", "patella", "toe"], {"knee": "hip", "patella": "knee", "toe": "knee"})
    joints_cam_mm = np.array([[[0, 0, 4000], [0, 400, 4000], [0, 400, 4000], [np.nan] * 3]])
    measured = space_of(skeleton, "own", joints_cam_mm)
    config = ModelConfig().in_space(measured, "own.h5")
    assert config.space.mean_limb_lengths_mm == (400, None, None)
    again = ModelConfig.model_validate(config.model_dump(mode="json"))  # as a checkpoint holds it
    np.testing.assert_array_equal(again.pose_space.mean_limb_lengths_mm, [400, np.nan, np.nan])
