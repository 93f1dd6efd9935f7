"""PyTorch: whatever a module can be trained on."""

from __future__ import annotations

import copy

import torch
from jaxtyping import UInt8
from torch import Tensor

from c2fpose.model.networks.batch_norm import batch_statistics
from c2fpose.model.networks.folding import fold
from c2fpose.model.networks.input import last_output, normalise
from c2fpose.model.precision import computing_in
from c2fpose.model.trained import Trained
from c2fpose.prediction.engines._kind import Kind


class TorchEngine:
    """PyTorch, normalisations folded into convolutions; on the module's device."""

    def __init__(self, module: Trained, precision: str) -> None:
        self.by_batch = module.config.batch_norm == "batch"  # statistics of each batch cannot be folded
        network = copy.deepcopy(module.network).eval() if self.by_batch else fold(module.network)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not declared
        self.device, self.precision = module_device(module), precision

    @torch.inference_mode()
    def __call__(self, image: UInt8[Tensor, "B 3 S S"]) -> Tensor:
        """Compute the last output of images of side S."""
        with computing_in(self.precision, self.device), batch_statistics(self.network, self.by_batch):
            return last_output(self.network, image.to(self.device))

    @torch.inference_mode()
    def all_outputs(self, image: UInt8[Tensor, "B 3 S S"]) -> list[Tensor]:
        """Predict the volumes of all stacks, coarse to fine, of a network that has volumes."""
        with computing_in(self.precision, self.device), batch_statistics(self.network, self.by_batch):
            return list(self.network(normalise(image.to(self.device), self.network)))


def module_device(module: Trained) -> torch.device:
    """Find where a module's network is."""
    return next(module.network.parameters()).device


ENGINE = Kind(TorchEngine, precisions=("bf16-mixed", "32-true"))
