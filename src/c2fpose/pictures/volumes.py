"""Volumes along the stacks, coarse to fine (paper, figure 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float, UInt8

from c2fpose.pictures.figure import add_axes, fit, new_figure, write
from c2fpose.pictures.palette import FAINT, INK
from c2fpose.pose.skeleton import Skeleton
from c2fpose.pose.space import PAPER, PoseSpace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def volume_slices(
    stacks: Sequence[Float[np.ndarray, "J _ H W"]],
    target: Float[np.ndarray, "J D H W"],
    joints: Sequence[str] | None = None,
    image: UInt8[np.ndarray, "side side 3"] | None = None,
    side_inches: float = 1.7,
    space: PoseSpace = PAPER,
) -> Figure:
    """Volumes of one image, coarse to fine: a column for each stack, then the target; two rows for each joint.

    The front view is the maximum over depth, with the image behind it if given; the view from above is the maximum
    over rows, the camera below. Brightness is relative to each panel's own maximum, which stands in its corner; a
    ring marks where the target is highest. ``joints``: None for two that move much.
    """
    joints = joints or moving_joints(space.skeleton)
    margin, label, gap, side_label, footer = 0.15, 0.3, 0.1, 0.62, 0.12
    columns = [(f"stack {number}, d = {volume.shape[1]}", volume) for number, volume in enumerate(stacks, 1)]
    columns.append((f"target, d = {target.shape[1]}", target))
    width = 2 * margin + side_label + len(columns) * (side_inches + gap)
    figure = new_figure(width, margin + label + 2 * len(joints) * (side_inches + gap) + footer + margin)
    for column, (title, volume) in enumerate(columns):
        left = margin + side_label + column * (side_inches + gap)
        fit(figure, write(figure, left, margin + label - 0.1, title, size=10), side_inches)
        for row, joint in enumerate(joints):
            place = space.skeleton.names.index(joint)
            mark = _highest(target[place], space)
            top = margin + label + 2 * row * (side_inches + gap)
            voxels = np.asarray(volume[place], float)
            front = add_axes(figure, left, top, side_inches, side_inches)
            _draw_slice(front, voxels.max(0), (0, 1, 1, 0), mark[:2], image)
            above = add_axes(figure, left, top + side_inches + gap, side_inches, side_inches)
            extent = (0, 1, *space.depth_range_mm)
            _draw_slice(above, voxels.max(1), extent, (mark[0], mark[2]), None)
            if column == 0:
                name = joint.replace("_", " ")
                for axes, view in ((front, "front"), (above, "from above")):
                    axes.set_ylabel(f"{name}\n{view}", fontsize=9, color=INK)
                step = 500 if space.depth_mm > 1100 else 100 if space.depth_mm > 220 else 10
                labels = [f"-{step}", "0", f"+{step} mm"]
                above.set_yticks([-step, 0, step], labels, fontsize=6, rotation=90, va="center")
    note = "ring: highest voxel of the target; from above: depth from the root, the camera is below"
    text = write(figure, margin + side_label, figure.get_figheight() - margin, note, size=8, color=FAINT)
    fit(figure, text, width - 2 * margin - side_label)
    return figure


def moving_joints(skeleton: Skeleton) -> tuple[str, ...]:
    """Pick two joints to look at: a wrist and a knee, or of other bodies ends of long chains."""
    usual = tuple(name for name in ("left_wrist", "right_knee") if name in skeleton.names)
    if len(usual) == 2:
        return usual
    return tuple(skeleton.names[joint] for joint in skeleton.downwards[:-3:-1])


def _highest(voxels: Float[np.ndarray, "D H W"], space: PoseSpace) -> tuple[float, float, float]:
    """x and y across the crop and depth from the root in mm of the highest voxel's centre."""
    index = np.unravel_index(np.argmax(voxels), voxels.shape)
    z, y, x = ((i + 0.5) / size for i, size in zip(index, voxels.shape, strict=True))
    return x, y, space.depth_range_mm[0] + z * space.depth_mm


def _draw_slice(
    axes: Axes,
    values: Float[np.ndarray, "rows columns"],
    extent: tuple[float, float, float, float],
    mark: tuple[float, float],
    image: UInt8[np.ndarray, "side side 3"] | None,
) -> None:
    peak = float(values.max())
    shown = np.clip(values / peak, 0, 1) if peak > 0 else np.zeros_like(values)
    origin: Literal["upper", "lower"] = "upper" if extent[2] > extent[3] else "lower"
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
