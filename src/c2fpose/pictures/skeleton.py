"""A skeleton to look at: the tree with its names, left, right and limbs, and a list that says the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from c2fpose.pictures.figure import add_axes, fit, new_figure, write
from c2fpose.pictures.palette import COLORS, FAINT, GRID, INK, joint_side
from c2fpose.pose.anatomy import part_of
from c2fpose.pose.skeleton import Skeleton

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE_INCHES = 6.0
_LINE, _MARGIN, _LIST = 0.21, 0.25, 4.4  # inches: a line of the list, the page's margin, the width of the list
# Where a person who faces us has the parts of the body, in heights from the pelvis; x is the person's left
_STANCE = {
    "pelvis": (0, 0), "spine": (0, 0.13), "midspine": (0, 0.2), "thorax": (0, 0.26), "thoraxtop": (0, 0.3),
    "neck": (0, 0.34), "nose": (0, 0.4), "head": (0, 0.47), "headtop": (0, 0.53), "jaw": (0, 0.37),
    "eye": (0.05, 0.43), "ear": (0.1, 0.41), "clavicle": (0.06, 0.27), "shoulder": (0.13, 0.26),
    "elbow": (0.24, 0.1), "wrist": (0.33, -0.03), "hand": (0.38, -0.09), "hip": (0.08, -0.02), "knee": (0.1, -0.26),
    "ankle": (0.11, -0.47), "heel": (0.08, -0.51), "foot": (0.14, -0.51), "toe": (0.18, -0.53),
    "smalltoe": (0.2, -0.51), "bigtoe": (0.16, -0.53),
}  # fmt: skip
_STEP, _APART = 0.14, 0.04  # heights: from a parent to a joint of no known part, and the least between two joints


def skeleton_figure(skeleton: Skeleton, title: str) -> Figure:
    """Draw a skeleton as of somebody who faces us: blue is the left, orange the right; the root has a ring.

    Lines are the limbs; a dotted line leads to a parent to which no limb does. Joints of unknown parts are laid out
    along the tree: their places mean nothing.
    """
    height = max(SIDE_INCHES, _LINE * (skeleton.joints + 2)) + 2 * _MARGIN + 0.55
    figure = new_figure(SIDE_INCHES + _LIST + 3 * _MARGIN, height)
    top = _MARGIN + 0.45
    heading = write(figure, _MARGIN, _MARGIN + 0.2, title, size=13, weight="bold")
    fit(figure, heading, SIDE_INCHES + _LIST)
    axes = add_axes(figure, _MARGIN, top, SIDE_INCHES, height - top - _MARGIN)
    _draw(axes, skeleton)
    _write_list(figure, skeleton, SIDE_INCHES + 2 * _MARGIN, top)
    return figure


def _draw(axes, skeleton: Skeleton) -> None:
    places = _places(skeleton)
    limbs = {frozenset(limb) for limb in skeleton.limbs}
    for start, end in skeleton.limbs:
        colour = COLORS[_side_of_limb(skeleton, start, end)]
        axes.plot(*places[[start, end]].T, color=colour, linewidth=2.5, solid_capstyle="round", zorder=1)
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0 and frozenset((joint, parent)) not in limbs:
            axes.plot(*places[[joint, parent]].T, color=FAINT, linewidth=1, linestyle=":", zorder=0)
    for joint, (x, y) in enumerate(places):
        side = joint_side(joint, skeleton)
        axes.plot(x, y, "o", color=COLORS[side], markersize=7, markeredgecolor="white", zorder=2)
        left = side == "right"  # names stand outside
        axes.annotate(
            skeleton.names[joint], (x, y), (-7 if left else 7, 3), textcoords="offset points",
            ha="right" if left else "left", size=7.5, color=INK, zorder=3, parse_math=False,
        )  # fmt: skip
    axes.plot(*places[skeleton.root], "o", markersize=14, markerfacecolor="none", markeredgecolor=INK, zorder=2)
    low, high = places.min(0), places.max(0)
    box = axes.get_position().size * axes.figure.get_size_inches()
    room = np.array([1.5, 1.2])  # names stand left and right
    half = max(((high - low) * room / box).max(), 0.1) / 2 * box
    middle = (low + high) / 2
    axes.set(**dict(zip(("xlim", "ylim"), np.transpose([middle - half, middle + half]).tolist(), strict=True)))
    axes.text(0.02, 0.015, "the person's right", color=COLORS["right"], size=8, transform=axes.transAxes)
    axes.text(0.98, 0.015, "the person's left", color=COLORS["left"], size=8, ha="right", transform=axes.transAxes)


def _side_of_limb(skeleton: Skeleton, start: int, end: int) -> str:
    sides = {joint_side(joint, skeleton) for joint in (start, end)} - {"torso"}
    return sides.pop() if len(sides) == 1 else "torso"


def _places(skeleton: Skeleton) -> Float[np.ndarray, "J 2"]:
    """Find a place for each joint: known parts as on a body, others a step on from their parent, away from the rest."""
    places = np.full((skeleton.joints, 2), np.nan)
    for joint in skeleton.downwards:
        side, part = part_of(skeleton.names[joint])
        sign = {"left": 1, "right": -1}.get(skeleton.sides[joint], {"left": 1, "right": -1}.get(side, 0))
        candidates = [np.array(_STANCE[part]) * [sign, 1]] if part in _STANCE else []
        parent = skeleton.parents[joint]
        origin = places[parent] if parent >= 0 else np.zeros(2)
        candidates += [] if parent >= 0 else [origin]
        turns: Sequence[float] = (-35, -145, -65, -115, 0, 180, 30, 150, 60, 120, -90, 90)
        turns = [turn for turn in turns if sign * np.cos(np.radians(turn)) > 0.1] if sign else (-90, 90, *turns)
        for length in (1, 0.7, 1.4, 2):
            for turn in np.radians(turns):
                candidates.append(origin + length * _STEP * np.array([np.cos(turn), np.sin(turn)]))
        known = places[np.isfinite(places[:, 0])]
        free = [place for place in candidates if not len(known) or _nearest(known, place) > _APART]
        places[joint] = (free or candidates)[0]
    return places


def _nearest(known: np.ndarray, place: np.ndarray) -> float:
    return float(np.linalg.norm(known - place, axis=1).min())


def _write_list(figure: Figure, skeleton: Skeleton, left: float, top: float) -> None:
    columns = (0.0, 0.35, 1.75, 3.05)
    rows = [("", "joint", "parent", "mirror image")]
    for joint, name in enumerate(skeleton.names):
        parent = skeleton.parents[joint]
        image = skeleton.mirror[joint]
        rows.append((
            str(joint), name, "root" if parent < 0 else skeleton.names[parent],
            "itself" if image == joint else skeleton.names[image],
        ))  # fmt: skip
    for line, row in enumerate(rows):
        y = top + _LINE * (line + 0.8)
        colour = FAINT if line == 0 else COLORS[joint_side(line - 1, skeleton)]
        for column, (text, x) in enumerate(zip(row, columns, strict=True)):
            room = (*columns, _LIST)[column + 1] - x - 0.08
            fit(figure, write(figure, left + x, y, text, size=8, color=colour if column == 1 else INK), room)
    y = top + _LINE * (len(rows) + 0.8)
    edge = add_axes(figure, left, top + 1.05 * _LINE, _LIST, 0.001)
    edge.set_axis_on()
    for spine in edge.spines.values():
        spine.set(color=GRID)
    write(figure, left, y, f"{skeleton.joints} joints, {len(skeleton.limbs)} limbs", size=8, color=FAINT)
