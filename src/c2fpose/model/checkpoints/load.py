"""Checkpoints back into modules that can be trained and evaluated."""

from pathlib import Path

from c2fpose.model.checkpoints.saved import load
from c2fpose.model.module import PoseModule


def load_module(path: str | Path) -> PoseModule:
    """Load the trained module of a Lightning checkpoint, on the CPU, in evaluation mode; of a .safetensors file too,
    and of ``builtin`` the network that comes with the package.

    The configuration is the checkpoint's own; what it was trained on stands in ``module.provenance``. Raises
    ``UserError`` as ``saved.load``.
    """
    return load(path, PoseModule)
