"""Which numbers to compute in."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def resolve_precision(precision: str, accelerator: str) -> str:
    """``auto`` in Lightning's words: bf16 where the hardware computes in it, else float32."""
    if precision != "auto":
        return precision
    return "bf16-mixed" if computes_in_bf16(accelerator) else "32-true"


def computes_in_bf16(accelerator: str) -> bool:
    """Whether the hardware does: the GPU if there is one and it may be used, else the processor.

    oneDNN's ``ONEDNN_MAX_CPU_ISA``, which makes a processor pass for an older one, is respected.
    """
    if accelerator != "cpu" and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    in_hardware = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return bool(in_hardware() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def computing_in(precision: str, device: torch.device) -> torch.autocast:
    """Compute in bf16 what bears it, in the block, if ``precision`` says so (``bf16-mixed``)."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed")


def times_slower_in_bf16(size: int = 256) -> float:
    """Measure how many times as long as in float32 a matrix product takes in bf16 on the processor."""
    seconds = []
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.ones(size, size, dtype=dtype)
        a @ a
        started = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - started)
    return seconds[1] / max(seconds[0], 1e-9)


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Compute with zero for numbers below 1e-38 in the block: processors are slow at them, and gradients have some."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
