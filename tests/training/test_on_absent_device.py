"""The GPU's path on any machine: tensors that are on another device by name, and hold nothing.

A tensor left on the processor, or an operation that has no rule for its shapes, fails here as it would on a GPU. The
device is ``meta`` and, where PyTorch is built with CUDA, fake tensors on ``cuda`` too: of these a build without CUDA
knows too little. What a GPU computes is not tested: ``make gpu``.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.fx.experimental import _config
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from c2fpose.config.model import ModelConfig, OptimizerConfig
from c2fpose.config.schema import parse
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.module import PoseModule, make_optimizer
from c2fpose.model.networks.input import outputs_of
from c2fpose.model.volumes.loss import mean_squared_error

TOY = {"width": 8, "levels": 1, "residuals": 1, "image_size": 64, "heatmap_size": 16, "depths": [1, 64]}
HEADS = {"volume": TOY, "coordinates": TOY | {"head": "coordinates", "depths": [64]}}
CHANGES = [{}, {"checkpoint_activations": True}, {"norm": "group"}, {"supervision": "none"}, {"family": "uniform"}]
BUILT = pytest.mark.skipif(torch.version.cuda is None, reason="this PyTorch is built without CUDA")


@pytest.fixture(params=["meta", pytest.param("cuda", marks=BUILT)])
def device(request):
    # how many voxels are the highest cannot be known of a volume that holds nothing
    with _config.patch(meta_nonzero_assume_all_nonzero=True):
        if request.param == "meta":
            yield request.param
        else:
            with FakeTensorMode(allow_non_fake_inputs=True, shape_env=ShapeEnv()):
                yield request.param


def made(network: dict[str, Any], device: str, **more: Any) -> PoseModule:
    config = parse(ModelConfig, {"network": network, **more}, "model")
    with unset_fake_temporarily():  # weights are drawn on the processor, as they are before a real GPU gets them
        module = PoseModule(config.model_dump(mode="json"))
    return moved(module, device)


def goes_back(device: str) -> bool:
    """Say whether a backward pass can run: of fake tensors on ``cuda`` it asks the driver of a real GPU."""
    return device == "meta" or torch.cuda.is_available()


def moved(module: PoseModule, device: str) -> PoseModule:
    """As ``module.to(device)``, which fake tensors do not know."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = nn.Parameter(torch.empty_like(parameter, device=device))
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = torch.empty_like(buffer, device=device)
    module._device = torch.device(device)
    module.log = lambda *_, **__: None  # there is no trainer
    return module


def batch(device: str, images: int = 2) -> dict[str, torch.Tensor]:
    return {
        "image": torch.empty(images, 3, 64, 64, dtype=torch.uint8, device=device),
        "joints_box": torch.empty(images, 17, 2, device=device),
        "depth_rel_mm": torch.empty(images, 17, device=device),
        "visible": torch.empty(images, 17, dtype=torch.bool, device=device),
        "record": torch.empty(images, dtype=torch.int64, device=device),
    }


@pytest.mark.parametrize("network", [*(TOY | change for change in CHANGES), HEADS["coordinates"]], ids=str)
def test_a_training_step_leaves_nothing_on_the_processor(network, device):
    module = made(network, device).train()
    stepper = make_optimizer(module.parameters(), OptimizerConfig(name="rmsprop"))
    loss = module.training_step(batch(device), 0)
    assert loss.device.type == device and loss.shape == ()
    if not goes_back(device):
        return
    loss.backward()
    assert {parameter.grad.device.type for parameter in module.parameters()} == {device}
    stepper.step()
    stepper.zero_grad()


@pytest.mark.parametrize("method", ["argmax", "subvoxel", "expectation"])
@pytest.mark.parametrize("flip", [True, False])
def test_decoding_stays_on_the_device(device, method, flip):
    module = made(TOY, device, decoding={"method": method, "flip": flip}).eval()
    with torch.no_grad():
        assert module.predict_points(batch(device)["image"]).device.type == device


def test_coordinates_are_averaged_with_the_mirror_image_on_the_device(device):
    module = made(HEADS["coordinates"], device).eval()
    with torch.no_grad():
        assert module.predict_points(batch(device)["image"]).device.type == device


@BUILT
def test_predictions_leave_the_gpu():
    with FakeTensorMode(allow_non_fake_inputs=True, shape_env=ShapeEnv()), torch.no_grad():
        module = made(TOY, "cuda").eval()
        assert {value.device.type for value in module.predict_step(batch("cuda"), 0).values()} == {"cpu"}


def test_batch_norm_by_the_batch_stays_on_the_device(device):
    module = made(TOY, device, batch_norm="batch").eval()
    with torch.no_grad():
        assert module.predict_points(batch(device)["image"]).device.type == device


def test_the_loss_takes_the_expressions_of_a_gpu(device):
    """Loss and gradient have the volume's device, type and layout."""
    volume = torch.empty(2, 17 * 8, 4, 4, dtype=torch.bfloat16, device=device)
    volume = volume.contiguous(memory_format=torch.channels_last)
    heatmaps = volume.unflatten(1, (17, 8)).requires_grad_()
    loss = mean_squared_error(heatmaps, *(torch.empty(2, 17, size, device=device) for size in (8, 4, 4)))
    assert (loss.device.type, loss.dtype) == (device, torch.float32)
    if not goes_back(device):
        return
    loss.backward()
    assert (heatmaps.grad.device.type, heatmaps.grad.dtype) == (device, torch.bfloat16)
    assert heatmaps.grad.stride() == heatmaps.stride()


def test_a_checkpoint_is_loaded_to_the_processor_and_moved_whole(tmp_path: Path):
    config = parse(ModelConfig, {"network": TOY}, "model")
    module = PoseModule(config.model_dump(mode="json"))
    saved = {"state_dict": module.state_dict(), "hyper_parameters": {"model": dict(module.hparams["model"])}}
    torch.save(saved, tmp_path / "final.ckpt")
    loaded = load_module(tmp_path / "final.ckpt")
    assert {value.device.type for value in loaded.state_dict().values()} == {"cpu"}
    outputs = outputs_of(moved(loaded, "meta").network, batch("meta")["image"])
    assert {output.device.type for output in outputs} == {"meta"}


def test_a_tensor_left_on_the_processor_is_found(device):
    """The check itself can fail."""
    module = made(TOY, device).train()
    with pytest.raises(RuntimeError, match=r"device|meta tensors"):
        module.training_step(batch(device) | {"joints_box": torch.zeros(2, 17, 2)}, 0)
