"""The validation curve of a run, as a file: error against steps and training time."""

import csv
from pathlib import Path

from c2fpose.base.errors import readable
from c2fpose.base.files import written_whole
from c2fpose.config.data import SOURCE_ERRORS

CURVE = "curve.csv"
CURVE_COLUMNS = ("step", "training_seconds", "val_mpjpe_mm")


def write_curve(path: Path, rows: list[dict[str, float]]) -> None:
    """Write the curve whole; further columns of some rows are empty in the others."""
    further = dict.fromkeys(name for row in rows for name in row if name not in CURVE_COLUMNS)
    with written_whole(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, (*CURVE_COLUMNS, *further))
        writer.writeheader()
        writer.writerows(rows)


def read_curve(path: Path) -> list[dict[str, float]]:
    """Rows of ``curve.csv``; none where there is no such file. Raises ``DataError`` for a damaged one.

    After ``CURVE_COLUMNS`` come those of the sources of a mix, as far as they are known.
    """
    if not path.is_file():
        return []
    broken = readable(path, "not the curve of a run", "remove it")
    with broken, open(path, newline="", encoding="utf-8") as file:
        return [
            {name: float(row[name]) for name in CURVE_COLUMNS}
            | {name: float(value) for name, value in row.items() if name not in CURVE_COLUMNS and value}
            | {"step": int(row["step"])}
            for row in csv.DictReader(file)
        ]


def by_source(row: dict[str, float]) -> dict[str, dict[str, float]]:
    """Sort a row's further columns by the source that they are of.

    >>> by_source({"val_mpjpe_mm": 90.0, "val_mpjpe_mm_lab": 88.0, "val_off_percent_lab": 4.0})
    {'lab': {'mpjpe_mm': 88.0, 'off_percent': 4.0}}
    """
    found: dict[str, dict[str, float]] = {}
    for column, value in row.items():
        for error in SOURCE_ERRORS:
            if column.startswith(start := f"val_{error}_"):
                found.setdefault(column.removeprefix(start), {})[error] = value
    return found
