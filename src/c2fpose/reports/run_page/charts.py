"""A run's charts, as matplotlib figures: loss and validation error, errors by source, by joint, over images."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from c2fpose.evaluation.scores import DEPTH_ALONE, MEAN_POSE, NETWORK, PERFECT_VOLUME, XY_ALONE, Evaluation
from c2fpose.pictures.figure import quiet
from c2fpose.pictures.palette import BLUE, FAINT, INK, SERIES, VERMILION
from c2fpose.reports.run_page.content import ERROR, LOSS, STACK_LOSSES, Curve

GREY = "#9a9a9a"
LEVEL_NAMES = 18  # joints; of more, names beside each other would overlap
STACKS = tuple(SERIES[place] for place in (5, 0, 2, 4, 1, 3, 6, 7))  # light blue first: the coarsest


def curves(found: dict[str, Curve]) -> Figure:
    """Draw the loss of each stack (logarithmic where it is above 0) and the validation error over optimiser steps."""
    figure = _figure(9.2, 3.0)
    loss, error = figure.subplots(1, 2)
    stacks = [name for name in STACK_LOSSES if name in found]
    for name, color in zip(stacks or [LOSS] * (LOSS in found), STACKS, strict=False):
        label = f"stack {name.removeprefix('train/loss_stack')}" if stacks else "loss"
        loss.plot(*found[name], color=color, lw=1.1, label=label)
    if loss.lines:
        if all(np.min(line.get_ydata()) > 0 for line in loss.lines):  # a likelihood's may be below
            loss.set_yscale("log")
        loss.legend(fontsize=8, frameon=False)
    if ERROR in found:
        error.plot(*found[ERROR], color=BLUE, lw=1.4)
        error.set_ylim(bottom=0)
    for axes, title in ((loss, "training loss"), (error, "validation MPJPE, root depth given, mm")):
        _plain(axes, title)
        axes.set_xlabel("optimiser steps", fontsize=8, color=FAINT)
    return figure


def sources(evaluation: Evaluation) -> Figure | None:
    """Draw what the error comes from, as bars: parts of the prediction replaced by the truth, one after the other.

    None for an evaluation of before these parts were kept.
    """
    if not evaluation.has(DEPTH_ALONE, "ground_truth"):
        return None
    bars = [
        ("as predicted", NETWORK, "mean_limbs", INK),
        ("root depth from the truth", NETWORK, "ground_truth", INK),
        ("and x, y from the truth:\ndepth's part", DEPTH_ALONE, "ground_truth", BLUE),
        ("or depth from the truth:\nx and y's part", XY_ALONE, "ground_truth", VERMILION),
        ("perfect volume, read at\nthe centre of its cells", PERFECT_VOLUME, "ground_truth", GREY),
        ("mean pose, whatever\nthe image", MEAN_POSE, None, GREY),
    ]
    bars = [bar for bar in bars if evaluation.has(*bar[1:3])]
    figure = _figure(9.2, 3.0)
    axes = figure.subplots()
    errors = [evaluation.row(predictor, rule).table.frame_weighted() for _, predictor, rule, _ in bars]
    places = np.arange(len(bars))[::-1]
    axes.barh(places, errors, color=[color for *_, color in bars], height=0.62)
    for place, error in zip(places, errors, strict=True):
        axes.text(error, place, f" {error:.1f}", va="center", fontsize=9, color=INK)
    axes.set_yticks(places, [label for label, *_ in bars])
    axes.set_xlim(0, 1.12 * max(errors))
    _plain(axes, "MPJPE, mm")
    return figure


def by_joint(evaluation: Evaluation) -> Figure:
    """Draw each joint's error with the root depth given, and its parts from x and y and from depth where kept."""
    figure = _figure(9.2, 3.2)
    axes = figure.subplots()
    parts = [("all", NETWORK, "#cfcfcf"), ("depth's part", DEPTH_ALONE, BLUE), ("x and y's part", XY_ALONE, VERMILION)]
    parts = [part for part in parts if evaluation.has(part[1], "ground_truth")]
    places, width = np.arange(len(evaluation.joints)), 0.8 / len(parts)
    for number, (label, predictor, color) in enumerate(parts):
        values = evaluation.row(predictor, "ground_truth").table.by_joint()
        axes.bar(places + (number - (len(parts) - 1) / 2) * width, values, width, color=color, label=label)
    upright = len(evaluation.joints) > LEVEL_NAMES
    names = [joint.replace("_", " " if upright else "\n") for joint in evaluation.joints]
    axes.set_xticks(places, names, rotation=90 if upright else 0)
    axes.legend(fontsize=8, frameon=False, ncols=3, loc="upper left")
    axes.margins(y=0.2)
    _plain(axes, "mean error by joint, root depth given, mm")
    axes.tick_params(axis="x", labelsize=7)
    return figure


def over_images(evaluation: Evaluation) -> Figure:
    """Draw how the images' errors are spread, with the root depth given and fitted, and where half and 90 % lie."""
    figure = _figure(9.2, 2.8)
    axes = figure.subplots()
    for rule, label, color in (
        ("ground_truth", "root depth given", BLUE),
        ("mean_limbs", "root depth fitted to mean limbs", VERMILION),
    ):
        errors = np.sort(evaluation.row(NETWORK, rule).per_image_mm)
        share = np.arange(1, len(errors) + 1) / len(errors)
        axes.plot(errors, 100 * share, color=color, lw=1.5, label=label)
    errors = evaluation.row(NETWORK, "ground_truth").per_image_mm
    for percent, whose in ((50, "half"), (90, "90 %")):
        value = float(np.percentile(errors, percent))
        axes.plot([0, value, value], [percent, percent, 0], color=FAINT, lw=0.7, ls=":")
        # at the left end, where no curve is: of a bad network both errors lie near each other
        axes.annotate(
            f"{whose}: {value:.0f} mm", (0, percent), (4, 2), textcoords="offset points", fontsize=8, color=FAINT
        )
    axes.set(xlim=(0, None), ylim=(0, 101))
    axes.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
    axes.set_xlabel("MPJPE of an image, mm", fontsize=8, color=FAINT)
    _plain(axes, "share of test images with at most this error, %")
    return figure


def _figure(width_inches: float, height_inches: float) -> Figure:
    return Figure(figsize=(width_inches, height_inches), facecolor="white", layout="constrained")


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9.5, color=INK, loc="left")
    quiet(axes)
