"""The ways to represent a pose that ``model.network.head`` can name, and the keys of each.

One file each: the schema of ``model.representation`` in it is called ``Config``. The file of the same name in
``model/representations`` does what it says. Found by looking, without importing PyTorch: a new one is two files here
and there, and nothing else.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING, ClassVar

from c2fpose.config.schema import Schema

if TYPE_CHECKING:
    from c2fpose.config.model import ModelConfig, NetworkConfig


class RepresentationConfig(Schema):
    """The keys of one representation, and what may go with it; the base has no keys."""

    volumetric: ClassVar[bool] = False  # volumes of likelihoods along the stacks, which can be looked at
    decodings: ClassVar[tuple[str, ...]] = ()  # of ``DecodingConfig.method``; empty: points are read in one way alone
    expectation: ClassVar[bool] = False  # ``loss.expectation`` adds to its loss
    joints_first: ClassVar[bool] = True  # maps stand joint by joint; False: all joints' x and y, then all depths
    sized: ClassVar[bool] = False  # poses in mm by themselves: strong perspective places them, without mean limbs
    relative: ClassVar[bool] = False  # coordinates may be relative to another joint
    bins: ClassVar[bool] = False  # depth is read from the last stack's bins, of which one alone would say nothing
    by_stack: ClassVar[bool] = True  # every supervised stack has an output of its own; False: the last features alone

    @classmethod
    def check_network(cls, network: "NetworkConfig") -> None:
        """Raise ``ValueError`` for a network that this representation cannot go with."""
        if not cls.by_stack and len(network.depths) > 1:
            raise ValueError(
                f"head={network.head} has one stack; depths={list(network.depths)} has {len(network.depths)}"
            )
        if cls.bins and network.depths[-1] < 2:
            raise ValueError(
                f"depths={list(network.depths)} ends in a single bin of depth; head={network.head} needs two at least"
            )
        if not cls.relative and network.coordinates != "absolute":
            raise ValueError(
                f"coordinates={network.coordinates} is for head={' and '.join(_relative())}; head={network.head} "
                "has absolute ones alone"
            )

    @classmethod
    def check_decoding(cls, method: str, head: str) -> None:
        """Raise ``ValueError`` for a way of reading points that this representation does not have."""
        if method not in cls.decodings:
            ways = " and ".join(cls.decodings) if cls.decodings else "one way alone to read its points"
            raise ValueError(f"decoding={method} is not for head={head}, which has {ways}")

    def check_model(self, model: "ModelConfig") -> None:
        """Raise ``ValueError`` for settings that this representation cannot go with.

        The other ways to decode are what a scale, made for volumes, asks of every head: some ignore them.
        """
        if model.decoding.method == "subvoxel":
            self.check_decoding("subvoxel", model.network.head)
        if model.grow_depth and not self.volumetric:
            raise ValueError(f"grow_depth={list(model.grow_depth)} is for volumes; head={model.network.head} has none")


def names() -> tuple[str, ...]:
    """List the representations that there are, by name."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def _relative() -> list[str]:
    return [name for name in names() if schema_of(name).relative]


def schema_of(name: str) -> type[RepresentationConfig]:
    """Find the schema of a representation's keys; raises ``ValueError`` with the list for an unknown name."""
    if name not in names():
        raise ValueError(f"{name!r}: expected one of {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}").Config
