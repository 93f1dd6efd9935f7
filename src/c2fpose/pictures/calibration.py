"""How true a network's certainties are: confidence against frequency, and what the ellipsoids hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from c2fpose.pictures.figure import new_figure, quiet
from c2fpose.pictures.palette import COLORS, FAINT

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def calibration_figure(measured: dict[str, Any]) -> Figure:
    """Draw confidence against how often it is right, and beside it how often ellipsoids hold, if there are any.

    ``measured``: as ``evaluation.calibration.measure`` gives it.
    """
    coverage = {float(level): share for level, share in measured["coverage"].items()}
    figure = new_figure(8 if coverage else 4, 3.8)
    figure.set_layout_engine("constrained")
    all_axes = figure.subplots(1, 2 if coverage else 1, squeeze=False)[0]
    for axes in all_axes:
        quiet(axes)
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    left, right = all_axes[0], all_axes[-1]
    said, found, number = (np.array(column) for column in zip(*measured["reliability"], strict=True))
    left.scatter(
        said, found, s=10 + 200 * number / number.max(), color=COLORS["left"], alpha=0.8, zorder=3, clip_on=False
    )
    left.set_xlabel("confidence (dots: larger where more joints have it)", fontsize=9)
    left.set_ylabel(f"share of joints within {measured['within_mm']:g} mm", fontsize=9)
    left.set_title(
        f"Expected calibration error {100 * measured['expected_calibration_error']:.1f} %\n"
        f"({100 * measured['expected_calibration_error_raw']:.1f} % as the network says it)",
        fontsize=10,
    )
    if coverage:
        right.scatter(list(coverage), list(coverage.values()), color=COLORS["right"], zorder=3, clip_on=False)
        right.set_xlabel("share of joints that ellipsoids are meant to hold", fontsize=9)
        right.set_ylabel("share that they hold", fontsize=9)
        meant, held = (", ".join(f"{100 * each:.0f}" for each in many) for many in (coverage, coverage.values()))
        right.set_title(
            f"Ellipsoids for {meant} % hold {held} %\nof {measured['joints']} joints that nothing was fitted on",
            fontsize=10,
        )
    return figure
