"""A user's photographs as backgrounds."""

import hashlib
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from c2fpose.base.errors import DataError, readable
from c2fpose.data.rgb import upright_rgb
from c2fpose.data.synth_wild.backgrounds import Picture

MADE = "made"  # instead of a folder: backgrounds made by procedures
SHOWN = 3  # files named in a warning


def folder_digest(source: str) -> str:
    """Name a folder's content in few letters, by names and sizes of its files; ``MADE`` for what procedures make."""
    if source == MADE:
        return MADE
    digest = hashlib.sha256()
    for path in _files(Path(source)):
        digest.update(f"{path.relative_to(source)} {path.stat().st_size}".encode())
    return digest.hexdigest()[:12]


def read_photographs(folder: Path, side: int, rng: np.random.Generator, most: int) -> list[Picture]:
    """Squares out of a folder's photographs (with its subfolders), RGB, ``side`` px, at most ``most`` drawn at random.

    Files that are no images, not whole, or smaller than 16 px, are passed over with one warning that names the first.
    Raises ``DataError`` for a folder that does not exist, or if none of those that were drawn is an image.
    """
    files = _files(folder)
    images = [path for path in files if cv2.haveImageReader(str(path))]
    others = [path for path in files if path not in set(images)]
    chosen = [images[place] for place in rng.permutation(len(images))[:most]]
    pool = []
    for path in chosen:
        square = _square(path, side)
        if square is None:
            others.append(path)
        else:
            pool.append(square)
    if not pool:
        raise DataError(f"{folder}: holds no photograph that can be read ({len(files)} files)")
    if others:
        names = ", ".join(path.name for path in others[:SHOWN])
        warnings.warn(f"{folder}: {len(others)} of {len(files)} files are no images, or cut off: {names}", stacklevel=2)
    return pool


def _square(path: Path, side: int) -> Picture | None:
    """Read the middle of a photograph, upright; None where not all of it can be decoded, or it is below 16 px."""
    try:
        with readable(path, "not readable as an image"), Image.open(path) as opened:
            image = upright_rgb(opened)
    except DataError:
        return None
    if min(image.shape[:2]) < 16:
        return None
    rows, columns = image.shape[:2]
    half = min(rows, columns) // 2
    middle = image[rows // 2 - half : rows // 2 + half, columns // 2 - half : columns // 2 + half]
    return cv2.resize(middle, (side, side), interpolation=cv2.INTER_AREA)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of backgrounds; give a folder of photographs, or '{MADE}'")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        try:
            str(path).encode()
        except UnicodeEncodeError:  # as of old archives: OpenCV crashes on them
            raise DataError(f"{folder}: the name {path.name!a} is not UTF-8; rename this file") from None
    return files
