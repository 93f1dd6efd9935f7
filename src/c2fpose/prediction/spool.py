"""Frames of a long video kept on disk: memory holds a few hundred at a time, however long the video is."""

import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, overload

from c2fpose.base.files import OutputError, reason
from c2fpose.prediction.result import Frame

BLOCK = 256  # frames that are written, and read, together; a video of no more touches no disk


class SpooledFrames(Sequence[Frame]):
    """A sequence of frames that grows at its end, like a list.

    All but the last block, and the one looked at last, lie in a file without a name in ``folder``, which goes with the
    process. Raises ``OutputError`` where it cannot be written.
    """

    def __init__(self, folder: Path, frames: Iterable[Frame] = ()) -> None:
        self.folder = folder
        self._file: IO[bytes] | None = None
        self._places: list[tuple[int, int]] = []  # of each block in the file: first byte, length
        self._last: list[Frame] = []  # not in the file yet
        self._read: tuple[int, list[Frame]] = (-1, [])  # the block looked at last, and its number
        for frame in frames:
            self.append(frame)

    def append(self, frame: Frame) -> None:
        """Add a frame at the end."""
        self._last.append(frame)
        if len(self._last) == BLOCK:
            content = pickle.dumps(self._last, pickle.HIGHEST_PROTOCOL)
            try:
                self._file = self._file or tempfile.TemporaryFile(dir=self.folder)
                place = self._file.seek(0, 2)
                self._file.write(content)
                self._file.flush()
            except OSError as error:
                raise OutputError(f"{self.folder}: cannot be written ({reason(error)})") from None
            self._places.append((place, len(content)))
            self._last = []

    def __len__(self) -> int:
        return BLOCK * len(self._places) + len(self._last)

    @overload
    def __getitem__(self, at: int) -> Frame: ...
    @overload
    def __getitem__(self, at: slice) -> list[Frame]: ...
    def __getitem__(self, at: int | slice) -> Frame | list[Frame]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        at = range(len(self))[at]  # negative ones count from the end; IndexError beyond
        return self._block(at // BLOCK)[at % BLOCK]

    def __iter__(self) -> Iterator[Frame]:
        for number in range(len(self._places)):
            yield from self._block(number)
        yield from self._last

    def _block(self, number: int) -> list[Frame]:
        if number == len(self._places) or self._file is None:
            return self._last
        if self._read[0] != number:
            place, length = self._places[number]
            self._file.seek(place)
            self._read = (number, pickle.loads(self._file.read(length)))  # written by this process
        return self._read[1]
