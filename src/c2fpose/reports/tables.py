"""A sweep as tables (Markdown, LaTeX, CSV) and figures, the paper's figures beside ours.

Missing and failed jobs are shown as such. Errors are averages over all test images; "95 %" is Student's interval.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from c2fpose.base.files import write_text
from c2fpose.base.table import Table
from c2fpose.evaluation.scores import AXES
from c2fpose.pictures.figure import save_png
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.pose.protocol import ACTIONS
from c2fpose.reports.paper import VERSIONS, column, figure
from c2fpose.reports.plots import error_figure, validation_figure
from c2fpose.reports.records import (
    Budget,
    budget,
    by_action,
    curve_records,
    difference_records,
    differences,
    error_mm,
    job_records,
    row_records,
    table_of,
    training_cost,
)
from c2fpose.reports.results import Job, Results, read_results
from c2fpose.reports.statistics import Difference, mean_and_half_interval

DATASETS = {
    "synth36": "Ours: synth36, people rendered by this package; not Human3.6M, and not comparable with it in mm.",
    "h36m": "Ours: Human3.6M.",
}


# Columns of a table whose sweep says ``apart``
APART = (
    "x", "y", "depth",
    "own limbs, mm", "mean limbs, mm", "strong perspective, mm",
    "calibration error, %", "90 % ellipsoids hold, %", "surest 80 %, of all, mm",
)  # fmt: skip


def summarise(
    directories: Sequence[Path], out: Path, root_depth: str = "ground_truth", accept_code: bool = False
) -> Results:
    """Read the sweeps, write every table and figure to ``out``, print the main table. Raises ``DataError``."""
    results = read_results(directories, accept_code)
    out.mkdir(parents=True, exist_ok=True)
    metrics = {"mpjpe": "MPJPE", "reconstruction": "Reconstruction error"}
    wanted = ("mpjpe", "reconstruction") if results.sweep.actions == ACTIONS else (results.sweep.metric,)
    text, latex = [f"# {results.sweep.title}\n"], []
    make = action_table if results.sweep.actions == ACTIONS else error_table
    for metric in wanted:
        table = make(results, metric, root_depth)
        title = f"{metrics[metric]}, mm, {ROOT_DEPTH_RULES[root_depth]}"
        text += [f"## {title}\n", table.markdown()]
        latex.append(table.latex(f"{results.sweep.title}: {title}"))
    for title, table in (
        ("Differences between rows", difference_table(results, root_depth)),
        ("At equal steps and at equal time", budget_table(results)),
    ):
        if table.rows:
            text += [f"## {title}\n", table.markdown()]
            latex.append(table.latex(f"{results.sweep.title}: {title[0].lower()}{title[1:]}"))
    unfinished = [job for job in results.jobs if job.state != "finished"]
    if unfinished:
        text += ["## Not finished\n", "\n".join(f"- {_state_line(job)}" for job in unfinished) + "\n"]
    write_text(out / "table.md", "\n".join(text))
    write_text(out / "table.tex", "\n".join(latex))
    write_csv(out / "table.csv", row_records(results, root_depth))
    write_csv(out / "jobs.csv", job_records(results))
    write_csv(out / "differences.csv", difference_records(results, root_depth))
    write_csv(out / "curves.csv", curve_records(results))
    if results.finished:
        save_png(error_figure(results, root_depth), out / "errors.png")
        save_png(validation_figure(results), out / "validation.png")
    print("\n".join(text))
    print(f"tables and figures: {out}")
    return results


# --- errors -------------------------------------------------------------------------------------------------------


def error_table(results: Results, metric: str, root_depth: str) -> Table:
    """Rows of the experiment: the paper's figure, ours, what it cost."""
    sweep = results.sweep
    version, published = column(row.paper for row in sweep.rows.values())
    paper_header = (f"paper ({version})",) if version else ()
    costs = ("parameters, M", "GFLOP", "training, min", "images/s")
    header = ("", *paper_header, "ours", "seeds", *(APART if sweep.apart else ()), *sweep.actions, *costs)
    rows = []
    for (name, row), known in zip(sweep.rows.items(), published, strict=True):
        if known is not None and sweep.actions and known.by_action_mm:
            cells = (_mm(known.by_action_mm.get(action)) for action in sweep.actions)
            rows.append(
                (
                    f"{row.label}: paper ({known.version})",
                    f"{known.average_mm:.2f}",
                    "",
                    "",
                    *("" for _ in APART if sweep.apart),
                    *cells,
                    *("" for _ in costs),
                )
            )
        paper = (("-" if known is None else f"{known.average_mm:.2f}"),) if version else ()
        rows.append((row.label, *paper, *_our_cells(results, name, metric, root_depth)))
    return Table(header, tuple(rows), tuple(_notes(results, version)))


def action_table(results: Results, metric: str, root_depth: str) -> Table:
    """Actions down, systems across: each version of the paper has a column of its own, each of our rows another."""
    published = [known for known in map(figure, results.sweep.paper_rows) if known.metric == metric]
    rows = results.sweep.rows
    jobs = {name: results.of(name) for name in rows}
    header = ("", *(f"paper ({known.version})" for known in published), *(row.label for row in rows.values()))
    body = []
    for action in ACTIONS:
        ours = [[by_action(job, metric, root_depth, [action])[0] for job in jobs[name]] for name in rows]
        body.append((action, *(_mm(known.by_action_mm.get(action)) for known in published), *map(_with_interval, ours)))
    for average in ("frame_weighted", "mean_over_actions", "published_weighted"):
        ours = [[getattr(table_of(job, metric, root_depth), average)() for job in jobs[name]] for name in rows]
        means = [list(known.by_action_mm.values()) for known in published]
        theirs = [known.average_mm if average == "frame_weighted" else None for known in published]
        if average == "mean_over_actions":
            theirs = [float(np.mean(values)) if values else None for values in means]
        body.append((average.replace("_", " "), *map(_mm, theirs), *map(_with_interval, ours)))
    return Table(header, tuple(body), tuple(_notes(results, None)))


def _our_cells(results: Results, name: str, metric: str, root_depth: str) -> tuple[str, ...]:
    jobs, asked = results.of(name), results.of(name, finished=False)
    seeds = f"{len(jobs)}" if len(jobs) == len(asked) else f"{len(jobs)} of {len(asked)}"
    actions = results.sweep.actions
    if not jobs:
        states = {job.state for job in asked}
        word = next((word for word in ("failed", "begun", "missing") if word in states), "not asked for")
        apart = ("" for _ in APART if results.sweep.apart)
        return (word, seeds, *apart, *("" for _ in actions), "", "", "", "")
    of_actions = np.mean([by_action(job, metric, root_depth, actions) for job in jobs], 0) if actions else ()
    record, cost = jobs[0].record, training_cost(jobs)
    trained = results.sweep.rows[name].of is None
    return (
        _with_interval([error_mm(job, metric, root_depth) for job in jobs]), seeds,
        *(_apart(jobs) if results.sweep.apart else ()), *map(_mm, of_actions),
        f"{record.parameters / 1e6:.2f}", f"{record.flops / 1e9:.2f}",
        _number(cost["seconds"] / 60, 1) if trained else "none",
        _number(cost["images_per_second"], 0) if trained else "",
    )  # fmt: skip


def _apart(jobs: Sequence[Job]) -> tuple[str, ...]:
    """Means over seeds: error by axis, by other root-depth rules, calibration, coverage, the surest joints."""

    def mean(values: list[float | None]) -> float | None:
        return None if None in values else float(np.mean(values))

    axes = [mean([job.record.axes_mm.get(name) for job in jobs]) for name in AXES]
    measured = [job.record.calibration for job in jobs]
    sure = None if None in measured else measured
    error = None if sure is None else mean([100 * each["expected_calibration_error"] for each in sure])
    held = None if sure is None else mean([100 * each["coverage"]["0.9"] for each in sure])
    surest, everything = (
        None if sure is None else mean([each[name] for each in sure]) for name in ("error_of_surest_mm", "error_mm")
    )
    shares = ("-" if value is None else f"{value:.1f}" for value in (error, held))
    others = [rule for rule in ROOT_DEPTH_RULES if rule != "ground_truth"]
    rules = [mean([error_mm(job, "mpjpe", rule) for job in jobs]) for rule in others]
    return (*map(_mm, axes), *map(_mm, rules), *shares, "-" if surest is None else f"{surest:.1f} of {everything:.1f}")


def _notes(results: Results, version: str | None) -> list[str]:
    done = results.finished
    notes = []
    if version or results.sweep.paper_rows:
        shown = {version} if version else {figure(reference).version for reference in results.sweep.paper_rows}
        notes.append("Paper: Human3.6M; " + "; ".join(f"{name}: {VERSIONS[name]}" for name in sorted(shown)) + ".")
    if not done:
        return [*notes, "Nothing has finished yet."]
    notes += [DATASETS.get(name, f"Ours: {name}.") for name in results.values("dataset")]
    first = done[0].record
    fingerprints = ", ".join(f"{split} {value[:12]}" for split, value in done[0].identity.data.items())
    notes.append(
        f"{first.images} test images; data {fingerprints}; scale {results.scale}; ± is the 95 % interval over seeds."
    )
    notes.append(
        "Code " + ", ".join(results.values("code_version")) + "; torch " + ", ".join(results.values("torch")) + "."
    )
    notes.append("GFLOP: forward pass of one image; training time without validation.")
    devices = sorted({job.record.training["device"] for job in done if "device" in job.record.training})
    if devices:
        notes.append(
            "Trained on " + "; ".join(devices) + ("." if len(devices) == 1 else ": times of different machines.")
        )
    if results.sweep.apart:
        notes.append(
            "x, y, depth: error along the camera's axes, root depth given; own limbs, mean limbs, strong perspective: "
            "MPJPE with the root found by them, the last for poses in mm. Calibration: fitted on half of the "
            "validation images, measured on the other half, as is the error of the 80 % surest joints beside that of "
            "all; - where a representation says nothing of its certainty."
        )
    codes = {job.identity.code for job in done}
    if len(codes) > 1:
        notes.append(f"Rows come from {len(codes)} versions of the code that results depend on, accepted as the same.")
    return notes


# --- differences --------------------------------------------------------------------------------------------------


def difference_table(results: Results, root_depth: str) -> Table:
    """Pairs of rows, the first less the second: positive where the second one is better."""
    rows = []
    for first, second, images, seeds in differences(results, root_depth):
        a, b = results.sweep.rows[first], results.sweep.rows[second]
        known = [figure(row.paper).average_mm if row.paper else None for row in (a, b)]
        paper = "-" if None in known else f"{known[0] - known[1]:+.2f}"
        means = [
            np.mean([error_mm(job, results.sweep.metric, root_depth) for job in results.of(name)])
            for name in (first, second)
        ]
        rows.append(
            (
                f"[{a.label}] less [{b.label}]",
                paper,
                f"{means[0] - means[1]:+.1f}",
                *_test(images),
                *_test(seeds),
            )
        )
    header = ("", "paper", "ours", "95 % over test images", "p", "95 % over seeds", "p")
    notes = (
        "First less second, mm: positive where the second is better. Over test images: paired, images of one subject "
        "and action as one cluster, errors averaged over seeds; over seeds: Welch, needs two seeds of both rows. "
        "Not corrected for the number of comparisons.",
    )  # fmt: skip
    return Table(header, tuple(rows), notes)


def _test(difference: Difference | None) -> tuple[str, str]:
    if difference is None:
        return "-", "-"
    return (
        f"{difference.low_mm:+.1f} to {difference.high_mm:+.1f}",
        "<0.001" if difference.p < 0.001 else f"{difference.p:.3f}",
    )


# --- equal steps, equal time --------------------------------------------------------------------------------------


def budget_table(results: Results) -> Table:
    """Validation errors at equal steps and at equal time, and whether the curve is flat."""
    known = budget(results)
    if known is None:
        return Table((), ())
    header = (
        "",
        f"after {known.steps:.0f} steps",
        f"after {known.seconds / 60:.1f} min",
        "still gained in the last quarter",
    )
    rows = tuple(
        (
            results.sweep.rows[name].label,
            _mm(known.at_steps[name]),
            _mm(known.at_seconds[name]),
            _mm(known.gained[name]),
        )
        for name in known.at_steps
    )
    notes = (
        "MPJPE of the validation images, mm, root depth given, mean over seeds: at the steps and at the training time "
        "(without validation) that every row reached, between validations on a line. A row that still gains is not "
        "trained to its end.",
        *_curve_note(known),
        *_schedule_note(results),
    )  # fmt: skip
    return Table(header, rows, notes)


def _curve_note(known: Budget) -> list[str]:
    unknown = any(map(math.isnan, known.gained.values()))
    return ["A gain of -: too few validations in the last quarter to tell."] if unknown else []


def _schedule_note(results: Results) -> list[str]:
    schedules = {
        job.identity.configuration.get("model", {}).get("optimizer", {}).get("schedule") for job in results.finished
    }
    if schedules != {"one_cycle"}:
        return []
    return [
        "The learning rate follows one cycle over all steps. Before its end a row has not had the low rates that "
        "finish it: the column at equal time is what was seen on the way, not what training for that time would give."
    ]


def write_csv(path: Path, records: list[dict[str, Any]]) -> None:
    """One line a record; an empty file for none."""
    text = io.StringIO(newline="")
    if records:
        writer = csv.DictWriter(text, records[0])
        writer.writeheader()
        writer.writerows(records)
    write_text(path, text.getvalue())


def _state_line(job: Job) -> str:
    reason = f": {job.reason}" if job.reason else ""
    return f"{job.row}/seed{job.seed} {job.state}{reason}"


def _with_interval(values: Sequence[float]) -> str:
    mean, half = mean_and_half_interval(values)
    return _mm(mean) if math.isnan(half) else f"{mean:.1f} ± {half:.1f}"


def _mm(value: float | None) -> str:
    return _number(value, 1)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"
