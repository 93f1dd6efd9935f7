"""Which device to compute on."""

import torch

from c2fpose.base.errors import ConfigError


def device_for(accelerator: str, key: str = "accelerator") -> torch.device:
    """Choose the GPU for ``gpu``, the processor for ``cpu``, for ``auto`` the GPU where PyTorch finds one.

    Raises ``ConfigError``, which names ``key``, where a GPU is asked for and not found.
    """
    there = torch.cuda.device_count() > 0
    if accelerator == "gpu" and not there:
        raise ConfigError(f"{key}=gpu: PyTorch finds no GPU here; use {key}=cpu, or another PyTorch")
    return torch.device("cuda" if there and accelerator != "cpu" else "cpu")
