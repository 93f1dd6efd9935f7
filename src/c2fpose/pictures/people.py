"""A person's predicted and true pose, and sheets of test images.

Poses are drawn relative to the root and to one scale, without perspective: as the camera sees them, and turned by 90
degrees about the camera's vertical axis; the heavier lines of the grid cross at the root. Limbs of the person's left
are blue, of the right orange. Where a network says how sure it is, joints are the fainter, the less sure, and ellipses
hold a joint half of the time. The truth stands in panels of its own or, on sheets, lies in grey under the prediction.
All functions return a matplotlib ``Figure`` of their own; none touches pyplot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from scipy.special import chdtri

from c2fpose.pictures.figure import DOTS_PER_INCH, add_axes, fit, new_figure, width_inches, write
from c2fpose.pictures.palette import COLORS, FAINT, GRID, INK, TRUTH, joint_side
from c2fpose.pose.skeleton import C2F17, Skeleton

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GRID_MM = 500.0
HALF = float(np.sqrt(chdtri(3, 0.5)))  # standard deviations of the ellipsoid that holds a joint half of the time
FAINTEST = 0.25  # opacity of a joint of confidence 0
SMALLEST_EXTENT_MM, LARGEST_EXTENT_MM = 500.0, 1200.0  # of half a panel; what lies beyond is cut off


class Person(NamedTuple):
    """What is drawn of one image."""

    image: UInt8[np.ndarray, "side side 3"]  # RGB crop, of any size
    joints_box: Float[np.ndarray, "J 2"]  # predicted: x, y across that crop, 0..1
    pose_cam_mm: Float[np.ndarray, "J 3"]  # predicted, camera frame
    true_cam_mm: Float[np.ndarray, "J 3"] | None = None
    caption: str = ""  # who, what, where
    error_mm: float | None = None  # mean per-joint error
    confidence: Float[np.ndarray, " J"] | None = None  # 0..1: joints are the fainter, the less sure
    covariance_mm2: Float[np.ndarray, "J 3 3"] | None = None  # of predicted joints, camera frame: ellipses of HALF
    skeleton: Skeleton = C2F17


def pose_figure(person: Person, side_inches: float = 4.0) -> Figure:
    """One person: image with joints, predicted pose from two sides and, where known, the true one below it."""
    return _page({"": [person]}, _Layout(side_inches, titled=False, truth_beside=person.true_cam_mm is not None))


def choose(errors_mm: Float[np.ndarray, " images"], count: int) -> dict[str, Int[np.ndarray, " chosen"]]:
    """Choose the indices of the best, median and worst images, a third of ``count`` each, none twice, by rising error.

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


def sheet(groups: Mapping[str, Sequence[Person]], side_inches: float = 2.0) -> Figure:
    """Many people: a column for each group (such as best, median, worst), a cell for each person in it.

    ``side_inches`` is the side of an image. All poses of a sheet have one scale.
    """
    return _page(groups, _Layout(side_inches, titled=True, truth_beside=False))


def _page(groups: Mapping[str, Sequence[Person]], layout: _Layout) -> Figure:
    people = [person for group in groups.values() for person in group]
    if not people:
        raise ValueError("a sheet needs at least one person")
    rows = max(len(group) for group in groups.values())
    figure = new_figure(*layout.page(rows, len(groups)))
    extent_mm = half_extent_mm(people)
    for column, (name, group) in enumerate(groups.items()):
        left = layout.margin + column * (layout.cell_width + layout.gutter)
        if layout.titled:
            write(figure, left, layout.margin + 0.2, name, size=13, weight="bold")
        for row, person in enumerate(group):
            _draw_person(figure, layout, left, layout.first_row + row * layout.cell_height, person, extent_mm)
    overlaid = not layout.truth_beside and any(person.true_cam_mm is not None for person in people)
    sure = any(person.covariance_mm2 is not None for person in people)
    _draw_legend(figure, layout, extent_mm, overlaid, sure)
    return figure


def half_extent_mm(people: Sequence[Person]) -> float:
    """Half the side of every panel: the largest of the drawn people, within limits and with a little air."""
    spans = [np.ptp(_corners_mm(person), axis=0).max() for person in people]
    return float(np.clip(1.1 * max(spans) / 2, SMALLEST_EXTENT_MM, LARGEST_EXTENT_MM))


def _corners_mm(person: Person) -> Float[np.ndarray, "2 3"]:
    """Smallest and largest coordinates of predicted and true pose, relative to the root."""
    poses = [person.pose_cam_mm] if person.true_cam_mm is None else [person.pose_cam_mm, person.true_cam_mm]
    joints = np.concatenate([camera_view(pose, person.skeleton.root) for pose in poses])
    return np.stack([joints.min(0), joints.max(0)])


def camera_view(pose_cam_mm: Float[np.ndarray, "J 3"], root: int) -> Float[np.ndarray, "J 3"]:
    """Right, down and away, millimetres from the root, as the camera sees a pose."""
    pose = np.asarray(pose_cam_mm, float)
    return pose - pose[root]


def turned_view(pose_cam_mm: Float[np.ndarray, "J 3"], root: int) -> Float[np.ndarray, "J 3"]:
    """Turn a pose to be seen from the camera's right, so that the camera stands on the left: by 90 degrees about y."""
    right, down, away = camera_view(pose_cam_mm, root).T
    return np.stack([away, down, -right], axis=-1)


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
    note = write(figure, right_edge, baseline, error, size=10, weight="bold", ha="right") if error else None
    room = layout.cell_width - (width_inches(figure, note) + 2 * layout.gap if note else 0)
    fit(figure, write(figure, left, baseline, person.caption, size=10), room)

    top += layout.caption
    axes = add_axes(figure, left, top, layout.side, layout.side)
    _draw_image(axes, person, layout.side)
    rows: list[tuple[str, np.ndarray, np.ndarray | None]] = [("", person.pose_cam_mm, person.true_cam_mm)]
    if layout.truth_beside and person.true_cam_mm is not None:
        rows = [("predicted, ", person.pose_cam_mm, None), ("true, ", person.true_cam_mm, None)]
    skeleton = person.skeleton
    right, down, away = np.clip(_corners_mm(person).mean(0), -extent_mm, extent_mm)  # the root stays in view
    views = (
        (camera_view, (0, 1), (right, down), "camera's view"),
        (turned_view, (2, 1), (away, down), "turned by 90°"),
    )
    for row, (whose, pose, under) in enumerate(rows):
        panel_top = top + row * (layout.panel + layout.label + layout.gap)
        for column, (view, across, middle, where) in enumerate(views):
            panel_left = left + layout.side + layout.gap + column * (layout.panel + layout.gap)
            write(figure, panel_left, panel_top + layout.label - 0.06, whose + where, size=8, color=FAINT)
            panel = add_axes(figure, panel_left, panel_top + layout.label, layout.panel, layout.panel)
            _draw_grid(panel, middle, extent_mm)
            if under is not None:
                _draw_shadow(panel, view(under, skeleton.root), 1.2 * layout.panel, skeleton)
            sure, seen = None, view(pose, skeleton.root)
            if pose is person.pose_cam_mm:
                sure = person.confidence
                _draw_ellipses(panel, seen[:, :2], person, across)
            _draw_skeleton(panel, seen[:, :2], seen[:, 2], 1.2 * layout.panel, skeleton, sure)


def _draw_image(axes: Axes, person: Person, inches: float) -> None:
    smooth = len(person.image) < 2 * DOTS_PER_INCH * inches
    axes.imshow(person.image, extent=(0, 1, 1, 0), interpolation="bicubic" if smooth else "antialiased")
    axes.set(xlim=(0, 1), ylim=(1, 0))
    depth = np.asarray(person.pose_cam_mm, float)[:, 2]
    _draw_skeleton(axes, np.asarray(person.joints_box, float), depth, 0.9 * inches, person.skeleton, person.confidence)


def _draw_grid(axes: Axes, middle_mm: tuple[float, float], extent_mm: float) -> None:
    axes.set(
        xlim=(middle_mm[0] - extent_mm, middle_mm[0] + extent_mm),
        ylim=(middle_mm[1] + extent_mm, middle_mm[1] - extent_mm),
    )
    reach = int((max(map(abs, middle_mm)) + extent_mm) // GRID_MM)
    for step in range(-reach, reach + 1):
        line: dict[str, Any] = dict(color=GRID, lw=1.5 if step == 0 else 0.7, zorder=0)
        axes.axhline(step * GRID_MM, **line)
        axes.axvline(step * GRID_MM, **line)


def _draw_shadow(axes: Axes, view_mm: Float[np.ndarray, "J 3"], width: float, skeleton: Skeleton) -> None:
    points = _near(axes, view_mm[:, :2])
    for edge in skeleton.limbs:
        axes.add_line(Line2D(*points[list(edge)].T, color=TRUTH, lw=width, solid_capstyle="round", zorder=1))


def _draw_ellipses(
    axes: Axes,
    points_mm: Float[np.ndarray, "J 2"],
    person: Person,
    across: tuple[int, int],
) -> None:
    """Ellipsoids of ``HALF`` as a view shows them; ``across``: the camera's axes that lie in the panel."""
    if person.covariance_mm2 is None:
        return
    points_mm = _near(axes, points_mm)
    for joint, covariance in enumerate(person.covariance_mm2[:, across][:, :, across]):
        variances, axes_mm = np.linalg.eigh(covariance)
        width, height = 2 * HALF * np.sqrt(np.maximum(variances, 0))
        turn_deg = np.degrees(np.arctan2(axes_mm[1, 0], axes_mm[0, 0]))
        color = COLORS[joint_side(joint, person.skeleton)]
        axes.add_patch(
            Ellipse(points_mm[joint], width, height, angle=turn_deg, facecolor=color, alpha=0.13, lw=0, zorder=1.5)
        )


def _draw_skeleton(
    axes: Axes,
    points: Float[np.ndarray, "J 2"],
    depth: Float[np.ndarray, " J"],
    width: float,
    skeleton: Skeleton,
    confidence: Float[np.ndarray, " J"] | None = None,
) -> None:
    """Limbs from far to near, each with a white rim, so that crossings show which limb is in front."""
    points = _near(axes, points)
    order = np.argsort([-(depth[start] + depth[end]) for start, end in skeleton.limbs])
    above = np.full(skeleton.joints, 2.0)  # a joint lies on the nearest of its limbs
    for level, index in enumerate(order, start=2):
        edge = skeleton.limbs[index]
        line = points[list(edge)].T
        color = COLORS[joint_side(edge[1], skeleton)]
        # not plot, which takes several times as long: the limits of the axes are set
        axes.add_line(Line2D(*line, color="white", lw=1.9 * width, solid_capstyle="butt", zorder=level))
        axes.add_line(Line2D(*line, color=color, lw=width, solid_capstyle="round", zorder=level))
        above[list(edge)] = level + 0.5
    for joint in dict.fromkeys([skeleton.root, *(end for _, end in skeleton.limbs), *range(skeleton.joints)]):
        color = COLORS[joint_side(joint, skeleton)]
        look: dict[str, Any] = dict(marker="o", ls="none", markeredgecolor="white", markeredgewidth=0.3 * width)
        clear = 1.0 if confidence is None else FAINTEST + (1 - FAINTEST) * float(confidence[joint])
        x, y = points[joint]
        dot = Line2D([x], [y], color=color, markersize=1.7 * width, zorder=above[joint], alpha=clear, **look)
        axes.add_line(dot)


def _near(axes: Axes, points: Float[np.ndarray, "J 2"]) -> Float[np.ndarray, "J 2"]:
    """Bring points absurdly far out of view nearer, as of a hardly trained network: matplotlib refuses them."""
    lowest, highest = np.sort(np.column_stack([axes.get_xlim(), axes.get_ylim()]), axis=0)
    return np.clip(points, lowest - 10 * (highest - lowest), highest + 10 * (highest - lowest))


def _draw_legend(figure: Figure, layout: _Layout, extent_mm: float, overlaid: bool, sure: bool) -> None:
    width, height = figure.get_size_inches()
    bar = GRID_MM / (2 * extent_mm) * layout.panel
    entries: list[tuple[str, str | None, float]]
    entries = [("person's left", COLORS["left"], 0.3), ("person's right", COLORS["right"], 0.3)]
    entries += [("truth", TRUTH, 0.3)] if overlaid else []
    entries += [(f"{GRID_MM:.0f} mm", INK, bar), ("turned: camera on the left", None, 0.0)]
    entries += [("ellipses: a joint is inside half of the time", None, 0.0)] if sure else []
    axes = add_axes(figure, 0, height - layout.legend, width, layout.legend)
    axes.set(xlim=(0, width), ylim=(layout.legend, 0))
    axes.set_axis_off()
    middle, gap, space = 0.6 * layout.legend, 0.08, 0.25
    baseline = height - layout.legend + middle + 0.045
    texts = [write(figure, 0, baseline, label, size=8.5) for label, _, _ in entries]
    room = width - 2 * layout.margin - sum(length + gap + space for _, _, length in entries)
    shrink = min(1.0, room / sum(width_inches(figure, text) for text in texts))
    left = layout.margin
    for (_, color, length), text in zip(entries, texts, strict=True):
        if color == INK:
            axes.plot([left, left + length], [middle] * 2, "|-", color=color, lw=1, ms=5, mew=1)
        elif color:
            axes.plot([left, left + length], [middle] * 2, color=color, lw=3.5, solid_capstyle="round")
        left += length + (gap if length else 0)
        text.set(x=left / width, size=8.5 * shrink)
        left += width_inches(figure, text) + space
