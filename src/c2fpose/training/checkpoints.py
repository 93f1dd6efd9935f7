"""Checkpoints of a training under way: written beside the one before, read back, and only then in its place."""

from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from c2fpose.base.files import written_whole


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's own moves a temporary file out of ``/tmp`` over the last checkpoint.

    Across file systems that is a copy: killed in that moment, a training would have lost its only checkpoint.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write a checkpoint whole; raises ``OutputError`` where it cannot be, and leaves the one before."""
        # torch's zip writer has an error of its own for a full disk
        with written_whole(Path(path), check=_read, foreign=(RuntimeError,)) as temporary:
            torch.save(checkpoint, temporary)


def _read(path: Path) -> None:
    torch.load(path, map_location="cpu", weights_only=True)
