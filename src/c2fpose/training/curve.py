"""The validation curve of a run, as a file: error against steps and training time."""

import csv
import os
from pathlib import Path

CURVE = "curve.csv"
CURVE_COLUMNS = ("step", "training_seconds", "val_mpjpe_mm")


def write_curve(path: Path, rows: list[dict[str, float]]) -> None:
    """The file has its name only when it is complete."""
    partial = path.with_name(f".{path.name}.partial")
    with open(partial, "w", newline="") as file:
        writer = csv.DictWriter(file, CURVE_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    os.replace(partial, path)


def read_curve(path: Path) -> list[dict[str, float]]:
    """Rows of ``curve.csv``; none where there is no such file."""
    if not path.is_file():
        return []
    with open(path, newline="") as file:
        return [
            {name: float(row[name]) for name in CURVE_COLUMNS} | {"step": int(row["step"])}
            for row in csv.DictReader(file)
        ]
