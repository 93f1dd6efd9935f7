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


@torch.no_grad()
def recalibrate(network: torch.nn.Module, images: Iterable[UInt8[Tensor, "B 3 S S"]]) -> int:
    """Measure the running statistics again, as plain means over the given batches; returns how many there were."""
    layers, was_training = list(normalisations(network)), network.training
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # PyTorch: cumulative average
    network.train()
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
