"""Peaks of the finder's heatmap to boxes."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from c2fpose.prediction.finder.network import SIDE_UNIT
from c2fpose.prediction.photo import Box

OVERLAP = 0.6  # of two boxes that overlap more (intersection over union), the surer one is kept
_MOST = 50  # peaks looked at


class Peak(NamedTuple):
    """One person, in shares of the frame's side."""

    center: Float[np.ndarray, "2"]  # of the box
    side: float
    score: float  # 0..1

    def overlap(self, other: "Peak") -> float:
        """Give the intersection over the union of two boxes."""
        return self._box().overlap(other._box())

    def _box(self) -> Box:
        left, top = (self.center - self.side / 2).tolist()
        return Box(left, top, self.side)


def peaks(output: Float[Tensor, "4 C C"], least: float) -> list[Peak]:
    """Find the people of one frame, the surest first: cells higher than their eight neighbours and than ``least``."""
    score = output[0].float().sigmoid()
    highest = F.max_pool2d(score[None, None], 3, 1, 1)[0, 0]
    rows, columns = torch.nonzero((score == highest) & (score >= least), as_tuple=True)
    order = score[rows, columns].argsort(descending=True)[:_MOST]
    kept: list[Peak] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        across, down, size = output[1:, row, column].float().tolist()
        side = SIDE_UNIT * float(np.exp(np.clip(size, -4, 3)))
        place = (np.array([column, row]) + 0.5) / output.shape[-1]
        peak = Peak(place + side * np.array([across, down]), side, float(score[row, column]))
        if all(peak.overlap(other) < OVERLAP for other in kept):
            kept.append(peak)
    return kept
