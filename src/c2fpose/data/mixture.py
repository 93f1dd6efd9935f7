"""Several files' records as one training set."""

from bisect import bisect_right
from itertools import accumulate

from torch.utils.data import Dataset

from c2fpose.data.dataset import PoseDataset, Result, Turn


class Mixture(Dataset):
    """The records of several data sets one after another, each with its own images, annotations and random changes.

    The first one stands for all where a single one is asked for: ``reader``, ``records`` and ``config`` are its own.
    """

    def __init__(self, parts: list[PoseDataset]) -> None:
        self.parts = parts
        self._ends = list(accumulate(len(part) for part in parts))
        self.reader, self.records, self.config = parts[0].reader, parts[0].records, parts[0].config

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, turn: Turn | int) -> Result:
        position = turn.position if isinstance(turn, Turn) else turn
        place = bisect_right(self._ends, position)
        within = position - (self._ends[place - 1] if place else 0)
        return self.parts[place][turn._replace(position=within) if isinstance(turn, Turn) else within]

    def prepare(self) -> None:
        """Do what loader processes should share, for each part."""
        for part in self.parts:
            part.prepare()
