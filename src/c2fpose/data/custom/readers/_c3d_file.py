"""C3D files read as data: every length is checked first, since a damaged file is no reason to hang or to end.

The format: The C3D File Format, a user guide (C3D.org): a header of 512 bytes, parameters in groups, then frames of
points, each x, y, z and a word that is negative where the point is not valid, and of analog samples, which are skipped.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

_BLOCK = 512
_ORDERS = {84: "<", 86: ">"}  # processors: Intel, SGI; DEC's floating point (85) is not read
_SIZES = {-1: 1, 1: 1, 2: 2, 4: 4}  # bytes of a parameter's items, by type: text, byte, integer, float

Parameters = dict[tuple[str, str], np.ndarray]  # by group and name; text as rows of bytes


class Content(NamedTuple):
    """What is read of one file."""

    labels: list[str]  # at least one a point
    points: Float[np.ndarray, "T P 3"]  # in the file's unit; NaN: not valid
    unit: str
    rate: float  # frames a second
    subjects: list[str]


def read_file(path: Path) -> Content:
    """Read one file. Raises ``ValueError`` for one that is damaged, or of a kind that is not read."""
    content = path.read_bytes()
    if len(content) < 2 * _BLOCK or content[1] != 80:
        raise ValueError("no C3D file")
    order, parameters = _parameters(content)

    def number(name: str, default: float) -> float:
        values = parameters.get(("POINT", name), np.empty(0)).ravel()
        value = float(values[0]) if values.size and values.dtype.kind in "iuf" else default
        if not np.isfinite(value):
            raise ValueError(f"POINT:{name} is {value}")
        return value

    words = np.frombuffer(content, f"{order}u2", _BLOCK // 2)
    scale = number("SCALE", float(np.frombuffer(content, f"{order}f4", 1, 12)[0]))
    points, analog = int(words[1]), int(words[2])
    start = _BLOCK * (int(number("DATA_START", int(words[8]))) - 1)
    item = 4 if scale < 0 else 2
    frame = item * (4 * points + analog)
    there = max(len(content) - start, 0) // frame if frame else 0
    frames = int(words[4]) - int(words[3]) + 1
    if words[4] == 65535 or ("FRAMES" in {name for _, name in parameters} and words[4] < words[3]):
        frames = there  # more than the header can say
    if points == 0 or frames <= 0 or not 0 < start <= len(content) or frames > there:
        raise ValueError(f"{frames} frames of {points} points announced, {there} there")
    rows = np.frombuffer(content, f"{order}{'f4' if scale < 0 else 'i2'}", frames * frame // item, start)
    stored = rows.reshape(frames, -1)[:, : 4 * points].reshape(frames, points, 4).astype(float)
    found = stored[..., :3] * (1.0 if scale < 0 else scale)
    found[~(stored[..., 3] >= 0)] = np.nan
    labels = [text for key in sorted(_numbered(parameters, "LABELS")) for text in _texts(parameters[key])]
    unit = (_texts(parameters.get(("POINT", "UNITS"), np.empty(0))) or ["mm"])[0]
    rate = number("RATE", float(np.frombuffer(content, f"{order}f4", 1, 20)[0]))
    return Content(labels, found, unit, rate, _texts(parameters.get(("SUBJECTS", "NAMES"), np.empty(0))))


def _numbered(parameters: Parameters, name: str) -> list[tuple[str, str]]:
    """Parameters of POINT in several parts, in their order: LABELS, LABELS2, ..."""
    return [key for key in parameters if key[0] == "POINT" and key[1].rstrip("0123456789") == name]


def _parameters(content: bytes) -> tuple[str, Parameters]:
    """Walk along the records of the parameter section; the order of its bytes, and what it says."""
    base = _BLOCK * (content[0] - 1)
    if base < _BLOCK or base + 4 > len(content):
        raise ValueError("its parameters lie outside")
    order = _ORDERS.get(content[base + 3])
    if order is None:
        raise ValueError(f"numbers of processor type {content[base + 3]}, which are not read")
    groups: dict[int, str] = {}
    found: list[tuple[int, str, np.ndarray]] = []
    at = base + 4
    while at + 2 <= len(content) and (length := abs(_signed(content[at]))):
        group = _signed(content[at + 1])
        name = content[at + 2 : at + 2 + length].decode("latin1").strip().upper()
        at += 2 + length
        if at + 2 > len(content):
            raise ValueError("cut off in its parameters")
        step = int(np.frombuffer(content, f"{order}i2", 1, at)[0])
        end = at + step if step > 0 else len(content)
        if step < 0 or end > len(content):
            raise ValueError("its parameters point outside")
        if group < 0:
            groups[-group] = name
        elif group > 0:
            found.append((group, name, _value(content[at + 2 : end], order)))
        if step == 0:
            break
        at = end
    return order, {(groups.get(group, ""), name): value for group, name, value in found}


def _value(content: bytes, order: str) -> np.ndarray:
    """One parameter: type, number of dimensions, dimensions with the first one running fastest, items."""
    kind = _signed(content[0]) if len(content) >= 2 else 0
    if kind not in _SIZES or len(content) < 2 + content[1]:
        raise ValueError("a parameter without type or dimensions")
    sides = list(content[2 : 2 + content[1]])
    count, start = int(np.prod(sides, dtype=object)), 2 + content[1]
    if start + count * _SIZES[kind] > len(content):
        raise ValueError("a parameter longer than its place")
    form = {-1: "u1", 1: "u1", 2: f"{order}i2", 4: f"{order}f4"}[kind]
    values = np.frombuffer(content, form, count, start).reshape(sides[::-1])
    return values if kind != -1 else np.array(_rows(values), "S") if values.size else np.empty(0, "S1")


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _rows(characters: np.ndarray) -> list[bytes]:
    flat = characters.reshape(-1, characters.shape[-1]) if characters.ndim > 1 else characters.reshape(1, -1)
    return [row.tobytes() for row in flat]


def _texts(values: np.ndarray) -> list[str]:
    return [text.decode("utf-8", "replace").strip(" \0") for text in values] if values.dtype.kind == "S" else []
