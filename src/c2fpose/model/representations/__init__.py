"""The ways to represent a pose: what table 1 of the paper compares, one file each.

``interface`` has the four questions that each answers: what the network ends in, the loss against points, the points
read from an output, and how sure it is. Nothing outside this folder asks which one it has. Keys of a representation
stand in ``config/representations/``, under the same name.
"""

import importlib

from c2fpose.config.model import ModelConfig
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.representations.interface import Representation


def representation_of(config: ModelConfig) -> Representation:
    """Make the representation that ``model.network.head`` names."""
    return importlib.import_module(f"{__name__}.{config.network.head}").REPRESENTATION(config)


def network_of(config: ModelConfig) -> CoarseToFine:
    """Make the network of a configuration, with the heads of its representation."""
    return CoarseToFine(config.network, representation_of(config).heads())
