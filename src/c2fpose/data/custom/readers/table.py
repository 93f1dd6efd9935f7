"""A table of records: CSV, JSON Lines or NPZ, with a ``skeleton.yaml`` and a ``cameras.yaml`` beside it."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from c2fpose.base.errors import DataError, readable
from c2fpose.data.custom.cameras import Camera, read_cameras
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.records import Records
from c2fpose.data.fields import FIELDS
from c2fpose.data.pickled import checked_array
from c2fpose.data.videos import is_video
from c2fpose.pose.skeleton import SKELETONS, Skeleton

UNREAD = ("every",)  # chosen pictures are no sequence
TABLES = ("records.csv", "records.tsv", "records.jsonl", "records.npz")
WORDS = ("image", "subject", "action", "trial", "camera", "frame", "split")
ALIASES = {"sequence": "action", "file": "image", "filename": "image", "person": "subject"}
BOX = ("box_left", "box_top", "box_side")
# Ends of a joint's columns: unit and place
ENDS = {"_x_px": ("px", 0), "_y_px": ("px", 1), "_x_mm": ("mm", 0), "_y_mm": ("mm", 1), "_z_mm": ("mm", 2)}
_KEYS = ", ".join((*WORDS, "joints_px", "joints_mm", "box_px"))
_HELP = "see docs/own_data.md, or make a template: python -m c2fpose.data.template out=DIR"


_FROM_ONE = (
    "note: frames of videos count from 1 here (from 0 where the lowest is 0); the lowest is {lowest:g}: if they were "
    "counted from 0, add 1 to each"
)


class Row(NamedTuple):
    """One record as a file says it."""

    place: str
    words: dict[str, Any]
    px: dict[str, Any]  # by joint
    mm: dict[str, Any]
    box: Any


def read(config: CustomConfig) -> Records:
    """Read the table, the skeleton and the cameras of a directory. Raises ``DataError`` and ``SkeletonError``."""
    table = find(config.path, config.table, TABLES, "table of records")
    skeleton = read_skeleton(config)
    rows = _READERS[table.suffix.lower()](table, skeleton)
    if not rows:
        raise DataError(f"{table}: holds no record")
    return made(rows, skeleton, cameras_of(config), config.joints_frame)


def find(folder: Path, given: str | None, names: tuple[str, ...], what: str) -> Path:
    """Find a file that is given by its name, or under one of the usual names. Raises ``DataError``."""
    if not folder.is_dir():
        raise DataError(f"path={folder}: no such directory")
    candidates = [folder / given] if given else [folder / name for name in names]
    found = [path for path in candidates if path.is_file()]
    if not found:
        raise DataError(f"{folder}: no {what}: {' or '.join(path.name for path in candidates)}; {_HELP}")
    if len(found) > 1:
        raise DataError(f"{folder}: {' and '.join(path.name for path in found)}: which? Say {what.split()[0]}=NAME")
    if found[0].suffix.lower() not in {Path(name).suffix for name in names}:
        raise DataError(f"{found[0]}: not one of {', '.join(sorted({Path(name).suffix for name in names}))}")
    return found[0]


def read_skeleton(config: CustomConfig) -> Skeleton:
    """Read ``skeleton.yaml``, the file that is given, or one of the package's by its name."""
    if config.skeleton in SKELETONS:
        return SKELETONS[config.skeleton]
    return Skeleton.from_file(find(config.path, config.skeleton, ("skeleton.yaml", "skeleton.yml"), "skeleton"))


def cameras_of(config: CustomConfig) -> dict[str, Camera]:
    """Read the cameras, if there is a file of them."""
    if config.cameras is None and not any((config.path / f"cameras{end}").is_file() for end in (".yaml", ".yml")):
        return {}
    return read_cameras(find(config.path, config.cameras, ("cameras.yaml", "cameras.yml"), "cameras"))


def made(
    rows: list[Row], skeleton: Skeleton, cameras: dict[str, Camera], joints_frame: str, camera: str | None = None
) -> Records:
    """Make records of rows: names as text, numbers checked one by one, what is missing as NaN.

    ``camera``: where a row names none; else the first of ``cameras``, if it is the only one or no joint is in mm.
    Raises ``DataError``.
    """
    count, default = len(rows), camera or next(iter(cameras), "camera")
    px, mm = np.full((count, skeleton.joints, 2), np.nan), np.full((count, skeleton.joints, 3), np.nan)
    boxes = np.full((count, 3), np.nan)
    for number, row in enumerate(rows):
        for unit, given, into in (("px", row.px, px), ("mm", row.mm, mm)):
            for joint, values in given.items():
                place = skeleton.index(joint)
                if place is None:
                    raise DataError(
                        f"{row.place}: a joint {joint!r} that the skeleton does not have; it has "
                        f"{', '.join(skeleton.names)}"
                    )
                into[number, place] = _numbers(values, into.shape[-1], f"{row.place}: {joint}, {unit}")
        if row.box is not None:
            boxes[number] = _numbers(row.box, 3, f"{row.place}: box")
    words = {name: [row.words.get(name) for row in rows] for name in WORDS}
    notes = _check_frames(rows)
    unnamed = np.array([_text(name) is None for name in words["camera"]]) & np.isfinite(mm).any((1, 2))
    if camera is None and len(cameras) > 1 and unnamed.any():
        row = rows[int(np.argmax(unnamed))]
        raise DataError(f"{row.place}: joints in mm and no camera; one of {', '.join(list(cameras)[:6])}")
    split = [_text(value) or "" for value in words["split"]]
    return Records(
        skeleton, [row.place for row in rows], [_text(value) for value in words["image"]],
        [_text(value) or "1" for value in words["subject"]], [_text(value) or "action" for value in words["action"]],
        _whole(words["trial"], rows, "trial"), [_text(value) or default for value in words["camera"]],
        _whole(words["frame"], rows, "frame"), px, mm, boxes, _splits(split, rows), joints_frame, cameras,
        notes=notes,
    )  # fmt: skip


def _check_frames(rows: list[Row]) -> list[str]:
    """Refuse records of several videos that do not say which picture is meant: their own number would be taken.

    Returns a note where it is taken, of one video.
    """
    images = [_text(row.words.get("image")) for row in rows]
    of_video = [image is not None and is_video(Path(image)) for image in images]
    videos = {image for image, video in zip(images, of_video, strict=True) if video}
    frames = [_text(row.words.get("frame")) for row, video in zip(rows, of_video, strict=True) if video]
    lowest = min((float(frame) for frame in frames if frame and _is_number(frame)), default=1.0)
    notes = [_FROM_ONE.format(lowest=lowest)] if lowest > 1 else []
    if len(videos) < 2:  # a record for each of its pictures, unless they say otherwise
        silent = sum(video and _text(row.words.get("frame")) is None for row, video in zip(rows, of_video, strict=True))
        if silent:
            notes.append(f"{videos.pop()}: {silent} records without frame are taken for its pictures in turn")
        return notes
    for row, image, video in zip(rows, images, of_video, strict=True):
        if video and _text(row.words.get("frame")) is None:
            raise DataError(f"{row.place}: {image} is a video, and no frame says which of its pictures; from 1")
    return notes


# --- forms ----------------------------------------------------------------------------------------------------------


def _csv_rows(path: Path, skeleton: Skeleton) -> list[Row]:
    with readable(path, "not readable as text", _HELP):
        text = path.read_text("utf-8-sig")
    lines = text.splitlines()
    if not lines:
        return []
    separator = max(("\t", ";", ","), key=lines[0].count)
    with readable(path, "not readable as CSV", "a quote without its end?"):
        reader = csv.reader(lines, delimiter=separator)
        columns = [_column(name, path, skeleton) for name in next(reader)]
        names = [name for name, _ in columns]
        if twice := [name for place, name in enumerate(names) if name in names[:place]]:
            raise DataError(f"{path}: column {twice[0]} stands there twice")
        return list(_filled(reader, columns, path))


def _column(name: str, path: Path, skeleton: Skeleton) -> tuple[str, Any]:
    """Name a column as this module does, and tell what it is of: None for words, a joint with unit and place."""
    name = name.strip()
    word = ALIASES.get(name.lower(), name.lower())
    if word in WORDS or word in BOX:
        return word, None
    for end, (unit, place) in ENDS.items():
        if name.lower().endswith(end):
            return name, (name[: -len(end)], unit, place)
    if name[-2:].lower() in ("_x", "_y") and skeleton.index(name[:-2]) is not None:  # no unit: the picture's
        return name, (name[:-2], "px", "xy".index(name[-1].lower()))
    joints = [joint for joint in skeleton.names if joint in name]
    meant = f"{joints[0]}{'_x_px'}" if joints else f"one of {', '.join((*WORDS, *BOX))}, JOINT_x_px or JOINT_x_mm"
    raise DataError(f"{path}: column {name!r} is not known; expected {meant}; {_HELP}")


def _filled(reader: Any, columns: list[tuple[str, Any]], path: Path) -> Iterator[Row]:
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        place = f"{path.name}, line {reader.line_num}"
        if len(cells) != len(columns):
            raise DataError(f"{place}: {len(cells)} cells for {len(columns)} columns")
        words: dict[str, Any] = {}
        joints: dict[str, dict[str, list[Any]]] = {"px": {}, "mm": {}}
        for (name, joint), cell in zip(columns, cells, strict=True):
            value = cell.strip()
            if joint is None:
                words[name] = value
            else:
                whose, unit, at = joint
                joints[unit].setdefault(whose, [None] * (2 if unit == "px" else 3))[at] = value
        box = [words.get(name) for name in BOX]
        yield Row(place, words, joints["px"], joints["mm"], box if any(box) else None)


def _json_rows(path: Path, skeleton: Skeleton) -> list[Row]:
    rows = []
    with readable(path, "not readable as text", _HELP):
        lines = path.read_text("utf-8-sig").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{path.name}, line {number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{place}: no JSON ({error})") from None
        if not isinstance(record, dict):
            raise DataError(f'{place}: expected an object, such as {{"image": "a.jpg", "joints_px": ...}}')
        known = {ALIASES.get(key.lower(), key.lower()): value for key, value in record.items()}
        if unknown := set(known) - {*WORDS, "joints_px", "joints_mm", "box_px", "box"}:
            raise DataError(f"{place}: unknown key {min(unknown)!r}; expected {_KEYS}")
        px, mm = (_by_joint(known.get(key), skeleton, f"{place}: {key}") for key in ("joints_px", "joints_mm"))
        rows.append(Row(place, known, px, mm, known.get("box_px", known.get("box"))))
    return rows


def _by_joint(given: Any, skeleton: Skeleton, where: str) -> dict[str, Any]:
    """Joints by name, whether they came by name or in the skeleton's order."""
    if given is None:
        return {}
    if isinstance(given, dict):
        return given
    if not isinstance(given, list) or len(given) != skeleton.joints:
        count = len(given) if isinstance(given, list) else "no list of"
        raise DataError(
            f"{where}: {count} joints, the skeleton has {skeleton.joints}; give them by name or in its order"
        )
    return dict(zip(skeleton.names, given, strict=True))


def _npz_rows(path: Path, skeleton: Skeleton) -> list[Row]:
    with readable(path, "not readable as NPZ", _HELP), np.load(path, allow_pickle=False) as file:
        arrays = {ALIASES.get(name.lower(), name.lower()): checked_array(file[name]) for name in file.files}
        names = [str(name) for name in np.atleast_1d(arrays.pop("joints", skeleton.names))]
    if unknown := set(arrays) - {*WORDS, "joints_px", "joints_mm", "box_px"}:
        raise DataError(f"{path}: unknown array {min(unknown)!r}; expected {_KEYS}")
    counts = {name: len(array) for name, array in arrays.items() if array.ndim}
    count = max(counts.values(), default=0)
    for name, array in arrays.items():
        if array.ndim and len(array) != count:
            raise DataError(f"{path}: {name}: {len(array)} records, others have {count}")
        size = {"joints_px": (len(names), 2), "joints_mm": (len(names), 3), "box_px": (3,)}.get(name, ())
        if array.ndim and array.shape[1:] != size:
            raise DataError(f"{path}: {name}: shape {array.shape}, expected {(count, *size)}")
    rows = []
    for number in range(count):
        own = {name: array[number] if array.ndim else array[()] for name, array in arrays.items()}
        px, mm = (dict(zip(names, own[key], strict=True)) if key in own else {} for key in ("joints_px", "joints_mm"))
        words = {name: own[name] for name in WORDS if name in own}
        rows.append(Row(f"{path.name}, record {number}", words, px, mm, own.get("box_px")))
    return rows


_READERS: dict[str, Callable[[Path, Skeleton], list[Row]]] = {
    ".csv": _csv_rows, ".tsv": _csv_rows, ".jsonl": _json_rows, ".npz": _npz_rows,
}  # fmt: skip


# --- cells ----------------------------------------------------------------------------------------------------------


def _numbers(given: Any, count: int, where: str) -> np.ndarray:
    """So many numbers, or so many NaN where nothing is given; a part alone is refused."""
    if given is None:
        return np.full(count, np.nan)
    if isinstance(given, str) or not hasattr(given, "__len__") or len(given) != count:
        raise DataError(f"{where}: {given!r}; expected {count} numbers")
    values = np.array([_number(value, where) for value in given])
    if 0 < np.isnan(values).sum() < count:
        raise DataError(f"{where}: a part is missing; a joint has all of its {count} numbers, or none")
    return values


def _number(value: Any, where: str) -> float:
    if value is None or (isinstance(value, str) and value.lower() in ("", "nan", "na", "null", "none")):
        return np.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise DataError(f"{where}: {value!r} is no number") from None
    if np.isinf(number):
        raise DataError(f"{where}: {value!r} is not finite")
    return number


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def _text(value: Any) -> str | None:
    if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bytes):  # of an NPZ
        value = value.decode("utf-8", "replace")
    return str(value).strip() or None


def _whole(values: list[Any], rows: list[Row], name: str) -> list[int]:
    """Whole numbers from 1; where none is given: 1, for frames the record's number."""
    found, most = [], np.iinfo(FIELDS[name].dtype).max
    for number, (value, row) in enumerate(zip(values, rows, strict=True), start=1):
        text = _text(value)
        try:
            whole = float(text) if text is not None else (number if name == "frame" else 1)
            if not 0 <= whole < most or whole != int(whole):
                raise ValueError
        except ValueError:
            raise DataError(f"{row.place}: {name}: {text!r}; expected a whole number from 0 to {most - 1}") from None
        found.append(int(whole))
    return [value + 1 for value in found] if found and min(found) == 0 else found


def _splits(split: list[str], rows: list[Row]) -> list[str]:
    if not any(split):
        return []
    for value, row in zip(split, rows, strict=True):
        if value.lower() not in ("train", "test"):
            raise DataError(f"{row.place}: split: {value!r}; expected train or test, in every record or in none")
    return [value.lower() for value in split]
