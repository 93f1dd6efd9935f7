"""What computes a trained network: PyTorch, ONNX Runtime or OpenVINO, behind one call.

An engine takes crops as bytes ``(B, 3, S, S)`` and gives the network's last output: the last stack's volume
``(B, J, D, H, W)``, coordinates ``(B, J, 3)``, or what another representation has. Mirror images, decoding and
everything after it are the package's own, whatever the engine.
"""

from __future__ import annotations

import copy
import importlib
import io
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from c2fpose.base.errors import ConfigError, UserError, how_to_install
from c2fpose.base.signals import stops_between_steps
from c2fpose.config.model import ModelConfig
from c2fpose.config.prediction import NETWORK_SUFFIXES
from c2fpose.config.schema import parse
from c2fpose.model.checkpoints.builtin import BUILTIN, checkpoint_path
from c2fpose.model.checkpoints.saved import Saved, load_network
from c2fpose.model.inference import points_of, reading_of
from c2fpose.model.networks.batch_norm import batch_statistics
from c2fpose.model.networks.folding import fold
from c2fpose.model.networks.input import last_output, normalise
from c2fpose.model.precision import resolve_precision
from c2fpose.model.representations import representation_of
from c2fpose.model.representations.interface import Certainty
from c2fpose.model.trained import Trained

if TYPE_CHECKING:
    from openvino import Model
Engine = Callable[[UInt8[Tensor, "B 3 S S"]], Tensor]

TORCH, ONNXRUNTIME, OPENVINO = "torch", "onnxruntime", "openvino"
ENGINES = (TORCH, ONNXRUNTIME, OPENVINO)
METADATA = "c2fpose"  # the key in an exported file, of one JSON text
_INPUT, _OPSET = "image", 18


@dataclass(frozen=True)
class Predictor:
    """An engine and what must be known to make points of its output."""

    config: ModelConfig
    provenance: dict[str, Any]  # of the training
    engine: Engine
    name: str  # of the engine, one of ENGINES
    precision: str

    def predict_points(self, image: UInt8[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        """As ``PoseModule.predict_points``."""
        with torch.inference_mode():
            return points_of(image, self.config, self.engine)

    def predict_with_certainty(
        self, image: UInt8[Tensor, "B 3 S S"]
    ) -> tuple[Float[Tensor, "B J 3"], Certainty | None]:
        """Find the points of crops, and how sure they are: None where the representation cannot say."""
        representation = representation_of(self.config)
        with torch.inference_mode():
            reading = reading_of(image, representation, self.engine)
            return representation.points(reading), representation.certainty(reading)


# --- from a file or a module ---


def load_predictor(path: str | Path, engine: str = "auto", precision: str = "auto") -> Predictor:
    """Load a checkpoint, ``builtin`` or an exported file, ready to predict.

    ``engine``: of ``ENGINES``; ``auto`` is ``torch`` for checkpoints, ``onnxruntime`` for .onnx and ``openvino`` for
    .xml. Raises ``UserError`` for files and engines that do not go together, or are missing.
    """
    path = checkpoint_path(path)
    if path.suffix not in NETWORK_SUFFIXES:
        if not path.exists():
            raise UserError(
                f"{path}: no such file; {BUILTIN} is the package's own network, or give a .ckpt or .safetensors of "
                "c2fpose.train, or an .onnx or .xml of c2fpose.export"
            )
        return make_predictor(load_network(path), TORCH if engine == "auto" else engine, precision)
    allowed = (ONNXRUNTIME, OPENVINO) if path.suffix == ".onnx" else (OPENVINO,)
    name = allowed[0] if engine == "auto" else engine
    if name not in allowed:
        raise ConfigError(f"engine={name} cannot run {path}; {' or '.join(allowed)} can")
    precision = precision_of(name, precision)
    if not path.is_file():
        raise UserError(f"{path}: no such file; python -m c2fpose.export makes one of a checkpoint")
    if name == ONNXRUNTIME:
        made = OnnxRuntimeEngine(path)
        return Predictor(*_understood(made.metadata, path), made, name, precision)
    model = read_openvino(path)
    config, provenance = _understood(_openvino_metadata(model, path), path)
    return Predictor(config, provenance, OpenVinoEngine(model, precision), name, precision)


def make_predictor(module: Trained, name: str = TORCH, precision: str = "auto") -> Predictor:
    """Put a trained module's network in an engine. The module stays as it is."""
    precision = precision_of(name, precision, _device(module).type)
    provenance = dict(module.provenance)
    if name == TORCH:
        made: Engine = TorchEngine(module, precision)
    elif name == ONNXRUNTIME:
        made = OnnxRuntimeEngine(to_onnx(module))
    else:
        made = OpenVinoEngine(read_openvino(to_onnx(module)), precision)
    return Predictor(module.config, provenance, made, name, precision)


def _device(module: Trained) -> torch.device:
    return next(module.network.parameters()).device


def precision_of(name: str, precision: str, device: str = "cpu") -> str:
    """``auto`` resolved for an engine; ``ConfigError`` for numbers that it cannot compute in."""
    if name not in ENGINES:
        raise ConfigError(f"engine={name}: expected one of {', '.join(ENGINES)}")
    allowed = {
        TORCH: ("bf16-mixed", "32-true"),
        ONNXRUNTIME: ("32-true",),  # its convolutions know no bf16 on a processor
        OPENVINO: ("bf16-mixed", "32-true"),
    }[name]
    if precision == "auto":
        return allowed[0] if len(allowed) == 1 else resolve_precision(precision, "cpu" if device == "cpu" else "gpu")
    if precision not in allowed:
        raise ConfigError(f"precision={precision} is not for engine={name}; it knows auto, {', '.join(allowed)}")
    return precision


# --- the engines ---


class TorchEngine:
    """PyTorch, normalisations folded into convolutions; on the module's device."""

    def __init__(self, module: Trained, precision: str) -> None:
        self.by_batch = module.config.batch_norm == "batch"  # statistics of each batch cannot be folded
        network = copy.deepcopy(module.network).eval() if self.by_batch else fold(module.network)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not declared
        self.device, self.precision = _device(module), precision

    @torch.inference_mode()
    def __call__(self, image: UInt8[Tensor, "B 3 S S"]) -> Tensor:
        """Compute the last output of images of side S."""
        bf16 = torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16-mixed")
        with bf16, batch_statistics(self.network, self.by_batch):
            return last_output(self.network, image.to(self.device))

    @torch.inference_mode()
    def all_outputs(self, image: UInt8[Tensor, "B 3 S S"]) -> list[Tensor]:
        """Predict the volumes of all stacks, coarse to fine, of a network that has volumes."""
        bf16 = torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16-mixed")
        with bf16, batch_statistics(self.network, self.by_batch):
            return list(self.network(normalise(image.to(self.device), self.network)))


class OnnxRuntimeEngine:
    """ONNX Runtime on the processor, float32, with as many threads as PyTorch has."""

    def __init__(self, onnx: Path | bytes) -> None:
        runtime = imported("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        # threads that go on waiting for work would take the processor from what comes after
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            self.session = runtime.InferenceSession(
                onnx if isinstance(onnx, bytes) else str(onnx), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of a module of its own, by many names
            raise _damaged(onnx, error) from None
        self.metadata: str | None = self.session.get_modelmeta().custom_metadata_map.get(METADATA)

    def __call__(self, image: UInt8[Tensor, "B 3 S S"]) -> Tensor:
        """Compute the last output of images of side S."""
        (output,) = self.session.run(None, {_INPUT: image.cpu().numpy()})
        return _from_file_layout(torch.from_numpy(output))


class OpenVinoEngine:
    """OpenVINO on the processor, with as many threads as PyTorch has."""

    def __init__(self, model: Model, precision: str) -> None:
        core = imported("openvino").Core()
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16-mixed" else "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        self.compiled = core.compile_model(model, "CPU", hints)

    def __call__(self, image: UInt8[Tensor, "B 3 S S"]) -> Tensor:
        """Compute the last output of images of side S."""
        output = self.compiled({_INPUT: image.cpu().numpy()}, share_inputs=True)[0]
        return _from_file_layout(torch.from_numpy(output))


def installed(name: str) -> bool:
    """Whether what an engine needs is there."""
    return name == TORCH or all(find_spec(package) for package in ("onnx", name))


def imported(package: str) -> Any:
    """Import a package of the ``export`` extra, or a word on how to get it."""
    try:
        with stops_between_steps():  # an exception in the midst of their C++ would abort the process
            return importlib.import_module(package)
    except ImportError:
        raise UserError(f"the package {package} is missing; {how_to_install('export')}") from None


# --- files ---


class _InFileLayout(nn.Module):
    """A network as files hold it: its last output, volumes as (B, H, W, J, D), which decoding reads fastest."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        output = last_output(self.network, image)
        return output.permute(0, 3, 4, 1, 2) if output.ndim == 5 else output


def _from_file_layout(output: Tensor) -> Tensor:
    return output.permute(0, 3, 4, 1, 2) if output.ndim == 5 else output


def header(module: Trained, origin: dict[str, Any]) -> str:
    """Write what an exported file says of itself: configuration, provenance, and ``origin``, as JSON."""
    said = {"model": module.config.model_dump(mode="json"), "provenance": dict(module.provenance)}
    return json.dumps(said | origin)


def to_onnx(module: Trained, metadata: str = "") -> bytes:
    """Write a module's network as the bytes of an ONNX file, normalisations folded, float32, any batch size.

    Input ``image``: bytes (B, 3, S, S), RGB; output by its representation's name: ``volume`` (B, H, W, J, D),
    ``coordinates`` (B, J, 3), ...
    ``metadata`` stands under ``METADATA`` in it. Raises ``ConfigError`` where BatchNorm takes the statistics of each
    batch: no file can hold those.
    """
    onnx = imported("onnx")
    if module.config.batch_norm == "batch":
        raise ConfigError("batch_norm=batch takes the statistics of each batch; engine=torch alone can do that")
    network = _InFileLayout(fold(module.network).float().cpu()).eval()
    example = torch.zeros(1, 3, *[module.config.network.image_size] * 2, dtype=torch.uint8)
    result = representation_of(module.config).output_name
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        # The exporter by tracing: the same graph as the newer one's, in a fifth of the time and one package fewer
        torch.onnx.export(
            network, (example,), cast(Any, buffer), dynamo=False, opset_version=_OPSET, input_names=[_INPUT],
            output_names=[result], dynamic_axes={_INPUT: {0: "batch"}, result: {0: "batch"}},
        )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, {METADATA: metadata})
    return model.SerializeToString()


def read_openvino(source: Path | bytes) -> Model:
    """Read an .onnx or .xml file, or the bytes of the former, as OpenVINO's model."""
    core = imported("openvino").Core()
    try:
        return core.read_model(io.BytesIO(source) if isinstance(source, bytes) else str(source))
    except Exception as error:  # RuntimeError of several kinds
        raise _damaged(source, error) from None


def _openvino_metadata(model: Model, path: Path) -> str | None:
    if path.suffix == ".xml":
        return model.get_rt_info([METADATA]).astype(str) if model.has_rt_info([METADATA]) else None
    onnx = imported("onnx")
    return {prop.key: prop.value for prop in onnx.load(path).metadata_props}.get(METADATA)


def _understood(text: str | None, path: Path) -> tuple[ModelConfig, dict[str, Any]]:
    """Read configuration and provenance out of a file's metadata."""
    try:
        header = json.loads(text or "")
        if not isinstance(header["model"], dict):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: no network of c2fpose; python -m c2fpose.export makes one of a checkpoint") from None
    saved = Saved.of(header, path)
    try:
        return parse(ModelConfig, saved.model, "model"), saved.provenance
    except ConfigError as error:
        raise UserError(f"{path}: configuration of another version of c2fpose ({error})") from None


def _damaged(source: Path | bytes, error: Exception) -> UserError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    name = "the exported network" if isinstance(source, bytes) else source
    return UserError(f"{name}: not a network that can be read, or a damaged one ({reason[:120]})")
