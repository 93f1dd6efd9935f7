"""Five looks at a person: the median, joint by joint, placed anew; one look where none is asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_networks import VOLUME, trained

from c2fpose import PosePredictor
from c2fpose.base.errors import ConfigError
from c2fpose.config.model import ModelConfig
from c2fpose.pose.camera import fit_root_depth_mm, project
from c2fpose.pose.space import PAPER
from c2fpose.prediction import shifts as under_test
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import PersonPose
from c2fpose.prediction.shifts import steadied_poses

IMAGE = np.zeros((100, 100, 3), np.uint8)
CAMERA = np.array([120.0, 110.0, 50.0, 50.0])
BOX = Box(10, 20, 40)


def predictor(head: str = "volume") -> Predictor:
    config = ModelConfig(network={"head": head, "depths": [2], "depth_bins": 2, "family": "uniform"})
    return Predictor(config, {}, lambda crops: crops, "torch", "32-true")


def someone(seed: int, box: Box = BOX) -> PersonPose:
    """A look that is not like any other, whose millimetres lie behind its pixels."""
    random = np.random.default_rng(seed)
    joints_cam_mm = random.normal([0, 0, 3000], 300, (17, 3))
    return PersonPose(
        0, box, project(joints_cam_mm, CAMERA), joints_cam_mm, 3000.0 + seed, "found", 0.7,
        confidence=random.random(17), covariance_mm2=random.random((17, 3, 3)),
        second_mode_cam_mm=random.random((17, 3)), second_mode_weight=random.random(17),
    )  # fmt: skip


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[PersonPose]:
    """Five looks; the last four are what ``poses_of`` gives, in whatever order it is asked."""
    five = [someone(seed) for seed in range(5)]
    waiting = iter(five[1:])
    monkeypatch.setattr(under_test, "poses_of", lambda predictor, images, boxes, cameras: [next(waiting)])
    return five


def test_joints_and_depths_are_medians_and_the_root_is_fitted_to_them(looks):
    (person,) = steadied_poses(predictor(), [IMAGE], looks[:1], CAMERA[None], 0.05)
    middle_px = np.sort([each.joints_px for each in looks], axis=0)[2]
    middle_mm = np.sort([each.joints_cam_mm[:, 2] - each.root_depth_mm for each in looks], axis=0)[2]
    np.testing.assert_allclose(person.joints_px, middle_px)
    np.testing.assert_allclose(person.joints_cam_mm[:, 2] - person.root_depth_mm, middle_mm, atol=1e-9)
    np.testing.assert_allclose(project(person.joints_cam_mm, CAMERA), middle_px, atol=1e-9)
    lengths = np.array(PAPER.mean_limb_lengths_mm)
    assert person.root_depth_mm == pytest.approx(fit_root_depth_mm(middle_px, middle_mm, CAMERA, lengths))
    assert (person.box, person.box_from, person.box_score) == (BOX, "found", 0.7)


def test_one_look_that_is_far_off_changes_nothing(monkeypatch):
    same, far = someone(0), someone(9)
    answers = iter([far, same, same, same])
    monkeypatch.setattr(under_test, "poses_of", lambda *asked: [next(answers)])
    (person,) = steadied_poses(predictor(), [IMAGE], [same], CAMERA[None], 0.05)
    np.testing.assert_allclose(person.joints_px, same.joints_px)
    np.testing.assert_array_equal(person.covariance_mm2, same.covariance_mm2)


def test_poses_that_have_a_size_are_medians_in_millimetres(looks):
    (person,) = steadied_poses(predictor("metric"), [IMAGE], looks[:1], CAMERA[None], 0.05)
    np.testing.assert_allclose(person.joints_cam_mm, np.sort([each.joints_cam_mm for each in looks], axis=0)[2])
    assert person.root_depth_mm == person.joints_cam_mm[0, 2]


def test_certainty_is_the_mean_and_that_of_the_nearest_look(looks):
    (person,) = steadied_poses(predictor("metric"), [IMAGE], looks[:1], CAMERA[None], 0.05)
    np.testing.assert_allclose(person.confidence, sum(each.confidence for each in looks) / 5)
    for joint in range(17):
        apart = [np.linalg.norm(each.joints_cam_mm[joint] - person.joints_cam_mm[joint]) for each in looks]
        nearest = looks[apart.index(min(apart))]
        for name in ("covariance_mm2", "second_mode_cam_mm", "second_mode_weight"):
            np.testing.assert_array_equal(getattr(person, name)[joint], getattr(nearest, name)[joint])


def test_second_modes_stand_where_the_root_is_now(monkeypatch):
    """A look whose root stands elsewhere than the fit puts it: the second mode keeps pixels and relative depth."""
    one = someone(0)
    second_px, rel_mm = project(one.joints_cam_mm, CAMERA), one.joints_cam_mm[:, 2] - one.root_depth_mm
    monkeypatch.setattr(under_test, "poses_of", lambda *asked: [replace(one, second_mode_cam_mm=one.joints_cam_mm)])
    one = replace(one, second_mode_cam_mm=one.joints_cam_mm)
    (person,) = steadied_poses(predictor(), [IMAGE], [one], CAMERA[None], 0.05)
    assert abs(person.root_depth_mm - one.root_depth_mm) > 10
    np.testing.assert_allclose(project(person.second_mode_cam_mm, CAMERA), second_px, atol=1e-9)
    np.testing.assert_allclose(person.second_mode_cam_mm[:, 2] - person.root_depth_mm, rel_mm, atol=1e-9)


def test_who_has_no_certainty_has_none_afterwards(monkeypatch):
    bare = PersonPose(0, BOX, np.zeros((17, 2)), np.full((17, 3), 1000.0), 1000.0)
    monkeypatch.setattr(under_test, "poses_of", lambda *asked: [bare])
    (person,) = steadied_poses(predictor(), [IMAGE], [bare], CAMERA[None], 0.05)
    assert person.confidence is person.covariance_mm2 is person.second_mode_weight is None


def test_nobody_and_no_shift_ask_for_no_further_look(monkeypatch):
    monkeypatch.delattr(under_test, "poses_of")
    one = someone(0)
    assert steadied_poses(predictor(), [], [], CAMERA[None][:0], 0.05) == []
    assert steadied_poses(predictor(), [IMAGE], [one], CAMERA[None], 0) == [one]


def test_a_network_looks_to_four_sides(tmp_path):
    module = trained(VOLUME)
    saved = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    torch.save(saved | {"pytorch-lightning_version": "2.6.6"}, tmp_path / "toy.ckpt")
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    moved = [(10, 5, 60), (16, 5, 60), (4, 5, 60), (10, 11, 60), (10, -1, 60)]
    looks = PosePredictor(tmp_path / "toy.ckpt", shift=0)(image, moved).frames[0].people
    (person,) = PosePredictor(tmp_path / "toy.ckpt", shift=0.1)(image, moved[:1]).frames[0].people
    middle = np.sort([each.joints_px for each in looks], axis=0)[2]
    np.testing.assert_allclose(person.joints_px, middle, atol=1e-3)
    assert not np.allclose(middle, looks[0].joints_px, atol=0.1)  # the looks differ at all
    assert tuple(person.box) == moved[0]


@pytest.mark.parametrize("shift", [-0.01, 0.3, float("nan")])
def test_an_absurd_shift_is_refused(shift):
    with pytest.raises(ConfigError, match=r"shift=.*expected 0 to 0\.2"):
        PosePredictor("builtin", shift=shift)
