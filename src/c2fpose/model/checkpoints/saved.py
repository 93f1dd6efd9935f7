"""What files of trained networks hold, checked, with a clear word for every file that is not one of ours.

``load_network`` needs no Lightning; ``load.load_module`` makes what can also be trained of the same file.
"""

from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from torch import nn

from c2fpose.base.errors import ConfigError, UserError, first_line, refusal
from c2fpose.model.checkpoints.builtin import BUILTIN, checkpoint_path, with_later_findings
from c2fpose.model.checkpoints.formats import read_safetensors
from c2fpose.model.trained import TrainedNetwork

_MAKE_ONE = "give a .ckpt file written by python -m c2fpose.train"
_Made = TypeVar("_Made", bound=nn.Module)


def load_network(path: str | Path) -> TrainedNetwork:
    """Load the trained network of a file to predict with; files and errors as of ``load.load_module``."""
    return load(path, TrainedNetwork)


def load(path: str | Path, kind: type[_Made]) -> _Made:
    """Load a file as a ``PoseModule`` or a ``TrainedNetwork``, on the CPU, in evaluation mode.

    Nothing but tensors and plain values is unpickled, so a foreign file can do no harm. Raises ``UserError`` for a
    file that is missing, damaged or no checkpoint of this package, and for weights that do not fit the configuration
    beside them or are not finite.
    """
    saved = read_checkpoint(path)
    settings = Saved.of(saved["hyper_parameters"], path)
    settings = settings._replace(model=with_later_findings(path, settings.model))
    with torch.device("meta"):  # sizes first: a configuration may ask for any amount of memory
        _check_fits(settings.made(kind, path), saved["state_dict"], path)
    made = settings.made(kind, path)
    made.load_state_dict(saved["state_dict"])
    return made.eval()


class Saved(NamedTuple):
    """What stands beside the weights in a file, whichever version wrote it."""

    model: dict[str, Any]  # a ``ModelConfig``
    provenance: dict[str, Any]
    mean_training_pose_mm: list[list[float]] | None

    @classmethod
    def of(cls, beside: Any, path: str | Path) -> "Saved":
        """Bring what a file says into today's places; raises ``UserError`` for what is not as it should be.

        Until version 0.1 the crop mode stood among the data's settings, and the mean pose in the provenance.
        """
        if not isinstance(beside, dict) or not isinstance(beside.get("model"), dict):
            raise UserError(f"{path}: no c2fpose configuration in it; {_MAKE_ONE}")
        provenance = beside.get("provenance") or {}
        if not isinstance(provenance, dict):
            raise UserError(f"{path}: its provenance is no set of values; {_MAKE_ONE}")
        provenance, model = dict(provenance), dict(beside["model"])
        mean_pose = beside.get("mean_training_pose_mm", provenance.pop("mean_training_pose_mm", None))
        if "crop_mode" not in model:
            configuration = provenance.get("configuration")
            data = configuration.get("data") if isinstance(configuration, dict) else None
            if isinstance(data, dict) and "crop_mode" in data:
                model["crop_mode"] = data["crop_mode"]
        return cls(model, provenance, mean_pose)

    def made(self, kind: type[_Made], path: str | Path) -> _Made:
        """Make a module, untrained; raises ``UserError`` for a configuration that this version does not know."""
        try:
            return kind(self.model, self.provenance, self.mean_training_pose_mm)
        except ConfigError as error:
            raise UserError(f"{path}: configuration of another version of c2fpose ({error})") from None


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read the dictionary in a checkpoint file, checked to hold ``state_dict`` and ``hyper_parameters.model``.

    Raises ``UserError`` for a file that is none. What the machine refuses, memory too, goes on as it is: the checkpoint
    may be whole, and a training that is to go on from it must not begin again.
    """
    path = checkpoint_path(path)
    if not path.exists():
        raise UserError(
            f"{path}: no such file; {BUILTIN} is the package's own network, or give a .ckpt or .safetensors of "
            "python -m c2fpose.train"
        )
    if not path.is_file():
        raise UserError(f"{path}: a directory, not a checkpoint; {_MAKE_ONE}")
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and torch raise many kinds
        if refusal(error):
            raise
        reason = first_line(error)
        if reason.startswith("Weights only load failed"):  # torch's advice is for programmers
            reason = "holds more than tensors and plain values, or none"
        if len(reason) < 8:  # a number or a letter that unpickling stumbled on
            reason = "no file of PyTorch"
        raise UserError(f"{path}: not a checkpoint, or a damaged one ({_shortened(reason)}); {_MAKE_ONE}") from None
    if not isinstance(saved, dict) or not isinstance(saved.get("state_dict"), dict):
        raise UserError(f"{path}: holds no network of c2fpose; {_MAKE_ONE}")
    hyper_parameters = saved.get("hyper_parameters")
    if not isinstance(hyper_parameters, dict) or not isinstance(hyper_parameters.get("model"), dict):
        raise UserError(f"{path}: a checkpoint of another kind of network, no c2fpose configuration in it; {_MAKE_ONE}")
    return saved


def check_numbers(weights: dict[str, Any], path: str | Path) -> None:
    """Refuse weights that are no tensors of finite numbers; the first is named. Raises ``UserError``."""
    for name, weight in weights.items():
        if not isinstance(weight, torch.Tensor) or weight.layout != torch.strided:
            raise UserError(f"{path}: {name} is no plain tensor")
        if not weight.isfinite().all():
            raise UserError(f"{path}: {name} is not finite: the training that wrote it had diverged, or it is damaged")


def _check_fits(module: nn.Module, weights: dict[str, torch.Tensor], path: str | Path) -> None:
    """Refuse weights that do not fit exactly, or are not numbers; the first difference is named."""
    expected = module.state_dict()
    for name in sorted(expected.keys() ^ weights.keys()):
        where = "is missing" if name in expected else "has no place in it"
        raise UserError(f"{path}: weights are of another configuration than the one beside them: {name} {where}")
    check_numbers(weights, path)
    for name, weight in weights.items():
        if weight.shape != expected[name].shape:
            raise UserError(
                f"{path}: weights are of another configuration than the one beside them: {name} is "
                f"{tuple(weight.shape)}, expected {tuple(expected[name].shape)}"
            )


def _shortened(reason: str, most: int = 120) -> str:
    return reason if len(reason) <= most else reason[: most - 3] + "..."
