"""From one file format of a checkpoint to the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from c2fpose.base.errors import ConfigError
from c2fpose.model.checkpoints.formats import check_suffix, save_checkpoint, save_safetensors
from c2fpose.model.checkpoints.load import load_module

if TYPE_CHECKING:
    from c2fpose.model.module import PoseModule


def convert(source: Path, out: Path, *, half: bool = False) -> None:
    """From either format to either; the suffixes tell which. The weights are checked against their configuration.

    ``half``: see ``save_safetensors``; raises ``ConfigError`` for a checkpoint, which trainings go on from.
    """
    for path in (source, out):
        check_suffix(path)
    check_another_file(source, out)
    if half and out.suffix == ".ckpt":
        raise ConfigError(f"{out}: half precision is for .safetensors; a checkpoint keeps all digits")
    save_module(load_module(source), out, half=half)


def check_another_file(source: Path, out: Path) -> None:
    """Refuse to write over what is read: a training could not go on from it any more. Raises ``ConfigError``."""
    if out.exists() and source.exists() and out.samefile(source):
        raise ConfigError(f"out={out}: is the file that is read, and would lose its training's state; give another")


def save_module(module: PoseModule, out: Path, *, half: bool = False) -> None:
    """Write a module's weights, configuration and provenance in the format of the suffix."""
    model, provenance = module.config.model_dump(mode="json"), dict(module.provenance)
    what = module.state_dict(), model, provenance, module.hparams.get("mean_training_pose_mm")
    if out.suffix == ".ckpt":
        save_checkpoint(out, *what)
    else:
        save_safetensors(out, *what, half=half)
