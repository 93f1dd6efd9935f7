"""The forms that people have Human3.6M in, one file each: a new file is a source.

Each has ``SOURCE``, what is known of it before it is read, and ``read(path, calibration, stride, wanted)``, which
yields ``frames.SequenceRecords``; the file's name is the ``source=`` of ``c2fpose.data.prepare``.
"""

import importlib
from dataclasses import dataclass
from pkgutil import iter_modules
from types import ModuleType
from typing import Literal


@dataclass(frozen=True)
class Source:
    """What is known of a source before it is read."""

    holds: tuple[str, ...]  # patterns below the directory: one that matches says that it is this source
    stride: int = 1  # every so many frames, where nothing else is asked for: 5 of those at 50 fps
    crop: Literal["box", "none"] = "none"  # what of each frame is stored, where nothing else is asked for
    cameras: str | None = None  # a file below the directory that gives the calibration
    single_file: bool = False  # whether the path may be that of the file itself


def names() -> tuple[str, ...]:
    """List what ``source=`` may be, without importing any."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))


def module_of(name: str) -> ModuleType:
    """Import a source, one of ``names()``."""
    return importlib.import_module(f"{__name__}.{name}")


def source_of(name: str) -> Source:
    """Say what is known of a source, one of ``names()``, before it is read."""
    source: Source = module_of(name).SOURCE
    return source
