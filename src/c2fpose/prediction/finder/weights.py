"""The finder's weights as one small safetensors file, and the network from it."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from c2fpose.base.errors import UserError, readable
from c2fpose.base.files import written_whole
from c2fpose.prediction.finder.network import Finder

BUILTIN = "builtin"  # the file that ships in the package
_KEY = "c2fpose_finder"  # one JSON text in the header: safetensors allows only strings there


@dataclass(frozen=True)
class TrainedFinder:
    """A network ready to find, and what its training said."""

    network: nn.Module  # evaluation mode, normalisations folded
    size: int  # px, side of the frame that it was trained on
    least_score: float  # a peak below is no person
    said: dict[str, Any]  # recipe, data, measurements

    @property
    def judge(self) -> dict[str, float] | None:
        """The weights of ``judge.Judge``, if some were fitted."""
        return self.said.get("judge")


def save_finder(path: Path, network: Finder, said: dict[str, Any]) -> None:
    """Write weights in half precision, normalisations in float32; complete or not at all.

    ``said`` must hold ``size`` and ``least_score``. Raises ``OutputError`` where the place cannot be written to.
    """
    tensors = {}
    for name, value in network.state_dict().items():
        value = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        tensors[name] = value.half() if value.ndim == 4 else value
    with written_whole(path) as partial:
        partial.write_bytes(save(tensors, metadata={_KEY: json.dumps(said, sort_keys=True)}))


@cache
def load_finder(path: str | Path = BUILTIN) -> TrainedFinder:
    """Load a finder written by ``python -m c2fpose.finder``; ``builtin`` is the package's own.

    Raises ``UserError`` for a file that is missing, damaged or no finder.
    """
    network, said = read_finder(path)
    return TrainedFinder(folded(network), int(said["size"]), float(said["least_score"]), said)


def read_finder(path: str | Path) -> tuple[Finder, dict[str, Any]]:
    """Read a network, as it was trained, and what its training said. Raises as ``load_finder``."""
    if path == BUILTIN:
        path = Path(str(files("c2fpose.prediction.finder") / "finder.safetensors"))
    if not Path(path).is_file():
        raise UserError(f"{path}: no such finder; python -m c2fpose.finder trains one")
    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get(_KEY)
            weights = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a finder, or a damaged one ({error})") from None
    if text is None:
        raise UserError(f"{path}: weights, but not a finder's; python -m c2fpose.finder trains one")
    network = Finder()
    try:
        network.load_state_dict({n: w.float() if w.is_floating_point() else w for n, w in weights.items()})
    except RuntimeError:
        raise UserError(f"{path}: a finder of another version of c2fpose") from None
    with readable(path, "not a finder, or a damaged one", "python -m c2fpose.finder trains one"):
        said = json.loads(text)
        if not (16 <= int(said["size"]) <= 4096 and 0 <= float(said["least_score"]) <= 1):
            raise ValueError(f"size {said['size']} px, least_score {said['least_score']}")
        if (judge := said.get("judge")) is not None:
            said["judge"] = {name: float(judge[name]) for name in ("score", "confidence", "constant", "least")}
    return network.eval(), said


def folded(network: nn.Module) -> nn.Module:
    """Fold each BatchNorm that follows a convolution in a ``Sequential`` into it; in place, evaluation mode."""
    network.eval()
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential):
            for at in range(len(module) - 1):
                conv, norm = module[at], module[at + 1]
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    module[at], module[at + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    # torch's declarations lack the keyword
    return network.to(memory_format=torch.channels_last).requires_grad_(False)  # type: ignore[call-overload]
