"""The dashboard as one self-contained HTML file: inline SVG, embedded pictures, no script and nothing fetched."""

import base64
import csv
import html
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from c2fpose.base.table import Table
from c2fpose.pose.protocol import ACTIONS
from c2fpose.reports.dashboard.panels import Panel
from c2fpose.reports.plots import PALETTE
from c2fpose.reports.records import by_action, error_mm
from c2fpose.reports.results import Job, Results
from c2fpose.reports.tables import difference_table, error_table

Series = tuple[str, str, np.ndarray, np.ndarray]  # label, colour, x, y

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; color: #222; margin: 2em auto; max-width: 1200px; padding: 0 1em; }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em; border-bottom: 1px solid #ddd } h3 { font-size: 1em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .8em 0 } .wide { overflow-x: auto }
td, th { padding: .15em .6em; text-align: right; border-bottom: 1px solid #eee; white-space: nowrap }
td:first-child, th:first-child { text-align: left } .note { color: #6e6e6e; font-size: .9em }
.charts { display: flex; flex-wrap: wrap; gap: 1em } figure { margin: 0 } figcaption { font-size: .9em }
img { max-width: 100% } .key span { display: inline-block; margin-right: 1em; font-size: .9em }
.key i { display: inline-block; width: 1.4em; height: .25em; vertical-align: middle; margin-right: .4em }
"""


def page(results: Results, sections: dict[str, tuple[Panel, ...]], root_depth: str) -> str:
    """The whole page as text."""
    rows = [name for name in results.sweep.rows if results.of(name, finished=False)]
    colors = {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(rows)}
    title = f"{results.sweep.title} ({results.name}, scale {results.scale})"
    key = "".join(
        f'<span><i style="background:{colors[name]}"></i>{_text(results.sweep.rows[name].label)}</span>'
        for name in rows
    )
    parts = [f"<h1>{_text(title)}</h1>", _table(error_table(results, results.sweep.metric, root_depth))]
    differences = difference_table(results, root_depth)
    parts += ["<h2>Differences between rows</h2>", _table(differences)] if differences.rows else []
    for name, panels in sections.items():
        charts = [chart for panel in panels if (chart := _panel(results, panel, colors, root_depth))]
        if charts:
            parts += [f"<h2>{_text(name)}</h2>"]
            parts += [f'<p class="key">{key}</p>'] if any(panel.kind == "lines" for panel in panels) else []
            parts += ['<div class="charts">', *charts, "</div>"]
    head = f'<meta charset="utf-8"><title>{_text(title)}</title><style>{_STYLE}</style>'
    return f"<!doctype html>\n<html><head>{head}</head><body>\n" + "\n".join(parts) + "\n</body></html>\n"


def _text(text: str) -> str:
    return html.escape(text)


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(cell)}</th>" for cell in table.header)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    notes = "<br>".join(map(_text, table.notes))
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div><p class="note">{notes}</p>'


def _panel(results: Results, panel: Panel, colors: dict[str, str], root_depth: str) -> str | None:
    if panel.kind == "table":
        return _table(_action_rows(results, root_depth))
    if panel.kind == "bars":
        return _table(_rule_rows(results, panel))
    if panel.kind == "pictures":
        return _pictures(results, panel)
    series = [
        (results.sweep.rows[job.row].label, colors[job.row], *values)
        for job in results.jobs
        if (values := logged(job.directory, panel.metrics[0])) is not None
    ]
    return line_chart(panel.title, series) if series else None


def logged(directory: Path, metric: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Steps and values of one metric in a run's CSV logs, those from before it was resumed included."""
    found: dict[int, float] = {}
    for path in sorted(
        (directory / "logs").glob("metrics*.csv"), key=lambda path: (path.name == "metrics.csv", path.name)
    ):
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                if row.get(metric):
                    found[int(row["step"])] = float(row[metric])
    if not found:
        return None
    steps = np.array(sorted(found))
    return steps, np.array([found[step] for step in steps])


def _action_rows(results: Results, root_depth: str) -> Table:
    rows = []
    for name, row in results.sweep.rows.items():
        if jobs := results.of(name):
            values = np.mean([by_action(job, "mpjpe", root_depth, ACTIONS) for job in jobs], 0)
            rows.append((row.label, *("-" if math.isnan(value) else f"{value:.0f}" for value in values)))
    return Table(("MPJPE by action, mm", *ACTIONS), tuple(rows))


def _rule_rows(results: Results, panel: Panel) -> Table:
    rows = []
    names = [name.removeprefix("test/") for name in panel.metrics]
    for name, row in results.sweep.rows.items():
        if jobs := results.of(name):
            cells = []
            for metric, _, rule in (key.partition("_mm_") for key in names):
                cells.append(f"{np.mean([error_mm(job, metric, rule) for job in jobs]):.1f}")
            rows.append((row.label, *cells))
    return Table((panel.title, *(key.partition("_mm_")[2].replace("_", " ") for key in names)), tuple(rows))


def _pictures(results: Results, panel: Panel) -> str | None:
    """One picture a row: the latest of its first seed."""
    figures = []
    for name, row in results.sweep.rows.items():
        for job in results.of(name, finished=False)[:1]:
            if path := _latest(job, panel.metrics[0]):
                data = base64.b64encode(path.read_bytes()).decode()
                caption = f"{_text(row.label)}, seed {job.seed}: {_text(path.stem.replace('_', ' '))}"
                figures.append(
                    f'<figure><figcaption>{caption}</figcaption><img src="data:image/png;base64,{data}"></figure>'
                )
    return f"<h3>{_text(panel.title)}</h3>" + "\n".join(figures) if figures else None


def _latest(job: Job, metric: str) -> Path | None:
    if metric == "test/sheet":
        path = job.directory / "evaluation" / "sheet.png"
        return path if path.is_file() else None
    paths = sorted((job.directory / "pictures").glob(f"step_*_{metric.removeprefix('pictures/')}.png"))
    return paths[-1] if paths else None


def line_chart(title: str, series: Sequence[Series], width: int = 560, height: int = 300) -> str:
    """Lines over optimiser steps as SVG; logarithmic where positive values span more than a factor of 30."""
    left, right, top, bottom = 60, 10, 10, 34
    x = np.concatenate([s[2] for s in series]).astype(float)
    y = np.concatenate([s[3] for s in series])
    y = y[np.isfinite(y)]
    if not len(y):
        return ""
    log = bool(y.min() > 0 and y.max() > 30 * y.min())
    scale = np.log10 if log else np.asarray
    low, high = float(scale(y.min())), float(scale(y.max()))
    high = high if high > low else low + 1
    end = max(float(x.max()), 1.0)

    def place(steps: np.ndarray, values: np.ndarray) -> str:
        across = left + steps / end * (width - left - right)
        down = top + (high - scale(values)) / (high - low) * (height - top - bottom)
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True) if math.isfinite(b))

    parts = [f'<svg width="{width}" height="{height}" font-size="11" fill="#222" role="img">']
    for share in np.linspace(0, 1, 5):
        level = low + share * (high - low)
        down = top + (1 - share) * (height - top - bottom)
        value = 10**level if log else level
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{down:.1f}" y2="{down:.1f}" stroke="#e6e6e6"/>')
        parts.append(f'<text x="{left - 6}" y="{down + 4:.1f}" text-anchor="end">{value:.3g}</text>')
        across = left + share * (width - left - right)
        parts.append(f'<text x="{across:.1f}" y="{height - 18}" text-anchor="middle">{share * end:.0f}</text>')
    parts.append(f'<text x="{(left + width) / 2}" y="{height - 3}" text-anchor="middle" fill="#6e6e6e">steps</text>')
    for label, color, steps, values in series:
        style = f'fill="none" stroke="{color}" stroke-width="1.3"'
        parts.append(f'<polyline points="{place(steps, values)}" {style}><title>{_text(label)}</title></polyline>')
    parts.append("</svg>")
    note = " (logarithmic)" if log else ""
    return f"<figure><figcaption>{_text(title)}{note}</figcaption>{''.join(parts)}</figure>"
