"""What computes a trained network: PyTorch, ONNX Runtime or OpenVINO, behind one call.

An engine takes crops as bytes ``(B, 3, S, S)`` and gives the network's last output: the last stack's volume
``(B, J, D, H, W)``, coordinates ``(B, J, 3)``, or what another representation has. Mirror images, decoding and
everything after it are the package's own, whatever the engine. Each is a file with an ``ENGINE`` (``_kind``), found by
looking; ``_exported`` is what files of networks hold.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from jaxtyping import Float, UInt8
from torch import Tensor, device, inference_mode  # not torch itself: here that is a file of this folder

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.config.model import ModelConfig
from c2fpose.config.prediction import NETWORK_SUFFIXES
from c2fpose.model.checkpoints.builtin import BUILTIN, checkpoint_path
from c2fpose.model.checkpoints.saved import load_network
from c2fpose.model.device import device_for
from c2fpose.model.inference import points_of, reading_of
from c2fpose.model.precision import resolve_precision
from c2fpose.model.representations import representation_of
from c2fpose.model.representations.interface import Certainty
from c2fpose.model.trained import Trained
from c2fpose.prediction.engines._exported import METADATA, header, imported, read_openvino, to_onnx, understood
from c2fpose.prediction.engines._kind import Engine, Kind
from c2fpose.prediction.engines.torch import TorchEngine, module_device

__all__ = [
    "METADATA", "TORCH", "Engine", "Predictor", "TorchEngine", "engine_names", "header", "imported", "installed",
    "load_predictor", "make_predictor", "precision_of", "read_openvino", "to_onnx",
]  # fmt: skip

TORCH = "torch"


def engine_names() -> tuple[str, ...]:
    """List the engines that there are, PyTorch first."""
    found = (module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(sorted(found, key=lambda name: (name != TORCH, name)))


def _kind_of(name: str) -> Kind:
    if name not in engine_names():
        raise ConfigError(f"engine={name}: expected auto or one of {', '.join(engine_names())}")
    kind: Kind = importlib.import_module(f"{__name__}.{name}").ENGINE
    return kind


def _engines_for(suffix: str) -> list[str]:
    """Name the engines that compute a kind of file, whose own it is first."""
    kinds = {name: _kind_of(name) for name in engine_names()}
    fit = [name for name, kind in kinds.items() if suffix in kind.suffixes]
    return sorted(fit, key=lambda name: kinds[name].suffixes.index(suffix))


def installed(name: str) -> bool:
    """Whether what an engine needs is there."""
    return all(find_spec(package) for package in _kind_of(name).packages)


@dataclass(frozen=True)
class Predictor:
    """An engine and what must be known to make points of its output."""

    config: ModelConfig
    provenance: dict[str, Any]  # of the training
    engine: Engine
    name: str  # of the engine, one of engine_names()
    precision: str

    @property
    def device(self) -> str:
        """Where the engine computes: ``cpu`` or ``cuda``."""
        return self.engine.device.type if isinstance(self.engine, TorchEngine) else "cpu"

    def predict_points(self, image: UInt8[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        """As ``PoseModule.predict_points``."""
        with inference_mode():
            return points_of(image, self.config, self.engine)

    def predict_with_certainty(
        self, image: UInt8[Tensor, "B 3 S S"]
    ) -> tuple[Float[Tensor, "B J 3"], Certainty | None]:
        """Find the points of crops, and how sure they are: None where the representation cannot say."""
        representation = representation_of(self.config)
        with inference_mode():
            reading = reading_of(image, representation, self.engine)
            return representation.points(reading), representation.certainty(reading)


# --- from a file or a module ---


def load_predictor(
    path: str | Path, engine: str = "auto", precision: str = "auto", accelerator: str = "cpu"
) -> Predictor:
    """Load a checkpoint, ``builtin`` or an exported file, ready to predict.

    ``engine``: of ``engine_names()``; ``auto`` is ``torch`` for checkpoints, ``onnxruntime`` for .onnx and
    ``openvino`` for .xml. ``accelerator``: as ``device_for``; of PyTorch alone, the other engines compute on the
    processor. Raises ``UserError`` for files, engines and accelerators that do not go together, or are missing.
    """
    if engine != "auto":
        _kind_of(engine)
    path = checkpoint_path(path)
    if path.suffix not in NETWORK_SUFFIXES:
        if not path.exists():
            raise UserError(
                f"{path}: no such file; {BUILTIN} is the package's own network, or give a .ckpt or .safetensors of "
                "c2fpose.train, or an .onnx or .xml of c2fpose.export"
            )
        name = TORCH if engine == "auto" else engine
        return make_predictor(load_network(path).to(_device_of(name, accelerator)), name, precision)
    allowed = _engines_for(path.suffix)
    name = allowed[0] if engine == "auto" else engine
    kind = _kind_of(name)
    if name not in allowed or kind.of_file is None:
        raise ConfigError(f"engine={name} cannot run {path}; {' or '.join(allowed)} can")
    _device_of(name, accelerator)
    precision = precision_of(name, precision)
    if not path.is_file():
        raise UserError(f"{path}: no such file; python -m c2fpose.export makes one of a checkpoint")
    metadata, made = kind.of_file(path, precision)
    return Predictor(*understood(metadata, path), made, name, precision)


def _device_of(name: str, accelerator: str) -> device:
    """Choose where an engine computes. Raises ``ConfigError`` for a GPU that is not there, or not for this engine."""
    if name == TORCH:
        return device_for(accelerator)
    if accelerator == "gpu":
        raise ConfigError(f"accelerator=gpu: engine={name} computes on the processor; engine=torch can use a GPU")
    return device_for("cpu")


def make_predictor(module: Trained, name: str = TORCH, precision: str = "auto") -> Predictor:
    """Put a trained module's network in an engine. The module stays as it is."""
    precision = precision_of(name, precision, module_device(module).type)
    made = _kind_of(name).of_module(module, precision)
    return Predictor(module.config, dict(module.provenance), made, name, precision)


def precision_of(name: str, precision: str, device: str = "cpu") -> str:
    """``auto`` resolved for an engine; ``ConfigError`` for numbers that it cannot compute in."""
    allowed = _kind_of(name).precisions
    if precision == "auto":
        return allowed[0] if len(allowed) == 1 else resolve_precision(precision, "cpu" if device == "cpu" else "gpu")
    if precision not in allowed:
        raise ConfigError(f"precision={precision} is not for engine={name}; it knows auto, {', '.join(allowed)}")
    return precision
