"""What an engine says of itself: a file of this folder with an ``ENGINE`` is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtyping import UInt8
from torch import Tensor

if TYPE_CHECKING:
    from c2fpose.model.trained import Trained
Engine = Callable[[UInt8[Tensor, "B 3 S S"]], Tensor]


@dataclass(frozen=True)
class Kind:
    """One way to compute a network."""

    of_module: Callable[[Trained, str], Engine]  # of a trained module, in a precision
    # Of a file: what it says of itself, as ``_exported.header`` writes it, and the engine
    of_file: Callable[[Path, str], tuple[str | None, Engine]] | None = None
    suffixes: tuple[str, ...] = ()  # of the files that it computes, NETWORK_SUFFIXES; the first one is its own
    precisions: tuple[str, ...] = ("32-true",)  # that it can compute in
    packages: tuple[str, ...] = ()  # that it needs
