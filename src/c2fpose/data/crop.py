"""From a stored image to the network's square input, by one affine map that image and joints share.

Coordinates are continuous: pixel i covers [i, i + 1). An affine map is ``(2, 3)``: ``target = A[:, :2] @ source +
A[:, 2]``.
"""

import math

import cv2
import numpy as np
from jaxtyping import Float, UInt8

# A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size for less time than at full size. Of the reduction that the crop
# needs, at most this share is taken so, that a box made smaller by augmentation still finds enough pixels.
REDUCTION_SHARE = 0.75
# A bilinear sample reads two pixels along each axis: up to 2 apart none is missed; a little less keeps weights even.
SPACING = 1.6


def frame_to_crop(
    center_px: Float[np.ndarray, "2"],
    side_px: float,
    size: int,
    *,
    rotation_deg: float = 0.0,
    flip: bool = False,
) -> Float[np.ndarray, "2 3"]:
    """Affine map from the camera frame to a crop of ``size`` px that shows a square of ``side_px`` about ``center_px``.

    The content turns clockwise on the screen by ``rotation_deg`` about the centre; ``flip`` mirrors it afterwards.
    """
    angle, zoom = math.radians(rotation_deg), size / side_px
    cosine, sine = zoom * math.cos(angle), zoom * math.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    if flip:
        linear[0] = -linear[0]
    return np.column_stack([linear, size / 2 - linear @ np.asarray(center_px, float)])


def stored_to_crop(
    to_crop: Float[np.ndarray, "2 3"], left_top_px: Float[np.ndarray, "2"], step_px: float
) -> Float[np.ndarray, "2 3"]:
    """The same map from pixels of a stored cut: ``frame = left_top_px + stored * step_px``."""
    return np.column_stack([to_crop[:, :2] * step_px, transform(to_crop, np.asarray(left_top_px, float))])


def transform(affine: Float[np.ndarray, "2 3"], points: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
    """Apply an affine map to points."""
    return points @ affine[:, :2].T + affine[:, 2]


def warp(
    image: UInt8[np.ndarray, "rows columns 3"], to_crop: Float[np.ndarray, "2 3"], size: int
) -> UInt8[np.ndarray, "size size 3"]:
    """Resample an image; black outside it.

    Where the crop has far fewer pixels than the image, bilinear sampling alone would alias: the image is first halved
    by area averages until samples lie at most ``SPACING`` pixels apart.
    """
    linear, offset = to_crop[:, :2], to_crop[:, 2]
    while 1 / math.sqrt(abs(np.linalg.det(linear))) > SPACING and min(image.shape[:2]) > 1:
        rows, columns = image.shape[0] // 2, image.shape[1] // 2
        linear = linear * (image.shape[1] / columns, image.shape[0] / rows)
        image = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    # OpenCV counts from pixel centres: both sides move by half a pixel.
    centred = offset + linear @ (0.5, 0.5) - 0.5
    return cv2.warpAffine(image, np.column_stack([linear, centred]), (size, size), flags=cv2.INTER_LINEAR)


def reduction(side_px: float, step_px: float, size: int) -> int:
    """By how much (1, 2, 4 or 8) a stored image may be reduced while it is decoded; a function of the record alone."""
    wanted = REDUCTION_SHARE * side_px / step_px / size
    return 1 << min(3, max(0, math.floor(math.log2(max(wanted, 1.0)))))


def decode(jpeg: UInt8[np.ndarray, "bytes"], reduced: int = 1) -> UInt8[np.ndarray, "rows columns 3"] | None:
    """An RGB image, ``reduced`` times smaller; ``None`` where the bytes are not one whole JPEG.

    OpenCV would fill the missing part of a cut-off file with grey, so both end markers are looked for.
    """
    if len(jpeg) < 4 or tuple(jpeg[:2]) != (0xFF, 0xD8) or tuple(jpeg[-2:]) != (0xFF, 0xD9):
        return None
    flag = {
        1: cv2.IMREAD_COLOR_RGB,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }[reduced]
    try:
        image = cv2.imdecode(jpeg, flag)
    except cv2.error:
        return None
    if image is None or reduced == 1:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
