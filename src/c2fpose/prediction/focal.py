"""The focal length of a picture: from its EXIF data, else a given angle of view, else an ordinary camera's."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image

from c2fpose.base.errors import ConfigError
from c2fpose.config.prediction import FOV_DEG
from c2fpose.prediction.photo import FOCAL_PER_SIDE
from c2fpose.prediction.result import Camera

# 35 mm film: 36 x 24 mm. CIPA DCG-001 defines the equivalent focal length by the diagonal angle of view.
FILM_DIAGONAL_MM = math.hypot(36, 24)
PLAUSIBLE_FOCAL = (0.2, 100.0)  # focal length over the longer side: fisheye lenses and telescopes lie outside

_EXIF, _FOCAL_LENGTH, _IN_35MM = 0x8769, 0x920A, 0xA405
_PLANE_X, _PLANE_UNIT, _PIXELS_X, _PIXELS_Y = 0xA20E, 0xA210, 0xA002, 0xA003
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # of the focal plane's resolution
_SAME_SHAPE = 0.02  # relative difference of two aspect ratios by rounding


class Exif(NamedTuple):
    """What a picture says of its lens; None where it says nothing (or 0, the standard's word for unknown)."""

    focal_mm: float | None = None
    focal_35mm: float | None = None  # 35 mm film equivalent
    plane_px_per_mm: float | None = None  # of the sensor
    pixels: tuple[float, float] | None = None  # width and height when the picture was taken


def read_exif(path: str | Path) -> Exif:
    """Read a picture's EXIF data; an empty answer where there is none, or it cannot be understood."""
    try:
        with Image.open(path) as image:
            return exif_of(image)
    except Exception:  # whether the picture itself can be read is told elsewhere
        return Exif()


def exif_of(image: Image.Image) -> Exif:
    """Read the EXIF data of a picture that Pillow has opened; as ``read_exif``."""
    try:
        tags = image.getexif().get_ifd(_EXIF)
    except Exception:  # damaged tags raise many kinds
        return Exif()
    resolution, unit = _positive(tags.get(_PLANE_X)), _UNIT_MM.get(tags.get(_PLANE_UNIT, 2))
    width, height = _positive(tags.get(_PIXELS_X)), _positive(tags.get(_PIXELS_Y))
    return Exif(
        _positive(tags.get(_FOCAL_LENGTH)),
        _positive(tags.get(_IN_35MM)),
        resolution / unit if resolution and unit else None,
        (width, height) if width and height else None,
    )


def exif_focal_px(exif: Exif, columns: int, rows: int) -> float | None:
    """Give the focal length of an upright picture of so many pixels, or None where EXIF does not tell.

    Resizing is accounted for; a picture that was cut to another shape has lost its angle of view.
    """
    longer, shorter = max(columns, rows), min(columns, rows)
    if exif.pixels and abs(max(exif.pixels) / min(exif.pixels) * shorter / longer - 1) > _SAME_SHAPE:
        return None
    focal = None
    if exif.focal_35mm:
        focal = exif.focal_35mm / FILM_DIAGONAL_MM * math.hypot(columns, rows)
    elif exif.focal_mm and exif.plane_px_per_mm and exif.pixels:
        focal = exif.focal_mm * exif.plane_px_per_mm * longer / max(exif.pixels)
    return focal if focal and PLAUSIBLE_FOCAL[0] < focal / longer < PLAUSIBLE_FOCAL[1] else None


def fov_focal_px(fov_deg: float, columns: int, rows: int) -> float:
    """Give the focal length of an angle of view over the longer side. Raises ``ConfigError`` for an absurd angle."""
    if not FOV_DEG[0] <= fov_deg <= FOV_DEG[1]:
        raise ConfigError(f"fov={fov_deg:g}: degrees over the longer side, {FOV_DEG[0]:g} to {FOV_DEG[1]:g}")
    return max(columns, rows) / 2 / math.tan(math.radians(fov_deg) / 2)


def camera_of(
    size_px: tuple[int, int], *, exif: Exif | None = None, fov_deg: float | None = None, focal_px: float | None = None
) -> Camera:
    """Choose the camera of an upright picture of (columns, rows).

    The focal length is ``focal_px`` if given, else EXIF's, else that of ``fov_deg``, else 1.2 times the longer side;
    the principal point is the centre. Raises ``ConfigError`` for an absurd camera.
    """
    columns, rows = size_px
    longer = max(columns, rows)
    if focal_px is not None:
        if not PLAUSIBLE_FOCAL[0] < focal_px / longer < PLAUSIBLE_FOCAL[1]:
            raise ConfigError(
                f"focal_px={focal_px:g}: absurd for a picture of {columns} x {rows} px; ordinary cameras have 0.5 to 3 "
                "times the longer side"
            )
        return Camera(_pinhole(focal_px, columns, rows), "given")
    if exif is not None and (focal := exif_focal_px(exif, columns, rows)) is not None:
        return Camera(_pinhole(focal, columns, rows), "exif")
    if fov_deg is not None:
        return Camera(_pinhole(fov_focal_px(fov_deg, columns, rows), columns, rows), "fov")
    return Camera(_pinhole(FOCAL_PER_SIDE * longer, columns, rows), "assumed")


def _pinhole(focal_px: float, columns: int, rows: int) -> Float[np.ndarray, " 4"]:
    return np.array([focal_px, focal_px, columns / 2, rows / 2])


def _positive(value: object) -> float | None:
    """Read a rational, a number or rubbish, as a finite number above 0, or None."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
