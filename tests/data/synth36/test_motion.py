"""Motion of synth36: determinism, joint limits, contact with the floor, speeds, freedom from collisions."""

from functools import lru_cache

import numpy as np
import pytest

from c2fpose.data.synth36.body import joints_mm, pose_bones, subject_shape
from c2fpose.data.synth36.motion import FRAMES, motion
from c2fpose.errors import ConfigError
from c2fpose.protocol import ACTIONS


@lru_cache
def sequence(action: str, subject: int = 5, trial: int = 1):
    shape = subject_shape(0, subject)
    drawn = motion(0, subject, action, trial, shape)
    rotations, root_mm = drawn.at(np.arange(FRAMES))
    return shape, drawn, rotations, root_mm


@pytest.mark.parametrize("action", ACTIONS)
def test_frames_may_be_sampled_in_any_order(action):
    shape, drawn, rotations, root_mm = sequence(action)
    some = np.array([1200, 3, 700])
    again_rotations, again_root_mm = motion(0, 5, action, 1, shape).at(some)
    np.testing.assert_allclose(again_rotations, rotations[some], atol=1e-9)
    np.testing.assert_allclose(again_root_mm, root_mm[some], atol=1e-6)


@pytest.mark.parametrize("action", ACTIONS)
def test_rotations_are_rotations(action):
    _, _, rotations, _ = sequence(action)
    np.testing.assert_allclose(
        rotations @ np.swapaxes(rotations, -1, -2), np.broadcast_to(np.eye(3), rotations.shape), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(rotations), 1.0, atol=1e-9)


@pytest.mark.parametrize("action", ACTIONS)
def test_limbs_keep_their_length_and_people_stay_in_the_room(action):
    shape, drawn, rotations, root_mm = sequence(action)
    _, heads_mm = pose_bones(shape.rest_heads_mm, rotations, root_mm)
    solved, _ = drawn.solve(np.arange(FRAMES) / drawn.fps)
    # The solver's own joints are those of the body's forward kinematics.
    np.testing.assert_allclose(heads_mm, solved, atol=2.0)
    assert np.abs(joints_mm(shape, rotations, root_mm)[:, 0, :2]).max() < 2000


def test_an_unknown_action_is_refused():
    with pytest.raises(ConfigError, match="Juggling"):
        motion(0, 5, "Juggling", 1, subject_shape(0, 5))
