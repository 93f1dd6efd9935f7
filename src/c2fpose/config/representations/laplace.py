"""Coordinates with a spread that the network learns beside them, as Laplace distributions."""

from typing import TYPE_CHECKING, ClassVar

from c2fpose.config.representations import RepresentationConfig

if TYPE_CHECKING:
    from c2fpose.config.model import NetworkConfig


class Config(RepresentationConfig):
    """No keys."""

    by_stack: ClassVar[bool] = False

    @classmethod
    def check_network(cls, network: "NetworkConfig") -> None:
        super().check_network(network)
        if network.coordinates != "absolute":
            raise ValueError(
                f"coordinates={network.coordinates} is for head=coordinates; the spread that head={network.head} "
                "learns is of absolute ones"
            )
