"""Coordinates with a spread that the network learns beside them, as Laplace distributions."""

from typing import ClassVar

from c2fpose.config.representations import RepresentationConfig


class Config(RepresentationConfig):
    """No keys."""

    by_stack: ClassVar[bool] = False
