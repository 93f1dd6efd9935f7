"""BatchNorm around training: statistics of each batch, and statistics measured again before evaluation."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import UInt8
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from c2fpose.model.networks.input import normalise


@contextmanager
def batch_statistics(network: torch.nn.Module, wanted: bool) -> Iterator[None]:
    """BatchNorm by each batch's own statistics, the running ones untouched; nothing if not ``wanted``."""
    layers = list(normalisations(network)) if wanted else []
    before = [(layer, layer.training, layer.momentum) for layer in layers]
    for layer in layers:
        layer.training, layer.momentum = True, 0.0
    try:
        yield
    finally:
        for layer, training, momentum in before:
            layer.training, layer.momentum = training, momentum


def freeze(network: torch.nn.Module) -> None:
    """Make BatchNorm use its running statistics, and leave them, until ``network.train()``: as in evaluation."""
    for module in network.modules():
        if isinstance(module, BatchNorm):
            module.eval()


@contextmanager
def unchanged_statistics(network: torch.nn.Module) -> Iterator[None]:
    """Keep the running statistics as they are while images go through again, as in the same step's backward pass."""
    layers = list(normalisations(network))
    before = [(layer, layer.momentum) for layer in layers]
    counts = [layer.num_batches_tracked for layer in layers if layer.num_batches_tracked is not None]
    values = [count.clone() for count in counts]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in before:
            layer.momentum = momentum
        for count, value in zip(counts, values, strict=True):
            count.copy_(value)


@torch.no_grad()
def recalibrate(
    network: torch.nn.Module, images: Iterable[UInt8[Tensor, "B 3 S S"]], frozen: Iterable[nn.Module] = ()
) -> int:
    """Measure the running statistics again, as plain means over the given batches; returns how many there were.

    Those of ``frozen`` parts stay, and are used, as in training.
    """
    frozen, was_training = list(frozen), network.training
    kept = {layer for part in frozen for layer in part.modules()}
    layers = [layer for layer in normalisations(network) if layer not in kept]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # PyTorch: cumulative average
    network.train()
    for part in frozen:
        freeze(part)
    batches = 0
    for image in images:
        network(normalise(image, network))
        batches += 1
    network.train(was_training)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    return batches


def normalisations(network: nn.Module) -> Iterable[nn.BatchNorm2d]:
    """Find the BatchNorm layers that see images; one of poses (``lifting``) keeps the statistics of its training."""
    return (module for module in network.modules() if isinstance(module, nn.BatchNorm2d))
