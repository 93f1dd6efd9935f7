"""OpenVINO on the processor: its own .xml files, and .onnx."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import UInt8
from torch import Tensor

from c2fpose.model.trained import Trained
from c2fpose.prediction.engines._exported import INPUT, METADATA, from_file_layout, imported, read_openvino, to_onnx
from c2fpose.prediction.engines._kind import Engine, Kind

if TYPE_CHECKING:
    from openvino import Model


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
        output = self.compiled({INPUT: image.cpu().numpy()}, share_inputs=True)[0]
        return from_file_layout(torch.from_numpy(output))


def _of_module(module: Trained, precision: str) -> Engine:
    return OpenVinoEngine(read_openvino(to_onnx(module)), precision)


def _of_file(path: Path, precision: str) -> tuple[str | None, Engine]:
    model = read_openvino(path)
    return _metadata(model, path), OpenVinoEngine(model, precision)


def _metadata(model: Model, path: Path) -> str | None:
    if path.suffix == ".xml":
        return model.get_rt_info([METADATA]).astype(str) if model.has_rt_info([METADATA]) else None
    onnx = imported("onnx")
    return {prop.key: prop.value for prop in onnx.load(path).metadata_props}.get(METADATA)


ENGINE = Kind(
    _of_module,
    _of_file,
    suffixes=(".xml", ".onnx"),
    precisions=("bf16-mixed", "32-true"),
    packages=("onnx", "openvino"),
)
