"""A trained network to predict with, without Lightning: that would take a third of a command's start-up to import."""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from c2fpose.config.model import ModelConfig
from c2fpose.config.schema import parse
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.representations import network_of, representation_of


@runtime_checkable  # for the tests, which check types as they run
class Trained(Protocol):
    """What predicting needs of a network: a ``TrainedNetwork`` has it, and a ``PoseModule``."""

    @property
    def config(self) -> ModelConfig:
        """The network's configuration."""

    @property
    def network(self) -> CoarseToFine:
        """What takes images."""

    @property
    def provenance(self) -> dict[str, Any]:
        """What the training said of itself."""


class TrainedNetwork(nn.Module):
    """Holds a network under the names that its weights have in ``PoseModule``; arguments as there."""

    def __init__(
        self,
        model: dict[str, Any],
        provenance: dict[str, Any] | None = None,
        mean_training_pose_mm: list[list[float]] | None = None,
    ) -> None:
        super().__init__()
        self.provenance, self.mean_training_pose_mm = dict(provenance or {}), mean_training_pose_mm
        self.config, self.network, self.learned = parts_of_model(model)


def parts_of_model(model: dict[str, Any]) -> tuple[ModelConfig, CoarseToFine, nn.Module | None]:
    """Make a configuration, its network, untrained, and what its representation learns beside it.

    Raises ``ConfigError`` for a configuration that is none.
    """
    config = parse(ModelConfig, model, "model")
    network = network_of(config)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not declared
    return config, network, representation_of(config).learned()
