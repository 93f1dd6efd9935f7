"""The paper's baseline: three coordinates for each joint. ``model.network.coordinates`` says relative to what."""

from typing import ClassVar

from c2fpose.config.representations import RepresentationConfig


class Config(RepresentationConfig):
    """No keys yet."""

    by_stack: ClassVar[bool] = False
    relative: ClassVar[bool] = True
