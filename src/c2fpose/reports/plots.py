"""Figures of a sweep: errors of its rows, the paper's beside ours in a panel of their own, and validation curves.

As in ``pictures``, every function returns a matplotlib ``Figure``, and none touches pyplot.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from c2fpose.config.model import NetworkConfig
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.networks.cost import count_parameters
from c2fpose.pictures.figure import quiet
from c2fpose.pictures.palette import BLUE, FAINT, INK, VERMILION, line_look
from c2fpose.reports.paper import column
from c2fpose.reports.records import error_mm
from c2fpose.reports.results import Results
from c2fpose.reports.statistics import mean_and_half_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox
NAIVE, COARSE_TO_FINE, ROWS = VERMILION, BLUE, BLUE
BARS = "bars: 95 % over three seeds or more"
_METRIC = {"mpjpe": "MPJPE, mm", "reconstruction": "reconstruction error, mm"}


def _figure(width_inches: float, height_inches: float) -> Figure:
    figure = Figure(figsize=(width_inches, height_inches), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def error_figure(results: Results, root_depth: str) -> Figure:
    """Error against parameters for a table of depth schedules, errors by row for any other."""
    if results.sweep.figure == "depth":
        return _against_parameters(results, root_depth)
    return _by_row(results, root_depth)


def _errors(results: Results, row: str, root_depth: str) -> list[float]:
    return [error_mm(job, results.sweep.metric, root_depth) for job in results.of(row)]


def _with_bar(errors: list[float]) -> tuple[float, float]:
    """Return the mean and half of its 95 % interval; NaN for two seeds, whose interval is 13 times their distance."""
    mean, half = mean_and_half_interval(errors)
    return mean, half if len(errors) > 2 else np.nan


def _against_parameters(results: Results, root_depth: str) -> Figure:
    figure = _figure(10, 4.2)
    paper, ours = figure.subplots(1, 2)
    rows = results.sweep.rows
    version, published = column((row.paper for row in rows.values()), results.sweep.metric)
    theirs, mine = [], []
    for (name, row), known in zip(rows.items(), published, strict=True):
        depths = row.set["model.network.depths"]
        naive = len(set(depths)) == 1
        if known is not None:
            family = row.set.get("model.network.family", "stacked")
            theirs.append((_millions(tuple(depths), family), known.average_mm, 0.0, row.label, naive))
        if jobs := results.of(name):
            mean, half = _with_bar(_errors(results, name, root_depth))
            mine.append((jobs[0].result.parameters / 1e6, mean, half, row.label, naive))
    _schedules(paper, theirs)
    _schedules(ours, mine)
    paper.set_title(f"paper ({version}), Human3.6M; parameters of its network at full size", fontsize=9, color=INK)
    data = ", ".join(results.values("dataset"))
    ours.set_title(f"ours, {data}, scale {results.scale}; {BARS}", fontsize=9, color=INK)
    paper.set_ylabel(_METRIC[results.sweep.metric], fontsize=9)
    figure.draw_without_rendering()  # places the axes
    _name_points(paper, theirs)
    _name_points(ours, mine)
    return figure


@cache
def _millions(depths: tuple[int, ...], family: Literal["stacked", "uniform"]) -> float:
    """Parameters of the paper's network of full size, millions; of tensors that hold nothing."""
    with torch.device("meta"):
        return count_parameters(CoarseToFine(NetworkConfig(depths=depths, family=family))) / 1e6


# Where a name may stand: offset in points, and how it is aligned
_PLACES: list[tuple[int, int, str, str]] = [
    (0, 7, "center", "bottom"), (6, 4, "left", "bottom"), (-6, 4, "right", "bottom"), (7, 0, "left", "center"),
    (-7, 0, "right", "center"), (6, -4, "left", "top"), (-6, -4, "right", "top"), (0, -7, "center", "top"),
]  # fmt: skip
_OTHER = {"bottom": "top", "top": "bottom", "center": "center"}
Point = tuple[float, float, float, str, bool]  # parameters, error, half of its interval, label, naive


def _schedules(axes: Axes, points: list[Point]) -> None:
    quiet(axes)
    axes.set_xlabel("parameters, millions", fontsize=9)
    axes.margins(x=0.16, y=0.12)
    for wanted, color, label in (
        (True, NAIVE, "naive: all stacks at full depth"),
        (False, COARSE_TO_FINE, "coarse-to-fine"),
    ):
        chosen = sorted(point for point in points if point[4] is wanted)
        if not chosen:
            continue
        x, y, half = (np.array([point[axis] for point in chosen]) for axis in range(3))
        style: dict[str, Any] = dict(color=color, lw=1, ms=5, capsize=3, elinewidth=1)
        axes.errorbar(x, y, np.nan_to_num(half), fmt="o-" if wanted else "o", label=label, **style)
    if points:
        axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)


def _name_points(axes: Axes, points: list[Point]) -> None:
    """Write each schedule beside its point, in the place where least lies under it; once the figure has its layout."""
    to_px = axes.transData.transform
    naive = [point for point in sorted(points) if point[4]]
    strokes = [([x, x], [y - half, y + half]) for x, y, half, *_ in points if half > 0]  # NaN is not
    strokes += [([one[0], two[0]], [one[1], two[1]]) for one, two in pairwise(naive)]
    taken = [to_px(point[:2])[None] for point in points]
    ends_px = [to_px(np.transpose(ends)) for ends in strokes]
    taken += [np.linspace(ends[0], ends[1], 200) for ends in ends_px]
    for point in sorted(points, key=lambda each: each[1]):
        # naive schedules rather above, coarse-to-fine ones below: away from each other
        places = _PLACES if point[4] else [(x, -y, ha, _OTHER[va]) for x, y, ha, va in _PLACES]
        words = [
            axes.annotate(
                point[3], point[:2], place[:2], textcoords="offset points", ha=place[2], va=place[3], fontsize=7,
                color=NAIVE if point[4] else COARSE_TO_FINE, zorder=4,
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )
            for place in places
        ]  # fmt: skip
        boxes = [word.get_window_extent().padded(2) for word in words]
        hidden = [sum(int(box.count_contains(drawn)) for drawn in taken) for box in boxes]
        inside = [axes.bbox.x0 < box.x0 and box.x1 < axes.bbox.x1 for box in boxes]
        others = [to_px(other[:2]) for other in points if other is not point and other[4] is point[4]]  # of its colour
        astray = [any(_gap(box, other) < _gap(box, to_px(point[:2])) + 1 for other in others) for box in boxes]
        best = min(range(len(words)), key=lambda place: (not inside[place], astray[place], hidden[place]))
        for place, word in enumerate(words):
            if place != best:
                word.remove()
        (left, low), (right, high) = boxes[best].min, boxes[best].max
        across, up = np.meshgrid(np.linspace(left, right, 30), np.linspace(low, high, 10))
        taken.append(np.stack([across.ravel(), up.ravel()], 1))


def _gap(box: Bbox, place: Float[np.ndarray, " 2"]) -> float:
    """How far a place is from the nearest edge of a box, px; 0 within it."""
    return float(np.hypot(*np.maximum(0, np.maximum(box.min - place, place - box.max))))


def _by_row(results: Results, root_depth: str) -> Figure:
    rows = {name: row for name, row in results.sweep.rows.items() if results.of(name, finished=False)}
    version, published = column((row.paper for row in rows.values()), results.sweep.metric)
    shown = [name for name in rows if results.of(name)]
    labels = [row.label for row in rows.values()]
    if len([known for known in published if known is not None]) < len(rows) / 2:  # too few for a panel: said beside
        labels = [
            label if known is None else f"{label}\npaper ({version}), Human3.6M: {known.average_mm:.1f}"
            for label, known in zip(labels, published, strict=True)
        ]
        version = None
    panels = 2 if version else 1
    figure = _figure(4.4 + 3.4 * panels, 1.1 + 0.34 * len(rows))
    all_axes = figure.subplots(1, panels, sharey=True, squeeze=False)[0]
    places = {name: -index for index, name in enumerate(rows)}
    for axes in all_axes:
        quiet(axes)
        axes.set_yticks(list(places.values()), labels, fontsize=8)
        axes.set_ylim(-len(rows) + 0.4, 0.6)
        axes.set_xlabel(_METRIC[results.sweep.metric], fontsize=9)
        axes.margins(x=0.12)
    if version:
        for (name, _), known in zip(rows.items(), published, strict=True):
            if known is not None:
                all_axes[0].plot(known.average_mm, places[name], "o", color=FAINT, ms=6)
                all_axes[0].annotate(f"{known.average_mm:.1f}", (known.average_mm, places[name]), (0, 5), fontsize=7,
                                     textcoords="offset points", ha="center", color=FAINT)  # fmt: skip
        all_axes[0].set_title(f"paper ({version}), Human3.6M", fontsize=9, color=INK)
    axes = all_axes[-1]
    for name in shown:
        errors = _errors(results, name, root_depth)
        mean, half = _with_bar(errors)
        if np.isnan(mean):  # nothing finished, or poses without this root-depth rule
            continue
        axes.plot(errors, [places[name]] * len(errors), "|", color=ROWS, ms=7, alpha=0.7)
        axes.errorbar(mean, places[name], xerr=np.nan_to_num(half), fmt="o", color=ROWS, ms=5, capsize=3, elinewidth=1)
        axes.annotate(
            f"{mean:.1f}", (mean, places[name]), (0, 5), textcoords="offset points", ha="center", fontsize=7, color=ROWS
        )
    data = ", ".join(results.values("dataset"))
    axes.set_title(f"ours, {data}, scale {results.scale}; {BARS}", fontsize=9, color=INK)
    return figure


def validation_figure(results: Results, times: bool = True) -> Figure:
    """Draw validation errors of every row: mean over seeds, each seed thin.

    Against steps, and against training time if ``times``.
    """
    units = (("optimiser steps", 1), ("training time, minutes", 60))[: 2 if times else 1]
    figure = _figure(11 if times else 8, 4.2)
    panels = figure.subplots(1, len(units), sharey=True, squeeze=False)[0]
    trained = [name for name in results.sweep.rows if any(len(job.curve) for job in results.of(name))]
    for number, name in enumerate(trained):
        color, dashes = line_look(number)
        curves = [job.curve for job in results.of(name) if len(job.curve)]
        length = min(map(len, curves))
        mean = np.mean([curve[:length] for curve in curves], 0)
        for axis, (axes, unit) in enumerate(zip(panels, (unit for _, unit in units), strict=True)):
            if len(curves) > 1:
                for curve in curves:
                    axes.plot(curve[:, axis] / unit, curve[:, 2], color=color, lw=0.5, alpha=0.45)
            label = results.sweep.rows[name].label
            axes.plot(mean[:, axis] / unit, mean[:, 2], color=color, ls=dashes, lw=1.6, label=label)
    for axes, (label, _) in zip(panels, units, strict=True):
        quiet(axes)
        axes.set_xlabel(label, fontsize=9)
    errors = np.concatenate([job.curve[:, 2] for name in trained for job in results.of(name)] or [np.zeros(1)])
    panels[0].set_ylim(errors.min() * 0.95, min(errors.max(), 2 * np.median(errors)) * 1.03)
    panels[0].set_ylabel("MPJPE of validation images, mm", fontsize=9)
    if trained:
        panels[-1].legend(fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure
