"""The one palette: whose limb has which colour, in every picture, page and sheet."""

from c2fpose.pose.skeleton import JOINTS

# Blue and vermilion of Okabe and Ito's palette: told apart with any colour vision, and by brightness in print.
COLORS = {"left": "#0072B2", "right": "#D55E00", "torso": "#3d3d3d"}
ON_PHOTOGRAPHS = COLORS | {"torso": "#f7e34b"}  # dark grey would not be seen on dark clothes
INK, FAINT, GRID, TRUTH = "#222222", "#6e6e6e", "#e6e6e6", "#b0b0b0"


def body_side(edge: tuple[int, int]) -> str:
    """Name where a limb belongs, by the joint at its far end: ``left``, ``right`` or ``torso``."""
    return joint_side(edge[1])


def joint_side(joint: int) -> str:
    """Name where a joint belongs: ``left``, ``right`` or ``torso``."""
    side = JOINTS[joint].split("_")[0]
    return side if side in ("left", "right") else "torso"


def rgb(color: str) -> tuple[int, int, int]:
    """Convert ``#rrggbb`` to three bytes."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
