"""Reading Torch7's binary files (``torch.save`` in Lua) as data: numbers, strings, tables, tensors, named objects.

Nothing in a file is executed: functions in it are skipped, objects come back as their class name and fields. Every
size and offset is checked against the file before it is used, so that a damaged file is an error and nothing worse.
Tensors are views of the mapped file; copy what shall outlive it.
"""

import mmap
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from c2fpose.base.errors import UserError

_NIL, _NUMBER, _STRING, _TABLE, _OBJECT, _BOOLEAN = range(6)
_FUNCTIONS = (6, 7, 8)

_ELEMENTS = {
    "Byte": np.uint8, "Char": np.int8, "Short": np.int16, "Int": np.int32, "Long": np.int64,
    "Half": np.float16, "Float": np.float32, "Double": np.float64, "": np.float32,  # torch.CudaTensor is float
}  # fmt: skip
_DTYPES = {
    f"torch.{device}{name}{kind}": (kind, np.dtype(dtype).newbyteorder("<"))
    for name, dtype in _ELEMENTS.items()
    for device in ("", "Cuda")
    for kind in ("Tensor", "Storage")
    if device or name
}


class Table(dict):
    """A Lua table. Tables can be keys of tables, so it is hashed by identity."""

    __hash__ = object.__hash__  # type: ignore[assignment]

    def items_in_order(self) -> list[Any]:
        """Values of the keys 1, 2, ... up to the first gap."""
        values: list[Any] = []
        while len(values) + 1 in self:
            values.append(self[len(values) + 1])
        return values


@dataclass(eq=False)
class TorchObject:
    """An object of a Lua class: its name and its fields."""

    class_name: str
    fields: Table = field(default_factory=Table)


class _Damaged(Exception):
    """The bytes are not those of a complete file."""


def load(path: Path) -> Any:
    """Read the object in a file. Its tensors are read-only views of the mapped file, open as long as they live.

    Raises ``UserError`` for a file that is missing, truncated or of another kind.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: empty file, not one of Torch7")
    with open(path, "rb") as file:
        buffer = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return _read(path, buffer)


def _read(path: Path, buffer: memoryview) -> Any:
    limit = sys.getrecursionlimit()
    # Nodes of a graph hold one another, hundreds deep.
    sys.setrecursionlimit(max(limit, 100_000))
    try:
        return _Reader(buffer).read()
    except (_Damaged, RecursionError) as error:
        reason = str(error) if isinstance(error, _Damaged) else "endless nesting"
        raise UserError(f"{path}: not a binary Torch7 file, or a truncated one ({reason})") from None
    finally:
        sys.setrecursionlimit(limit)


class _Reader:
    """Walks through the bytes once, remembering the objects that later ones refer to."""

    def __init__(self, buffer: memoryview) -> None:
        self.buffer = buffer
        self.position = 0
        self.seen: dict[int, Any] = {}

    def read(self) -> Any:
        kind = self._int()
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            number = self._unpack("<d")
            return int(number) if number.is_integer() else number
        if kind == _STRING:
            return self._string()
        if kind == _BOOLEAN:
            return self._int() == 1
        if kind in (_TABLE, _OBJECT, *_FUNCTIONS):
            index = self._int()
            if index not in self.seen:
                self._referenced(kind, index)
            return self.seen[index]
        raise _Damaged(f"unknown type {kind} at byte {self.position - 4}")

    def _referenced(self, kind: int, index: int) -> None:
        """Objects are registered before their contents, which may refer back to them."""
        if kind == _TABLE:
            self.seen[index] = table = Table()
            self._fill(table)
        elif kind in _FUNCTIONS:
            self.seen[index] = None
            self._take(self._int())
            self.read()
        else:
            self._object(index)

    def _object(self, index: int) -> None:
        name = self._string()
        if name.startswith("V "):
            name = self._string()
        kind, dtype = _DTYPES.get(name, (None, None))
        if kind == "Storage" and dtype is not None:
            count = self._long()
            if count < 0:
                raise _Damaged(f"a storage of {count} elements at byte {self.position}")
            self.seen[index] = np.frombuffer(self._take(count * dtype.itemsize), dtype)
        elif kind == "Tensor" and dtype is not None:
            self.seen[index] = None
            self.seen[index] = self._tensor(dtype)
        elif name.startswith(("torch.", "tds.")) and name.endswith(("Storage", "Tensor", "Vec", "Hash")):
            raise _Damaged(f"an object of class {name}, whose layout is not known")
        else:
            self.seen[index] = value = TorchObject(name)
            fields = self.read()
            if isinstance(fields, Table):
                value.fields = fields

    def _tensor(self, dtype: np.dtype) -> np.ndarray:
        dimensions = self._int()
        if not 0 <= dimensions <= 32:
            raise _Damaged(f"a tensor of {dimensions} dimensions at byte {self.position}")
        shape = [self._long() for _ in range(dimensions)]
        strides = [self._long() for _ in range(dimensions)]
        first = self._long() - 1
        storage = self.read()
        if storage is None or dimensions == 0 or 0 in shape:
            return np.empty(0, dtype)
        if not isinstance(storage, np.ndarray) or storage.dtype != dtype or min(shape) < 0 or min(strides) < 0:
            raise _Damaged(f"a tensor without its elements at byte {self.position}")
        last = first + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        if first < 0 or last >= len(storage):
            raise _Damaged(f"a tensor that ends outside its elements at byte {self.position}")
        in_bytes = [stride * dtype.itemsize for stride in strides]
        return np.lib.stride_tricks.as_strided(storage[first:], shape, in_bytes, writeable=False)

    def _fill(self, table: Table) -> None:
        for _ in range(self._int()):
            key = self.read()
            if isinstance(key, np.ndarray):
                raise _Damaged(f"a table with a tensor as key at byte {self.position}")
            table[key] = self.read()

    def _string(self) -> str:
        return bytes(self._take(self._int())).decode("latin-1")

    def _int(self) -> int:
        return self._unpack("<i")

    def _long(self) -> int:
        return self._unpack("<q")

    def _unpack(self, layout: str) -> Any:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def _take(self, count: int) -> memoryview:
        end = self.position + count
        if count < 0 or end > len(self.buffer):
            raise _Damaged(f"{count} bytes expected at byte {self.position} of {len(self.buffer)}")
        taken = self.buffer[self.position : end]
        self.position = end
        return taken
