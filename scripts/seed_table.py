"""Write a table over all seeds that several folders of tables hold, where the runs themselves are gone.

    python scripts/seed_table.py EXPERIMENT FOLDER [FOLDER ...] --out FILE [--rows A,B] [--as THEIRS=OURS]
        [--times FILE] [--title WORDS] [--dataset synth36]

``FOLDER``: what ``python -m c2fpose.tables`` wrote, of it ``jobs.csv`` and, if it is there, ``table.csv``. Finished
jobs count, a seed once: in the last folder that has it. Earlier versions kept some figures as means over a folder's
seeds alone; such a mean counts for each of its seeds, if all of them are in the table. A figure of fewer seeds than its
row has says of how many. ``--as``: another experiment's row that is one of this one's. ``--times``: a CSV of
``scripts/row_times.py``. ``--dataset``: its name. Differences are the experiment's pairs, over seeds; over test images
they need the runs.
"""

import argparse
import csv
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra import compose, initialize_config_dir
from over_seeds import add_renaming, check_one_length, names_by

from c2fpose.base.errors import ConfigError, DataError, exits_cleanly
from c2fpose.base.files import write_text
from c2fpose.base.table import Table
from c2fpose.config.command_line import conf_dir
from c2fpose.config.sweep import SweepConfig
from c2fpose.reports.paper import VERSIONS, figure
from c2fpose.reports.statistics import mean_and_half_interval, seed_difference
from c2fpose.reports.tables import DATASETS
from c2fpose.sweeps.rows import sweep_of

ERROR = "mpjpe_mm_ground_truth"
# Columns: heading, name in jobs.csv, name in table.csv, factor, digits
COLUMNS = (
    ("aligned, mm", "reconstruction_mm_ground_truth", "reconstruction_mm", 1, 1),
    ("x", "x_mm", "x_mm", 1, 1),
    ("y", "y_mm", "y_mm", 1, 1),
    ("depth", "depth_mm", "depth_mm", 1, 1),
    ("own limbs, mm", "mpjpe_mm_own_limbs", "own_limbs_mm", 1, 1),
    ("mean limbs, mm", "mpjpe_mm_mean_limbs", "mean_limbs_mm", 1, 1),
    ("strong perspective, mm", "mpjpe_mm_strong_perspective", "strong_perspective_mm", 1, 1),
    ("calibration error, %", "calibration_error", "calibration_error", 100, 1),
    ("90 % ellipsoids hold, %", "coverage_90", "coverage_90", 100, 1),
    ("surest 80 %, mm", "surest_80_mm", "surest_80_mm", 1, 1),
    ("of all, mm", "calibrated_mm", "calibrated_mm", 1, 1),
    ("parameters, M", "parameters", "parameters", 1e-6, 2),
    ("GFLOP", "flops", "flops", 1e-9, 2),
)
TIMES = (
    ("a step, ms", "step_ms", 0), ("trained, images/s", "training_images_per_second", 0),
    ("predicted, images/s", "predicted_images_per_second", 0), ("memory, GiB", "memory_gib", 2),
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A finished training of one row: what its folder says of it, and of its row."""

    folder: Path
    told: dict[str, str]
    row: dict[str, str]  # of table.csv; empty where there is none


def jobs_of(sweep: SweepConfig, folders: Sequence[Path], renamed: dict[str, str]) -> dict[str, dict[int, Job]]:
    """Find the jobs of an experiment's rows, by row and seed. Raises ``DataError`` for a folder without any."""
    found: dict[str, dict[int, Job]] = defaultdict(dict)
    for folder in folders:
        rows = {told["row"]: told for told in _records(folder / "table.csv")}
        jobs = [told for told in _records(folder / "jobs.csv") if told.get("state") == "finished"]
        kept = [told for told in jobs if renamed.get(told["row"], told["row"]) in sweep.rows]
        if not kept:
            raise DataError(f"{folder / 'jobs.csv'}: holds no finished job of this experiment; give folders of tables")
        for told in kept:
            name = renamed.get(told["row"], told["row"])
            found[name][int(told["seed"])] = Job(folder, told, rows.get(told["row"], {}))
    for name, jobs_by_seed in found.items():
        check_one_length(name, [job.told.get("max_steps") or "" for job in jobs_by_seed.values()])
    return found


def values_of(jobs: Sequence[Job], in_jobs: str, in_table: str) -> list[float]:
    """List a row's figures, one a seed: its own, or the mean over its folder's seeds if all of these are here."""
    here: dict[Path, int] = defaultdict(int)
    for job in jobs:
        here[job.folder] += 1
    values = []
    for job in jobs:
        whole = job.row.get("seeds_finished") == str(here[job.folder])
        word = job.told.get(in_jobs) or (job.row.get(in_table) if whole else None)
        if word:
            values.append(float(word))
    return values


def main_table(
    sweep: SweepConfig, found: dict[str, dict[int, Job]], times: dict[str, dict[str, str]], dataset: str
) -> Table:
    """Make the table: a row of the experiment each, means over its seeds."""
    published = {figure(paper).version for name in found if (paper := sweep.rows[name].paper)}
    header = ["", *(("paper",) if published else ()), "MPJPE, mm", "seeds", *(column[0] for column in COLUMNS)]
    header += [heading for heading, *_ in TIMES] if times else []
    rows = []
    for name, row in sweep.rows.items():
        if name not in found:
            continue
        jobs = [found[name][seed] for seed in sorted(found[name])]
        mean, half = mean_and_half_interval(values_of(jobs, ERROR, "mpjpe_mm"))
        known = figure(row.paper) if row.paper else None
        cells = [row.label, *((("-" if known is None else f"{known.average_mm:.2f}"),) if published else ())]
        cells += [f"{mean:.1f}" if math.isnan(half) else f"{mean:.1f} ± {half:.1f}", str(len(jobs))]
        for _, in_jobs, in_table, factor, digits in COLUMNS:
            values = values_of(jobs, in_jobs, in_table)
            fewer = f" ({len(values)})" if 0 < len(values) < len(jobs) else ""
            cells.append(f"{factor * sum(values) / len(values):.{digits}f}{fewer}" if values else "-")
        if times:
            timed = times.get(name, {})
            cells += [f"{float(timed[key]):.{digits}f}" if timed else "-" for _, key, digits in TIMES]
        rows.append(tuple(cells))
    paper = "; ".join(f"{name}: {VERSIONS[name]}" for name in sorted(published))
    notes = (f"Paper: Human3.6M; {paper}.",) if published else ()
    notes += (DATASETS.get(dataset, f"Ours: {dataset}."), *_origin(found))
    if times:
        notes += ("Time and memory: each row timed apart from its training (scripts/row_times.py), on one thread.",)
    return Table(tuple(header), tuple(rows), notes)


def _origin(found: dict[str, dict[int, Job]]) -> tuple[str, ...]:
    """Say what the figures were made from, as far as the folders know."""
    jobs = [job for by_seed in found.values() for job in by_seed.values()]
    steps = sorted({int(job.told["max_steps"]) for job in jobs if job.told.get("max_steps")})
    versions = sorted({job.told.get("code_version", "") for job in jobs} - {""})
    rows = [job.row for job in jobs if job.row]
    data = sorted({f"train {row['train_data'][:12]}, test {row['test_data'][:12]}" for row in rows})
    precisions = Counter(job.told.get("training_precision") or "not written down" for job in jobs)
    return (
        "± is the 95 % interval over seeds; a number in brackets: so many seeds alone have this figure. Errors with "
        "the root's depth given, where no other rule is named.",
        f"{', '.join(f'{each:,}' for each in steps)} steps; data {'; '.join(data) or 'not written down'}; code "
        f"{', '.join(versions)}; jobs by precision: "
        f"{', '.join(f'{name} {count}' for name, count in sorted(precisions.items()))}.",
    )


def difference_table(sweep: SweepConfig, found: dict[str, dict[int, Job]]) -> Table:
    """Make the table of the experiment's pairs, first less second, over seeds."""
    rows = []
    for first, second in sweep.compare:
        if first not in found or second not in found:
            continue
        a, b = ([float(job.told[ERROR]) for job in found[name].values()] for name in (first, second))
        told = seed_difference(a, b)
        label = f"[{sweep.rows[first].label}] less [{sweep.rows[second].label}]"
        papers = [figure(paper).average_mm for name in (first, second) if (paper := sweep.rows[name].paper)]
        between = f"{papers[0] - papers[1]:+.2f}" if len(papers) == 2 else "-"
        interval, p = ("-", "-") if told is None else (f"{told.low_mm:+.1f} to {told.high_mm:+.1f}", _p(told.p))
        mean = sum(a) / len(a) - sum(b) / len(b)
        rows.append((label, between, f"{mean:+.1f}", f"{len(a)}, {len(b)}", interval, p))
    header = ("", "paper", "ours, mm", "seeds", "95 % over seeds", "p")
    note = "First less second: positive where the second is better. Welch, needs two seeds of both; not corrected."
    return Table(header, tuple(rows), (note,))


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _records(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        if file.name == "table.csv":
            return []
        raise DataError(f"{file}: no such file; give folders that c2fpose.tables wrote")
    with open(file, encoding="utf-8", newline="") as text:
        records = list(csv.DictReader(text))
    if missing := {"row"} - set(records[0] if records else ()):
        raise DataError(f"{file}: no column {min(missing)}; give folders that c2fpose.tables wrote")
    return records


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Write the tables, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--rows", type=lambda word: word.split(","))
    add_renaming(parser)
    parser.add_argument("--times", type=Path)
    parser.add_argument("--title")
    parser.add_argument("--dataset", default="synth36")
    asked = parser.parse_args(words)
    if not (Path(conf_dir()) / "experiment" / f"{asked.experiment}.yaml").is_file():
        raise ConfigError(f"{asked.experiment}: no such experiment in {conf_dir()}/experiment")
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        sweep = sweep_of(compose("train", overrides=[f"+experiment={asked.experiment}"]))
    found = jobs_of(sweep, asked.folders, names_by(asked.renamed))
    for name in asked.rows or ():
        if name not in found:
            raise ConfigError(f"--rows: no finished job of {name}; there are {', '.join(found)}")
    found = {name: jobs for name, jobs in found.items() if asked.rows is None or name in asked.rows}
    times = {told["row"]: told for told in _records(asked.times)} if asked.times else {}
    parts = [f"# {asked.title or sweep.title}\n", main_table(sweep, found, times, asked.dataset).markdown()]
    if (pairs := difference_table(sweep, found)).rows:
        parts += ["## Differences between rows\n", pairs.markdown()]
    write_text(asked.out, "\n".join(parts))
    print(f"{sum(map(len, found.values()))} jobs of {len(found)} rows: {asked.out}")


if __name__ == "__main__":
    main()
