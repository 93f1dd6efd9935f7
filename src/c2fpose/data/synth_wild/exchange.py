"""Other backgrounds for images with stored masks, at load time: made by procedures, or out of a user's photographs."""

import warnings
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from c2fpose.base.errors import DataError
from c2fpose.data.synth_wild.backgrounds import Picture, cut_out, draw_background

MADE = "made"
POOL = 96  # pictures made, or at most ...
MOST_PHOTOGRAPHS = 512  # ... photographs kept in memory ...
POOL_SIDES = 2  # ... each so many times as wide as the network's input
SHOWN = 3  # files named in a warning
_STREAM = 607  # key of this module in seed sequences


class Backgrounds:
    """A pool of pictures to put behind people. ``source``: ``"made"``, or a folder of photographs.

    Files that are no images are passed over with one warning that names the first. Raises ``DataError`` for a folder
    that does not exist or holds no image.
    """

    def __init__(self, source: str, size: int, seed: int) -> None:
        self.source, self.size, self.seed = source, size, seed
        self.pool: list[Picture] = []

    def prepare(self) -> None:
        """Make or read the pool now, so that loader processes that are forked afterwards share it."""
        if self.pool:
            return
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _STREAM]))
        side = POOL_SIDES * self.size
        if self.source == MADE:
            self.pool = [draw_background(rng, side) for _ in range(POOL)]
        else:
            self.pool = read_photographs(Path(self.source), side, rng)

    def exchanged(
        self, image: Picture, behind_share: UInt8[np.ndarray, "S S"], seed: int, probability: float
    ) -> Picture:
        """The image before another background, or the same one. ``behind_share``: 255 where all is background."""
        self.prepare()
        rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM]))
        if rng.random() >= probability:
            return image
        other = cut_out(self.pool[rng.integers(len(self.pool))], rng, image.shape[0])
        # A little into the outline: its pixels show something of what was behind before.
        share = np.minimum(1.5 / 255.0 * cv2.merge([behind_share] * 3).astype(np.float32), 1.0)
        return cv2.convertScaleAbs(image + share * (other.astype(np.float32) - image))


def read_photographs(folder: Path, side: int, rng: np.random.Generator) -> list[Picture]:
    """Squares out of a folder's photographs (with its subfolders), ``side`` px, at most ``MOST_PHOTOGRAPHS``, RGB."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of backgrounds; give a folder of photographs, or 'made'")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    readable = [path for path in files if cv2.haveImageReader(str(path))]
    others = [path for path in files if path not in set(readable)]
    chosen = [readable[place] for place in rng.permutation(len(readable))[:MOST_PHOTOGRAPHS]]
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
        warnings.warn(f"{folder}: {len(others)} of {len(files)} files are no images: {names}", stacklevel=2)
    return pool


def _square(path: Path, side: int) -> Picture | None:
    """The middle of a photograph, or None where it cannot be decoded."""
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        return None
    if image is None or min(image.shape[:2]) < 16:
        return None
    rows, columns = image.shape[:2]
    half = min(rows, columns) // 2
    middle = image[rows // 2 - half : rows // 2 + half, columns // 2 - half : columns // 2 + half]
    return cv2.resize(middle, (side, side), interpolation=cv2.INTER_AREA)
