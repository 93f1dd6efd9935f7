"""Draw a table's pictures over seeds that several folders of tables hold, where the runs themselves are gone.

    python scripts/seed_pictures.py EXPERIMENT FOLDER [FOLDER ...] --out DIR [--rows A,B] [--as THEIRS=OURS]
        [--times FILE] [--dataset synth36]

``FOLDER``: what ``python -m c2fpose.tables`` wrote, of it ``jobs.csv`` and ``curves.csv``. Finished jobs of the
experiment's rows count, a seed once: in the last folder that has it. ``--as``: another experiment's row that is one of
this one's. ``--times``: a CSV of ``scripts/row_times.py``, by which ``validation.png`` is drawn against training time
too; without it against steps alone, as times of several machines do not compare. ``--dataset``: its name in the titles.
What else ``c2fpose.tables`` writes needs the runs.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from over_seeds import add_renaming, check_one_length, names_by

from c2fpose.base.errors import ConfigError, DataError, exits_cleanly
from c2fpose.config.command_line import conf_dir
from c2fpose.pictures.figure import save_png
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.reports.plots import error_figure, validation_figure
from c2fpose.reports.results import Results, SweepJob
from c2fpose.sweeps.job import Finished
from c2fpose.sweeps.rows import sweep_of
from c2fpose.training.curve import CURVE_COLUMNS

COLUMNS = ("mpjpe_mm_ground_truth", "parameters")
_FOLDERS, _TIMED = "give folders that c2fpose.tables wrote", "give what scripts/row_times.py wrote"


def results_of(experiment: str, folders: list[Path], renamed: dict[str, str], dataset: str) -> Results:
    """Put the jobs of all folders together. Raises ``DataError`` for a folder without any of the experiment."""
    if not (Path(conf_dir()) / "experiment" / f"{experiment}.yaml").is_file():
        raise ConfigError(f"{experiment}: no such experiment in {conf_dir()}/experiment")
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=[f"+experiment={experiment}"])
    sweep = sweep_of(cfg)
    found: dict[tuple[str, int], SweepJob] = {}
    for folder in folders:
        curves = _records(folder / "curves.csv", ("row", "seed", *CURVE_COLUMNS))
        jobs = [
            told
            for told in _records(folder / "jobs.csv", ("row", "seed", "state", *COLUMNS))
            if told["state"] == "finished"
        ]
        kept = [told for told in jobs if renamed.get(told["row"], told["row"]) in sweep.rows]
        if not kept:
            raise DataError(f"{folder / 'jobs.csv'}: holds no finished job of {experiment}: of another experiment?")
        for told in kept:
            row, seed = renamed.get(told["row"], told["row"]), int(told["seed"])
            job = SweepJob(row, seed, folder, "finished", record=_record(told, dataset))
            points = [each for each in curves if (each["row"], each["seed"]) == (told["row"], told["seed"])]
            values = [[float(each[name]) for name in CURVE_COLUMNS] for each in points]
            job.__dict__["curve"] = np.array(values, float).reshape(-1, 3)  # in the place of the run's own file
            found[row, seed] = job
    for row in sweep.rows:
        check_one_length(row, [job.result.max_steps for job in found.values() if job.row == row])
    return Results(experiment, cfg.scale, sweep, tuple(found.values()))


def put_times(results: Results, file: Path) -> None:
    """Put the time that a row's steps take by themselves in the place of what each job took, seconds.

    Raises ``DataError`` for a row that was not timed.
    """
    step_s = {told["row"]: float(told["step_ms"]) / 1000 for told in _records(file, ("row", "step_ms"), _TIMED)}
    for job in results.finished:
        if job.row not in step_s:
            raise DataError(f"{file}: no row {job.row}; time it, or leave it out by --rows")
        job.curve[:, 1] = job.curve[:, 0] * step_s[job.row]


def _records(file: Path, columns: tuple[str, ...], advice: str = _FOLDERS) -> list[dict[str, str]]:
    try:
        with open(file, encoding="utf-8", newline="") as text:
            records = list(csv.DictReader(text))
    except OSError:
        raise DataError(f"{file}: no such file; {advice}") from None
    missing = set(columns) - set(records[0] if records else ())
    if missing:
        raise DataError(f"{file}: no column {min(missing)}; {advice}")
    return records


def _record(told: dict[str, str], dataset: str) -> Finished:
    def errors(metric: str) -> dict[str, float]:
        values = {rule: told.get(f"{metric}_mm_{rule}") for rule in ROOT_DEPTH_RULES}
        return {rule: float(value) for rule, value in values.items() if value}

    known: dict[str, Any] = {key: told.get(key) or 0 for key in ("parameters", "flops", "max_steps")}
    return Finished.model_validate(
        known
        | {"identity": {"experiment": told.get("experiment", "")}, "dataset": dataset, "images": 0}
        | {"evaluation_sha256": "", "code_version": "", "torch": ""}
        | {"mpjpe_mm": errors("mpjpe"), "reconstruction_mm": errors("reconstruction")}
        | {"evaluation_images_per_second": 0.0}
    )


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Draw ``errors.png`` and ``validation.png``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--rows", type=lambda word: word.split(","))
    add_renaming(parser)
    parser.add_argument("--times", type=Path)
    parser.add_argument("--dataset", default="synth36")
    asked = parser.parse_args(words)
    results = results_of(asked.experiment, asked.folders, names_by(asked.renamed), asked.dataset)
    results = results.only(asked.rows or [row for row in results.sweep.rows if results.of(row)])
    if asked.times:
        put_times(results, asked.times)
    asked.out.mkdir(parents=True, exist_ok=True)
    save_png(error_figure(results, "ground_truth"), asked.out / "errors.png")
    save_png(validation_figure(results, times=asked.times is not None), asked.out / "validation.png")
    whose = sorted({job.result.identity["experiment"] for job in results.finished} - {""})  # older files do not say
    named = f" of {' and '.join(whose)}" if whose else ""
    print(f"pictures of {len(results.finished)} jobs{named}: {asked.out}")


if __name__ == "__main__":
    main()
