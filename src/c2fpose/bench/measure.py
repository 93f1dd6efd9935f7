"""Clocks, the machine's own limits, and memory."""

import contextlib
import multiprocessing
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from c2fpose.base.cores import cores
from c2fpose.base.host_memory import process_peak_gib


def synchronise(device: torch.device) -> None:
    """Wait for the device: without that a GPU's work is counted where its result is needed."""
    if device.type == "cuda":
        torch.cuda.synchronize()


class Clock:
    """Milliseconds from mark to mark, by name."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.spans_ms: dict[str, list[float]] = defaultdict(list)
        self.start()

    def start(self) -> None:
        """Start a step: what was asked of the device before is waited for."""
        synchronise(self.device)
        self._last = time.perf_counter()

    def mark(self, name: str) -> None:
        """Count what has passed since the last mark as spent on ``name``."""
        synchronise(self.device)
        now = time.perf_counter()
        self.spans_ms[name].append(1000 * (now - self._last))
        self._last = now


def spread(values: list[float]) -> dict[str, float]:
    """Median, quartiles and the ends."""
    least, low, median, high, most = (float(value) for value in np.percentile(values, [0, 25, 50, 75, 100]))
    return {"median": median, "low": low, "high": high, "least": least, "most": most, "count": len(values)}


def matrix_rate(dtype: torch.dtype, device: torch.device) -> float:
    """GFLOP/s of one large matrix product, the fastest thing that the machine does."""
    size = 8192 if device.type == "cuda" else 2048
    a = torch.randn(size, size, device=device).to(dtype)
    a @ a
    clock = Clock(device)
    for _ in range(3):
        a @ a
        clock.mark("product")
    return 2 * size**3 / min(clock.spans_ms["product"]) / 1e6


def read_and_write_ms(volume: Tensor) -> float:
    """One read and one write of a volume, to memory that is there already."""
    target = torch.empty_like(volume).copy_(volume)
    clock = Clock(volume.device)
    for _ in range(3):
        target.copy_(volume)
        clock.mark("copy")
    return min(clock.spans_ms["copy"])


def gflop_of(function: Callable[[], Any]) -> float:
    """Floating-point operations of convolutions and matrix products, in 10^9."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops() / 1e9


def peak_gib(function: Callable[..., None], *arguments: Any) -> float:
    """Peak memory of a process that does nothing but this: the GPU's if one is used, else the process's own."""
    return in_a_process(_peak_of, function, *arguments)


def in_a_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """``function(*arguments)`` in a fresh process; raises ``RuntimeError`` where that ends without an answer."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, arguments))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"the process for {function.__name__} ended with code {process.exitcode}") from None
    finally:
        process.join()


def _answer(sender: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    sender.send(function(*arguments))


def _peak_of(function: Callable[..., None], *arguments: Any) -> float:
    function(*arguments)
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated() / 2**30
    return process_peak_gib()


def hardware(device: torch.device) -> dict[str, Any]:
    """Say what the figures hold for."""
    facts = {
        "processor": _processor(),
        "cores": cores().open,
        "threads": torch.get_num_threads(),
        "memory_gib": _memory_gib(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    if device.type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name()
    with contextlib.suppress(OSError, AttributeError):  # Windows has no load
        facts["load_at_start"] = round(os.getloadavg()[0], 1)  # other work on the machine, in busy cores
    return facts


def _memory_gib() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (AttributeError, ValueError, OSError):  # Windows; a system without these names
        return None


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def endless(loader: Any) -> Iterator[Any]:
    """Batches of epoch after epoch."""
    while True:
        yield from loader
