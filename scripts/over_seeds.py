"""Compare two rows over seeds that several files hold: means, and the difference of the first less the second.

    python scripts/over_seeds.py FIRST SECOND FILE [FILE ...] [--figure NAME] [--as THEIRS=OURS] [--paired]

``FILE``: a ``jobs.csv`` of ``python -m c2fpose.tables``, or a ``figures.json`` of ``scripts/reality_table.py``.
Finished jobs count, a seed once: in the last file that has it. ``--figure``: which one, by its name there; by default
the MPJPE in mm, root depth given. ``--as``: a row that some of the files have under another name. ``--paired``: both
rows read the same networks (rows with ``of``), so that the seeds of both are compared one by one.

Names of rows are not the experiments': ``base`` is a row of several. A ``jobs.csv`` says whose its jobs are (older ones
do not), and it is printed where a row's come from more than one.
"""

import argparse
import csv
import json
from collections.abc import Iterable
from pathlib import Path

from c2fpose.base.errors import ConfigError, DataError, exits_cleanly, readable
from c2fpose.reports.statistics import mean_and_half_interval, seed_difference


def by_seed(
    row: str, files: list[str], figure: str, renamed: dict[str, str], experiments: set[str] | None = None
) -> dict[int, float]:
    """Find a row's figures by seed; put the ``experiments`` that its jobs name into that set.

    Raises ``DataError`` for a figure that a file does not have, and for seeds of trainings of different lengths.
    """
    found: dict[int, float] = {}
    steps: dict[int, str] = {}
    for file in files:
        for name, seed, figures in _jobs_in(file):
            if renamed.get(name, name) != row:
                continue
            if figure not in figures:
                raise DataError(f"{file}: no figure {figure!r}; there are {', '.join(sorted(figures))}")
            try:
                found[seed] = float(figures[figure])
            except (TypeError, ValueError):
                raise DataError(
                    f"{file}: {figure} of {name}/seed{seed} is {figures[figure]!r}, no number; choose another --figure"
                ) from None
            steps[seed] = figures.get("max_steps") or ""  # figures.json does not say
            if experiments is not None and figures.get("experiment"):
                experiments.add(figures["experiment"])
    check_one_length(row, steps.values())
    return found


def check_one_length(row: str, steps: Iterable[str | int]) -> None:
    """Raise ``DataError`` where seeds of a row were trained for different numbers of steps, where these are known."""
    known = sorted({int(each) for each in steps if each})
    if len(known) > 1:
        raise DataError(
            f"{row}: seeds of {known[0]} and of {known[-1]} steps are no seeds of one row; give one length's"
        )


def _jobs_in(file: str) -> list[tuple[str, int, dict]]:
    if not Path(file).is_file():
        raise DataError(f"{file}: no such file; give a jobs.csv of c2fpose.tables, or a figures.json")
    with readable(file, "neither a jobs.csv of c2fpose.tables nor a figures.json", "give one of these"):
        return (_of_json if file.endswith(".json") else _of_csv)(Path(file).read_text(encoding="utf-8"))


def _of_csv(text: str) -> list[tuple[str, int, dict]]:
    jobs = csv.DictReader(text.splitlines())
    return [(job["row"], int(job["seed"]), job) for job in jobs if job["state"] == "finished"]


def _of_json(text: str) -> list[tuple[str, int, dict]]:
    jobs = ((key.split("/seed"), value["figures"]) for key, value in json.loads(text).items() if "/seed" in key)
    return [(row, int(seed), figures) for (row, seed), figures in jobs]


def add_renaming(parser: argparse.ArgumentParser) -> None:
    """Add ``--as``, read by ``names_by``."""
    parser.add_argument("--as", dest="renamed", action="append", default=[], type=lambda word: word.split("="))


def names_by(pairs: list[list[str]]) -> dict[str, str]:
    """Give the rows' own names by those of other files. Raises ``ConfigError``."""
    if any(len(pair) != 2 for pair in pairs):
        raise ConfigError("--as: takes THEIRS=OURS, two names of rows")
    return {theirs: ours for theirs, ours in pairs}


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Print both rows and their difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("first", "second"):
        parser.add_argument(name)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--figure", default="mpjpe_mm_ground_truth")
    parser.add_argument("--paired", action="store_true")
    add_renaming(parser)
    asked = parser.parse_args(words)
    if asked.first == asked.second:
        raise DataError(f"{asked.first}: the same row twice; name two")
    renamed = names_by(asked.renamed)
    unit = " mm" if "mm" in asked.figure.split("_") else ""
    experiments: dict[str, set[str]] = {row: set() for row in (asked.first, asked.second)}
    rows = {row: by_seed(row, asked.files, asked.figure, renamed, experiments[row]) for row in experiments}
    if asked.paired:
        common = sorted(set.intersection(*map(set, rows.values())))
        rows = {row: {seed: values[seed] for seed in common} for row, values in rows.items()}
    for row, values in rows.items():
        if len(values) < 2:
            of_both = " of both rows" if asked.paired else ""
            raise DataError(f"{row}: fewer than two seeds{of_both} in {', '.join(asked.files)}: nothing to compare")
        mean, half = mean_and_half_interval(list(values.values()))
        listed = ", ".join(f"{values[seed]:.1f}" for seed in sorted(values))
        whose = f", of {' and '.join(sorted(experiments[row]))}" if len(experiments[row]) > 1 else ""
        print(f"{row}: {mean:.1f} ± {half:.1f}{unit}, {len(values)} seeds ({listed}){whose}")
    found = seed_difference(*(list(values.values()) for values in rows.values()), paired=asked.paired)
    assert found is not None, "both have two seeds"
    print(
        f"{asked.first} less {asked.second}: {found.mean_mm:.1f}{unit} ({found.low_mm:.1f} to {found.high_mm:.1f}), "
        f"p = {found.p:.2g}{', paired by seed' if asked.paired else ''}"
    )


if __name__ == "__main__":
    main()
