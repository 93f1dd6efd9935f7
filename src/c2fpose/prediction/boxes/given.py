"""What every reader of boxes gives."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.data.videos import is_video
from c2fpose.prediction.photo import Box

# A detector's box encloses the person's outline, crown and soles included; ours is 1.12 times the joints' extent
SIDE_PER_OUTLINE = 1.04


def number_of(word: str) -> float:
    """Read a finite number. Raises ``ValueError``."""
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"{word} is not finite")
    return value


class GivenBox(NamedTuple):
    """One person's box as a file gives it: any shape, px or shares of the picture."""

    left: float
    top: float
    width: float
    height: float
    id: int | None = None  # the same person keeps it through a video
    score: float | None = None  # 0..1
    relative: bool = False  # all four are shares of the picture's width and height
    square: bool = False  # a box of ours, taken as it is

    def box(self, columns: int, rows: int) -> Box:
        """Make the square that the network is shown, in a picture of so many pixels."""
        across, down = (columns, rows) if self.relative else (1, 1)
        width, height = self.width * across, self.height * down
        side = max(width, height) * (1.0 if self.square else SIDE_PER_OUTLINE)
        return Box(self.left * across + (width - side) / 2, self.top * down + (height - side) / 2, side)


@dataclass
class BoxFile:
    """The boxes of one file, by the picture or the frame that they belong to."""

    path: Path
    # name of an image file, with or without ending; then the path that was given
    by_name: dict[str, dict[str, list[GivenBox]]] = field(default_factory=dict)
    by_number: dict[int, list[GivenBox]] = field(default_factory=dict)  # frame, or number in an image's name
    # a video's name without ending; then the path that was given; then the frame
    by_video: dict[str, dict[str, dict[int, list[GivenBox]]]] = field(default_factory=dict)
    everywhere: list[GivenBox] = field(default_factory=list)  # the file names neither

    def add(self, box: GivenBox, where: str, name: str | None = None, number: int | None = None) -> None:
        """File a box under a name, a number, both (a frame of a video), or neither.

        An id below 0 is none, and so is a score outside 0..1. Raises ``DataError`` at ``where`` if it has no size.
        """
        if not np.isfinite(box[:4]).all() or box.width <= 0 or box.height <= 0:
            size = f"{box.width:g} x {box.height:g}"
            raise DataError(f"boxes={self.path}: {where}: a box of size {size}; it must be finite and more than 0")
        id = box.id if box.id is not None and box.id >= 0 else None
        box = box._replace(id=id, score=box.score if box.score is not None and 0 <= box.score <= 1 else None)
        if name is not None:
            self.by_name.setdefault(Path(name).name, {}).setdefault(name, []).append(box)
            if number is not None:
                self.add_frame(box, name, number)
        elif number is not None:
            self.by_number.setdefault(number, []).append(box)
        else:
            self.everywhere.append(box)

    def add_frame(self, box: GivenBox, video: str, number: int) -> None:
        """File a box under a frame of a video, which is named with its ending or without."""
        name = Path(video)
        key = name.stem if is_video(name) else name.name  # a dot may stand in a name
        frames = self.by_video.setdefault(key, {}).setdefault(video, {})
        frames.setdefault(number, []).append(box)

    def of_image(self, path: Path) -> list[GivenBox]:
        """List an image's boxes: by its name, else by the number that its name ends with.

        Of several files of that name, those of the one whose folders agree. Raises ``DataError`` if none does more.
        """
        for name in (path.name, path.stem):
            if places := self.by_name.get(name):
                return places[self._nearest(path, places)]
        digits = re.search(r"(\d+)$", path.stem)
        if digits and int(digits[1]) in self.by_number:
            return self.by_number[int(digits[1])]
        return self.everywhere

    def _nearest(self, path: Path, places: Iterable[str]) -> str:
        """Choose which of several files of one name is meant: that of which the folders agree."""
        alike = {given: _same_folders(Path(given), path.absolute()) for given in places}
        nearest = [given for given, folders in alike.items() if folders == max(alike.values())]
        if len(nearest) > 1:
            raise DataError(f"{path}: boxes={self.path} has it as {nearest[0]} and {nearest[1]}; leave one")
        return nearest[0]

    def check_ids(self, people: Iterable[GivenBox], where: str) -> None:
        """Raise ``DataError`` if two people of one picture or frame have the same id."""
        named = [each.id for each in people if each.id is not None]
        if twice := sorted({id for id in named if named.count(id) > 1}):
            raise DataError(
                f"boxes={self.path}: {where} has the id {twice[0]} twice; each person needs an id of its own, or -1"
            )

    def of_frame(self, index: int, video: Path) -> list[GivenBox]:
        """List a video frame's boxes; ``index`` counts from 0, the file's numbers from 0 if any is 0, else from 1.

        Of several videos of that name, those of the one whose folders agree. Raises ``DataError`` if none does more.
        """
        places = self.by_video.get(video.stem)
        numbers = places[self._nearest(video, places)] if places else self.by_number
        return numbers.get(index + (0 if 0 in numbers else 1), self.everywhere)

    def __iter__(self) -> Iterator[GivenBox]:
        named = (boxes for places in self.by_name.values() for boxes in places.values())
        for boxes in (*named, *self.by_number.values(), self.everywhere):
            yield from boxes


def _same_folders(first: Path, second: Path) -> int:
    """Count the folders at the end of two paths, before the file's name, that are the same."""
    pairs = zip(first.parent.parts[::-1], second.parent.parts[::-1], strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), len(first.parent.parts))
