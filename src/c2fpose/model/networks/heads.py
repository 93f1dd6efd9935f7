"""What a network ends in: maps of each stack, or one module at the end of all of them."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Heads:
    """The modules that make outputs of features; a representation says which.

    A supervised stack of some depth has a 1x1 convolution to ``maps(depth)`` channels, which the next stack sees too,
    and ``read(depth)`` makes its output of them. Without ``maps`` no stack is supervised: ``end(features)`` makes the
    one output of the last stack's features. ``after()`` makes what prediction reads of the last output; in training the
    network leaves it out, and the representation's losses are handed it.
    """

    maps: Callable[[int], int] | None = None
    read: Callable[[int], nn.Module] | None = None
    end: Callable[[int], nn.Module] | None = None
    after: Callable[[], nn.Module] | None = None


def volume_heads(joints: int) -> Heads:
    """Make the paper's heads: volumes ``(B, J, D, H, W)`` by stack, depth bins as channels."""
    return Heads(maps=lambda depth: joints * depth, read=lambda depth: nn.Unflatten(1, (joints, depth)))
