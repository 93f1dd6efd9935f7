"""Other backgrounds for images with stored masks, at load time: made by procedures, or out of a user's photographs."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from c2fpose.data.synth_wild.backgrounds import Picture, cut_out, draw_background
from c2fpose.data.synth_wild.photographs import MADE, read_photographs

POOL = 96  # pictures made, or at most ...
MOST_PHOTOGRAPHS = 512  # ... photographs kept in memory ...
POOL_SIDES = 2  # ... each so many times as wide as the network's input
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
            self.pool = read_photographs(Path(self.source), side, rng, MOST_PHOTOGRAPHS)

    def exchanged(
        self, image: Picture, behind_share: UInt8[np.ndarray, "S S"], seed: int, probability: float
    ) -> Picture:
        """Put the image before another background, or the same one. ``behind_share``: 255 where all is background."""
        self.prepare()
        rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM]))
        if rng.random() >= probability:
            return image
        other = cut_out(self.pool[rng.integers(len(self.pool))], rng, image.shape[0])
        # A little into the outline: its pixels show something of what was behind before.
        share = np.minimum(1.5 / 255.0 * cv2.merge([behind_share] * 3).astype(np.float32), 1.0)
        return cv2.convertScaleAbs(image + share * (other.astype(np.float32) - image))
