"""From a stored image to the network's square input, by one affine map that image and joints share.

Coordinates are continuous: pixel i covers [i, i + 1). An affine map is ``(2, 3)``: ``target = A[:, :2] @ source +
A[:, 2]``.
"""

import math

import cv2
import numpy as np
from jaxtyping import Float, UInt8

# A bilinear sample reads two pixels along each axis: up to 2 apart none is missed; a little less keeps weights even.
SPACING = 1.6
# OpenCV names reduced decoding for B, G, R and for grey; with the flag for RGB, the latter's part that says how far.
_REDUCED_RGB = {
    1: cv2.IMREAD_COLOR_RGB,
    2: cv2.IMREAD_COLOR_RGB | cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_COLOR_RGB | cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_COLOR_RGB | cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
PADDING = 64  # bytes; some writers pad a JPEG behind its end
MOST_PIXELS = 100_000_000  # a damaged or hostile header can tell of 4,000 megapixels, which would fill the memory
# Parts of a JPEG's header: JFIF, Adobe, quantisation and Huffman tables, comment; and sequential frames.
_SEQUENTIAL = (b"\xc0", b"\xc1")
_PLAIN_SEGMENTS = (b"\xe0", b"\xee", b"\xdb", b"\xc4", b"\xfe", *_SEQUENTIAL)


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
    a, b = (-cosine, sine) if flip else (cosine, -sine)
    x, y = np.asarray(center_px, float).tolist()
    return np.array([[a, b, size / 2 - a * x - b * y], [sine, cosine, size / 2 - sine * x - cosine * y]])


def stored_to_crop(
    to_crop: Float[np.ndarray, "2 3"], left_top_px: Float[np.ndarray, "2"], step_px: float
) -> Float[np.ndarray, "2 3"]:
    """Make the same map from pixels of a stored cut: ``frame = left_top_px + stored * step_px``."""
    return np.column_stack([to_crop[:, :2] * step_px, transform(to_crop, np.asarray(left_top_px, float))])


def transform(affine: Float[np.ndarray, "2 3"], points: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
    """Apply an affine map to points."""
    return points @ affine[:, :2].T + affine[:, 2]


def turned_mm(to_crop: Float[np.ndarray, "2 3"], joints_cam_mm: Float[np.ndarray, "J 3"]) -> Float[np.ndarray, "J 3"]:
    """Turn and mirror joints of the camera frame, mm, as the map does the picture: about the camera's own axis.

    A crop of another place or size changes nothing: it is another part of the same camera's picture.
    """
    turn = _turn(to_crop)
    return np.concatenate([joints_cam_mm[:, :2] @ turn.T, joints_cam_mm[:, 2:]], -1)


def box_to_ray(
    to_crop: Float[np.ndarray, "2 3"], intrinsics_px: Float[np.ndarray, "4"], size: int
) -> Float[np.ndarray, "2 3"]:
    """Affine map from positions across the crop (0..1) to x/z and y/z in the frame of ``turned_mm``; no distortion."""
    focal, middle = np.asarray(intrinsics_px, float)[:2], np.asarray(intrinsics_px, float)[2:]
    to_box = to_crop[:, :2] * focal @ _turn(to_crop).T / size
    back = np.linalg.inv(to_box)
    return np.column_stack([back, -back @ transform(to_crop, middle) / size])


def _turn(to_crop: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "2 2"]:
    """Find the rotation or reflection in a map."""
    return to_crop[:, :2] / math.sqrt(abs(np.linalg.det(to_crop[:, :2])))


def warp(
    image: UInt8[np.ndarray, "rows columns 3"],
    to_crop: Float[np.ndarray, "2 3"],
    size: int,
    border: int = cv2.BORDER_CONSTANT,
) -> UInt8[np.ndarray, "size size 3"]:
    """Resample an image; black outside it, or whatever else OpenCV's ``border`` says.

    Where the crop has far fewer pixels than the image, bilinear sampling alone would alias: the image is first halved
    by area averages until samples lie at most ``SPACING`` pixels apart.
    """
    (a, b, x), (c, d, y) = to_crop.tolist()
    while abs(a * d - b * c) * SPACING**2 < 1 and min(image.shape[:2]) > 1:
        rows, columns = image.shape[0] // 2, image.shape[1] // 2
        wide, high = image.shape[1] / columns, image.shape[0] / rows
        a, b, c, d = a * wide, b * high, c * wide, d * high
        image = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    # The part of the image that the crop shows, and a little more: of a full frame it may be a sixth.
    scale = a * d - b * c
    middle = (d * (size / 2 - x) - b * (size / 2 - y)) / scale
    reach = (abs(b) + abs(d)) / abs(scale) * size / 2 + 2
    left, right = max(0, math.floor(middle - reach)), max(0, math.ceil(middle + reach))
    top, bottom = _rows(a, b, c, d, x, y, size)
    part = image[top:bottom, left:right]
    if not part.size:
        return np.zeros((size, size, 3), np.uint8)
    # OpenCV counts from pixel centres: both sides move by half a pixel.
    x, y = x + a * (left + 0.5) + b * (top + 0.5) - 0.5, y + c * (left + 0.5) + d * (top + 0.5) - 0.5
    # Four channels, the last of no use: OpenCV resamples them in half the time that it takes for three.
    affine = np.array([[a, b, x], [c, d, y]])
    sampled = cv2.warpAffine(cv2.cvtColor(part, cv2.COLOR_RGB2RGBA), affine, (size, size), borderMode=border)
    return cv2.cvtColor(sampled, cv2.COLOR_RGBA2RGB)


def _rows(a: float, b: float, c: float, d: float, x: float, y: float, size: int) -> tuple[int, int]:
    """First and last row of an image that a crop shows, and two more on both sides."""
    scale = a * d - b * c
    middle = (a * (size / 2 - y) - c * (size / 2 - x)) / scale
    reach = (abs(a) + abs(c)) / abs(scale) * size / 2 + 2
    return max(0, math.floor(middle - reach)), max(0, math.ceil(middle + reach))


def rows_read(to_crop: Float[np.ndarray, "2 3"], size: int) -> int | None:
    """How many rows of an image, from the top, ``warp`` reads; ``None`` for all, where it halves the image first."""
    (a, b, x), (c, d, y) = to_crop.tolist()
    return None if abs(a * d - b * c) * SPACING**2 < 1 else _rows(a, b, c, d, x, y, size)[1]


def reduction(side_px: float, step_px: float, size: int) -> int:
    """By how much (1, 2, 4 or 8) to reduce a stored image while it is decoded: just as often as ``warp`` would halve.

    Decoding smaller takes less time than decoding whole and halving.
    """
    spacing, reduced = side_px / step_px / size, 1
    while reduced < 8 and spacing > SPACING * reduced:
        reduced *= 2
    return reduced


def decode(
    jpeg: UInt8[np.ndarray, "bytes"], reduced: int = 1, rows: int | None = None
) -> UInt8[np.ndarray, "rows columns 3"] | None:
    """Decode an RGB image, ``reduced`` times smaller; ``None`` where the bytes are not one whole JPEG.

    Where only the first ``rows`` of that image are needed, the others may be left out; those there are the same.
    OpenCV would fill the missing part of a cut-off file with grey, so both end markers are looked for, the second
    before ``PADDING`` bytes at most. More than ``MOST_PIXELS`` are not decoded.
    """
    end = jpeg[-PADDING:].tobytes().rfind(b"\xff\xd9")
    if len(jpeg) < 4 or tuple(jpeg[:2]) != (0xFF, 0xD8) or end < 0:
        return None
    jpeg = jpeg[: max(len(jpeg) - PADDING, 0) + end + 2]
    if math.prod(size_px(jpeg)) > MOST_PIXELS:
        return None
    if rows is not None:
        jpeg = _shortened(jpeg, rows * reduced)
    try:
        return cv2.imdecode(jpeg, _REDUCED_RGB[reduced])
    except cv2.error:
        return None


def size_px(jpeg: UInt8[np.ndarray, "bytes"]) -> tuple[int, int]:
    """Width and height that a JPEG's header tells; (0, 0) where it does not."""
    at = 2
    while at + 9 <= len(jpeg):
        head = jpeg[at : at + 9].tobytes()
        if head[0] != 0xFF:
            return 0, 0
        if 0xC0 <= head[1] <= 0xCF and head[1] not in (0xC4, 0xC8, 0xCC):  # a frame, not a table
            return int.from_bytes(head[7:9]), int.from_bytes(head[5:7])
        if head[1] == 0xDA:  # the picture begins
            return 0, 0
        at += 1 if head[1] == 0xFF else 2 + int.from_bytes(head[2:4])
    return 0, 0


def _shortened(jpeg: UInt8[np.ndarray, "bytes"], rows: int) -> UInt8[np.ndarray, "fewer"]:
    """Make the same JPEG with a header that tells of fewer rows, where that is safe: the decoder stops after them.

    Safe is one sequential scan of all colours, without restart markers and without a tag that may turn the picture.
    Whole blocks of 16 rows stay, and one more, from which the decoder smooths the colours of the row above it.
    """
    rows = -(-rows // 16) * 16 + 16
    header, at, height, colours = jpeg[:4096].tobytes(), 2, 0, b""
    while header[at : at + 1] == b"\xff" and header[at + 1 : at + 2] in _PLAIN_SEGMENTS:
        if header[at + 1 : at + 2] in _SEQUENTIAL:
            height, colours = at + 5, header[at + 9 : at + 10]
        at += 2 + int.from_bytes(header[at + 2 : at + 4])
    if header[at : at + 2] != b"\xff\xda" or header[at + 4 : at + 5] != colours or not height:
        return jpeg
    if rows >= int.from_bytes(header[height : height + 2]):
        return jpeg
    # Without the end marker: the decoder would look for it, and warn of what it had to skip.
    shortened = jpeg[:-2].copy()
    shortened[height : height + 2] = divmod(rows, 256)
    return shortened


def planes(image: UInt8[np.ndarray, "rows columns 3"]) -> UInt8[np.ndarray, "3 rows columns"]:
    """Resample the picture, each colour for itself."""
    separate = np.empty((3, *image.shape[:2]), np.uint8)
    cv2.split(image, list(separate))
    return separate
