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

from c2fpose.base.files import ready_directory, write_text
from c2fpose.base.table import Table
from c2fpose.config.data import SOURCE_ERRORS
from c2fpose.pictures.figure import save_png
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.pose.protocol import ACTIONS
from c2fpose.reports.paper import VERSIONS, column, figure
from c2fpose.reports.plots import error_figure, validation_figure
from c2fpose.reports.records import (
    APART_KEYS,
    METRICS,
    Budget,
    RowResult,
    Spread,
    blank,
    budget,
    by_action,
    curve_records,
    difference_records,
    differences,
    job_records,
    row_records,
    row_results,
    source_records,
    spread,
    table_of,
)
from c2fpose.reports.results import Results, SweepJob, read_results
from c2fpose.reports.statistics import Difference

_RENDERED = "people rendered by this package; not Human3.6M, and not comparable with it in mm."
DATASETS = {
    "synth36": f"Ours: synth36, {_RENDERED}",
    "synth_wild": f"Ours: synth_wild, {_RENDERED}",
    "h36m": "Ours: Human3.6M.",
}

SAME_NETWORKS = "rows that read the same networks are paired by seed"

# Columns of a table whose sweep says ``apart``
APART = (
    "aligned, mm", "x", "y", "depth",
    "own limbs, mm", "mean limbs, mm", "strong perspective, mm",
    "calibration error, %", "90 % ellipsoids hold, %", "surest 80 %, of all, mm",
)  # fmt: skip
APART_COSTS = ("memory, GiB", "predicted images/s")


def summarise(
    directories: Sequence[Path],
    out: Path,
    root_depth: str = "ground_truth",
    accept_code: bool = False,
    rows: Sequence[str] | None = None,
    times: bool = True,
) -> Results:
    """Read the sweeps, write every table and figure to ``out``, print the main table.

    ``rows``: of these alone; ``times``: draw curves against training time too. Raises ``DataError``.
    """
    results = read_results(directories, accept_code)
    results = results if rows is None else results.only(rows)
    ready_directory(out)
    metrics = {"mpjpe": "MPJPE", "reconstruction": "Reconstruction error"}
    wanted = METRICS if results.sweep.actions == ACTIONS else (results.sweep.metric,)
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
        ("Sources of a mix, each apart", source_table(results)),
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
    if sources := source_records(results):
        write_csv(out / "sources.csv", [record | {e: blank(record[e]) for e in SOURCE_ERRORS} for record in sources])
    if results.finished:
        save_png(error_figure(results, root_depth), out / "errors.png")
        save_png(validation_figure(results, times), out / "validation.png")
    print("\n".join(text))
    print(f"tables and figures: {out}")
    return results


# --- errors -------------------------------------------------------------------------------------------------------


def error_table(results: Results, metric: str, root_depth: str) -> Table:
    """Rows of the experiment: the paper's figure, ours, what it cost."""
    sweep = results.sweep
    version, _ = column((row.paper for row in sweep.rows.values()), sweep.metric)
    paper_header = (f"paper ({version})",) if version else ()
    costs = ("parameters, M", "GFLOP", "training, min", "images/s", *(APART_COSTS if sweep.apart else ()))
    header = ("", *paper_header, "ours", "seeds", *(APART if sweep.apart else ()), *sweep.actions, *costs)
    rows = []
    for row in row_results(results, metric, root_depth):
        known = row.published
        if known is not None and sweep.actions and known.by_action_mm:
            between = ("",) * (2 + len(APART) * sweep.apart)
            cells = (_mm(known.by_action_mm.get(action)) for action in sweep.actions)
            label = f"{row.label}: paper ({known.version})"
            rows.append((label, f"{known.average_mm:.2f}", *between, *cells, *("" for _ in costs)))
        paper = (("-" if known is None else f"{known.average_mm:.2f}"),) if version else ()
        rows.append((row.label, *paper, *_our_cells(results, row, metric)))
    return Table(header, tuple(rows), tuple(_notes(results, version)))


def action_table(results: Results, metric: str, root_depth: str) -> Table:
    """Actions down, systems across: each version of the paper has a column of its own, each of our rows another."""
    published = [known for known in map(figure, results.sweep.paper_rows) if known.metric == metric]
    rows = results.sweep.rows
    jobs = {name: results.of(name) for name in rows}
    header = ("", *(f"paper ({known.version})" for known in published), *(row.label for row in rows.values()))
    body = []
    for action in ACTIONS:
        ours = [spread([by_action(job, metric, root_depth, [action])[0] for job in jobs[name]]) for name in rows]
        body.append(
            (
                action,
                *(_mm(known.by_action_mm.get(action)) for known in published),
                *map(_with_interval, ours),
            )
        )
    for average in ("frame_weighted", "mean_over_actions", "published_weighted"):
        ours = [spread([getattr(table_of(job, metric, root_depth), average)() for job in jobs[name]]) for name in rows]
        means = [list(known.by_action_mm.values()) for known in published]
        theirs = [known.average_mm if average == "frame_weighted" else None for known in published]
        if average == "mean_over_actions":
            theirs = [float(np.mean(values)) if values else None for values in means]
        body.append((average.replace("_", " "), *map(_mm, theirs), *map(_with_interval, ours)))
    return Table(header, tuple(body), tuple(_notes(results, None)))


def _our_cells(results: Results, row: RowResult, metric: str) -> tuple[str, ...]:
    seeds = f"{len(row.jobs)}" if len(row.jobs) == row.asked else f"{len(row.jobs)} of {row.asked}"
    if not row.jobs:
        more = (len(APART) + len(APART_COSTS)) * results.sweep.apart
        return (row.word, seeds, *("" for _ in range(more + len(row.actions) + 4)))
    record = row.jobs[0].result
    trained = results.sweep.rows[row.name].of is None
    return (
        _with_interval(row.errors[metric]), seeds,
        *((_mm(row.errors["reconstruction"].mean_mm), *_apart(row.apart)) if results.sweep.apart else ()),
        *(_mm(value.mean_mm) for value in row.actions.values()),
        f"{record.parameters / 1e6:.2f}", f"{record.flops / 1e9:.2f}",
        _number(row.cost["seconds"] / 60, 1) if trained else "none",
        _number(row.cost["images_per_second"], 0) if trained else "",
        *(_apart_costs(row, trained) if results.sweep.apart else ()),
    )  # fmt: skip


def _apart_costs(row: RowResult, trained: bool) -> tuple[str, ...]:
    predicted = float(np.mean([job.result.evaluation_images_per_second for job in row.jobs]))
    return (_number(row.cost["memory_gib"], 2) if trained else "", _number(predicted, 0))


def _apart(values: dict[str, float]) -> tuple[str, ...]:
    *errors, calibration, coverage, surest, everything = (values[key] for key in APART_KEYS)
    of_all = "-" if math.isnan(surest) else f"{surest:.1f} of {everything:.1f}"
    return (*map(_mm, errors), _number(100 * calibration, 1), _number(100 * coverage, 1), of_all)


def _notes(results: Results, version: str | None) -> list[str]:
    done = results.finished
    notes = []
    if version or results.sweep.paper_rows:
        shown = {version} if version else {figure(reference).version for reference in results.sweep.paper_rows}
        notes.append("Paper: Human3.6M; " + "; ".join(f"{name}: {VERSIONS[name]}" for name in sorted(shown)) + ".")
    if not done:
        return [*notes, "Nothing has finished yet."]
    notes += [DATASETS.get(name, f"Ours: {name}.") for name in results.values("dataset")]
    first = done[0].result
    common = next((job for job in done if not results.sweep.rows[job.row].own_data), done[0])
    fingerprints = ", ".join(f"{split} {value[:12]}" for split, value in common.identity.data.items())
    own = {
        results.sweep.rows[job.row].label: ", ".join(
            f"{split} {value[:12]}" for split, value in job.identity.data.items() if split != "test"
        )
        for job in done
        if results.sweep.rows[job.row].own_data
    }
    if own:
        fingerprints += "; " + "; ".join(f"{label}: {said}" for label, said in own.items())
    notes.append(
        f"{first.images} test images; data {fingerprints}; scale {results.scale}; ± is the 95 % interval over seeds."
    )
    if own:
        notes.append("Rows with training data of their own are validated on people of it: there they do not compare.")
    notes.append(
        "Code " + ", ".join(results.values("code_version")) + "; torch " + ", ".join(results.values("torch")) + "."
    )
    notes.append("GFLOP: forward pass of one image; training time without validation.")
    notes += _trained_on(done)
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


def _trained_on(done: list[SweepJob]) -> list[str]:
    """Say on what, and in which precision, the finished jobs were trained."""
    facts = [job.result.training for job in done]
    machines = {
        ", ".join(fact[key] for key in ("device", "precision") if key in fact) for fact in facts if "device" in fact
    }
    if not machines:
        return []
    several = len({fact["device"] for fact in facts if "device" in fact}) > 1
    notes = ["Trained on " + "; ".join(sorted(machines)) + (": times of different machines." if several else ".")]
    if len({fact["precision"] for fact in facts if "precision" in fact}) > 1:
        notes.append("Jobs were trained in different precisions; jobs.csv says which in which.")
    return notes


# --- differences --------------------------------------------------------------------------------------------------


def difference_table(results: Results, root_depth: str) -> Table:
    """Pairs of rows, the first less the second: positive where the second one is better."""
    rows, pairs = [], differences(results, root_depth)
    for pair in pairs:
        a, b = results.sweep.rows[pair.first], results.sweep.rows[pair.second]
        paper = "-"
        if a.paper and b.paper:
            paper = f"{figure(a.paper).average_mm - figure(b.paper).average_mm:+.2f}"
        label = f"[{a.label}] less [{b.label}]"
        rows.append((label, paper, f"{pair.mean_mm:+.1f}", *_test(pair.over_images), *_test(pair.over_seeds)))
    header = ("", "paper", "ours", "95 % over test images", "p", "95 % over seeds", "p")
    notes = (
        "First less second, mm: positive where the second is better. Over test images: paired, images of one subject "
        "and action as one cluster, errors averaged over seeds; over seeds: Welch, needs two seeds of both rows"
        + (f"; {SAME_NETWORKS}" if any(pair.same_networks for pair in pairs) else "")
        + ". Not corrected for the number of comparisons.",
    )
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
    """Compare validation errors at equal steps and at equal time, and whether the curve is flat."""
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
    notes = []
    if any(map(math.isnan, known.at_seconds.values())):
        notes.append("At equal time -: a seed was validated for the first time only after that.")
    if any(map(math.isnan, known.gained.values())):
        notes.append("A gain of -: too few validations in the last quarter to tell.")
    return notes


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


def source_table(results: Results) -> Table:
    """Errors of each source of a mix at the end of training; no rows where nothing was mixed."""
    rows = tuple(
        (results.sweep.rows[known["row"]].label, known["source"], *(_mm(known[error]) for error in SOURCE_ERRORS))
        for known in source_records(results)
    )
    note = (
        "Held-out images of each source, last validation, mean over seeds, over the joints that have a label: MPJPE "
        "with the root depth given, and the distance in the picture in percent of the side of the person's box."
    )
    return Table(("", "source", "MPJPE, mm", "in the picture, %"), rows, (note,))


def write_csv(path: Path, records: list[dict[str, Any]]) -> None:
    """One line a record; an empty file for none."""
    text = io.StringIO(newline="")
    if records:
        writer = csv.DictWriter(text, records[0])
        writer.writeheader()
        writer.writerows(records)
    write_text(path, text.getvalue())


def _state_line(job: SweepJob) -> str:
    reason = f": {job.reason}" if job.reason else ""
    return f"{job.row}/seed{job.seed} {job.state}{reason}"


def _with_interval(value: Spread) -> str:
    return _mm(value.mean_mm) if math.isnan(value.half_interval_mm) else "{:.1f} ± {:.1f}".format(*value)


def _mm(value: float | None) -> str:
    return _number(value, 1)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"
