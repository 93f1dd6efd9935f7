"""A page in inches: figures without pyplot, axes and text placed from the left and top edge."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from c2fpose.base.files import written_whole
from c2fpose.pictures.palette import FRAME, GRID, INK

DOTS_PER_INCH = 150


def save_png(figure: Figure, path: str | Path, dots_per_inch: int = DOTS_PER_INCH) -> Path:
    """Write a figure; the file has its name only when it is complete."""
    path = Path(path)
    with written_whole(path) as partial:
        figure.savefig(partial, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return path


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Make an empty white page, without pyplot."""
    figure = Figure(figsize=(width_inches, height_inches), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def add_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes in inches from the page's left and top edge."""
    page_width, page_height = figure.get_size_inches()
    box = (left / page_width, 1 - (top + height) / page_height, width / page_width, height / page_height)
    axes = figure.add_axes(box)
    axes.set(xticks=[], yticks=[])
    _frame(axes)
    return axes


def quiet(axes: Axes) -> None:
    """Give a chart's axes a faint grid behind, small labels, and a faint frame."""
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", labelsize=8, labelcolor=INK, length=0)
    _frame(axes)


def _frame(axes: Axes) -> None:
    for spine in axes.spines.values():
        spine.set(color=FRAME, linewidth=0.6)


def write(figure: Figure, left: float, baseline: float, text: str, size: float, **style: Any) -> Text:
    """Write a line of text, its place in inches from the page's left and top edge."""
    page_width, page_height = figure.get_size_inches()
    style = {"color": INK, "ha": "left", "va": "baseline"} | style
    # A dollar sign in a caption is no formula.
    return figure.text(left / page_width, 1 - baseline / page_height, text, size=size, parse_math=False, **style)


def width_inches(figure: Figure, text: Text) -> float:
    """Measure a text, inches."""
    return text.get_window_extent(cast(FigureCanvasAgg, figure.canvas).get_renderer()).width / figure.dpi


def fit(figure: Figure, text: Text, room_inches: float) -> None:
    """Make a text smaller, then shorter, until it fits."""
    text.set_fontsize(text.get_fontsize() * np.clip(room_inches / max(width_inches(figure, text), 1e-6), 0.7, 1))
    while width_inches(figure, text) > room_inches and len(text.get_text()) > 1:
        text.set_text(text.get_text().rstrip("…")[:-1] + "…")
