"""From bytes to what the network sees, and the last of what it says."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def normalise(image: UInt8[Tensor, "B 3 S S"], network: torch.nn.Module) -> Float[Tensor, "B 3 S S"]:
    """Bytes to 0..1, no mean subtracted (authors' code), in the number and memory format of the network."""
    dtype = next(network.parameters()).dtype
    return image.to(dtype).div_(255).contiguous(memory_format=torch.channels_last)


def outputs_of(network: torch.nn.Module, image: UInt8[Tensor, "B 3 S S"]) -> list[Float[Tensor, "B J ..."]]:
    """Run crops as bytes through the network: an output for each supervised stack, or the one at its end."""
    outputs = network(normalise(image, network))
    return outputs if isinstance(outputs, list) else [outputs]


def last_output(network: torch.nn.Module, image: UInt8[Tensor, "B 3 S S"]) -> Float[Tensor, "B J ..."]:
    """Run crops as bytes through the network: the last stack's volume, or what else its representation puts out."""
    return outputs_of(network, image)[-1]
