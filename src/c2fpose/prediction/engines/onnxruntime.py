"""ONNX Runtime on the processor; its convolutions know no bf16 there."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from c2fpose.model.trained import Trained
from c2fpose.prediction.engines._exported import INPUT, METADATA, damaged, from_file_layout, imported, to_onnx
from c2fpose.prediction.engines._kind import Engine, Kind


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
            raise damaged(onnx, error) from None
        self.metadata: str | None = self.session.get_modelmeta().custom_metadata_map.get(METADATA)

    def __call__(self, image: UInt8[Tensor, "B 3 S S"]) -> Tensor:
        """Compute the last output of images of side S."""
        (output,) = self.session.run(None, {INPUT: image.cpu().numpy()})
        return from_file_layout(torch.from_numpy(output))


def _of_module(module: Trained, precision: str) -> Engine:
    return OnnxRuntimeEngine(to_onnx(module))


def _of_file(path: Path, precision: str) -> tuple[str | None, Engine]:
    made = OnnxRuntimeEngine(path)
    return made.metadata, made


ENGINE = Kind(_of_module, _of_file, suffixes=(".onnx",), packages=("onnx", "onnxruntime"))
