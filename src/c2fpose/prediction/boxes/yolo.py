"""YOLO's text: class, centre x, centre y, width, height in shares of the picture, one file a picture.

The format leaves open what follows: nothing, a confidence, an id, both; keypoints before these; or, instead of the box,
the corners of an outline.
Files are named after the picture; of a video's frame, ``<video>_<frame>.txt``, counted from 1.
"""

import re
from pathlib import Path

import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.prediction.boxes.given import BoxFile, GivenBox, number_of

PERSON = 0
KEYPOINTS = 17  # COCO's, of networks for poses


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
        try:
            box = _box(values)
        except ValueError as error:
            raise DataError(f"boxes={found.path}: {where}: {error}") from None
        found.add(box, where, name=path.stem)
        if frame:
            added = found.by_name[path.stem][path.stem][-1]
            found.add_frame(added, path.stem[: frame.start()], int(frame[1]))


def _box(values: list[float]) -> GivenBox:
    """Make a box of a line's numbers. Raises ``ValueError`` where they can be taken in two ways."""
    if len(values) > 7 and not _has_keypoints(values):
        return _around(values[1:])
    x, y, width, height = values[1:5]
    behind = (len(values) - 5) % KEYPOINTS if len(values) > 7 else len(values) - 5
    score, id = _score_and_id(values[len(values) - behind :])
    return GivenBox(x - width / 2, y - height / 2, width, height, id, score, relative=True)


def _has_keypoints(values: list[float]) -> bool:
    """Tell a box with COCO's keypoints (x, y and mostly a third number, each) from an outline: they lie in the box."""
    numbers, behind = divmod(len(values) - 5, KEYPOINTS)
    if numbers not in (2, 3) or behind > 2:
        return False
    places = np.array(values[5 : 5 + numbers * KEYPOINTS]).reshape(KEYPOINTS, numbers)[:, :2]
    seen = places[places.any(1)]  # what is not labelled is 0, 0
    center, size = np.array(values[1:3]), np.array(values[3:5])
    inside = (abs(seen - center) <= 0.6 * size + 0.01).all(1)
    return not len(seen) or float(inside.mean()) > 0.9


def _around(numbers: list[float]) -> GivenBox:
    """Make the box about an outline, behind which a score, an id or both may stand, as behind a box."""
    behind = len(numbers) % 2 or (2 if numbers[-1] > 1 else 0)
    if len(numbers) - behind < 8:
        raise ValueError(f"{len(numbers) + 1} columns are neither a box nor an outline")
    corners = np.array(numbers[: len(numbers) - behind]).reshape(-1, 2)
    (left, top), (right, bottom) = corners.min(0), corners.max(0)
    widens = (corners[-1] < corners[:-1].min(0)) | (corners[-1] > corners[:-1].max(0))
    if not behind and numbers[-1] == 1 and widens.any():
        raise ValueError(
            f"the last two numbers, {numbers[-2]:g} and 1, may be a corner of the outline, or score and id; leave out "
            "score and id"
        )
    score, id = _score_and_id(numbers[len(numbers) - behind :])
    return GivenBox(left, top, right - left, bottom - top, id, score, relative=True)


def _score_and_id(behind: list[float]) -> tuple[float | None, int | None]:
    """Read what stands behind: up to 1 it is a score, above 1 an id; of two the second is the id."""
    if len(behind) == 2:
        return behind[0], int(behind[1])
    if behind and behind[0] > 1:
        return None, int(behind[0])
    return (behind[0] if behind else None), None
