"""Tables of joints as others write them, to the package's rows: columns by their names, DeepLabCut's headers."""

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path

from c2fpose.base.errors import DataError, readable
from c2fpose.data.custom.readers.table import BOX, ENDS, WORDS, Row

_WORDS = {
    "image": ("image", "file", "filename", "file_name", "image_path", "img", "img_path", "path", "picture", "video"),
    "subject": ("subject", "person", "subject_id", "person_id", "participant", "individual", "animal"),
    "action": ("action", "activity", "sequence", "seq"),
    "trial": ("trial", "take"),
    "camera": ("camera", "cam", "view", "camera_id"),
    "frame": ("frame", "frame_id", "frame_number", "frame_index"),
    "split": ("split", "set", "subset"),
}
_OTHER_WORD = {other: word for word, others in _WORDS.items() for other in others}
_SCORES = r"likelihood|score|conf|confidence|visibility|visible|vis|prob|p|v|c"
_JOINT = re.compile(r"(?P<joint>.+?)[_.\s-](?P<axis>[xyzXYZ])$|(?P<axis2>[xyzXYZ])[_.\s-](?P<joint2>.+)$")
_SCORE = re.compile(rf"(.+?)[_.\s-]({_SCORES})$|({_SCORES})[_.\s-](.+)$", re.IGNORECASE)
_NO_JOINTS = ("bbox", "box")  # corners and sides of a box, in whatever order: not taken over
_NOBODY = "single"  # DeepLabCut's word for points that belong to no individual
_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0}


@dataclass
class ForeignTable:
    """Rows with names of joints, and the columns that were not understood."""

    rows: list[Row]
    joints: list[str]
    left_out: list[str] = field(default_factory=list)


def read_foreign(path: Path, unit: str, image: str | None = None) -> ForeignTable:
    """Read a CSV or TSV. Joints with three columns are in ``unit``, others in px; ``image``: of all rows, if given.

    A line of several individuals (DeepLabCut's fourth header) is a row for each of them that it says anything of.
    Raises ``DataError``, one line, where no joint is found or a row does not fit.
    """
    with readable(path, "not readable as text", "expected a CSV or TSV"):
        lines = path.read_text("utf-8-sig").splitlines()
    separator = max(("\t", ";", ","), key=next(filter(None, lines), "").count)
    with readable(path, "not readable as CSV", "a quote without its end?"):
        reader = csv.reader(lines, delimiter=separator)
        numbered = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    cells = _joined_by_deeplabcut([row for _, row in numbered], path)
    if not cells:
        raise DataError(f"{path}: holds nothing")
    whose = _individuals_of_deeplabcut(cells)
    if whose:
        del numbered[1], cells[1]
    first, columns = _header(cells)
    named = cells[2] if first == 3 else cells[0]
    blocks: dict[str | None, list] = _by_individual(columns, whose) if whose else {None: columns}
    for block in blocks.values():
        _check_each_once(block, cells[0] if first == 1 else cells[1], path)
    deep = {column[0] for column in columns if isinstance(column, tuple) and column[1:] == ("z", "")}
    units = {"px": ("px", 1.0), "mm": ("mm", 1.0), "": ("px", 1.0)}
    joints: dict[str, None] = {}
    rows = []
    for (line, _), row in zip(numbered[first:], cells[first:], strict=True):
        place = f"{path.name}, line {line}"
        if len(row) != len(columns):
            raise DataError(f"{place}: {len(row)} cells for {len(columns)} columns")
        for individual, block in blocks.items():
            words: dict[str, str] = {} if image is None else {"image": image}
            words |= {} if individual is None else {"subject": individual}
            found: dict[str, dict[str, list]] = {"px": {}, "mm": {}}
            box: dict[str, str] = {}
            for column, cell in zip(block, row, strict=True):
                if column in BOX:
                    box[column] = cell.strip()
                elif isinstance(column, str):
                    words.setdefault(column, cell.strip())
                elif column is not None:
                    joint, axis, said = column
                    kind, factor = ("mm", _MM[unit]) if said == "" and joint in deep else units[said]
                    at = found[kind].setdefault(joint, [None] * (3 if kind == "mm" else 2))
                    at["xyz".index(axis)] = _scaled(cell, factor)
                    joints[joint] = None
            if individual is None or _says_something(found["px"] | found["mm"]):
                sides = [box.get(name, "") for name in BOX]
                rows.append(Row(place, words, found["px"], found["mm"], sides if any(sides) else None))
    if not joints:
        raise DataError(f"{path}: no column of a joint, such as left_knee_x; it has {', '.join(cells[0][:8])}")
    left_out = [name for name, column in zip(named, columns, strict=True) if column is None and name.strip()]
    left_out += [f"points of no individual ({_NOBODY})"] * (_NOBODY in whose and _NOBODY not in blocks)
    return ForeignTable(rows, list(joints), list(dict.fromkeys(left_out)))


def _check_each_once(columns: list, names: list[str], path: Path) -> None:
    """Refuse two columns of one meaning, of which the other would be lost."""
    said = [column for column in columns if column is not None]
    for column in said:
        if said.count(column) > 1:
            alike = [name.strip() for name, each in zip(names, columns, strict=True) if each == column]
            raise DataError(f"{path}: columns {' and '.join(alike[:2])} mean the same; leave one")


def _by_individual(columns: list, whose: list[str]) -> dict[str | None, list]:
    """Give each individual the columns that are its own, and those of words."""
    names = dict.fromkeys(whose[1:])
    if len(names) > 1:
        names.pop(_NOBODY, None)
    return {
        name: [
            column if isinstance(column, str) or name == own else None
            for column, own in zip(columns, whose, strict=True)
        ]
        for name in names
    }


def _says_something(joints: dict[str, list]) -> bool:
    return any(str(cell).strip().lower() not in ("", "nan", "none") for cells in joints.values() for cell in cells)


def _joined_by_deeplabcut(cells: list[list[str]], path: Path) -> list[list[str]]:
    """Make one column of the leading ones, in which DeepLabCut from 2.2 on names folder, video and picture."""
    if not _is_deeplabcut(cells):
        return cells
    heads = cells[: 4 if _has_individuals(cells) else 3]
    if len({len(row) for row in heads}) > 1:
        many = {3: "three", 4: "four"}[len(heads)]
        raise DataError(f"{path}: DeepLabCut's {many} headers have {', '.join(str(len(row)) for row in heads)} columns")
    leading = 1
    while leading < len(cells[1]) and not cells[1][leading].strip():
        leading += 1
    return [["/".join(filter(None, (cell.strip() for cell in row[:leading]))), *row[leading:]] for row in cells]


def _is_deeplabcut(cells: list[list[str]]) -> bool:
    return len(cells) > 2 and cells[0][0].strip().lower() == "scorer"


def _has_individuals(cells: list[list[str]]) -> bool:
    return _is_deeplabcut(cells) and len(cells) > 3 and cells[1][0].strip().lower() == "individuals"


def _individuals_of_deeplabcut(cells: list[list[str]]) -> list[str]:
    """Return whose each column is; empty for a table of one individual, which has no such header."""
    return [name.strip() for name in cells[1]] if _has_individuals(cells) else []


def _header(cells: list[list[str]]) -> tuple[int, list]:
    """Tell the number of header lines, and of each column a word, a joint with axis and unit, or None."""
    if _is_deeplabcut(cells):
        names, axes = cells[1], cells[2]
        columns: list = [
            (name.strip(), axis.strip().lower(), "") if axis.strip().lower() in ("x", "y", "z") else None
            for name, axis in zip(names, axes, strict=True)
        ]
        columns[0] = _first_of_deeplabcut([row[0] for row in cells[3:]])
        return 3, columns
    return 1, [_column(name.strip()) for name in cells[0]]


def _first_of_deeplabcut(values: list[str]) -> str:
    return "frame" if all(value.strip().isdecimal() for value in values) else "image"


def _column(name: str):
    low = name.lower()
    if low in _OTHER_WORD or low in WORDS or low in BOX:
        return _OTHER_WORD.get(low, low)
    for end, (unit, place) in ENDS.items():
        if low.endswith(end):
            return name[: -len(end)], "xyz"[place], unit
    if _SCORE.match(name):
        return None
    if (found := _JOINT.match(name)) and (found["joint"] or found["joint2"]).lower() not in _NO_JOINTS:
        return found["joint"] or found["joint2"], (found["axis"] or found["axis2"]).lower(), ""
    return None


def _scaled(cell: str, factor: float) -> str | float:
    text = cell.strip()
    try:
        return float(text) * factor if factor != 1.0 else text
    except ValueError:
        return text
