"""A picture to the boxes of the people in it."""

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from c2fpose.prediction.finder.peaks import peaks
from c2fpose.prediction.finder.weights import TrainedFinder
from c2fpose.prediction.photo import Box

FRAME_PER_PICTURE = 1.15  # side of the finder's square frame over the longer side of the picture


@torch.inference_mode()
def people_in(
    finder: TrainedFinder, image: UInt8[np.ndarray, "rows columns 3"], least: float | None = None
) -> list[tuple[Box, float]]:
    """Find people: their boxes in px, which may reach beyond the picture, and scores of 0..1, the surest first.

    ``least``: the score that a person needs; None: the one that training found best.
    """
    frame, left_top, step = framed(image, finder.size)
    output = finder.network(torch.from_numpy(as_input([frame])))[0]
    found = []
    for peak in peaks(output, finder.least_score if least is None else least):
        corner = left_top + (peak.center - peak.side / 2) * finder.size * step
        found.append((Box(float(corner[0]), float(corner[1]), float(peak.side * finder.size * step)), peak.score))
    return found


def framed(
    image: UInt8[np.ndarray, "rows columns 3"], size: int
) -> tuple[UInt8[np.ndarray, "S S 3"], Float[np.ndarray, "2"], float]:
    """Show a picture in the finder's square frame, black about it.

    Returns also the frame's left and top edge in the picture, px, and the picture's pixels for each of the frame's.
    """
    rows, columns = image.shape[:2]
    step = max(rows, columns) * FRAME_PER_PICTURE / size
    shape = max(1, round(columns / step)), max(1, round(rows / step))
    frame = np.zeros((size, size, 3), np.uint8)
    left, top = (size - shape[0]) // 2, (size - shape[1]) // 2
    way = cv2.INTER_AREA if step > 1 else cv2.INTER_LINEAR
    frame[top : top + shape[1], left : left + shape[0]] = cv2.resize(image, shape, interpolation=way)
    step = max(rows, columns) / max(shape)  # after rounding
    return frame, -np.array([left, top]) * step, float(step)


def as_input(images: list[UInt8[np.ndarray, "S S 3"]]) -> UInt8[np.ndarray, "B 3 S S"]:
    """Stack frames as the network takes them."""
    return np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2))
