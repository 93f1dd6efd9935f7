"""The one palette: whose limb has which colour, in every picture, page and sheet."""

from c2fpose.pose.skeleton import C2F17, Skeleton

# Blue and vermilion of Okabe and Ito's palette: told apart with any colour vision, and by brightness in print.
COLORS = {"left": "#0072B2", "right": "#D55E00", "torso": "#3d3d3d"}
ON_PHOTOGRAPHS = COLORS | {"torso": "#f7e34b"}  # dark grey would not be seen on dark clothes
# That palette in the order in which series are drawn, then its kin
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#9a9a00", "#7f3b08", "#6a3d9a")
STYLES = ("-", "--", ":")  # of lines, where there are more series than colours
BLUE, VERMILION = SERIES[:2]
FRAME = "#cccccc"  # around axes
INK, FAINT, GRID, TRUTH = "#222222", "#6e6e6e", "#e6e6e6", "#b0b0b0"


def joint_side(joint: int, skeleton: Skeleton = C2F17) -> str:
    """Name where a joint, and the limb that ends in it, belongs: ``left``, ``right`` or ``torso``."""
    side = skeleton.sides[joint]
    return "torso" if side == "middle" else side


def line_look(number: int) -> tuple[str, str]:
    """Choose the colour and the style of the line of one series: thirty of them are told apart."""
    return SERIES[number % len(SERIES)], STYLES[number // len(SERIES) % len(STYLES)]


def rgb(color: str) -> tuple[int, int, int]:
    """Convert ``#rrggbb`` to three bytes."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
