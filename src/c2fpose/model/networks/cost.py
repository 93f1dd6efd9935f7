"""What a network costs: parameters and floating-point operations."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from c2fpose.config.model import NetworkConfig
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.networks.heads import Heads


def count_parameters(network: nn.Module) -> int:
    """Trained numbers: weights, biases and normalisation gains, not the running statistics."""
    return sum(parameter.numel() for parameter in network.parameters())


def network_cost(config: NetworkConfig, heads: Heads | None = None) -> dict[str, int]:
    """Count parameters, and floating-point operations of one image's forward pass (multiply and add: two)."""
    with torch.device("meta"), torch.no_grad():
        network = CoarseToFine(config, heads).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, config.image_size, config.image_size))
    return {
        "parameters": count_parameters(network),
        "flops": counter.get_total_flops(),
    }
