"""A picture of any usual depth and colour model, as the RGB bytes that networks see: in training as in prediction."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps


class UnknownRangeError(ValueError):
    """Pixels of which nothing says what is white."""


def upright_rgb(opened: Image.Image) -> UInt8[np.ndarray, "rows columns 3"]:
    """Turn a picture upright by its EXIF data and give its RGB bytes.

    Grey becomes three equal channels; of 16 bits the upper eight are kept; transparent parts become white. Raises
    ``UnknownRangeError`` for floating-point numbers, and for integers of 32 bits that do not look like 16.
    """
    _check_range(opened)
    image = ImageOps.exif_transpose(opened)
    if image.mode == "F":
        raise UnknownRangeError("pixels are floating-point numbers of unknown range; save it as JPEG or PNG")
    if image.mode.startswith("I"):
        grey = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _check_range(opened: Image.Image) -> None:
    """Refuse integers of 32 bits that do not look like 16: one byte in each would be read as its upper half."""
    if opened.mode != "I" or opened.format == "PPM":  # whose reader brings all depths to 16 bits
        return
    low, high = (int(value) for value in np.asarray(opened.getextrema()).ravel())
    if low < 0 or not 255 < high < 1 << 16:
        raise UnknownRangeError(
            f"pixels are integers from {low} to {high}, and nothing says which is white; save it as JPEG or PNG"
        )
