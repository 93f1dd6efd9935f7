"""From bytes to what the network sees, and the last of what it says."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def normalise(image: UInt8[Tensor, "B 3 S S"], network: torch.nn.Module) -> Float[Tensor, "B 3 S S"]:
    """Bytes to 0..1, no mean subtracted (authors' code), in the number and memory format of the network."""
    dtype = next(network.parameters()).dtype
    return image.to(dtype).div_(255).contiguous(memory_format=torch.channels_last)


def last_output(
    network: torch.nn.Module, image: UInt8[Tensor, "B 3 S S"]
) -> Float[Tensor, "B J D H W"] | Float[Tensor, "B J 3"]:
    """The last stack's volume, or the coordinates, of crops as bytes."""
    output = network(normalise(image, network))
    return output[-1] if isinstance(output, list) else output
