"""From one file format of a checkpoint to the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from c2fpose.model.checkpoints.formats import check_suffix, save_checkpoint, save_safetensors

if TYPE_CHECKING:
    from c2fpose.model.module import PoseModule


def convert(source: Path, out: Path) -> None:
    """From either format to either; the suffixes tell which. The weights are checked against their configuration."""
    from c2fpose.model.checkpoints.load import load_module

    for path in (source, out):
        check_suffix(path)
    save_module(load_module(source), out)


def save_module(module: PoseModule, out: Path) -> None:
    """Write a module's weights, configuration and provenance in the format of the suffix."""
    save = save_checkpoint if out.suffix == ".ckpt" else save_safetensors
    model, provenance = module.config.model_dump(mode="json"), dict(module.hparams.get("provenance") or {})
    save(out, module.state_dict(), model, provenance, module.hparams.get("mean_training_pose_mm"))
