"""Boxes of people that the user has already, from the files that other tools write."""

from pathlib import Path

from c2fpose.base.errors import DataError
from c2fpose.prediction.boxes import coco, mot, table, yolo
from c2fpose.prediction.boxes.given import BoxFile, GivenBox

__all__ = ["BoxFile", "GivenBox", "read_boxes"]

_FORMATS = ".json (COCO), .csv or .tsv with a header, .txt (MOT or YOLO) or a folder of YOLO's .txt"


def read_boxes(path: str | Path) -> BoxFile:
    """Read boxes in whichever of four formats the file is: COCO JSON, CSV with a header, MOT or YOLO text.

    A directory holds YOLO texts, one a picture. Raises ``DataError`` naming file and line where something is wrong.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"boxes={path}: no such file; give {_FORMATS}")
    if path.is_dir():
        return yolo.read_folder(path)
    if path.suffix.lower() == ".json":
        return coco.read(path)
    if path.suffix.lower() in (".csv", ".tsv"):
        return table.read(path)
    if path.suffix.lower() != ".txt":
        raise DataError(f"boxes={path}: expected {_FORMATS}")
    return mot.read(path) if mot.looks_like(path) else yolo.read(path)
