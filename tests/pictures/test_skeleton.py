"""A skeleton's picture shows every joint and limb in the colour of its side, none over another."""

import numpy as np
import pytest

from c2fpose.pictures.palette import COLORS
from c2fpose.pictures.skeleton import skeleton_figure
from c2fpose.pose.anatomy import guessed
from c2fpose.pose.skeleton import C2F17, Skeleton

SIDED = [f"{side}_{part}" for side in ("left", "right") for part in ("eye", "shoulder", "elbow", "front_paw", "hip")]
DOG, _ = guessed(["nose", "neck", "root_of_tail", "tail", *SIDED])
LINE = Skeleton.of([f"j{n}" for n in range(40)], {f"j{n + 1}": f"j{n}" for n in range(39)})


@pytest.mark.parametrize("skeleton", [C2F17, DOG, LINE], ids=["c2f17", "dog", "line"])
def test_all_is_drawn_and_told_apart(skeleton):
    figure = skeleton_figure(skeleton, "title")
    axes = figure.axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o" and line.get_markerfacecolor() != "none"]
    places = np.array([line.get_xydata()[0] for line in dots])
    assert len(places) == skeleton.joints
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1) + np.eye(len(places))
    assert apart.min() > 0.02
    written = {text.get_text() for text in [*axes.texts, *figure.texts]}
    assert {*skeleton.names, "title"} <= written
    limbs = [line for line in axes.lines if line.get_linestyle() == "-" and line.get_linewidth() > 2]
    assert len(limbs) == len(skeleton.limbs)
    blue = places[[line.get_color() == COLORS["left"] for line in dots]]
    assert not len(blue) or (blue[:, 0] > 0).all()  # the person faces us
    low, high = (np.array(limit) for limit in zip(axes.get_xlim(), axes.get_ylim(), strict=True))
    assert (places >= low).all() and (places <= high).all()
