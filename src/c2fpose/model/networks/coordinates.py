"""The regression baseline of the paper's first table: the same hourglass, ending in a fully connected layer.

Coordinates are what a volume spans, scaled to [-1, 1]: x and y across the crop, z over the range of the depth bins.
"""

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from c2fpose.config.model import NetworkConfig
from c2fpose.model.networks.hourglass import Residual
from c2fpose.pose.skeleton import C2F17, Skeleton

FINAL_SIZE = 4  # cells a side that the fully connected layer sees


class CoordinateHead(nn.Module):
    """Residual blocks and max-pooling down to 4x4 cells, then one fully connected layer.

    The paper says of its baseline's head only that it is fully connected. On all cells of the last features it would
    have 100 million weights, so they are pooled first. ``numbers``: how many N it gives a joint.
    """

    def __init__(self, config: NetworkConfig, inputs: int, numbers: int = 3) -> None:
        super().__init__()
        halvings = max(0, (config.heatmap_size // FINAL_SIZE).bit_length() - 1)
        widths = [inputs, *[config.width] * halvings]
        self.blocks = nn.ModuleList(Residual(config, a, b) for a, b in itertools.pairwise(widths))
        cells = (config.heatmap_size >> halvings) ** 2
        self.linear = nn.Linear(widths[-1] * cells, numbers * config.joint_count)
        self.joints = config.joint_count

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B J N"]:
        for block in self.blocks:
            features = F.max_pool2d(block(features), 2)
        return self.linear(features.flatten(1)).unflatten(1, (self.joints, -1))


def to_relative(
    points: Float[Tensor, "*B J 3"], relative_to: str, skeleton: Skeleton = C2F17
) -> Float[Tensor, "*B J 3"]:
    """Absolute coordinates as the head is trained to give them; the root itself stays absolute.

    ``relative_to``: ``absolute``, ``root_relative`` or ``parent_relative``.
    """
    if relative_to == "absolute":
        return points
    references = points[..., _references(relative_to, skeleton), :].clone()
    references[..., skeleton.root, :] = 0
    return points - references


def to_absolute(
    points: Float[Tensor, "*B J 3"], relative_to: str, skeleton: Skeleton = C2F17
) -> Float[Tensor, "*B J 3"]:
    """Invert ``to_relative``: offsets are summed along the tree, parents before children."""
    if relative_to == "absolute":
        return points
    references = _references(relative_to, skeleton)
    absolute = {skeleton.root: points[..., skeleton.root, :]}
    for joint in skeleton.downwards[1:]:
        absolute[joint] = absolute[references[joint]] + points[..., joint, :]
    return torch.stack([absolute[joint] for joint in range(skeleton.joints)], -2)


def _references(relative_to: str, skeleton: Skeleton) -> list[int]:
    if relative_to == "root_relative":
        return [skeleton.root] * skeleton.joints
    return [skeleton.root if parent < 0 else parent for parent in skeleton.parents]
