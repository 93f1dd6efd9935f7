"""Networks without their code: what an exported file holds, and how it is made and read."""

from __future__ import annotations

import importlib
import io
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from c2fpose.base.errors import ConfigError, UserError, first_line, how_to_install
from c2fpose.base.signals import stops_between_steps
from c2fpose.config.model import ModelConfig
from c2fpose.config.schema import parse
from c2fpose.model.checkpoints.saved import Saved
from c2fpose.model.networks.folding import fold
from c2fpose.model.networks.input import last_output
from c2fpose.model.representations import representation_of
from c2fpose.model.trained import Trained

if TYPE_CHECKING:
    from openvino import Model
METADATA = "c2fpose"  # the key in an exported file, of one JSON text
INPUT, _OPSET = "image", 18


def imported(package: str) -> Any:
    """Import a package of the ``export`` extra, or a word on how to get it."""
    try:
        with stops_between_steps():  # an exception in the midst of their C++ would abort the process
            return importlib.import_module(package)
    except ImportError:
        raise UserError(f"the package {package} is missing; {how_to_install('export')}") from None


class _InFileLayout(nn.Module):
    """A network as files hold it: its last output, volumes as (B, H, W, J, D), which decoding reads fastest."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        output = last_output(self.network, image)
        return output.permute(0, 3, 4, 1, 2) if output.ndim == 5 else output


def from_file_layout(output: Tensor) -> Tensor:
    """Give an output its own layout again."""
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
            network, (example,), cast(Any, buffer), dynamo=False, opset_version=_OPSET, input_names=[INPUT],
            output_names=[result], dynamic_axes={INPUT: {0: "batch"}, result: {0: "batch"}},
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
        raise damaged(source, error) from None


def understood(text: str | None, path: Path) -> tuple[ModelConfig, dict[str, Any]]:
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


def damaged(source: Path | bytes, error: Exception) -> UserError:
    """Make one line of what a library says of a file."""
    reason = first_line(error)
    name = "the exported network" if isinstance(source, bytes) else source
    return UserError(f"{name}: not a network that can be read, or a damaged one ({reason[:120]})")
