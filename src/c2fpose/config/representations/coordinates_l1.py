"""Coordinates with the absolute error: the direct regression that integral regression was compared with."""

from c2fpose.config.representations import coordinates


class Config(coordinates.Config):
    """No keys."""
