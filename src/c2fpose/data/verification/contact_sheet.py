"""Random images of a split with their joints, on one sheet, to look at."""

from math import ceil
from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from c2fpose.base.files import written_whole
from c2fpose.data.schema import SplitReader
from c2fpose.data.verification.checks import image_fault
from c2fpose.pictures.palette import ON_PHOTOGRAPHS, joint_side
from c2fpose.pose.protocol import BOX_SCALE_UNIT_PX

COLUMNS = 6


def write_sheet(path: Path, reader: SplitReader, records: np.ndarray) -> None:
    """Draw a PNG of ``records``: each person's box as stored, left limbs blue, right orange. Raises ``OutputError``."""
    rows = ceil(len(records) / COLUMNS)
    figure = Figure(figsize=(2.5 * COLUMNS, 2.7 * rows + 0.4), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, record in zip(axes, records, strict=False):
        _draw_record(axis, reader, int(record))
    info = reader.info
    figure.suptitle(
        f"{Path(info.path).name}: {info.dataset}, {info.split}, {info.records:,} records. "
        "The person's left in blue, right in orange; dashed: the box",
        fontsize=11,
    )
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.2 / (2.7 * rows + 0.4)), pad=0.5, h_pad=0.9)
    with written_whole(path) as temporary:
        figure.savefig(temporary, format="png")


def _draw_record(axis, reader: SplitReader, record: int) -> None:
    table = {name: values[record] for name, values in reader.annotations.items()}
    action = reader.info.action_names[table["action"]]
    subject = reader.info.subject_name(int(table["subject"]))
    camera = reader.info.camera_names[table["camera"]]
    axis.set_title(f"{subject} {action} {table['trial']}, {camera}, frame {table['frame']}", fontsize=6.5)
    half = BOX_SCALE_UNIT_PX * table["scale"] / 2
    left, top = table["center_px"] - 1.15 * half
    axis.set_xlim(left, left + 2.3 * half)
    axis.set_ylim(top + 2.3 * half, top)
    axis.set_aspect("equal")
    fault = "no image" if reader.info.images == "none" else image_fault(reader, record)
    if fault is None or fault.startswith("only"):
        image = np.asarray(cv2.imdecode(reader.jpeg(record), cv2.IMREAD_COLOR))[..., ::-1]
        x, y = table["stored_left_top_px"]
        height, width = np.array(image.shape[:2]) * table["stored_step_px"]
        axis.imshow(image, extent=(x, x + width, y + height, y))
        axis.set_xlim(left, left + 2.3 * half)  # imshow takes the whole image into view
        axis.set_ylim(top + 2.3 * half, top)
    if fault:
        axis.text(left, top, fault, fontsize=7, color="red", va="top", wrap=True)
    for a, b in reader.info.skeleton.limbs:
        axis.plot(*table["joints_px"][[a, b]].T, color="black", linewidth=2.6, alpha=0.5, solid_capstyle="round")
        color = ON_PHOTOGRAPHS[joint_side(b, reader.info.skeleton)]
        axis.plot(*table["joints_px"][[a, b]].T, color=color, linewidth=1.5, solid_capstyle="round")
    corners = table["center_px"] + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    axis.plot(*corners.T, color="white", linewidth=0.8, linestyle=(0, (4, 3)))
