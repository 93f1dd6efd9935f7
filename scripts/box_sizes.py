"""What looking at boxes of several sizes or places brings where boxes are right, and where they are not.

    python scripts/box_sizes.py CKPT DATA.h5 [PEOPLE]

People of a data file, evenly spread; their boxes as they are, and with sides that are off by a factor whose logarithm
has the standard deviations of ``SPREADS`` and centres by a quarter of it. Joints outside the right box do not count.
"""

import sys
from typing import NamedTuple

import cv2
import numpy as np
from usage import say_how

from c2fpose import PosePredictor
from c2fpose.data.schema import SplitReader
from c2fpose.pose.protocol import BOX_SCALE_UNIT_PX
from c2fpose.prediction.sizes import SIZES

SPREADS = (0.0, 0.12, 0.25)
CLOSE = 0.1  # of the right box: a joint is found


class StoredPerson(NamedTuple):
    """A person of a data file as ``predict`` would meet them: a picture, a box in it, and what is true."""

    image: np.ndarray
    center_px: np.ndarray
    side_px: float
    joints_px: np.ndarray
    intrinsics_px: np.ndarray
    joints_cam_mm: np.ndarray


def stored_person(reader: SplitReader, record: int) -> StoredPerson:
    """Read a record with its stored part of the frame for the whole picture."""
    table = {name: array[record] for name, array in reader.annotations.items()}
    image = cv2.cvtColor(cv2.imdecode(reader.jpeg(record), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    step, corner = float(table["stored_step_px"]), table["stored_left_top_px"]
    camera = table["intrinsics_px"].astype(float) / step
    camera[2:] -= corner / step
    return StoredPerson(
        image,
        (table["center_px"] - corner) / step,
        BOX_SCALE_UNIT_PX * float(table["scale"]) / step,
        (table["joints_px"] - corner) / step,
        camera,
        table["joints_cam_mm"],
    )


def main(ckpt: str, file: str, people: int) -> None:
    """Print, for each spread, both ways of looking at the same boxes."""
    reader, random = SplitReader(file), np.random.default_rng(0)
    ways = {
        "the box alone": PosePredictor(ckpt, sizes=[1], shift=0),
        "moved to four sides": PosePredictor(ckpt, sizes=[1]),
        "the surest of four": PosePredictor(ckpt, sizes=SIZES, shift=0),
        "the surest, moved": PosePredictor(ckpt, sizes=SIZES),
    }
    for spread in SPREADS:
        off: dict[str, list[float]] = {way: [] for way in ways}
        for record in np.linspace(0, len(reader) - 1, people).astype(int):
            image, center, side, joints_px, *_ = stored_person(reader, record)
            factor = np.exp(random.normal(0, spread))
            middle = center + random.normal(0, spread / 4, 2) * side
            box = [*(middle - side * factor / 2), side * factor]
            inside = (np.abs(joints_px - center) < side / 2).all(1)
            for way, predict in ways.items():
                found_px = predict(image, [box]).frames[0].people[0].joints_px
                off[way] += list(np.linalg.norm(found_px - joints_px, axis=1)[inside] / side)
        for way, distances in off.items():
            near = 100 * np.mean(np.array(distances) < CLOSE)
            print(f"sides off by {spread:.2f}, {way:19s}: {near:.1f} % of joints within a tenth of the box")


if __name__ == "__main__":
    say_how(__doc__, 2)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 120)
