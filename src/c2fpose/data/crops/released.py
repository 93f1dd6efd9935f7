"""The crop exactly as the authors' released code makes it.

Its boxes have whole-pixel edges, cut towards zero after adding 1e-4; the cut-out is padded with zeros and resampled
axis by axis: an area average where it shrinks, linear interpolation between aligned corner pixels where it grows.
"""

from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

# Added before cutting to whole numbers, so that exact products do not fall one short.
NUDGE = 1e-4


def whole_pixel_box(center_px: Float[np.ndarray, "2"], side_px: float) -> tuple[int, int, int, int]:
    """Left, top, right, bottom: pixels ``left <= column < right`` and ``top <= row < bottom`` are in the crop."""
    center = np.asarray(center_px, float)
    edges = np.concatenate([center - side_px / 2, center + side_px / 2]) + NUDGE
    left, top, right, bottom = np.trunc(edges).astype(int).tolist()
    return left, top, right, bottom


def label_cells(
    joints_px: Float[np.ndarray, "*batch 2"], center_px: Float[np.ndarray, "2"], side_px: float, cells: int
) -> Int[np.ndarray, "*batch 2"]:
    """Column and row of each joint in a ``cells`` x ``cells`` grid over the (unrounded) box, 0-based.

    Outside the grid at the left and top, cutting towards zero puts a joint up to one cell too far inside, as the
    original does.
    """
    return np.trunc((joints_px - center_px) * (cells / side_px) + cells / 2 + NUDGE).astype(int)


def cut(
    image: UInt8[np.ndarray, "rows columns 3"],
    to_frame: tuple[Float[np.ndarray, "2"], float],
    box: tuple[int, int, int, int],
    rotation_deg: float = 0.0,
) -> UInt8[np.ndarray, "height width 3"]:
    """Cut the box's pixels at the frame's own resolution, zero outside the image, turned clockwise about its centre.

    ``to_frame`` is where the stored image lies, left-top and step: a frame that is stored whole (0, 0 and 1) is copied
    pixel by pixel; a resampled cut of it is brought back to the frame's resolution first, which cannot be exact.
    """
    left_top_px, step_px = to_frame
    left, top, right, bottom = box
    corner = np.asarray(left_top_px, float)
    if step_px == 1 and rotation_deg == 0 and (corner == np.trunc(corner)).all():
        return _copy(
            image, (left - int(corner[0]), top - int(corner[1]), right - int(corner[0]), bottom - int(corner[1]))
        )
    width, height = right - left, bottom - top
    angle = np.radians(rotation_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([width / 2, height / 2])
    linear = turn * step_px
    offset = turn @ (corner - (left, top) - middle) + middle
    shifted = offset + linear @ (0.5, 0.5) - 0.5  # OpenCV counts from pixel centres
    return cv2.warpAffine(image, np.column_stack([linear, shifted]), (width, height), flags=cv2.INTER_LINEAR)


def resample(patch: UInt8[np.ndarray, "height width channels"], size: int) -> UInt8[np.ndarray, "size size channels"]:
    """Resize to a square as Torch7's image package does by default."""
    rows, columns = axis_weights(patch.shape[0], size), axis_weights(patch.shape[1], size)
    values = np.tensordot(rows, patch.astype(np.float32), axes=(1, 0))
    values = np.matmul(columns, values)  # (size, width, channels) -> (size, size, channels)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@lru_cache(maxsize=256)
def axis_weights(source: int, target: int) -> Float[np.ndarray, "target source"]:
    """Weigh what each target pixel takes from each source pixel along one axis; every row sums to 1."""
    if target < source:
        edges = np.arange(target + 1) * (source / target)
        pixels = np.arange(source)
        overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
        weights = np.clip(overlap, 0, None)
        return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    positions = np.arange(target) * ((source - 1) / max(target - 1, 1))
    return np.clip(1 - np.abs(positions[:, None] - np.arange(source)), 0, None).astype(np.float32)


def _copy(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = box
    rows, columns = image.shape[:2]
    patch = np.zeros((bottom - top, right - left, image.shape[2]), image.dtype)
    inside = image[max(top, 0) : max(min(bottom, rows), 0), max(left, 0) : max(min(right, columns), 0)]
    first_row, first_column = max(-top, 0), max(-left, 0)
    patch[first_row : first_row + inside.shape[0], first_column : first_column + inside.shape[1]] = inside
    return patch
