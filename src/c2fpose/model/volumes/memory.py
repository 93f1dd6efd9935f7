"""Volumes in the processor's memory: numpy's view of them for numba loops, and threads to share the loops."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from c2fpose.base.cores import cores

# One more thread for each so many bytes of a volume: a pool's threads must be woken, and the threads of PyTorch's
# last operation still wait actively for its next one.
BYTES_A_THREAD = 2**24


def readable(volume: Tensor) -> bool:
    """Whether the kernels know where and what the voxels are."""
    return volume.device.type == "cpu" and volume.dtype in (torch.float32, torch.float64, torch.bfloat16)


def as_numpy(volume: Tensor) -> np.ndarray:
    """See the same memory as an array; bfloat16 as its bits, uint16."""
    volume = volume.detach()
    return (volume.view(torch.uint16) if volume.dtype == torch.bfloat16 else volume).numpy()


def share(name: str, memory: np.ndarray, *arguments: Any) -> None:
    """Run ``kernel(memory, *arguments, start, stop)``, one of ``kernels``, over all slabs, the first two axes.

    On at most as many threads as PyTorch uses.
    """
    from c2fpose.model.volumes import kernels  # noqa: PLC0415  # numba takes seconds

    kernel: Callable[..., None] = getattr(kernels, name)
    slabs = memory.shape[0] * memory.shape[1]
    threads = max(1, min(torch.get_num_threads(), memory.nbytes // BYTES_A_THREAD, slabs))
    edges = [slabs * part // threads for part in range(threads + 1)]
    jobs = [_pool().submit(kernel, memory, *arguments, *edges[part : part + 2]) for part in range(1, threads)]
    kernel(memory, *arguments, *edges[:2])
    for job in jobs:
        job.result()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores().open, thread_name_prefix="volume")


if hasattr(os, "register_at_fork"):  # a forked process has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
