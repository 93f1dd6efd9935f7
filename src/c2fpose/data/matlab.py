"""MATLAB files of versions 5 to 7, looked at before SciPy reads them: damaged sizes can end the process there.

The format: MathWorks, MAT-File Level 5 File Format. Numbers of types and classes are its own.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}  # of numbers, by type
_CELL, _STRUCT, _CHAR, _NUMBERS = 1, 2, 4, range(6, 16)
_UTF = (16, 17, 18)  # a character may be several of these
_DEEPEST = 16  # cells in cells
_MOST_UNPACKED = 1 << 33  # bytes of one variable

_Element = tuple[int, bytes]  # type, content


def load_mat5(path: Path, names: tuple[str, ...], **how: Any) -> dict[str, Any]:
    """Read variables by name, those that are there; ``how``: of ``scipy.io.loadmat``.

    Raises ``ValueError``, or what SciPy does, for a file whose parts do not fit together.
    """
    content = path.read_bytes()
    if len(content) < 128 or content[126:128] not in (b"IM", b"MI"):
        raise ValueError("no MATLAB file of version 5 to 7.3")
    order = "<" if content[126:128] == b"IM" else ">"
    for kind, part in _elements(content[128:], order):
        _check_variable(kind, part, order, names)
    return loadmat(path, variable_names=list(names), **how)


def _elements(content: bytes, order: str) -> Iterator[_Element]:
    """Take a row of elements apart: a type and a size before each, both in four bytes for the smallest."""
    at = 0
    while at < len(content):
        if at + 8 > len(content):
            raise ValueError("cut off in a tag")
        first, size = (int(value) for value in np.frombuffer(content, f"{order}u4", 2, at))
        small = first >> 16
        kind, size, start = (first & 0xFFFF, small, at + 4) if small else (first, size, at + 8)
        if start + size > len(content) or small > 4:
            raise ValueError("an element is longer than what it lies in")
        yield kind, content[start : start + size]
        at = at + 8 if small else start + size + (0 if kind == _COMPRESSED else -size % 8)


def _check_variable(kind: int, content: bytes, order: str, names: tuple[str, ...]) -> None:
    if kind == _COMPRESSED:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(content, _MOST_UNPACKED)
        if not unpacking.eof:
            raise ValueError("a variable's compression has no end")
        ((kind, content),) = _elements(content, order)
    if kind != _MATRIX:
        raise ValueError(f"a variable of type {kind}")
    _check_matrix(content, order, 0, names)


def _check_matrix(content: bytes, order: str, depth: int, names: tuple[str, ...] | None = None) -> None:
    """Refuse a matrix whose parts are not as many, or not as long, as its dimensions say."""
    if not content:  # an empty one
        return
    if depth > _DEEPEST:
        raise ValueError("cells too deep in cells")
    parts = _elements(content, order)
    flags, dimensions, name = (_part(parts, kind) for kind in (_UINT32, _INT32, _INT8))
    if len(flags) != 8 or len(dimensions) < 8 or len(dimensions) % 4:
        raise ValueError("a matrix without class or dimensions")
    if names is not None and name.decode("latin1") not in names:
        return
    sides = [int(side) for side in np.frombuffer(dimensions, f"{order}i4")]
    if min(sides) < 0:
        raise ValueError("a dimension below 0")
    count, flag = int(np.prod(sides, dtype=object)), int(np.frombuffer(flags, f"{order}u4")[0])
    _check_content(parts, flag & 0xFF, bool(flag & 0x800), count, order, depth)


def _check_content(
    parts: Iterator[_Element], kind: int, is_complex: bool, count: int, order: str, depth: int
) -> None:  # fmt: skip
    if kind in (_CELL, _STRUCT):
        fields = 1
        if kind == _STRUCT:
            (length,) = np.frombuffer(_part(parts, _INT32), f"{order}i4")
            listed = _part(parts, _INT8)
            if not 0 < length <= 64 or len(listed) % length:
                raise ValueError("a struct's names of fields")
            fields = len(listed) // int(length)
        inside = list(parts)
        if len(inside) != count * fields or any(each != _MATRIX for each, _ in inside):
            raise ValueError(f"{len(inside)} parts where {count * fields} are announced")
        for _, part in inside:
            _check_matrix(part, order, depth + 1)
        return
    if kind != _CHAR and kind not in _NUMBERS:
        raise ValueError(f"a matrix of class {kind}, which is not read")
    inside = list(parts)
    if len(inside) != 1 + is_complex:
        raise ValueError(f"{len(inside)} parts of one matrix of numbers")
    for stored, part in inside:
        size = _BYTES.get(stored)
        if size is None or len(part) % size:
            raise ValueError(f"numbers of type {stored}")
        items = len(part) // size
        if items != count and not (kind == _CHAR and stored in _UTF and items > count):
            raise ValueError(f"{items} numbers where {count} are announced")


def _part(parts: Iterator[_Element], expected: int) -> bytes:
    kind, content = next(parts, (0, b""))
    if kind != expected:
        raise ValueError(f"an element of type {kind} where {expected} belongs")
    return content
