"""BatchNorm folded into the convolutions before it, for prediction."""

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.networks.hourglass import Lin, Residual, Stem

# Layers whose output goes straight into a normalisation. A residual block's first norm follows a sum and stays.
_PAIRS = {Residual: (("conv1", "norm2"), ("conv2", "norm3")), Lin: (("conv", "norm"),), Stem: (("conv", "norm"),)}


def fold(network: CoarseToFine) -> CoarseToFine:
    """Make a copy in evaluation mode with the same outputs, up to rounding, and two thirds fewer normalisations.

    The network given stays as it is. GroupNorm depends on each image and is kept.
    """
    folded = copy.deepcopy(network).eval()
    for block in list(folded.modules()):
        for conv, norm in _PAIRS.get(type(block), ()):
            if isinstance(getattr(block, norm), nn.BatchNorm2d):
                setattr(block, conv, fuse_conv_bn_eval(getattr(block, conv), getattr(block, norm)))
                setattr(block, norm, nn.Identity())
    return folded
