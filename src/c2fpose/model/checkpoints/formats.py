"""Weights with their configuration inside, as Lightning checkpoints and as safetensors.

Both formats hold the same: ``state_dict`` as the module names its weights, and ``hyper_parameters`` with the model's
configuration and where it comes from. Reading executes nothing from the file.
"""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from c2fpose.base.errors import UserError
from c2fpose.base.files import written_whole

SUFFIXES = (".ckpt", ".safetensors")
# In the directory of a run: of a training under way, and of one that has come to its end
LAST, FINAL = "checkpoints/last.ckpt", "checkpoints/final.ckpt"
_METADATA_KEY = "c2fpose"  # one JSON text in the header: safetensors allows only strings there


def check_suffix(path: Path) -> None:
    """Refuse a file name that does not say which of our formats it is. Raises ``UserError``."""
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path}: must end in {' or '.join(SUFFIXES)}")


def save_checkpoint(
    path: Path,
    state_dict: Mapping[str, Tensor],
    model: dict[str, Any],
    provenance: dict[str, Any],
    mean_training_pose_mm: list[list[float]] | None = None,
) -> None:
    """Write weights as a Lightning checkpoint of ``PoseModule``; the file has its name only when it is complete."""
    saved = {
        "pytorch-lightning_version": version("pytorch-lightning"),
        "epoch": 0,
        "global_step": 0,
        "state_dict": dict(state_dict),
        "hyper_parameters": _beside(model, provenance, mean_training_pose_mm),
        "hparams_name": "kwargs",
    }
    with written_whole(path, foreign=(RuntimeError,)) as temporary:
        torch.save(saved, temporary)


def save_safetensors(
    path: Path,
    state_dict: Mapping[str, Tensor],
    model: dict[str, Any],
    provenance: dict[str, Any],
    mean_training_pose_mm: list[list[float]] | None = None,
    *,
    half: bool = False,
) -> None:
    """Write weights as safetensors, configuration and provenance in the header; complete or not at all.

    With ``half`` the convolutions' weights, nearly all of the file, are rounded to half precision (float16).
    """
    header = {_METADATA_KEY: json.dumps(_beside(model, provenance, mean_training_pose_mm), sort_keys=True)}
    # ``clone`` brings channels-last weights into the plain layout, the only one that the format knows.
    tensors = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format) for name, value in state_dict.items()
    }
    if half:
        tensors = {name: value.half() if value.ndim == 4 else value for name, value in tensors.items()}
    with written_whole(path, foreign=(SafetensorError,)) as temporary:
        # its own way to files leaves another temporary one behind where a kill stops it
        temporary.write_bytes(save(tensors, metadata=header))


def read_safetensors(path: Path) -> dict[str, Any]:
    """Read the same dictionary as in a checkpoint. Raises ``UserError`` for a damaged or foreign file."""
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[_METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        beside = _beside(header["model"], header["provenance"], header.get("mean_training_pose_mm"))
        return {"state_dict": tensors, "hyper_parameters": beside}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a safetensors file, or a damaged one ({error})") from None
    except (KeyError, ValueError, TypeError):
        raise UserError(f"{path}: safetensors without a c2fpose configuration in its header") from None


def _beside(
    model: dict[str, Any], provenance: dict[str, Any], mean_training_pose_mm: list[list[float]] | None
) -> dict[str, Any]:
    """Put together what stands beside the weights: the arguments of ``PoseModule``."""
    pose = {} if mean_training_pose_mm is None else {"mean_training_pose_mm": mean_training_pose_mm}
    return {"model": model, "provenance": provenance} | pose
