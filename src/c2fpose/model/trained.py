"""A trained network to predict with, without Lightning: that would take a third of a command's start-up to import."""

from typing import Any

import torch
from torch import nn

from c2fpose.config.model import ModelConfig
from c2fpose.config.schema import parse
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.representations import network_of, representation_of


class Trained:
    """What predicting needs of a network: a ``TrainedNetwork`` has it, and a ``PoseModule``."""

    config: ModelConfig
    network: CoarseToFine  # what takes images

    @property
    def provenance(self) -> dict[str, Any]:
        """What the training said of itself."""
        raise NotImplementedError


class TrainedNetwork(nn.Module, Trained):
    """Holds a network under the names that its weights have in ``PoseModule``; arguments as there."""

    def __init__(
        self,
        model: dict[str, Any],
        provenance: dict[str, Any] | None = None,
        mean_training_pose_mm: list[list[float]] | None = None,
    ) -> None:
        super().__init__()
        self._provenance, self.mean_training_pose_mm = dict(provenance or {}), mean_training_pose_mm
        self.config, self.network, self.learned = parts_of_model(model)

    @property
    def provenance(self) -> dict[str, Any]:
        """What the training said of itself."""
        return self._provenance


def parts_of_model(model: dict[str, Any]) -> tuple[ModelConfig, CoarseToFine, nn.Module | None]:
    """Make a configuration, its network, untrained, and what its representation learns beside it.

    Raises ``ConfigError`` for a configuration that is none.
    """
    config = parse(ModelConfig, model, "model")
    network = network_of(config)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not declared
    return config, network, representation_of(config).learned()
