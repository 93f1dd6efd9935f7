"""Tables with a header (CSV, TSV): one box a row, columns by name.

Which columns there are is open: a file or a frame (or neither, for one picture); left and top edge with side, width and
height, or right and bottom edge; an id and a score. Commas, semicolons or tabs.
"""

import csv
from pathlib import Path

from c2fpose.base.errors import DataError
from c2fpose.prediction.boxes.given import BoxFile, GivenBox, number_of

NAMES = {
    "file": ("file", "image", "file_name", "filename", "name", "path"),
    "frame": ("frame", "frame_id", "frame_index"),
    "left": ("left", "x", "x1", "xmin", "left_px"),
    "top": ("top", "y", "y1", "ymin", "top_px"),
    "right": ("right", "x2", "xmax"),
    "bottom": ("bottom", "y2", "ymax"),
    "width": ("width", "w"),
    "height": ("height", "h"),
    "side": ("side", "side_px"),
    "id": ("id", "track_id", "person"),
    "score": ("score", "confidence", "conf"),
}
_SIZES = (("side",), ("width", "height"), ("right", "bottom"))


def read(path: Path) -> BoxFile:
    """Read boxes; ``left, top, side`` is a box of ours and taken as it is."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    first = text.partition("\n")[0]
    rows = csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count))
    header = [word.strip().lower() for word in next(rows, [])]
    at = {key: next((header.index(name) for name in names if name in header), -1) for key, names in NAMES.items()}
    there = {key for key, column in at.items() if column >= 0}
    size = next((size for size in _SIZES if set(size) <= there), None)
    if size is None or not {"left", "top"} <= there:
        raise DataError(
            f"boxes={path}: columns {', '.join(header)}: needed are left, top and side, or width and height, or right "
            "and bottom"
        )
    found = BoxFile(path)
    for number, row in enumerate(rows, 2):
        if not any(word.strip() for word in row):
            continue
        words = {key: row[at[key]].strip() for key in there if at[key] < len(row) and row[at[key]].strip()}
        try:
            box = _box({key: number_of(word.replace(",", ".")) for key, word in words.items() if key != "file"}, size)
            frame = int(number_of(words["frame"])) if "frame" in words else None
        except (ValueError, KeyError):
            raise DataError(f"boxes={path}: line {number}: {';'.join(row)}: not a number in every column") from None
        found.add(box, f"line {number}", name=words.get("file"), number=frame)
    return found


def _box(values: dict[str, float], size: tuple[str, ...]) -> GivenBox:
    id = int(values["id"]) if values.get("id", -1) >= 0 else None
    left, top = values["left"], values["top"]
    if size == ("side",):
        width = height = values["side"]
    elif size == ("width", "height"):
        width, height = values["width"], values["height"]
    else:
        width, height = values["right"] - left, values["bottom"] - top
    return GivenBox(left, top, width, height, id, values.get("score"), square=size == ("side",))
