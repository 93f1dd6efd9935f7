"""The paper's own: a volume of likelihoods for each joint. Its keys are ``model.target`` and ``model.decoding``."""

from typing import ClassVar

from c2fpose.config.representations import RepresentationConfig


class Config(RepresentationConfig):
    """No keys beside the target and the decoding."""

    volumetric: ClassVar[bool] = True
    expectation: ClassVar[bool] = True
    decodings: ClassVar[tuple[str, ...]] = ("argmax", "subvoxel", "expectation")
