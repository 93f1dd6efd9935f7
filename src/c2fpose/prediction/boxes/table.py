"""Tables with a header (CSV, TSV): one box a row, columns by name.

Which columns there are is open: a file or a frame (or neither, for one picture); left and top edge with side, width and
height, or right and bottom edge; an id, a score, a class. Commas, semicolons or tabs.
"""

import csv
from pathlib import Path

from c2fpose.base.errors import DataError, readable
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
    "class": ("class_name", "category", "label", "class", "class_id", "category_id"),
}
NUMBERS = tuple(key for key in NAMES if key not in ("file", "class"))
PERSON = "person"
PERSON_NUMBERS = (0.0, 1.0)  # YOLO's and COCO's
# Beside right and bottom edge, width and height may be those of the picture
_SIZES = (("side",), ("right", "bottom"), ("width", "height"))


def read(path: Path) -> BoxFile:
    """Read boxes; ``left, top, side`` is a box of ours and taken as it is."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    first = text.partition("\n")[0]
    with readable(f"boxes={path}", "not readable as a table", "a quote without its end?"):
        header, *rows = list(csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count))) or [[]]
    header = [word.strip().lower() for word in header]
    at = {key: next((header.index(name) for name in names if name in header), -1) for key, names in NAMES.items()}
    if "class" in header and at["file"] >= 0 and header[at["file"]] == "name":  # as YOLO's tools write it: of the class
        at["class"], at["file"] = at["file"], -1
    there = {key for key, column in at.items() if column >= 0}
    size = next((size for size in _SIZES if set(size) <= there), None)
    if size is None or not {"left", "top"} <= there:
        raise DataError(
            f"boxes={path}: columns {', '.join(header)}: needed are left, top and side, or width and height, or right "
            "and bottom"
        )
    filled = [(number, row) for number, row in enumerate(rows, 2) if any(word.strip() for word in row)]
    lines = {
        number: {key: row[at[key]].strip() for key in there if at[key] < len(row) and row[at[key]].strip()}
        for number, row in filled
    }
    people: set[str] = set()  # empty: all rows are
    if "class" in there:
        people = _people_of({words.get("class", "").lower() for words in lines.values()}, path)
    found = BoxFile(path)
    for number, row in filled:
        words = lines[number]
        if people and words.get("class", "").lower() not in people:
            continue
        try:
            box = _box({key: number_of(word.replace(",", ".")) for key, word in words.items() if key in NUMBERS}, size)
            frame = int(number_of(words["frame"])) if "frame" in words else None
        except (ValueError, KeyError):
            raise DataError(f"boxes={path}: line {number}: {';'.join(row)}: not a number in every column") from None
        if there & {"file", "frame"} and not words.keys() & {"file", "frame"}:
            raise DataError(f"boxes={path}: line {number}: {';'.join(row)}: of which picture or frame is not said")
        found.add(box, f"line {number}", name=words.get("file"), number=frame)
    return found


def _people_of(classes: set[str], path: Path) -> set[str]:
    """Choose the classes that are people. Raises ``DataError`` where that cannot be told."""
    if PERSON in classes or not classes:
        return {PERSON}
    if len(classes) == 1 and all(_number_or_none(each) in PERSON_NUMBERS for each in classes):
        return classes
    named = ", ".join(sorted(classes)[:5])
    raise DataError(
        f"boxes={path}: which class is a person is not said ({named}): call it person, or leave the column out"
    )


def _number_or_none(word: str) -> float | None:
    try:
        return number_of(word)
    except ValueError:
        return None


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
