"""Pictures: a person's predicted and true pose, sheets of test images, volumes along the stacks (paper, figure 5).

Poses are drawn relative to the root and to one scale, without perspective: as the camera sees them, and turned by 90
degrees about the camera's vertical axis; the heavier lines of the grid cross at the root. Limbs of the person's left
are blue, of the right orange; the truth stands in panels of its own or, on sheets, lies in grey under the prediction.
All functions return a matplotlib ``Figure`` of their own; none touches pyplot.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from c2fpose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM
from c2fpose.skeleton import EDGES, JOINTS, ROOT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

# Blue and vermilion of Okabe and Ito's palette: told apart with any colour vision, and by brightness in print.
COLORS = {"left": "#0072B2", "right": "#D55E00", "torso": "#3d3d3d"}
GRID_MM = 500.0
SMALLEST_EXTENT_MM, LARGEST_EXTENT_MM = 500.0, 1200.0  # of half a panel; what lies beyond is cut off
DOTS_PER_INCH = 150
_INK, _FAINT, _GRID, _TRUTH = "#222222", "#6e6e6e", "#e6e6e6", "#b0b0b0"


class Person(NamedTuple):
    """What is drawn of one image. Joints in C2F order."""

    image: UInt8[np.ndarray, "side side 3"]  # RGB crop, of any size
    joints_box: Float[np.ndarray, "17 2"]  # predicted: x, y across that crop, 0..1
    pose_cam_mm: Float[np.ndarray, "17 3"]  # predicted, camera frame
    true_cam_mm: Float[np.ndarray, "17 3"] | None = None
    caption: str = ""  # who, what, where
    error_mm: float | None = None  # mean per-joint error


def pose_figure(person: Person, side_inches: float = 4.0) -> Figure:
    """One person: image with joints, predicted pose from two sides and, where known, the true one below it."""
    return _page({"": [person]}, _Layout(side_inches, titled=False, truth_beside=person.true_cam_mm is not None))


def choose(errors_mm: Float[np.ndarray, " images"], count: int) -> dict[str, Int[np.ndarray, " chosen"]]:
    """Indices of the best, median and worst images, a third of ``count`` each and none twice, by rising error.

    With fewer images than ``count`` all are taken. A count that three does not divide favours the best, then the
    median. Errors that are not finite count as the worst.
    """
    order = np.argsort(np.nan_to_num(np.asarray(errors_mm, float), nan=np.inf), kind="stable")
    count = min(count, len(order))
    best, median, worst = (count + 2) // 3, (count + 1) // 3, count // 3
    first = (len(order) - median) // 2
    first = min(max(first, best), len(order) - worst - median)
    return {
        "best": order[:best],
        "median": order[first : first + median],
        "worst": order[len(order) - worst :],
    }


def sheet(groups: dict[str, Sequence[Person]], side_inches: float = 2.0) -> Figure:
    """Many people: a column for each group (such as best, median, worst), a cell for each person in it.

    ``side_inches`` is the side of an image. All poses of a sheet have one scale.
    """
    return _page(groups, _Layout(side_inches, titled=True, truth_beside=False))


def _page(groups: dict[str, Sequence[Person]], layout: _Layout) -> Figure:
    people = [person for group in groups.values() for person in group]
    if not people:
        raise ValueError("a sheet needs at least one person")
    rows = max(len(group) for group in groups.values())
    figure = _figure(*layout.page(rows, len(groups)))
    extent_mm = half_extent_mm(people)
    for column, (name, group) in enumerate(groups.items()):
        left = layout.margin + column * (layout.cell_width + layout.gutter)
        if layout.titled:
            _write(figure, left, layout.margin + 0.2, name, size=13, weight="bold")
        for row, person in enumerate(group):
            _draw_person(figure, layout, left, layout.first_row + row * layout.cell_height, person, extent_mm)
    overlaid = not layout.truth_beside and any(person.true_cam_mm is not None for person in people)
    _draw_legend(figure, layout, extent_mm, overlaid)
    return figure


def half_extent_mm(people: Sequence[Person]) -> float:
    """Half the side of every panel: the largest of the drawn people, within limits and with a little air."""
    spans = [np.ptp(_corners_mm(person), axis=0).max() for person in people]
    return float(np.clip(1.1 * max(spans) / 2, SMALLEST_EXTENT_MM, LARGEST_EXTENT_MM))


def _corners_mm(person: Person) -> Float[np.ndarray, "2 3"]:
    """Smallest and largest coordinates of predicted and true pose, relative to the root."""
    poses = [person.pose_cam_mm] if person.true_cam_mm is None else [person.pose_cam_mm, person.true_cam_mm]
    joints = np.concatenate([camera_view(pose) for pose in poses])
    return np.stack([joints.min(0), joints.max(0)])


def camera_view(pose_cam_mm: Float[np.ndarray, "17 3"]) -> Float[np.ndarray, "17 3"]:
    """Right, down and away, millimetres from the root, as the camera sees a pose."""
    pose = np.asarray(pose_cam_mm, float)
    return pose - pose[ROOT]


def turned_view(pose_cam_mm: Float[np.ndarray, "17 3"]) -> Float[np.ndarray, "17 3"]:
    """The same seen from the camera's right, so that the camera stands on the left: turned by 90 degrees about y."""
    right, down, away = camera_view(pose_cam_mm).T
    return np.stack([away, down, -right], axis=-1)


def body_side(edge: tuple[int, int]) -> str:
    """``left``, ``right`` or ``torso``: where a limb belongs, by the joint at its far end."""
    side = JOINTS[edge[1]].split("_")[0]
    return side if side in ("left", "right") else "torso"


def save_png(figure: Figure, path: str | Path, dots_per_inch: int = DOTS_PER_INCH) -> Path:
    """Write a figure; the file has its name only when it is complete."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    figure.savefig(partial, format="png", dpi=dots_per_inch, metadata={"Software": None})
    os.replace(partial, path)
    return path


# --- one person ---------------------------------------------------------------------------------------------------


class _Layout(NamedTuple):
    """Where things stand on the page, in inches from its left and top edge."""

    side: float  # of an image
    titled: bool  # group names above the columns
    truth_beside: bool  # in a second row of panels, smaller ones, instead of under the prediction
    margin: float = 0.18
    gap: float = 0.08
    caption: float = 0.30  # line above an image: caption and error
    label: float = 0.19  # line above a panel: what it shows
    legend: float = 0.36

    @property
    def panel(self) -> float:
        """Side of a panel: two rows with their labels are as high as the image."""
        return (self.side - 2 * self.label - self.gap) / 2 if self.truth_beside else self.side - self.label

    @property
    def cell_width(self) -> float:
        return self.side + 2 * (self.gap + self.panel)

    @property
    def cell_height(self) -> float:
        return self.caption + self.side + 2 * self.gap

    @property
    def gutter(self) -> float:
        return 3 * self.gap

    @property
    def first_row(self) -> float:
        return self.margin + (0.3 if self.titled else 0.0)

    def page(self, rows: int, columns: int) -> tuple[float, float]:
        """Width and height."""
        width = 2 * self.margin + columns * self.cell_width + (columns - 1) * self.gutter
        return width, self.first_row + rows * self.cell_height + self.legend


def _draw_person(figure: Figure, layout: _Layout, left: float, top: float, person: Person, extent_mm: float) -> None:
    error = "" if person.error_mm is None else f"MPJPE {person.error_mm:.0f} mm"
    baseline = top + layout.caption - 0.09
    right_edge = left + layout.cell_width
    note = _write(figure, right_edge, baseline, error, size=10, weight="bold", ha="right") if error else None
    room = layout.cell_width - (_width_inches(figure, note) + 2 * layout.gap if note else 0)
    _fit(figure, _write(figure, left, baseline, person.caption, size=10), room)

    top += layout.caption
    axes = _axes(figure, left, top, layout.side, layout.side)
    _draw_image(axes, person, layout.side)
    rows = [("", person.pose_cam_mm, person.true_cam_mm)]
    if layout.truth_beside:
        rows = [("predicted, ", person.pose_cam_mm, None), ("true, ", person.true_cam_mm, None)]
    right, down, away = _corners_mm(person).mean(0)
    views = ((camera_view, (right, down), "camera's view"), (turned_view, (away, down), "turned by 90°"))
    for row, (whose, pose, under) in enumerate(rows):
        panel_top = top + row * (layout.panel + layout.label + layout.gap)
        for column, (view, middle, where) in enumerate(views):
            panel_left = left + layout.side + layout.gap + column * (layout.panel + layout.gap)
            _write(figure, panel_left, panel_top + layout.label - 0.06, whose + where, size=8, color=_FAINT)
            panel = _axes(figure, panel_left, panel_top + layout.label, layout.panel, layout.panel)
            _draw_grid(panel, middle, extent_mm)
            if under is not None:
                _draw_shadow(panel, view(under), width=1.2 * layout.panel)
            _draw_skeleton(panel, view(pose)[:, :2], view(pose)[:, 2], width=1.2 * layout.panel)


def _draw_image(axes: Axes, person: Person, inches: float) -> None:
    smooth = len(person.image) < 2 * DOTS_PER_INCH * inches
    axes.imshow(person.image, extent=(0, 1, 1, 0), interpolation="bicubic" if smooth else "antialiased")
    axes.set(xlim=(0, 1), ylim=(1, 0))
    depth = np.asarray(person.pose_cam_mm, float)[:, 2]
    _draw_skeleton(axes, np.asarray(person.joints_box, float), depth, width=0.9 * inches)


def _draw_grid(axes: Axes, middle_mm: tuple[float, float], extent_mm: float) -> None:
    axes.set(
        xlim=(middle_mm[0] - extent_mm, middle_mm[0] + extent_mm),
        ylim=(middle_mm[1] + extent_mm, middle_mm[1] - extent_mm),
    )
    reach = int((max(map(abs, middle_mm)) + extent_mm) // GRID_MM)
    for step in range(-reach, reach + 1):
        line = dict(color=_GRID, lw=1.5 if step == 0 else 0.7, zorder=0)
        axes.axhline(step * GRID_MM, **line)
        axes.axvline(step * GRID_MM, **line)


def _draw_shadow(axes: Axes, view_mm: Float[np.ndarray, "17 3"], width: float) -> None:
    for edge in EDGES:
        axes.plot(*view_mm[list(edge), :2].T, color=_TRUTH, lw=width, solid_capstyle="round", zorder=1)


def _draw_skeleton(
    axes: Axes, points: Float[np.ndarray, "17 2"], depth: Float[np.ndarray, " 17"], width: float
) -> None:
    """Limbs from far to near, each with a white rim, so that crossings show which limb is in front."""
    order = np.argsort([-(depth[start] + depth[end]) for start, end in EDGES])
    above = np.zeros(len(JOINTS))  # a joint lies on the nearest of its limbs
    for level, index in enumerate(order, start=2):
        edge = EDGES[index]
        line = points[list(edge)].T
        axes.plot(*line, color="white", lw=1.9 * width, solid_capstyle="butt", zorder=level)
        axes.plot(*line, color=COLORS[body_side(edge)], lw=width, solid_capstyle="round", zorder=level)
        above[list(edge)] = level + 0.5
    colors = {ROOT: COLORS["torso"]} | {edge[1]: COLORS[body_side(edge)] for edge in EDGES}
    for joint, color in colors.items():
        rim = dict(markeredgecolor="white", markeredgewidth=0.3 * width)
        axes.plot(*points[joint], "o", color=color, markersize=1.7 * width, zorder=above[joint], **rim)


def _draw_legend(figure: Figure, layout: _Layout, extent_mm: float, overlaid: bool) -> None:
    width, height = figure.get_size_inches()
    bar = GRID_MM / (2 * extent_mm) * layout.panel
    entries = [("person's left", COLORS["left"], 0.3), ("person's right", COLORS["right"], 0.3)]
    entries += [("truth", _TRUTH, 0.3)] if overlaid else []
    entries += [(f"{GRID_MM:.0f} mm", _INK, bar), ("turned: camera on the left", None, 0.0)]
    axes = _axes(figure, 0, height - layout.legend, width, layout.legend)
    axes.set(xlim=(0, width), ylim=(layout.legend, 0))
    axes.set_axis_off()
    middle, gap, space = 0.6 * layout.legend, 0.08, 0.25
    baseline = height - layout.legend + middle + 0.045
    texts = [_write(figure, 0, baseline, label, size=8.5) for label, _, _ in entries]
    room = width - 2 * layout.margin - sum(length + gap + space for _, _, length in entries)
    shrink = min(1.0, room / sum(_width_inches(figure, text) for text in texts))
    left = layout.margin
    for (_, color, length), text in zip(entries, texts, strict=True):
        if color == _INK:
            axes.plot([left, left + length], [middle] * 2, "|-", color=color, lw=1, ms=5, mew=1)
        elif color:
            axes.plot([left, left + length], [middle] * 2, color=color, lw=3.5, solid_capstyle="round")
        left += length + (gap if length else 0)
        text.set(x=left / width, size=8.5 * shrink)
        left += _width_inches(figure, text) + space


# --- volumes ------------------------------------------------------------------------------------------------------


def volume_slices(
    stacks: Sequence[Float[np.ndarray, "J _ H W"]],
    target: Float[np.ndarray, "J D H W"],
    joints: Sequence[str] = ("left_wrist", "right_knee"),
    image: UInt8[np.ndarray, "side side 3"] | None = None,
    side_inches: float = 1.7,
) -> Figure:
    """Volumes of one image, coarse to fine: a column for each stack, then the target; two rows for each joint.

    The front view is the maximum over depth, with the image behind it if given; the view from above is the maximum
    over rows, the camera below. Brightness is relative to each panel's own maximum, which stands in its corner; a
    ring marks where the target is highest.
    """
    margin, label, gap, side_label, footer = 0.15, 0.3, 0.1, 0.62, 0.12
    columns = [(f"stack {number}, d = {volume.shape[1]}", volume) for number, volume in enumerate(stacks, 1)]
    columns.append((f"target, d = {target.shape[1]}", target))
    width = 2 * margin + side_label + len(columns) * (side_inches + gap)
    figure = _figure(width, margin + label + 2 * len(joints) * (side_inches + gap) + footer + margin)
    for column, (title, volume) in enumerate(columns):
        left = margin + side_label + column * (side_inches + gap)
        _fit(figure, _write(figure, left, margin + label - 0.1, title, size=10), side_inches)
        for row, joint in enumerate(joints):
            mark = _highest(target[JOINTS.index(joint)])
            top = margin + label + 2 * row * (side_inches + gap)
            voxels = np.asarray(volume[JOINTS.index(joint)], float)
            front = _axes(figure, left, top, side_inches, side_inches)
            _draw_slice(front, voxels.max(0), (0, 1, 1, 0), mark[:2], image)
            above = _axes(figure, left, top + side_inches + gap, side_inches, side_inches)
            extent = (0, 1, DEPTH_MIN_MM, DEPTH_MAX_MM)
            _draw_slice(above, voxels.max(1), extent, (mark[0], mark[2]), None)
            if column == 0:
                name = joint.replace("_", " ")
                for axes, view in ((front, "front"), (above, "from above")):
                    axes.set_ylabel(f"{name}\n{view}", fontsize=9, color=_INK)
                above.set_yticks([-500, 0, 500], ["-500", "0", "+500 mm"], fontsize=6, rotation=90, va="center")
    note = "ring: highest voxel of the target; from above: depth from the root, the camera is below"
    text = _write(figure, margin + side_label, figure.get_figheight() - margin, note, size=8, color=_FAINT)
    _fit(figure, text, width - 2 * margin - side_label)
    return figure


def _highest(voxels: Float[np.ndarray, "D H W"]) -> tuple[float, float, float]:
    """x and y across the crop and depth from the root in mm of the highest voxel's centre."""
    index = np.unravel_index(np.argmax(voxels), voxels.shape)
    z, y, x = ((i + 0.5) / size for i, size in zip(index, voxels.shape, strict=True))
    return x, y, DEPTH_MIN_MM + z * (DEPTH_MAX_MM - DEPTH_MIN_MM)


def _draw_slice(
    axes: Axes,
    values: Float[np.ndarray, "rows columns"],
    extent: tuple[float, float, float, float],
    mark: tuple[float, float],
    image: UInt8[np.ndarray, "side side 3"] | None,
) -> None:
    peak = float(values.max())
    shown = np.clip(values / peak, 0, 1) if peak > 0 else np.zeros_like(values)
    origin = "upper" if extent[2] > extent[3] else "lower"
    if image is not None:
        grey = np.asarray(image, float) @ (0.299, 0.587, 0.114) / 255
        axes.imshow(grey, extent=extent, cmap="gray", vmin=0, vmax=1.6, aspect="auto")
    alpha = None if image is None else np.sqrt(shown)
    axes.imshow(
        shown,
        extent=extent,
        origin=origin,
        cmap="magma",
        vmin=0,
        vmax=1,
        alpha=alpha,
        aspect="auto",
        interpolation="nearest",
    )
    axes.plot(*mark, "o", ms=9, mfc="none", mec="white", mew=0.9)
    axes.set(xlim=extent[:2], ylim=extent[2:])
    axes.text(0.97, 0.03, f"max {peak:.2g}", transform=axes.transAxes, ha="right", va="bottom", color="white", size=7)


# --- paper and ink ------------------------------------------------------------------------------------------------


def _figure(width_inches: float, height_inches: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_inches, height_inches), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes in inches from the page's left and top edge."""
    page_width, page_height = figure.get_size_inches()
    box = (left / page_width, 1 - (top + height) / page_height, width / page_width, height / page_height)
    axes = figure.add_axes(box)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color="#cccccc", linewidth=0.6)
    return axes


def _write(figure: Figure, left: float, baseline: float, text: str, size: float, **style: str) -> Text:
    page_width, page_height = figure.get_size_inches()
    style = {"color": _INK, "ha": "left", "va": "baseline"} | style
    # A dollar sign in a caption is no formula.
    return figure.text(left / page_width, 1 - baseline / page_height, text, size=size, parse_math=False, **style)


def _width_inches(figure: Figure, text: Text) -> float:
    return text.get_window_extent(figure.canvas.get_renderer()).width / figure.dpi


def _fit(figure: Figure, text: Text, room_inches: float) -> None:
    """Make a text smaller, then shorter, until it fits."""
    text.set_size(text.get_size() * np.clip(room_inches / max(_width_inches(figure, text), 1e-6), 0.7, 1))
    while _width_inches(figure, text) > room_inches and len(text.get_text()) > 1:
        text.set_text(text.get_text().rstrip("…")[:-1] + "…")
