"""Batches and configurations of toy size, for every representation."""

import torch

from c2fpose.config.model import ModelConfig
from c2fpose.config.representations import schema_of
from c2fpose.model.representations.interface import Labels

NETWORK = dict(width=8, levels=1, residuals=1, image_size=16, heatmap_size=8, depth_bins=8)


def config_of(head: str, depths: tuple[int, ...] = (2, 8), representation: dict | None = None, **model) -> ModelConfig:
    """A model with this head, and the schedule where it has stacks."""
    network = NETWORK | {"head": head, "depths": depths if schema_of(head).by_stack else depths[-1:]}
    return ModelConfig(network=network, representation=representation or {}, **model)


def labels_of(images: int = 3, seed: int = 1) -> Labels:
    """Random points well inside, three of four visible; float64."""
    generator = torch.Generator().manual_seed(seed)
    points = 0.2 + 0.6 * torch.rand(images, 17, 3, dtype=torch.float64, generator=generator)
    return Labels(points, torch.rand(images, 17, generator=generator) < 0.75)


def batch_of(images: int = 2) -> dict[str, torch.Tensor]:
    """What the module needs of a batch."""
    generator = torch.Generator().manual_seed(3)
    return {
        "image": torch.randint(0, 256, (images, 3, 16, 16), dtype=torch.uint8, generator=generator),
        "joints_box": torch.rand(images, 17, 2, generator=generator),
        "depth_rel_mm": torch.rand(images, 17, generator=generator) * 1000 - 500,
        "visible": torch.rand(images, 17, generator=generator) < 0.8,
        "record": torch.arange(images),
    }
