"""Compilation of the renderer's loops by numba, kept on disk between runs.

Numba keeps a compiled function until its own file changes, and does not notice when a function that it calls, in
another file, has changed. So the cache's folder is named after the text of all files that hold compiled code.
"""

import hashlib
import inspect
import os
import stat
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba

config: Any = numba.config  # a module whose names are set as it is imported

SOURCES = (
    "render/compiled", "render/materials", "render/mesh", "render/pixel", "render/raster", "render/render",
    "render/room", "render/shading", "motion/segments", "person/skinning",
)  # fmt: skip


def compiled(function: Callable) -> Callable:
    """Compile on first use; division by zero gives infinity, as in NumPy."""
    before, config.CACHE_DIR = config.CACHE_DIR, str(cache_folder())
    try:
        # Inlined into each other: calls with many arrays among their arguments cost as much as the work.
        # Numba knows plain functions only: what wraps one, such as a check of its arguments' shapes, is left out.
        return numba.njit(cache=True, error_model="numpy", forceinline=True)(inspect.unwrap(function))
    finally:
        config.CACHE_DIR = before


@lru_cache(maxsize=1)
def cache_folder() -> Path:
    """Where compiled code lies: numba's folder if the user chose one, the package's, or a temporary one.

    Numba runs what it finds there: the temporary one, whose name anybody can guess, is for nobody else to write to.
    """
    here = Path(__file__).parent.parent
    digest = hashlib.sha256(b"".join((here / f"{name}.py").read_bytes() for name in SOURCES)).hexdigest()[:12]
    user = os.getuid() if os.name == "posix" else 0
    temporary = Path(tempfile.gettempdir()) / f"c2fpose-numba-{user}"
    places = [here / "__pycache__", temporary]
    if config.CACHE_DIR:
        places.insert(0, Path(config.CACHE_DIR))
    for place in places:
        folder = place / f"numba-{digest}"
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and (place != temporary or _for_me_alone(place)):
            return folder
    raise OSError(f"no folder to keep compiled code in: tried {', '.join(map(str, places))}")


def _for_me_alone(folder: Path) -> bool:
    """Whether a folder is no link, this user's, and nobody else's to write to; true where there are no such rights."""
    if os.name != "posix":
        return True
    facts, others = folder.lstat(), stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & others
