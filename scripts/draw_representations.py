"""Draw what each representation of a pose says of one joint, for docs/representations.md.

    python scripts/draw_representations.py [docs/images/representations]

A sketch, not a measurement: the wrist of one person, seen from the front on the left and from above on the right. The
picture does not tell whether the forearm points to the camera or away from it, so its depth has two likely values.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Ellipse, Rectangle
from usage import say_how

from c2fpose.pictures.figure import new_figure, save_png
from c2fpose.pictures.palette import COLORS, FAINT, GRID, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Positions 0..1: x to the right, y down, z away from the camera
SHOULDER, ELBOW, WRIST = np.array([0.42, 0.34, 0.5]), np.array([0.60, 0.46, 0.5]), np.array([0.76, 0.36, 0.34])
OTHER_Z = 0.66  # the wrist's other likely depth: the forearm mirrored
BODY = (
    ((0.35, 0.16), (0.35, 0.30)), ((0.28, 0.34), (0.42, 0.34)), ((0.35, 0.30), (0.35, 0.62)),
    ((0.28, 0.34), (0.22, 0.52)), ((0.22, 0.52), (0.24, 0.68)), ((0.35, 0.62), (0.29, 0.94)),
    ((0.35, 0.62), (0.42, 0.94)),
)  # fmt: skip
BLUE, RED = COLORS["left"], COLORS["right"]
SPREAD = np.array([0.035, 0.035, 0.045])
MEAN_Z = 0.6 * WRIST[2] + 0.4 * OTHER_Z


def likely(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """How likely a place is: two Gaussians, the true one a little more."""

    def blob(depth: float) -> np.ndarray:
        return np.exp(
            -0.5 * sum(((c - m) / s) ** 2 for c, m, s in zip((x, y, z), (*WRIST[:2], depth), SPREAD, strict=True))
        )

    return 0.6 * blob(WRIST[2]) + 0.4 * blob(OTHER_Z)


def frame(front: Axes, above: Axes) -> None:
    """The person, and the two axes' names."""
    for axes, vertical in ((front, "y"), (above, "depth")):
        axes.set(xlim=(0, 1), ylim=(1, 0) if axes is front else (0, 1), xticks=[], yticks=[], aspect="equal")
        axes.set_xlabel("x", color=FAINT, fontsize=8)
        axes.set_ylabel(vertical, color=FAINT, fontsize=8)
        for spine in axes.spines.values():
            spine.set(color=GRID)
    for start, end in BODY:
        front.plot(*zip(start, end, strict=True), color=GRID, linewidth=5, solid_capstyle="round")
    front.scatter([0.35], [0.12], s=230, color=GRID)
    arm = np.stack([SHOULDER, ELBOW, WRIST])
    front.plot(arm[:, 0], arm[:, 1], color="#bdbdbd", linewidth=5, solid_capstyle="round")
    above.plot(arm[:, 0], arm[:, 2], color="#bdbdbd", linewidth=5, solid_capstyle="round")
    above.plot([ELBOW[0], WRIST[0]], [ELBOW[2], OTHER_Z], color=GRID, linewidth=4, linestyle=(0, (1, 1.2)))
    above.annotate("camera below", (0.04, 0.05), color=FAINT, fontsize=7)


def points(front: Axes, above: Axes, z: float = MEAN_Z) -> None:
    front.scatter(WRIST[0], WRIST[1], color=BLUE, s=40, zorder=5)
    above.scatter(WRIST[0], z, color=BLUE, s=40, zorder=5)


def ellipse(axes: Axes, center: tuple[float, float], width: float, height: float) -> None:
    axes.add_patch(Ellipse(center, width, height, facecolor=BLUE, alpha=0.18, edgecolor=BLUE, linewidth=1))


def coordinates(front: Axes, above: Axes) -> None:
    points(front, above)
    above.annotate("one point, between\nboth likely places", (WRIST[0], MEAN_Z), (0.08, 0.80), fontsize=7.5,
                   color=INK, arrowprops={"arrowstyle": "-", "color": FAINT})  # fmt: skip


def laplace(front: Axes, above: Axes) -> None:
    points(front, above)
    ellipse(front, tuple(WRIST[:2]), 0.16, 0.16)
    ellipse(above, (WRIST[0], MEAN_Z), 0.16, 0.56)
    above.annotate("a point, and how far\noff each axis may be", (0.06, 0.82), fontsize=7.5, color=INK)


def rle(front: Axes, above: Axes) -> None:
    """The point and the ellipse of ``laplace``; beside them one density, peaked and with heavy tails."""
    z = np.linspace(0, 1, 400)
    off = (z - MEAN_Z) / 0.05
    density = 0.7 * np.exp(-np.abs(off)) + 0.3 / (1 + (off / 2) ** 2)  # not this wrist's two places: all joints' errors
    points(front, above)
    ellipse(front, tuple(WRIST[:2]), 0.16, 0.16)
    ellipse(above, (WRIST[0], MEAN_Z), 0.16, 0.56)
    above.plot([WRIST[0], 0.99], [MEAN_Z, MEAN_Z], color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)))
    above.fill_betweenx(z, 0.99 - 0.13 * density, 0.99, color=RED, alpha=0.5, linewidth=0)
    above.annotate("a flow learns one shape of errors\nfor all joints (orange)", (0.06, 0.86), fontsize=7.5, color=INK)


def cells(front: Axes, above: Axes, bins: int = 16) -> None:
    """The likelihoods in cells, seen from the front and from above."""
    centers = (np.arange(bins) + 0.5) / bins
    x, y, z = np.meshgrid(centers, centers, centers, indexing="ij")
    mass = likely(x, y, z)
    for axes, plane in ((front, mass.max(2).T), (above, mass.max(1).T)):
        shown = np.ma.masked_less(plane, 0.03)
        extent, origin = ((0, 1, 1, 0), "upper") if axes is front else ((0, 1, 0, 1), "lower")
        axes.imshow(shown, extent=extent, origin=origin, cmap="Blues", vmin=-0.15, vmax=0.6, alpha=0.9, zorder=3)
        for edge in np.linspace(0, 1, bins + 1):
            axes.axhline(edge, color=GRID, linewidth=0.3, zorder=0)
            axes.axvline(edge, color=GRID, linewidth=0.3, zorder=0)


def volume(front: Axes, above: Axes) -> None:
    cells(front, above)
    above.scatter(WRIST[0], WRIST[2], marker="x", color=RED, s=45, zorder=6)
    above.annotate("the highest voxel (cross);\nboth places stay visible", (0.06, 0.82), fontsize=7.5, color=INK)


def integral(front: Axes, above: Axes) -> None:
    cells(front, above)
    above.scatter(WRIST[0], MEAN_Z, marker="x", color=RED, s=45, zorder=6)
    above.annotate("the mean of all voxels\n(cross), where none is high", (0.06, 0.82), fontsize=7.5, color=INK)


def simcc(front: Axes, above: Axes) -> None:
    t = np.linspace(0, 1, 300)
    x, y = (np.exp(-0.5 * ((t - WRIST[i]) / SPREAD[i]) ** 2) for i in (0, 1))
    z = 0.6 * np.exp(-0.5 * ((t - WRIST[2]) / SPREAD[2]) ** 2) + 0.4 * np.exp(-0.5 * ((t - OTHER_Z) / SPREAD[2]) ** 2)
    front.fill_between(t, 1 - 0.14 * x, 1, color=BLUE, alpha=0.6, linewidth=0)
    front.fill_betweenx(t, 0, 0.14 * y, color=BLUE, alpha=0.6, linewidth=0)
    above.fill_betweenx(t, 0, 0.14 * z / z.max(), color=BLUE, alpha=0.6, linewidth=0)
    above.fill_between(t, 0, 0.14 * x, color=BLUE, alpha=0.6, linewidth=0)
    points(front, above, WRIST[2])
    above.annotate("three histograms: which x goes\nwith which depth is not said", (0.2, 0.82), fontsize=7.5, color=INK)


def ordinal(front: Axes, above: Axes) -> None:
    front.scatter(WRIST[0], WRIST[1], color=BLUE, s=40, zorder=5)
    for place, (name, joint) in enumerate((("wrist", WRIST), ("elbow", ELBOW), ("shoulder", SHOULDER))):
        z = 0.25 + 0.22 * place
        above.scatter(joint[0], z, color=BLUE, s=40, zorder=5)
        above.annotate(f"{place + 1}. {name}", (joint[0] - 0.05, z), ha="right", va="center", fontsize=8, color=INK)
    above.annotate("who is nearer than whom;\nno distances", (0.06, 0.84), fontsize=7.5, color=INK)


def ordinal_reconstructed(front: Axes, above: Axes) -> None:
    """The order on the left of the arrow, and what the second network makes of it."""
    front.scatter(WRIST[0], WRIST[1], color=BLUE, s=40, zorder=5)
    joints = (("1. wrist", WRIST), ("2. elbow", ELBOW), ("3. shoulder", SHOULDER))
    for place, (number, joint) in enumerate(joints):
        above.scatter(0.29, 0.25 + 0.16 * place, color=FAINT, s=28, zorder=5)
        above.annotate(number, (0.27, 0.25 + 0.16 * place), ha="right", va="center", fontsize=7, color=INK)
        above.scatter(joint[0], joint[2], color=BLUE, s=40, zorder=5)
    above.annotate("", (0.41, 0.41), (0.32, 0.41), arrowprops={"arrowstyle": "->", "color": RED, "linewidth": 1.6})
    above.annotate("a network that knows poses,\nnot pictures, makes mm of it", (0.06, 0.84), fontsize=7.5, color=INK)


def metric(front: Axes, above: Axes) -> None:
    """The crop cuts the wrist off in the picture; the cube has it, and both together say how far the person is."""
    edge = 0.70
    front.add_patch(Rectangle((0.02, 0.06), edge - 0.02, edge - 0.02, facecolor="none", edgecolor=RED, linewidth=1.2))
    front.annotate("crop", (edge - 0.02, 0.72), ha="right", color=RED, fontsize=7.5)
    for joint in (SHOULDER, ELBOW):
        front.scatter(joint[0], joint[1], color=BLUE, s=40, zorder=5)
    front.scatter(WRIST[0], WRIST[1], facecolor="white", edgecolor=BLUE, s=40, zorder=5)
    above.add_patch(Rectangle((0.2, 0.14), 0.72, 0.6, facecolor=BLUE, alpha=0.07, edgecolor=BLUE, linewidth=1))
    above.annotate("2.2 m", (0.56, 0.76), ha="center", color=BLUE, fontsize=7.5)
    for joint in (SHOULDER, ELBOW, WRIST):
        above.scatter(joint[0], joint[2], color=BLUE, s=40, zorder=5)
        above.plot([0.5, joint[0]], [0.0, joint[2]], color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)))
    above.annotate("a cube in mm: its size and the\nangles give the distance", (0.06, 0.84), fontsize=7.5, color=INK)


DRAWINGS: dict[str, Callable[[Axes, Axes], None]] = {
    "coordinates": coordinates, "laplace": laplace, "rle": rle, "volume": volume, "integral": integral,
    "simcc": simcc, "ordinal": ordinal, "ordinal_reconstructed": ordinal_reconstructed, "metric": metric,
}  # fmt: skip


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/representations")
    for name, draw in DRAWINGS.items():
        figure = new_figure(5.2, 2.7)
        figure.set_layout_engine("constrained")
        front, above = figure.subplots(1, 2)
        frame(front, above)
        if name.startswith("ordinal"):
            above.lines[0].set_visible(name != "ordinal")
            above.lines[1].set_visible(False)
        if name == "metric":
            above.lines[1].set_visible(False)
        draw(front, above)
        front.set_title("from the front", fontsize=8, color=FAINT)
        above.set_title("from above", fontsize=8, color=FAINT)
        print(save_png(figure, folder / f"{name}.png", dots_per_inch=110))


if __name__ == "__main__":
    say_how(__doc__)
    main()
