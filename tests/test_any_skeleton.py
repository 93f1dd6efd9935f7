"""Joints of any number and tree, from the first command to the prediction."""

from pathlib import Path

import numpy as np
import pytest
import torch
from any_skeleton import ACTIONS_OF_DOGS, DOG, TINY, predicted, settings_for, through, write_dogs
from toy_labels import batch_of, config_of

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.config.representations import names
from c2fpose.data.schema import SplitReader
from c2fpose.data.synth36 import plan
from c2fpose.data.synth36.__main__ import main as synth36
from c2fpose.data.synth36.person.joint_sets import JOINT_SETS
from c2fpose.data.synth36.plan import PRESETS, SUBJECTS, Preset
from c2fpose.data.synth36.sequence import RenderedSequence
from c2fpose.evaluate import main as evaluate
from c2fpose.evaluation.scores import Evaluation
from c2fpose.export import main as export
from c2fpose.model.module import PoseModule
from c2fpose.pose.space import PoseSpace
from c2fpose.prediction.engines import make_predictor
from c2fpose.prediction.people import Seen, poses_in
from c2fpose.prediction.photo import Box
from c2fpose.training.run import run

SPACE_OF_DOGS = PoseSpace(DOG, (-700.0, 600.0), (200.0,) * len(DOG.limbs))


@pytest.fixture(autouse=True)
def unpainted(monkeypatch):
    """Real bodies, the motion of few actions, a picture of noise: painting it is tested elsewhere."""

    def noise(self, index, camera, size, rng):
        return rng.integers(0, 255, (size, size, 3), dtype=np.uint8)

    monkeypatch.setattr(RenderedSequence, "picture", noise)
    monkeypatch.setattr(plan, "ACTIONS", plan.ACTIONS[:4])
    monkeypatch.setitem(PRESETS, "tiny", Preset(train=1, test=1))
    monkeypatch.setitem(SUBJECTS, "train", (1, 5))
    monkeypatch.setitem(SUBJECTS, "test", (9,))


@pytest.mark.parametrize(("name", "count"), [("joints13", 13), ("joints15", 15), ("joints25", 25)])
def test_synth36_with_other_joints(name, count, tmp_path):
    """The fewest and the most go all the way; of fifteen joints a dog does."""
    synth36([f"skeleton={name}", "workers=1", f"out={tmp_path / 'data'}"])
    skeleton = SplitReader(tmp_path / "data" / "train.h5").info.skeleton
    assert skeleton == JOINT_SETS[name] and skeleton.joints == count
    files = [f"data.{split}_file={tmp_path / 'data' / split}.h5" for split in ("train", "test")]
    if count != DOG.joints:
        through(files, skeleton, tmp_path / "run")


def test_joint_sets_are_of_one_body(tmp_path):
    """Joints of the same name lie in the same place, and limbs hang together."""
    found = {}
    for name, skeleton in JOINT_SETS.items():
        sequence = RenderedSequence(0, 5, 1, 1, np.array([1.0]), skeleton)
        found[name] = dict(zip(skeleton.names, sequence.joints_world_mm[0], strict=True))
        assert (skeleton.limb_lengths_mm(sequence.joints_world_mm[0]) < 900).all()
    for name in JOINT_SETS:
        for joint, place in found[name].items():
            np.testing.assert_array_equal(place, found["joints25"][joint])
    # on the floor, in a sole; a hand's length from the wrist; eyes a few centimetres apart
    assert found["joints25"]["left_heel"][2] < 80 and found["joints25"]["left_toe"][2] < 80
    assert 80 < np.linalg.norm(found["joints25"]["left_hand"] - found["joints25"]["left_wrist"]) < 220
    assert 40 < np.linalg.norm(found["joints25"]["left_eye"] - found["joints25"]["right_eye"]) < 80


def test_a_dog(tmp_path):
    files = write_dogs(tmp_path)
    checkpoint = through(files, DOG, tmp_path / "run")
    evaluation = Evaluation.read(tmp_path / "run" / "evaluation")
    assert evaluation.actions == ACTIONS_OF_DOGS and evaluation.frames == 24
    assert np.isfinite(evaluation.mpjpe_mm("mean_limbs"))
    evaluate([f"ckpt={checkpoint}", f"out={tmp_path / 'again'}", "workers=0", "precision=32-true"])
    again = Evaluation.read(tmp_path / "again" / "evaluation")
    assert again.mpjpe_mm("ground_truth") == pytest.approx(evaluation.mpjpe_mm("ground_truth"), rel=1e-5)
    export([f"ckpt={checkpoint}", f"out={tmp_path / 'dog.onnx'}"])
    (tmp_path / "exported").mkdir()
    predicted(tmp_path / "dog.onnx", DOG, tmp_path / "exported")
    other = [*TINY, *files, f"resume={tmp_path}/run/checkpoints/last.ckpt", "model.space.depth_range_mm=[-500,500]"]
    with pytest.raises(ConfigError, match=r"its depth bins cover .* keep them by model\.space\.depth_range_mm=\[-"):
        run(settings_for(other, tmp_path / "other"), tmp_path / "other")


@pytest.mark.parametrize("model", ["coordinates", "integral", "laplace", "simcc", "metric", "ordinal_reconstructed"])
def test_every_way_to_represent_a_dog(model, tmp_path):
    more = ["model.network.depths=[16]", "trainer.max_steps=1"]
    if model == "coordinates":
        more.append("model.network.coordinates=parent_relative")
    through(write_dogs(tmp_path, records=8), DOG, tmp_path / "run", f"model={model}", *more)


@pytest.mark.parametrize("head", names())
def test_every_representation_learns_a_step_and_predicts_a_dog(head, monkeypatch):
    """Without a run about it: from labels in the dog's own depths to its pose, and to that of its mirror image."""
    mirrored_pair = {"method": "expectation", "flip": True}
    config = config_of(head, decoding=mirrored_pair).in_space(SPACE_OF_DOGS, "dogs.h5")
    torch.manual_seed(0)
    module, batch = PoseModule(config.model_dump(mode="json"), {"code_version": "0"}), batch_of(4, SPACE_OF_DOGS)
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    module.training_step(batch, 0).backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in module.parameters())
    predictor = make_predictor(module.eval(), precision="32-true")
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    camera = np.array([150.0, 150.0, 60.0, 45.0])
    (dog,), (other,) = (
        poses_in(predictor, each, [Seen(Box(left, 20.0, 48.0), "given")], camera)
        for each, left in ((image, 30.0), (np.ascontiguousarray(image[:, ::-1]), 42.0))
    )
    assert dog.joints_px.shape == (DOG.joints, 2) and np.isfinite(dog.joints_cam_mm).all()
    np.testing.assert_allclose([120, 0] + other.joints_px[list(DOG.mirror)] * [-1, 1], dog.joints_px, atol=0.01)


def test_other_joints_than_the_datas_are_refused(tmp_path):
    files = write_dogs(tmp_path, records=8)
    with pytest.raises(ConfigError, match=r"model\.network\.joints=17: .*train\.h5 has 15 joints; set it to auto"):
        run(settings_for([*TINY, *files, "model.network.joints=17"], tmp_path), tmp_path)
    JOINT_SETS["joints15"].to_file(tmp_path / "people.yaml")
    with pytest.raises(ConfigError, match=r"model\.space\.skeleton: .*train\.h5 has other joints: head is missing"):
        run(settings_for([*TINY, *files, f"model.space.skeleton={tmp_path}/people.yaml"], tmp_path), tmp_path)
    DOG.to_file(tmp_path / "dog.yaml")
    settings = settings_for([*TINY, *files, f"model.space.skeleton={tmp_path}/dog.yaml"], tmp_path)
    assert settings.model.network.joints == 15
    with pytest.raises(UserError, match=r"model\.space\.skeleton: nothing\.yaml: no such file"):
        settings_for([*files, f"model.space.skeleton={Path('nothing.yaml')}"], tmp_path)
