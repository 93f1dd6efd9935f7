"""Mean squared error between a volume and a separable target, without a target volume.

The target is three short factors, so it is made again in registers wherever it is needed: one pass over the prediction
gives the loss, one more its gradient, and no tensor of the volume's size exists but these two. On the processor the
passes are numba loops over the memory as the network left it (float32, float64, bfloat16); elsewhere, and for
other layouts and types, they are PyTorch expressions, compiled into single kernels on a GPU where that is possible.

Shapes: B batch, J joints, D depth bins, H rows, W columns.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from c2fpose.base.errors import first_line
from c2fpose.model.volumes.memory import as_numpy, readable, share


def mean_squared_error(
    volume: Float[Tensor, "B J D H W"],
    z: Float[Tensor, "B J D"],
    y: Float[Tensor, "B J H"],
    x: Float[Tensor, "B J W"],
) -> Float[Tensor, ""]:
    """Mean over all voxels of ``(volume - z * y * x)^2``, computed in float32 (float64 for a float64 volume).

    The gradient is the volume's alone and has its type and memory layout; the target is a constant.
    """
    kind = torch.float64 if volume.dtype == torch.float64 else torch.float32
    return _MeanSquaredError.apply(volume, *(axis.detach().to(kind).contiguous() for axis in (z, y, x)))


class _MeanSquaredError(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, volume: Tensor, *target: Tensor) -> Tensor:
        ctx.save_for_backward(volume, *target)
        layout = _layout(volume, target)
        if layout is None:
            total = _on_device(squared_error)(volume, *target)
        else:
            sums = np.empty(layout.memory.shape[0] * layout.memory.shape[1])
            share("squared_error", *layout, sums)
            total = torch.tensor(sums.sum(), dtype=target[0].dtype)
        return total / volume.numel()

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, upstream: Tensor) -> tuple[Tensor | None, ...]:
        volume, *target = ctx.saved_tensors  # type: ignore[attr-defined]  # not declared
        layout, scale = _layout(volume, target), upstream * (2 / volume.numel())
        if layout is None:
            gradient = _on_device(scaled_difference)(volume, *target, scale)
        else:
            gradient = torch.empty_like(volume)
            place = _layout(gradient, target)
            assert place is not None, "as the volume's"
            share("scaled_difference", *layout, scale.item(), place.memory)
        return gradient, None, None, None


# --- PyTorch expressions ---


def squared_error(volume: Tensor, z: Tensor, y: Tensor, x: Tensor) -> Float[Tensor, ""]:
    """Sum of squared differences between a volume and its target; by planes first, which loses fewer digits."""
    return (volume - _product(z, y, x)).square().sum((-2, -1)).sum()


def scaled_difference(volume: Tensor, z: Tensor, y: Tensor, x: Tensor, scale: Tensor) -> Float[Tensor, "B J D H W"]:
    """``scale`` times the difference between a volume and its target, in the volume's type and memory layout."""
    return torch.empty_like(volume).copy_(scale * (volume - _product(z, y, x)))


def _product(z: Tensor, y: Tensor, x: Tensor) -> Float[Tensor, "B J D H W"]:
    return z[..., :, None, None] * y[..., None, :, None] * x[..., None, None, :]


def _on_device(expression: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return _fused(expression) if torch.cuda.is_available() else expression


@functools.cache
def _fused(expression: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Compile the expression into one kernel for GPU tensors; as it stands where there is no compiler."""
    compiled: list[Callable[..., Tensor]] = [torch.compile(expression)]

    def call(volume: Tensor, *others: Tensor) -> Tensor:
        if volume.is_cuda and compiled:
            try:
                return compiled[0](volume, *others)
            except torch.OutOfMemoryError:  # uncompiled it takes more
                raise
            except Exception as error:  # Triton or its C compiler is missing or does not know the GPU
                compiled.clear()
                warnings.warn(f"loss not compiled, hence slower: {first_line(error)}", stacklevel=2)
        return expression(volume, *others)

    return call


# --- numba loops ---


class _Layout(NamedTuple):
    """A volume's memory and its target as the kernels see them."""

    memory: np.ndarray  # (N, P, Q, K): K = J * L voxels side by side
    first: np.ndarray  # (N, J, P)
    second: np.ndarray  # (N, J, Q)
    line: np.ndarray  # (N, J, L)


def _layout(volume: Tensor, target: Any) -> _Layout | None:
    """How the kernels see a volume; None if they cannot. Nothing is copied."""
    if not readable(volume):
        return None
    z, y, x = (axis.numpy() for axis in target)
    channels_last = volume.permute(0, 3, 4, 1, 2)
    if channels_last.is_contiguous():
        return _Layout(as_numpy(channels_last.flatten(3)), y, x, z)
    if volume.is_contiguous():
        memory = as_numpy(volume.flatten(0, 1))
        return _Layout(memory, *(axis.reshape(len(memory), 1, -1) for axis in (z, y, x)))
    return None
