"""Compare two rows over seeds that several tables hold: means, and the difference of the first less the second.

    python scripts/over_seeds.py FIRST SECOND JOBS.csv [JOBS.csv ...]

``JOBS.csv`` are those that ``python -m c2fpose.tables`` writes; finished jobs count, a seed once. MPJPE in mm, root
depth given.
"""

import csv
import sys
from pathlib import Path

from c2fpose.reports.statistics import mean_and_half_interval, seed_difference


def by_seed(row: str, files: list[str]) -> dict[int, float]:
    """Find a row's errors by seed; of a seed in several files the last."""
    jobs = [job for file in files for job in csv.DictReader(Path(file).read_text().splitlines())]
    return {
        int(job["seed"]): float(job["mpjpe_mm_ground_truth"])
        for job in jobs
        if job["row"] == row and job["state"] == "finished"
    }


def main(first: str, second: str, files: list[str]) -> None:
    """Print both rows and their difference."""
    rows = {row: by_seed(row, files) for row in (first, second)}
    for row, errors_mm in rows.items():
        mean, half = mean_and_half_interval(list(errors_mm.values()))
        listed = ", ".join(f"{errors_mm[seed]:.1f}" for seed in sorted(errors_mm))
        print(f"{row}: {mean:.1f} ± {half:.1f} mm, {len(errors_mm)} seeds ({listed})")
    found = seed_difference(*(list(errors_mm.values()) for errors_mm in rows.values()))
    if found is None:
        raise SystemExit("error: fewer than two seeds of one row: nothing to compare")
    print(
        f"{first} less {second}: {found.mean_mm:.1f} mm ({found.low_mm:.1f} to {found.high_mm:.1f}), p = {found.p:.2g}"
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
