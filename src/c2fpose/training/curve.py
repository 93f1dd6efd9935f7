"""The validation curve of a run, as a file: error against steps and training time."""

import csv
from pathlib import Path

from c2fpose.base.errors import readable
from c2fpose.base.files import written_whole

CURVE = "curve.csv"
CURVE_COLUMNS = ("step", "training_seconds", "val_mpjpe_mm")


def write_curve(path: Path, rows: list[dict[str, float]]) -> None:
    """Write the curve whole."""
    with written_whole(path) as partial, open(partial, "w", newline="") as file:
        writer = csv.DictWriter(file, CURVE_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def read_curve(path: Path) -> list[dict[str, float]]:
    """Rows of ``curve.csv``; none where there is no such file. Raises ``DataError`` for a damaged one."""
    if not path.is_file():
        return []
    with readable(path, "not the curve of a run", "remove it"), open(path, newline="") as file:
        return [
            {name: float(row[name]) for name in CURVE_COLUMNS} | {"step": int(row["step"])}
            for row in csv.DictReader(file)
        ]
