"""Training on several sources, in fixed shares or all records, each with labels of its own kind, joints by name."""

import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate, product
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from c2fpose.base.errors import DataError
from c2fpose.config.data import LABELS, MixSource
from c2fpose.data.dataset import PoseDataset, Result, Turn
from c2fpose.data.fields import MADE_ELSEWHERE
from c2fpose.pose.skeleton import Skeleton

_ENOUGH = 3  # labelled joints by which a record is known again
_BY_JOINT = ("joints_box", "depth_rel_mm", "visible", "joints_turned_mm", "joints_cam_mm")


def said_once(fingerprints: dict[str, str]) -> dict[str, str]:
    """Leave out sources of a mix that are ``train_file`` itself: they add no data.

    >>> said_once({"train": "a", "mix[0]": "a", "mix[1]": "b"})
    {'train': 'a', 'mix[1]': 'b'}
    """
    own = fingerprints.get("train")
    return {name: each for name, each in fingerprints.items() if not (name.startswith("mix[") and each == own)}


def shared_records(first: PoseDataset, second: PoseDataset) -> int:
    """Count the records of data of one's own that two sets have in common, as their frames and labels tell.

    Records of which next to nothing is labelled cannot be told apart, and do not count.
    """
    wanted = set(_as_labelled(second))
    return len({record for record in _as_labelled(first) if record in wanted})


def warn_of_shared(trained: list[PoseDataset], validated: list[PoseDataset]) -> None:
    """Print a line for each file that trains on records which are validated on: of copies, or two files of the same."""
    lines = {
        f"warning: {held_out.reader.path}: {shared} records of the validation are trained on too, from "
        f"{part.reader.path}: its errors will be too low": None
        for part, held_out in product(trained, validated)
        if (shared := shared_records(part, held_out))
    }
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def _as_labelled(part: PoseDataset) -> Iterator[bytes]:
    """Give what tells a record from others; nothing of sets that a protocol splits."""
    rows = part.reader.annotations
    known = np.isfinite(rows["joints_px"][..., 0]).sum(1)
    for record in () if part.reader.info.dataset in MADE_ELSEWHERE else part.records:
        if known[record] >= _ENOUGH:
            yield b"".join(rows[name][record].tobytes() for name in ("frame", "joints_px", "joints_cam_mm"))


class Mix(Dataset):
    """Records of several sources, ``length`` to an epoch, of which each source has its share; exact and seeded.

    A source with more records than its share of an epoch goes through them epoch by epoch; one with fewer repeats them,
    each time with other random changes.
    Where shares are those of the records, an epoch is all records one source after another. What a record is depends on
    position and epoch alone, so that a resumed training sees the same. Joints are those of ``skeleton``, and without a
    label (NaN) where a source does not have them. Unless all labels are there, samples hold ``labelled``, the place of
    their kind in ``LABELS``. ``reader``, ``records`` and ``config`` are the first source's.
    """

    def __init__(self, parts: list[PoseDataset], sources: list[MixSource], skeleton: Skeleton, seed: int) -> None:
        self.parts, self.sources = parts, sources
        shares = [
            len(part) if each.share == "records" else each.share for part, each in zip(parts, sources, strict=True)
        ]
        total, length = sum(shares), sum(len(part) for part in parts)
        ends = [round(length * share / total) for share in accumulate(shares)]
        self._starts, self._length = [0, *ends[:-1]], ends[-1]
        self._slots = [end - start for start, end in zip(self._starts, ends, strict=True)]
        if 0 in self._slots:
            raise DataError(f"data.mix[{self._slots.index(0)}]: a share so small that no record of an epoch is its own")
        self._orders = [np.random.default_rng([seed, place]).permutation(len(part)) for place, part in enumerate(parts)]
        self._maps = [_JointMap(part.skeleton, skeleton, part.reader.path) for part in parts]
        self._in_part = not all(
            source.labels == "full" and joints.same and not part.reader.info.partly_labelled
            for source, joints, part in zip(sources, self._maps, parts, strict=True)
        )
        for part in parts:
            if part.seed is not None:
                part.batch_seed = seed  # what a batch shares is one, whichever sources its records are of
        self.reader, self.records, self.config = parts[0].reader, parts[0].records, parts[0].config

    def __len__(self) -> int:
        return self._length

    def source_and_record(self, position: int, epoch: int) -> tuple[int, int]:
        """Say which source a position of an epoch belongs to, and which of its records stands there."""
        place = bisect_right(self._starts, position) - 1
        slot, records = position - self._starts[place], len(self.parts[place])
        if self._slots[place] == records:
            return place, slot
        return place, int(self._orders[place][(epoch * self._slots[place] + slot) % records])

    def __getitem__(self, turn: Turn | int) -> Result:
        at, number = (turn.position, turn.epoch) if isinstance(turn, Turn) else (turn, 0)
        place, record = self.source_and_record(at, number)
        again = (at - self._starts[place]) // len(self.parts[place])  # else repeats would be the same picture
        own = turn._replace(position=record, again=again) if isinstance(turn, Turn) else record
        result = self.parts[place][own]
        if result.sample is None:
            return result
        sample = self._maps[place](result.sample)
        if self._in_part:
            sample["labelled"] = np.int64(LABELS.index(self.sources[place].labels))
        return Result(sample, result.faults)

    def prepare(self) -> None:
        """Do what loader processes should share, for each part."""
        for part in self.parts:
            part.prepare()


def parts_of(sources: Mapping[str, Mix]) -> list[PoseDataset]:
    """List the sets that several mixes are of."""
    return [part for each in sources.values() for part in each.parts]


class _JointMap:
    """A sample's joints as those of another skeleton, by name."""

    def __init__(self, own: Skeleton, wanted: Skeleton, path: str) -> None:
        self.same = own == wanted
        found = [own.index(name) for name in wanted.names]
        if all(place is None for place in found):
            raise DataError(
                f"{path}: data.mix: none of its joints ({', '.join(own.names)}) has a name of those that are trained "
                f"({', '.join(wanted.names)})"
            )
        self.missing = np.array([place is None for place in found])
        self.order = np.array([place or 0 for place in found])
        self.root = wanted.root

    def __call__(self, sample: dict[str, Any]) -> dict[str, Any]:
        if self.same:
            return dict(sample)
        mapped = dict(sample)
        for name in _BY_JOINT:
            values = np.array(sample[name])[self.order]
            values[self.missing] = False if name == "visible" else np.nan
            mapped[name] = values
        # depths count from the root of the skeleton that is trained; unknown where a source does not have it
        mapped["depth_rel_mm"] = mapped["depth_rel_mm"] - mapped["depth_rel_mm"][self.root]
        return mapped
