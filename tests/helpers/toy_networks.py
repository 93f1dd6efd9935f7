"""Networks of toy size, as configurations and as modules whose normalisations are not the initial ones."""

import torch

from c2fpose.model.module import PoseModule
from c2fpose.model.networks.batch_norm import normalisations

TINY = {
    "network": {
        "depths": [1, 64],
        "image_size": 64,
        "heatmap_size": 16,
        "width": 16,
        "levels": 2,
        "residuals": 1,
    }
}


NETWORK = dict(image_size=64, heatmap_size=16, width=16, levels=2, residuals=1, depth_bins=8)
VOLUME = {"network": NETWORK | {"depths": [1, 8]}}
COORDINATES = {"network": NETWORK | {"depths": [8], "head": "coordinates"}}


def trained(model: dict) -> PoseModule:
    """A module whose normalisations are not the initial ones: folding them away must show."""
    torch.manual_seed(0)
    module = PoseModule(model, {"code_version": "0.0.1+test"}).eval()
    for norm in normalisations(module.network):
        for tensor in (norm.running_mean, norm.weight.data, norm.bias.data):
            tensor.normal_(tensor.mean(), 0.3)
        norm.running_var.uniform_(0.5, 2)
    return module


def crops(batch: int) -> torch.Tensor:
    return torch.randint(0, 256, (batch, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(batch))
