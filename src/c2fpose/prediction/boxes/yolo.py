"""YOLO's text: class, centre x, centre y, width, height in shares of the picture, one file a picture.

The format leaves open what follows: nothing, a confidence, an id, both, or instead of a box the corners of an outline.
Files are named after the picture; of a video's frame, ``<video>_<frame>.txt``, counted from 1.
"""

import re
from pathlib import Path

import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.prediction.boxes.given import BoxFile, GivenBox, number_of

PERSON = 0


def read(path: Path) -> BoxFile:
    """Read the boxes of the picture or frame that a file is named after."""
    found = BoxFile(path)
    _fill(found, path)
    # A single file will do for whatever picture it is given with
    found.everywhere = found.by_name.get(path.stem, {}).get(path.stem, [])
    return found


def read_folder(folder: Path) -> BoxFile:
    """Read a folder of such files."""
    paths = sorted(folder.glob("*.txt"))
    if not paths:
        raise DataError(f"boxes={folder}: no .txt in this folder")
    found = BoxFile(folder)
    for path in paths:
        if path.name != "classes.txt":
            _fill(found, path)
    return found


def _fill(found: BoxFile, path: Path) -> None:
    frame = re.search(r"_(\d+)$", path.stem)
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        where = f"line {number}" if found.path == path else f"{path.name}, line {number}"
        try:
            values = [number_of(word) for word in line.split()]
        except ValueError:
            raise DataError(f"boxes={found.path}: {where}: expected numbers with spaces between them") from None
        if len(values) < 5:
            raise DataError(f"boxes={found.path}: {where}: expected class, centre x, centre y, width, height")
        if max(map(abs, values[1:5])) > 2:
            raise DataError(f"boxes={found.path}: {where}: boxes must be shares of the picture, 0..1")
        if int(values[0]) != PERSON:
            continue
        box = _box(values)
        found.add(box, where, name=path.stem)
        if frame:
            numbers = found.by_video.setdefault(path.stem[: frame.start()], {})
            numbers.setdefault(int(frame[1]), []).append(found.by_name[path.stem][path.stem][-1])


def _box(values: list[float]) -> GivenBox:
    if len(values) > 8 and len(values) % 2:  # an outline
        corners = np.array(values[1:]).reshape(-1, 2)
        (left, top), (right, bottom) = corners.min(0), corners.max(0)
        return GivenBox(left, top, right - left, bottom - top, relative=True)
    x, y, width, height = values[1:5]
    rest, id, score = values[5:], None, None
    if rest and (len(rest) == 2 or rest[-1] > 1):
        id, rest = int(rest[-1]), rest[:-1]
    if rest:
        score = rest[0]
    return GivenBox(x - width / 2, y - height / 2, width, height, id, score, relative=True)
