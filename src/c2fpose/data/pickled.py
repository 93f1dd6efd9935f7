"""Arrays in pickles and in NPZ files that hold pickles: read without executing anything that they name."""

import io
import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from c2fpose.base.errors import DataError, first_line, readable

MOST_UNPACKED = 1 << 33  # bytes of all members of a ZIP file together; Human3.6M's largest has 3.5 GB at 50 fps


def check_members(path: Path) -> None:
    """Refuse an NPZ file that would fill the memory when unpacked. Raises ``DataError``."""
    with zipfile.ZipFile(path) as archive:
        total = sum(member.file_size for member in archive.infolist())
    if total > MOST_UNPACKED:
        raise DataError(f"{path}: claims {total / 1e9:.1f} GB when unpacked, more than Human3.6M has; copy it again")


def checked_array(value: Any) -> np.ndarray:
    """Refuse what a damaged NPZ file gives in place of an array. Raises ``ValueError``.

    NumPy gives bytes where an array's head is damaged, and text of numbers that are no characters.
    """
    if not isinstance(value, np.ndarray):
        raise ValueError("an array without its head")
    if value.dtype.kind == "U":
        codes = np.ascontiguousarray(value).view(value.dtype.byteorder.replace("|", "=") + "u4")
        if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():
            raise ValueError("text that is none")
    return value


def pickled_table(path: Path, name: str, expected: str) -> dict[Any, Any]:
    """Read a table that an NPZ file holds as one pickled object, as VideoPose3D writes its poses.

    ``expected`` says in messages which file it should be. Raises ``DataError``, also where a pickle would run code.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected {expected}")
    with readable(path, "not readable as NPZ"), zipfile.ZipFile(path) as archive:
        check_members(path)
        if f"{name}.npy" not in archive.namelist():
            inside = ", ".join(archive.namelist()[:4])
            raise DataError(f"{path}: holds {inside}, not {name}; expected {expected}")
        with archive.open(f"{name}.npy") as stored:
            version = npy.read_magic(stored)
            (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(stored)
            table = load_arrays_only(stored.read(), str(path))
    table = table.item() if isinstance(table, np.ndarray) and table.size == 1 else table
    if not isinstance(table, dict):
        raise DataError(f"{path}: {name} is no table of subjects")
    return table


class _ArraysOnly(pickle.Unpickler):
    """Reads arrays, numbers, strings and containers; refuses to call anything else that a pickle names."""

    allowed = frozenset(
        [
            *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy.core.numeric", "_frombuffer"),
            ("numpy._core.numeric", "_frombuffer"),
            ("_codecs", "encode"),
            ("collections", "OrderedDict"),
        ]
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no array")
        return super().find_class(module, name)


def _check_memo(data: bytes) -> None:
    """Refuse a pickle that puts an object at a place far beyond the others: Python would make room up to there.

    Objects are counted one after the other, from 0 or 1. Raises ``ValueError``, also for what is no pickle.
    """
    for steps, (operation, place, _) in enumerate(pickletools.genops(data), start=1):
        if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and isinstance(place, int) and place > steps:
            raise ValueError(f"object {place} of some {steps}")


def load_arrays_only(data: bytes, where: str) -> Any:
    """Read a pickle of arrays and plain containers; ``DataError`` for one that would run code, or a damaged one."""
    try:
        _check_memo(data)
        return _ArraysOnly(io.BytesIO(data)).load()
    except Exception as error:  # a damaged pickle raises nearly anything
        why = first_line(error)[:160]
        raise DataError(f"{where}: pickle refused ({why}); it may hold arrays and plain containers only") from None
