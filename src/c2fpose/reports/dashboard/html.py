"""The dashboard as one self-contained HTML file: charts and pictures are inside, no script and nothing fetched."""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import jinja2
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from c2fpose.base.errors import readable
from c2fpose.base.table import Table
from c2fpose.pictures.palette import GRID, line_look
from c2fpose.reports.dashboard.panels import Panel
from c2fpose.reports.embedded import data_uri, svg_uri
from c2fpose.reports.records import by_action, error_mm
from c2fpose.reports.results import Results, SweepJob
from c2fpose.reports.tables import difference_table, error_table

Look = tuple[str, str]  # a line's colour and Matplotlib's name of its style
Series = tuple[str, Look, np.ndarray, np.ndarray]  # label, look, x, y
_BORDERS = {"-": "solid", "--": "dashed", ":": "dotted"}  # styles of lines as CSS has them
_FOLDER = files("c2fpose.reports.dashboard")


@dataclass(frozen=True)
class Chart:
    """Lines, embedded."""

    title: str
    uri: str


@dataclass(frozen=True)
class Strip:
    """Pictures under one heading: captions and embedded files."""

    title: str
    pictures: tuple[tuple[str, str], ...]


@dataclass
class Section:
    """What stands under one heading of the page, in this order."""

    name: str
    charts: list[Chart] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    strips: list[Strip] = field(default_factory=list)


def page(results: Results, sections: dict[str, tuple[Panel, ...]], root_depth: str) -> str:
    """Make the page's text."""
    rows = [name for name in results.sweep.rows if results.of(name, finished=False)]
    looks = {name: line_look(number) for number, name in enumerate(rows)}
    made = [_section(results, name, panels, looks, root_depth) for name, panels in sections.items()]
    return rendered(
        title=f"{results.sweep.title} ({results.name}, scale {results.scale})",
        key=[(results.sweep.rows[name].label, color, _BORDERS[style]) for name, (color, style) in looks.items()],
        errors=error_table(results, results.sweep.metric, root_depth),
        differences=difference_table(results, root_depth),
        sections=[section for section in made if section.charts or section.tables or section.strips],
    )


def rendered(**content: object) -> str:
    """Fill the template ``page.html.j2``; text is escaped there."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    style = Markup((_FOLDER / "page.css").read_text("utf-8"))
    return environment.from_string((_FOLDER / "page.html.j2").read_text("utf-8")).render(style=style, **content)


def _section(
    results: Results, name: str, panels: tuple[Panel, ...], looks: dict[str, Look], root_depth: str
) -> Section:
    section = Section(name)
    for panel in panels:
        if panel.kind == "table":
            section.tables.append(_action_rows(results, root_depth))
        elif panel.kind == "bars":
            section.tables.append(_rule_rows(results, panel))
        elif panel.kind == "pictures":
            if strip := _pictures(results, panel):
                section.strips.append(strip)
        elif chart := line_chart(panel.title, _series(results, panel, looks)):
            section.charts.append(chart)
    return section


def _series(results: Results, panel: Panel, looks: dict[str, Look]) -> list[Series]:
    return [
        (results.sweep.rows[job.row].label, looks[job.row], *values)
        for job in results.jobs
        if (values := logged(job.directory, panel.metrics[0])) is not None
    ]


def logged(directory: Path, metric: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Read steps and values of one metric in a run's CSV logs, those from before it was resumed included."""
    found: dict[int, float] = {}
    for path in sorted(
        (directory / "logs").glob("metrics*.csv"), key=lambda path: (path.name == "metrics.csv", path.name)
    ):
        with readable(path, "not the log of a run", "remove it"), open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get(metric) and None not in row.values():  # a killed run's last line may be cut off
                    found[int(row["step"])] = float(row[metric])
    if not found:
        return None
    steps = np.array(sorted(found))
    return steps, np.array([found[step] for step in steps])


def _action_rows(results: Results, root_depth: str) -> Table:
    rows = []
    actions = list(dict.fromkeys(action for job in results.finished for action in job.evaluation.actions))
    for name, row in results.sweep.rows.items():
        if jobs := results.of(name):
            values = np.mean([by_action(job, "mpjpe", root_depth, actions) for job in jobs], 0)
            rows.append((row.label, *("-" if math.isnan(value) else f"{value:.0f}" for value in values)))
    return Table(("MPJPE by action, mm", *actions), tuple(rows))


def _rule_rows(results: Results, panel: Panel) -> Table:
    rows = []
    names = [name.removeprefix("test/") for name in panel.metrics]
    for name, row in results.sweep.rows.items():
        if jobs := results.of(name):
            cells = []
            for metric, _, rule in (key.partition("_mm_") for key in names):
                mean = np.mean([error_mm(job, metric, rule) for job in jobs])
                cells.append("-" if math.isnan(mean) else f"{mean:.1f}")
            rows.append((row.label, *cells))
    return Table((panel.title, *(key.partition("_mm_")[2].replace("_", " ") for key in names)), tuple(rows))


def _pictures(results: Results, panel: Panel) -> Strip | None:
    """One picture a row: the latest of its first seed that has any."""
    pictures = []
    for name, row in results.sweep.rows.items():
        for job in results.of(name, finished=False):
            if path := _latest(job, panel.metrics[0]):
                caption = f"{row.label}, seed {job.seed}: {path.stem.replace('_', ' ')}"
                pictures.append((caption, data_uri(path.read_bytes(), "png")))
                break
    return Strip(panel.title, tuple(pictures)) if pictures else None


def _latest(job: SweepJob, metric: str) -> Path | None:
    if metric == "test/sheet":
        path = job.directory / "evaluation" / "sheet.png"
        return path if path.is_file() else None
    paths = (job.directory / "pictures").glob(f"step_*_{metric.removeprefix('pictures/')}.png")
    return max(paths, key=step_of, default=None)


def step_of(picture: Path) -> tuple[int, str]:
    """Order pictures of a training, step_000500_poses.png, by their step; others by name."""
    found = re.match(r"step_(\d+)_", picture.name)
    return (int(found[1]) if found else 0, picture.name)


def line_chart(title: str, series: Sequence[Series]) -> Chart | None:
    """Draw lines over optimiser steps; logarithmic where positive values span more than a factor of 30.

    None where no value is finite.
    """
    values = np.concatenate([line[3] for line in series]) if series else np.zeros(0)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    logarithmic = bool(values.min() > 0 and values.max() > 30 * values.min())
    figure = Figure(figsize=(5.6, 3.0), facecolor="white", layout="constrained")
    axes = figure.subplots()
    for number, (_, (color, style), steps, heights) in enumerate(series):
        axes.plot(steps, heights, color=color, ls=style, lw=1.3, gid=f"series_{number}")
    if logarithmic:
        axes.set_yscale("log")
    axes.set_xlim(left=0)
    axes.set_xlabel("steps", fontsize=8)
    axes.grid(color=GRID, lw=0.6)
    axes.tick_params(which="both", length=0, labelsize=8)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return Chart(title + (" (logarithmic)" if logarithmic else ""), svg_uri(figure))
