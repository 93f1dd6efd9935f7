"""The loss without a target volume against the loss with one."""

import itertools
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor

from c2fpose.config.model import TargetConfig
from c2fpose.model.volumes import loss as module
from c2fpose.model.volumes import memory as volume_memory
from c2fpose.model.volumes.targets import Profiles, target_profiles, volume_loss

DEFINITIONS = ["paper", "released_code"]
CENTERS = ["whole", "exact"]
# depths of a whole schedule; the volumes are not cubes, so that no two axes can be mistaken
SHAPES = [(depth, 16, 12) for depth in (1, 2, 4, 64)]
LAYOUTS = ["network", "contiguous", "other"]


def dense_loss(volume: Tensor, target: Profiles) -> Tensor:
    """The definition: a target volume, and the mean of squared differences."""
    kind = torch.float64 if volume.dtype == torch.float64 else torch.float32
    return (volume.to(kind) - target.volume()).square().mean()


def make_target(shape, config=None, batch=2, dtype=torch.float32, device="cpu") -> Profiles:
    """Random joints, some outside the crop or the bins, some missing."""
    generator = torch.Generator().manual_seed(3)
    points = torch.rand(batch, 17, 3, generator=generator, dtype=dtype) * 1.2 - 0.1
    visible = torch.rand(batch, 17, generator=generator) > 0.25
    return target_profiles(points.to(device), visible.to(device), shape, config or TargetConfig())


def make_volume(shape, layout="network", batch=2, dtype=torch.float32, near: Profiles | None = None) -> Tensor:
    """A prediction with gradient: noise, or a target with a little noise upon it."""
    generator = torch.Generator().manual_seed(4)
    volume = torch.randn(batch, 17, *shape, generator=generator, dtype=torch.float64)
    if near is not None:
        volume = near.volume().double() + 1e-3 * volume
    volume = volume.to(dtype)
    if layout == "network":  # as a channels_last convolution leaves it
        volume = volume.flatten(1, 2).contiguous(memory_format=torch.channels_last).unflatten(1, (17, -1))
    elif layout == "other":
        volume = volume.transpose(3, 4).contiguous().transpose(3, 4)
    return volume.requires_grad_()


def loss_and_gradient(function, volume: Tensor, target: Profiles, factor=1.0) -> tuple[Tensor, Tensor]:
    leaf = volume.detach().requires_grad_()
    loss = function(leaf, target)
    (factor * loss).backward()
    return loss.detach(), leaf.grad


def assert_equal_to_dense(volume: Tensor, target: Profiles, relative: float) -> None:
    loss, gradient = loss_and_gradient(volume_loss, volume, target, factor=3.0)
    # the reference in float64 throughout
    exact = Profiles(*(axis.double() for axis in target))
    expected, expected_gradient = loss_and_gradient(dense_loss, volume.double(), exact, factor=3.0)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert gradient.dtype == volume.dtype and gradient.stride() == volume.stride()
    error = (gradient.double() - expected_gradient).norm() / expected_gradient.norm()
    assert error <= relative


@pytest.mark.parametrize(("definition", "centers"), list(itertools.product(DEFINITIONS, CENTERS)))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_float32_loss_and_gradient_are_the_dense_ones(definition, centers, shape, layout):
    target = make_target(shape, TargetConfig(definition=definition, centers=centers))
    assert_equal_to_dense(make_volume(shape, layout), target, 1e-6)


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_nearly_perfect_prediction_keeps_its_digits(definition, layout):
    """Sums of squares of volume and target, less twice their product, would lose four digits here."""
    target = make_target((64, 16, 12), TargetConfig(definition=definition, centers="exact"))
    loss, _ = loss_and_gradient(volume_loss, make_volume((64, 16, 12), layout, near=target), target)
    assert loss.item() == pytest.approx(1e-6, rel=0.02)
    assert_equal_to_dense(make_volume((64, 16, 12), layout, near=target), target, 1e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_bfloat16_volumes_are_exact_to_their_gradients_rounding(shape, layout):
    target = make_target(shape)
    assert_equal_to_dense(make_volume(shape, layout, dtype=torch.bfloat16), target, 2**-8)


def test_bfloat16_gradients_are_rounded_to_nearest():
    target, volume = make_target((64, 16, 12)), make_volume((64, 16, 12), dtype=torch.bfloat16)
    _, gradient = loss_and_gradient(volume_loss, volume, target)
    _, exact = loss_and_gradient(dense_loss, volume.double(), Profiles(*(axis.double() for axis in target)))
    assert (gradient == exact.bfloat16()).double().mean() > 0.9999  # the rest are ties in float32


@pytest.mark.parametrize("layout", LAYOUTS)
def test_float64_gradient_is_the_derivative(layout):
    target = make_target((3, 4, 5), batch=1, dtype=torch.float64)
    volume = make_volume((3, 4, 5), layout, batch=1, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda v: volume_loss(v, target), volume, atol=1e-9)
    assert_equal_to_dense(volume, target, 1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_threads_do_not_change_a_bit(monkeypatch, layout, dtype):
    target, volume = make_target((64, 16, 12)), make_volume((64, 16, 12), layout, dtype=dtype)
    alone = loss_and_gradient(volume_loss, volume, target)
    monkeypatch.setattr(volume_memory, "BYTES_A_THREAD", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    together = loss_and_gradient(volume_loss, volume, target)
    assert torch.equal(alone[0], together[0]) and torch.equal(alone[1], together[1])


def test_a_forked_process_has_threads_of_its_own(monkeypatch):
    """A pool inherited from the parent would wait for ever for threads that were not forked."""
    code = """
import os, sys, torch
from c2fpose.model.volumes import loss as volume_loss
from c2fpose.model.volumes import memory as volume_memory
volume_memory.BYTES_A_THREAD = 1
torch.set_num_threads(1)
torch.get_num_threads = lambda: 2
def loss():
    return volume_loss.mean_squared_error(torch.ones(1, 2, 3, 4, 5), *(torch.zeros(1, 2, n) for n in (3, 4, 5)))
assert loss() == 1
child = os.fork()
if not child:
    os._exit(0 if loss() == 1 else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


class OnGpu(float):
    """A number that passes for a GPU's tensor."""

    is_cuda = True


@pytest.mark.parametrize("error", [RuntimeError("no compiler\nadvice"), AssertionError()])
def test_where_nothing_can_compile_the_expression_is_taken_as_it_stands(error, monkeypatch):
    def refuse(*numbers):
        raise error

    monkeypatch.setattr(torch, "compile", lambda expression: refuse)
    call = module._fused(lambda *numbers: sum(numbers))
    said = str(error).partition("\n")[0] or "AssertionError"
    with pytest.warns(UserWarning, match=f"^loss not compiled, hence slower: {said}$"):
        assert call(OnGpu(1), 2) == 3
    with warnings.catch_warnings(action="error"):  # once is enough
        assert call(OnGpu(1), 2) == 3


def test_too_little_memory_is_no_missing_compiler(monkeypatch):
    def refuse(*numbers):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(torch, "compile", lambda expression: refuse)
    with pytest.raises(torch.OutOfMemoryError):
        module._fused(lambda *numbers: sum(numbers))(OnGpu(1), 2)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_prediction_shows(layout, dtype, value):
    volume = make_volume((4, 16, 12), layout, dtype=dtype).detach()
    volume[0, 3, 1, 2, 2] = value
    loss, gradient = loss_and_gradient(volume_loss, volume, make_target((4, 16, 12)))
    assert not loss.isfinite()
    assert torch.equal(gradient.isfinite(), volume.isfinite())


def test_the_gradient_is_the_only_tensor_of_the_volumes_size():
    target, volume = make_target((64, 16, 12)), make_volume((64, 16, 12))
    loss_and_gradient(volume_loss, volume, target)  # compiled
    with torch.profiler.profile(profile_memory=True) as profile:
        loss_and_gradient(volume_loss, volume, target)
    allocated = sum(max(0, event.self_cpu_memory_usage) for event in profile.events())
    size = volume.numel() * volume.element_size()
    assert size <= allocated < 1.1 * size


def test_a_target_that_asks_for_a_gradient_is_a_constant():
    target = Profiles(*(axis.requires_grad_() for axis in make_target((4, 16, 12))))
    volume_loss(make_volume((4, 16, 12)), target).backward()
    assert all(axis.grad is None for axis in target)


@pytest.mark.slow
def test_compiled_expressions_are_the_plain_ones():
    """What a GPU runs, compiled for the processor.

    In a process of its own: after other tests, and only with AVX2 imitated, the sum was once and again another.
    """
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_loss; test_loss.compare()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def compare():
    target, volume = make_target((4, 16, 12)), make_volume((4, 16, 12), dtype=torch.bfloat16).detach()
    for expression, others in ((module.squared_error, ()), (module.scaled_difference, (torch.tensor(0.3),))):
        with warnings.catch_warnings(action="ignore"):
            compiled = torch.compile(expression)(volume, *target, *others)
        torch.testing.assert_close(compiled, expression(volume, *target, *others))
        assert compiled.stride() == expression(volume, *target, *others).stride()


@pytest.mark.gpu
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("definition", DEFINITIONS)
def test_gpu_and_cpu_agree(shape, dtype, definition):
    config = TargetConfig(definition=definition)
    on_cpu, on_gpu = make_target(shape, config), make_target(shape, config, device="cuda")
    volume = make_volume(shape, dtype=dtype).detach()
    loss, gradient = loss_and_gradient(volume_loss, volume, on_cpu)
    gpu_loss, gpu_gradient = loss_and_gradient(volume_loss, volume.cuda(), on_gpu)
    assert gpu_loss.item() == pytest.approx(loss.item(), rel=1e-6)
    assert gpu_gradient.stride() == gradient.stride()
    # bfloat16: ties may fall on either side
    rtol = 2**-7 if dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(gpu_gradient.cpu(), gradient, rtol=rtol, atol=1e-9)
