"""Checkpoints back into modules, with a clear word for every file that is not one of ours."""

from pathlib import Path
from typing import Any

import torch

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.model.checkpoints.formats import read_safetensors
from c2fpose.model.module import PoseModule

_MAKE_ONE = "give a .ckpt file written by python -m c2fpose.train"


def load_module(path: str | Path) -> PoseModule:
    """The trained module of a Lightning checkpoint, on the CPU, in evaluation mode; of a .safetensors file likewise.

    The configuration is the checkpoint's own; what it was trained on stands in ``module.hparams["provenance"]``.
    Nothing but tensors and plain values is unpickled, so a foreign file can do no harm. Raises ``UserError`` for a
    file that is missing, damaged or no checkpoint of this package, and for weights that do not fit the configuration
    beside them or are not finite.
    """
    saved = read_checkpoint(path)
    hyper_parameters = saved["hyper_parameters"]
    try:
        module = PoseModule(hyper_parameters["model"], hyper_parameters.get("provenance"))
    except ConfigError as error:
        raise UserError(f"{path}: configuration of another version of c2fpose ({error})") from None
    _fill(module, saved["state_dict"], path)
    return module.eval()


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """The dictionary in a checkpoint file, checked to hold ``state_dict`` and ``hyper_parameters.model``."""
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such checkpoint; {_MAKE_ONE}")
    if not path.is_file():
        raise UserError(f"{path}: a directory, not a checkpoint; {_MAKE_ONE}")
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and torch raise many kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if reason.startswith("Weights only load failed"):  # torch's advice is for programmers
            reason = "holds more than tensors and plain values, or none"
        raise UserError(f"{path}: not a checkpoint, or a damaged one ({_shortened(reason)}); {_MAKE_ONE}") from None
    if not isinstance(saved, dict) or not isinstance(saved.get("state_dict"), dict):
        raise UserError(f"{path}: holds no network of c2fpose; {_MAKE_ONE}")
    hyper_parameters = saved.get("hyper_parameters")
    if not isinstance(hyper_parameters, dict) or not isinstance(hyper_parameters.get("model"), dict):
        raise UserError(f"{path}: a checkpoint of another kind of network, no c2fpose configuration in it; {_MAKE_ONE}")
    return saved


def _fill(module: PoseModule, weights: dict[str, torch.Tensor], path: str | Path) -> None:
    """Load weights that fit exactly; else name the first difference."""
    expected = module.state_dict()
    for name in sorted(expected.keys() ^ weights.keys()):
        where = "is missing" if name in expected else "has no place in it"
        raise UserError(f"{path}: weights are of another configuration than the one beside them: {name} {where}")
    for name, weight in weights.items():
        if weight.shape != expected[name].shape:
            raise UserError(
                f"{path}: weights are of another configuration than the one beside them: {name} is "
                f"{tuple(weight.shape)}, expected {tuple(expected[name].shape)}"
            )
        if not weight.isfinite().all():
            raise UserError(f"{path}: {name} is not finite: the training that wrote it had diverged")
    module.load_state_dict(weights)


def _shortened(reason: str, most: int = 120) -> str:
    return reason if len(reason) <= most else reason[: most - 3] + "..."
