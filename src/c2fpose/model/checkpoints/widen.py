"""Begin a wide network with a narrow one's weights: the same function, with room to learn more.

Every channel is copied next to itself, what reads copies weighs each less (Net2Net, Chen, Goodfellow and Shlens 2016,
section 3.1). There the copies are told apart by noise that changes the function a little; here the noise of a channel's
copies adds up to nothing, so that the function stays and the copies still learn apart.
"""

import torch
from torch import Tensor

# Weights of these read or write the image or maps, whose channels are as many in every width
_READS_NO_FEATURES = ("network.stem.conv.weight", ".from_heatmaps.weight")
_WRITES_NO_FEATURES = (".heatmaps.weight", ".heatmaps.bias")
_WIDENED = ("network.stem.", "network.stacks.", "network.links.")


def widened(weights: dict[str, Tensor], times: int) -> dict[str, Tensor]:
    """Repeat the channels of a network's stem, stacks and links, as for a network ``times`` as wide; a new dictionary.

    Only networks with BatchNorm stay the same function: groups of GroupNorm would hold other channels. Weights of other
    parts are left out. The noise is as large as the weights that it is added to.
    """
    return {name: _copied(name, weight, times) for name, weight in weights.items() if name.startswith(_WIDENED)}


def _copied(name: str, weight: Tensor, times: int) -> Tensor:
    if not weight.ndim:  # BatchNorm's count of batches
        return weight.clone()
    if not name.endswith(_WRITES_NO_FEATURES):
        weight = weight.repeat_interleave(times, 0)
    if weight.ndim == 1 or name.endswith(_READS_NO_FEATURES):
        return weight.clone()
    copies = torch.randn(*weight.shape[:2], times, *weight.shape[2:], dtype=weight.dtype)
    copies = weight.std() / times * (copies - copies.mean(2, keepdim=True))
    return (weight.unsqueeze(2) / times + copies).flatten(1, 2)
