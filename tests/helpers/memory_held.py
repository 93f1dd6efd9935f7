"""What a process of its own does to be measured; imports little, so that it starts soon."""

import torch


def hold(gib: float) -> None:
    """Take so much memory, all of it written."""
    torch.ones(int(gib * 2**30), dtype=torch.uint8)
