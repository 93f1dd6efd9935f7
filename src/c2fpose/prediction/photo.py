"""Photographs as they come: any usual format, depth and orientation, to the crop that a network takes.

Coordinates are pixels of the upright photograph: x right, y down, pixel i covers [i, i + 1).
"""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from c2fpose.base.errors import DataError, first_line
from c2fpose.base.files import reason
from c2fpose.data.crops import released as released_crop
from c2fpose.data.crops import standard as crop
from c2fpose.data.rgb import UnknownRangeError, upright_rgb

LONGEST_PX = 65_535  # of a side: JPEG knows no longer one
FOCAL_PER_SIDE = 1.2  # assumed focal length over the longer image side: a diagonal view of about 55 degrees


class Box(NamedTuple):
    """The square that is shown to the network, px."""

    left: float
    top: float
    side: float

    def overlap(self, other: "Box") -> float:
        """Give the intersection over the union of two boxes."""
        low = np.maximum((self.left, self.top), (other.left, other.top))
        high = np.minimum(
            (self.left + self.side, self.top + self.side), (other.left + other.side, other.top + other.side)
        )
        shared = float(np.prod(np.maximum(high - low, 0)))
        return shared / (self.side**2 + other.side**2 - shared)


def read_photo(path: str | Path) -> UInt8[np.ndarray, "rows columns 3"]:
    """Any image file as upright RGB bytes.

    EXIF rotation is applied; grey becomes three equal channels; of 16 bits the upper eight are kept; transparent
    parts become white. Raises ``DataError`` for a file that is missing, empty, damaged, cut off or no image.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such image")
    if not path.is_file():
        raise DataError(f"{path}: a directory; give one image")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: an empty file, not an image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                if max(opened.size) > LONGEST_PX:
                    raise DataError(
                        f"{path}: {opened.size[0]} x {opened.size[1]} px; a side of more than {LONGEST_PX} px is no "
                        "photograph's: damaged?"
                    )
                opened.load()  # all of it: a file that was cut off is found here
                return upright_rgb(opened)
    except DataError:
        raise
    except UnknownRangeError as error:
        raise DataError(f"{path}: {error}") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise DataError(
            f"{path}: more than {(Image.MAX_IMAGE_PIXELS or 0) // 10**6} million pixels; make it smaller"
        ) from None
    except PermissionError as error:
        raise DataError(f"{path}: cannot be read ({reason(error)})") from None
    except UnidentifiedImageError:
        raise DataError(f"{path}: not an image of a known format; save it as JPEG or PNG") from None
    except MemoryError:
        raise DataError(f"{path}: asks for more memory than there is; make it smaller") from None
    except Exception as error:  # each format's decoder raises what it likes
        raise DataError(f"{path}: a damaged image ({first_line(error)})") from None


def pictures_in(path: str | Path) -> int:
    """Count the pictures of a file that is read as its first one: an animation, or pages. 1 where that is not known."""
    try:
        with Image.open(path) as opened:  # telephones put other things behind the picture in an MPO
            return 1 if opened.format == "MPO" else int(getattr(opened, "n_frames", 1))
    except Exception:  # whether the picture itself can be read is told elsewhere
        return 1


def whole_box(image: UInt8[np.ndarray, "rows columns 3"]) -> Box:
    """Find the smallest square about an image's centre that holds all of it."""
    rows, columns = image.shape[:2]
    side = float(max(rows, columns))
    return Box((columns - side) / 2, (rows - side) / 2, side)


def is_inside(box: Box, columns: int, rows: int) -> bool:
    """Tell whether a box shows some of a picture."""
    return box.left < columns and box.top < rows and box.left + box.side > 0 and box.top + box.side > 0


def largest_side_px(columns: int, rows: int) -> int:
    """Give the most that the side of a box may have in a picture: a larger one is a mistake."""
    return 4 * max(columns, rows)


def has_size(box: Box, columns: int, rows: int) -> bool:
    """Tell whether a box is large enough to show something, and not absurdly large for the picture."""
    return 1 <= box.side <= largest_side_px(columns, rows)


def check_box(box: Box, image: UInt8[np.ndarray, "rows columns 3"]) -> Box:
    """``box`` if it shows some of the image; ``DataError`` if it has no size, lies outside or is far too large."""
    rows, columns = image.shape[:2]
    what, size = f"box={','.join(f'{value:g}' for value in box)}", f"the image of {columns} x {rows} px"
    if not np.isfinite(box).all():
        raise DataError(f"{what}: expected three finite numbers, left edge, top edge and side in px")
    if box.side < 1:
        raise DataError(f"{what}: the side, its third number, must be 1 px or more")
    if not is_inside(box, columns, rows):
        raise DataError(f"{what}: lies outside {size}; give left edge, top edge and side in px")
    if not has_size(box, columns, rows):
        raise DataError(f"{what}: more than four times as large as {size}")
    return box


def crop_box(
    image: UInt8[np.ndarray, "rows columns 3"], box: Box, size: int, mode: str = "standard"
) -> tuple[UInt8[np.ndarray, "size size 3"], Box]:
    """Cut a box as training crops it (``DataConfig.crop_mode``), black outside the image, and the box that it shows.

    The released code's boxes begin at whole pixels. As in training, what needs much shrinking is first reduced by 2,
    4 or 8.
    """
    center = np.array([box.left, box.top]) + box.side / 2
    if mode == "released_code":
        whole = released_crop.whole_pixel_box(center, box.side)
        patch = released_crop.cut(image, (np.zeros(2), 1.0), whole)
        return released_crop.resample(patch, size), Box(float(whole[0]), float(whole[1]), box.side)
    reduced = crop.reduction(float(box.side), 1.0, size)
    if reduced > 1:
        image = np.asarray(Image.fromarray(image).reduce(reduced))
    to_crop = crop.stored_to_crop(crop.frame_to_crop(center, float(box.side), size), np.zeros(2), float(reduced))
    return crop.warp(image, to_crop, size), box
