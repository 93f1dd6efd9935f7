"""A representation is a file, a schema and a row: a toy one dropped beside the others goes all the way."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import c2fpose.config.representations
import c2fpose.model.representations
from c2fpose.base.errors import ConfigError
from c2fpose.config.model import ModelConfig
from c2fpose.config.representations import names, schema_of
from c2fpose.config.schema import parse
from c2fpose.model.checkpoints.formats import save_checkpoint
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.module import PoseModule
from c2fpose.model.representations import network_of, representation_of
from c2fpose.model.volumes.points import to_points

NETWORK = dict(width=8, levels=1, residuals=1, image_size=16, heatmap_size=4, depth_bins=4, depths=(2, 4))

SCHEMA = '''
from c2fpose.config.representations import RepresentationConfig
from c2fpose.config.schema import Positive


class Config(RepresentationConfig):
    """The key of a toy."""

    gain: Positive = 1.0
'''

# One map of each joint whose mean is squashed to x, y and z alike: nobody would use it, and it has an output by stack
TOY = """
import torch
from torch import nn

from c2fpose.model.networks.heads import Heads
from c2fpose.model.representations.interface import Certainty, Representation


class Mean(nn.Module):
    def forward(self, maps):
        return maps.unflatten(1, (-1, 3)).mean((3, 4)).sigmoid()


class Toy(Representation):
    output_name = "toy"

    def heads(self):
        return Heads(maps=lambda depth: 3 * self.config.network.joint_count, read=lambda depth: Mean())

    def learned(self):
        return nn.Linear(3, 3)

    def losses(self, outputs, labels, done=1.0, learned=None):
        gain = self.config.representation.gain
        return [gain * (learned(output.float()) - labels.points).abs().mean() for output in outputs]

    def read(self, output, mirrored=None):
        return output if mirrored is None else (output + mirrored) / 2

    def points(self, reading):
        return reading

    def certainty(self, reading):
        return Certainty(confidence=reading[..., 2])


REPRESENTATION = Toy
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelConfig:
    for package, text in ((c2fpose.config.representations, SCHEMA), (c2fpose.model.representations, TOY)):
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / "toy.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        monkeypatch.delitem(sys.modules, f"{package.__name__}.toy", raising=False)
    importlib.invalidate_caches()
    yield ModelConfig(network=NETWORK | {"head": "toy"}, representation={"gain": 2.0})
    for package in (c2fpose.config.representations, c2fpose.model.representations):
        sys.modules.pop(f"{package.__name__}.toy", None)


def batch_of(images: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {
        "image": torch.randint(0, 256, (images, 3, 16, 16), dtype=torch.uint8, generator=generator),
        "joints_box": torch.rand(images, 17, 2, generator=generator),
        "depth_rel_mm": torch.rand(images, 17, generator=generator) * 1000 - 500,
        "visible": torch.ones(images, 17, dtype=torch.bool),
        "record": torch.arange(images),
    }


def test_every_schema_has_its_representation_and_the_other_way_round():
    folder = Path(c2fpose.model.representations.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "interface"}
    modules = {stem: importlib.import_module(f"c2fpose.model.representations.{stem}") for stem in files}
    assert {stem for stem, module in modules.items() if hasattr(module, "REPRESENTATION")} == set(names())


def test_names_are_listed_without_pytorch():
    import subprocess

    code = "import sys, c2fpose.config.model; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_an_unknown_one_is_refused_with_the_list():
    message = r"model\.network\.head: 'voxels': expected one of coordinates, .*volume"
    with pytest.raises(ConfigError, match=message) as caught:
        parse(ModelConfig, {"network": {"head": "voxels"}}, "model")
    assert "\n" not in str(caught.value)


def test_keys_are_those_of_the_head_alone(toy):
    assert toy.representation.gain == 2.0
    assert parse(ModelConfig, toy.model_dump(mode="json"), "model") == toy
    with pytest.raises(ConfigError, match=r"model\.representation\.gain=-1: .*greater than 0"):
        parse(ModelConfig, {"network": NETWORK | {"head": "toy"}, "representation": {"gain": -1}}, "model")
    with pytest.raises(ConfigError, match=r"model\.representation\.gain: no such key"):
        parse(ModelConfig, {"representation": {"gain": 1}}, "model")


def test_configurations_from_before_have_no_keys_and_mean_the_same():
    old = ModelConfig().model_dump(mode="json")
    assert old.pop("representation") == {}
    assert parse(ModelConfig, old, "model") == ModelConfig()
    assert schema_of("volume").volumetric and not schema_of("coordinates").volumetric


def test_a_toy_is_trained(toy, monkeypatch):
    module, batch, logged = PoseModule(toy.model_dump(mode="json")), batch_of(2), {}
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.__setitem__(name, float(value)))
    module.training_step(batch, 0).backward()
    assert set(logged) == {"train/loss_stack1", "train/loss_stack2", "train/loss"}
    assert all(weight.grad is not None for weight in module.learned.parameters())
    assert all(
        parameter.grad is not None for stack in module.network.stacks for parameter in stack.heatmaps.parameters()
    )


def test_a_toy_is_evaluated_and_comes_back_from_its_checkpoint(toy, tmp_path):
    module, batch = PoseModule(toy.model_dump(mode="json")).eval(), batch_of(2)
    with torch.no_grad():
        found = module.predict_step(batch, 0)
        points = module.predict_points(batch["image"])
    torch.testing.assert_close(to_points(found["joints_box"], found["depth_rel_mm"]), points)
    save_checkpoint(tmp_path / "toy.ckpt", module.state_dict(), toy.model_dump(mode="json"), {})
    with torch.no_grad():
        again = load_module(tmp_path / "toy.ckpt").predict_points(batch["image"])
    assert torch.equal(again, points)


@pytest.mark.parametrize("engine", ["torch", "onnxruntime"])
def test_a_toy_is_predicted_with_and_exported(toy, engine, tmp_path):
    from c2fpose.prediction.engines import load_predictor, make_predictor
    from c2fpose.prediction.export import export

    module, image = PoseModule(toy.model_dump(mode="json")).eval(), batch_of(3)["image"]
    with torch.no_grad():
        expected = module.predict_points(image)
    if engine == "torch":
        predictor = make_predictor(module, "torch", "32-true")
    else:
        pytest.importorskip("onnxruntime")
        export(module, tmp_path / "toy.onnx", {})
        predictor = load_predictor(tmp_path / "toy.onnx", precision="32-true")
        assert [output.name for output in predictor.engine.session.get_outputs()] == ["toy"]
    torch.testing.assert_close(predictor.predict_points(image), expected, atol=1e-5, rtol=1e-4)
    confidence = predictor.predict_with_certainty(image)[1].confidence
    torch.testing.assert_close(confidence, expected[..., 2], atol=1e-5, rtol=1e-4)
    assert np.isfinite(confidence.numpy()).all()


def test_the_network_of_a_toy_ends_in_its_heads(toy):
    outputs = network_of(toy)(torch.rand(2, 3, 16, 16))
    assert [tuple(output.shape) for output in outputs] == [(2, 17, 3)] * 2
    assert representation_of(toy).config is toy
