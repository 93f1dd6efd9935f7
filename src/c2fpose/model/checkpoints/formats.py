"""Weights with their configuration inside, as Lightning checkpoints and as safetensors.

Both formats hold the same: ``state_dict`` as the module names its weights, and ``hyper_parameters`` with the model's
configuration and where it comes from. Reading executes nothing from the file.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2fpose.base.errors import UserError

SUFFIXES = (".ckpt", ".safetensors")
_METADATA_KEY = "c2fpose"  # one JSON text in the header: safetensors allows only strings there


def save_checkpoint(
    path: Path, state_dict: Mapping[str, Tensor], model: dict[str, Any], provenance: dict[str, Any]
) -> None:
    """Write weights as a Lightning checkpoint of ``PoseModule``; the file has its name only when it is complete."""
    import pytorch_lightning as pl

    saved = {
        "pytorch-lightning_version": pl.__version__,
        "epoch": 0,
        "global_step": 0,
        "state_dict": dict(state_dict),
        "hyper_parameters": {"model": model, "provenance": provenance},
        "hparams_name": "kwargs",
    }
    _write(path, lambda partial: torch.save(saved, partial))


def save_safetensors(
    path: Path, state_dict: Mapping[str, Tensor], model: dict[str, Any], provenance: dict[str, Any]
) -> None:
    """Write weights as safetensors, configuration and provenance in the header; complete or not at all."""
    from safetensors.torch import save_file

    header = {_METADATA_KEY: json.dumps({"model": model, "provenance": provenance}, sort_keys=True)}
    # ``clone`` brings channels-last weights into the plain layout, the only one that the format knows.
    tensors = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format) for name, value in state_dict.items()
    }
    _write(path, lambda partial: save_file(tensors, partial, metadata=header))


def read_safetensors(path: Path) -> dict[str, Any]:
    """The same dictionary as in a checkpoint. Raises ``UserError`` for a damaged or foreign file."""
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise UserError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[_METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        return {"state_dict": tensors, "hyper_parameters": {key: header[key] for key in ("model", "provenance")}}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a safetensors file, or a damaged one ({error})") from None
    except (KeyError, ValueError, TypeError):
        raise UserError(f"{path}: safetensors without a c2fpose configuration in its header") from None


def _write(path: Path, write: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        write(partial)
        os.replace(partial, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error})") from None
    finally:
        partial.unlink(missing_ok=True)
