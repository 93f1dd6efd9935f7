"""The parts of a network from image to end, for what is kept as it is or trained at rates of its own."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from torch import nn

if TYPE_CHECKING:
    from c2fpose.model.networks.coarse_to_fine import CoarseToFine

HEADS = "heads"


def parts_of(network: "CoarseToFine") -> dict[str, list[nn.Module]]:
    """Name the modules of each part, in the order in which an image goes through them.

    ``stem``; ``stack1``, ``link1``, ``stack2``, ... without what makes their outputs; ``heads``: all of that. Every
    weight of the network is in one part.
    """
    parts: dict[str, list[nn.Module]] = {"stem": [network.stem]}
    heads: list[nn.Module] = []
    for number, stack in enumerate(cast(Iterable[Any], network.stacks), start=1):
        parts[f"stack{number}"] = [stack.hourglass, stack.features]
        heads += [stack.heatmaps] if stack.heatmaps is not None else []
        if number <= len(network.links):
            parts[f"link{number}"] = [network.links[number - 1]]
    known = {"stem", "stacks", "links"}
    heads += [module for name, module in network.named_children() if name not in known]
    return parts | {HEADS: heads}


def weights_of(modules: list[nn.Module]) -> Iterator[nn.Parameter]:
    """List the weights of some modules."""
    for module in modules:
        yield from module.parameters()
