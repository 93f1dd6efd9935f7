"""Make a data set shard by shard in several processes: taken up after a kill, complete or not there at all.

While it is made it stands in ``OUT.partial``: one file a shard, each renamed when complete, then the two splits. The
directory gets its name when both are written. One process at a time is let in.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from c2fpose.base.console import PlainConsole
from c2fpose.base.errors import DataError
from c2fpose.base.files import blamed_on, reason, write_text, written_whole
from c2fpose.base.lock import alone_in
from c2fpose.base.progress import Progress
from c2fpose.base.signals import GOES_ON
from c2fpose.base.source_code import code_digest
from c2fpose.base.workers import each_done
from c2fpose.data.schema import FIELDS, SplitInfo, SplitReader

# What generators take from elsewhere for images and labels
_SHARED = ("data/rgb.py", "pose/box.py", "pose/camera.py", "pose/protocol.py", "pose/skeleton.py")


class Shard(Protocol):
    """Some images that are made, and kept or made again, as a whole."""

    @property
    def name(self) -> str:
        """Name of its file."""

    @property
    def images(self) -> int:
        """Number of images in it."""


ShardT = TypeVar("ShardT", bound=Shard)


@dataclass(frozen=True)
class Recipe(Generic[ShardT]):
    """What a data set is made of, and how."""

    provenance: dict[str, Any]  # what decides every byte of the outcome; stands in the files
    shards: Mapping[str, list[ShardT]]  # of each split, in the order of its file
    write: Callable[[Path, ShardT], ShardT]  # one shard, whole, to ``shard_path``; goes to worker processes
    merge: Callable[[Path, str], SplitInfo]  # the shards of a split to ``SPLIT.h5`` in the directory given


def make(out: Path, recipe: Recipe[ShardT], workers: int, done: Callable[[int], None]) -> list[SplitInfo]:
    """Make ``out/SPLIT.h5`` for each split; ``done`` hears of each shard's number of images.

    A killed run is taken up after its last complete shard. Raises ``DataError`` if ``out`` or the unfinished
    ``out.partial`` holds something else, ``OccupiedError`` if another process is making it, ``OutputError`` where
    nothing can be written, and ``WorkerDied``.
    """
    if out.name in ("", "..") or out.is_symlink():  # a place beside it needs a name, on the disk that a link leads to
        out = Path(os.path.realpath(out))
    with alone_in(out, lock=out.with_name(f".{out.name}.lock")):
        finished = finished_splits(out, recipe.shards, recipe.provenance)
        if finished is None:
            if out.is_mount():
                raise DataError(f"{out}: a disk is mounted there, which nothing can replace; choose a folder in it")
            _make(out, recipe, workers, done)
            finished = finished_splits(out, recipe.shards, recipe.provenance)
        assert finished is not None, f"{out}: made, and not there"
        return finished


def make_with_bar(out: Path, title: str, recipe: Recipe[ShardT], workers: int) -> None:
    """Make a data set with a progress bar; say so if there is nothing left to do. Raises what ``make`` raises."""
    console = PlainConsole(stderr=True)
    infos = finished_splits(out, recipe.shards, recipe.provenance)
    if infos is not None:
        console.print(f"{out}: already there, complete; nothing to do")
    else:
        with Progress(console=console) as progress:
            total = sum(shard.images for shards in recipe.shards.values() for shard in shards)
            infos = make(out, recipe, workers, partial(progress.advance, progress.add_task(title, total=total)))
    for info in infos:
        console.print(f"{info.path}: {info.records} images, fingerprint {info.fingerprint[:16]}")


def _make(out: Path, recipe: Recipe[ShardT], workers: int, done: Callable[[int], None]) -> None:
    unfinished = out.with_name(out.name + ".partial")
    _claim(unfinished, recipe.provenance)
    to_merge = [split for split in recipe.shards if not _is_merged(unfinished, split, recipe.provenance)]
    missing = []
    for split, shards in recipe.shards.items():
        for shard in shards:
            if split in to_merge and not shard_path(unfinished, shard).exists():
                missing.append(shard)
            else:
                done(shard.images)
    write = _Bound(recipe.write, unfinished)
    in_turn = workers == 1 or len(missing) < 2
    for shard in map(write, missing) if in_turn else each_done(write, missing, workers, GOES_ON):
        done(shard.images)
    for split in to_merge:
        recipe.merge(unfinished, split)
    with blamed_on(out, unfinished):
        shutil.rmtree(unfinished / "shards", ignore_errors=True)
        for path in set(unfinished.iterdir()) - {unfinished / f"{split}.h5" for split in recipe.shards}:
            path.unlink()  # the note, and what a killed run left
        if out.exists():
            out.rmdir()  # empty: ``finished_splits`` has looked
        os.replace(unfinished, out)


@dataclass(frozen=True)
class _Bound:
    """A function with its first argument, fit to be sent to another process."""

    function: Callable[[Path, Any], Any]
    directory: Path

    def __call__(self, shard: Any) -> Any:
        return self.function(self.directory, shard)


def finished_splits(out: Path, splits: Iterable[str], provenance: dict[str, Any]) -> list[SplitInfo] | None:
    """Tell what stands in ``out`` if it is this very data set; ``None`` if nothing does, ``DataError`` otherwise."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file; choose another out=")
    if not out.exists() or not any(out.iterdir()):
        return None
    if not any((out / f"{split}.h5").exists() for split in splits):
        raise DataError(f"{out}: holds other files ({min(path.name for path in out.iterdir())}); choose another out=")
    infos = [SplitReader(out / f"{split}.h5").info for split in splits]
    for info in infos:
        _compare(info.path, info.provenance, provenance)
    return infos


def _is_merged(unfinished: Path, split: str, provenance: dict[str, Any]) -> bool:
    """Whether a killed run had this split's file done already."""
    if not (unfinished / f"{split}.h5").exists():
        return False
    info = SplitReader(unfinished / f"{split}.h5").info
    _compare(info.path, info.provenance, provenance)
    return True


def _claim(unfinished: Path, provenance: dict[str, Any]) -> None:
    """Start an unfinished directory, or make sure that the one there is of the same data set."""
    note = unfinished / "job.json"
    if note.exists():
        try:
            found = dict(json.loads(note.read_text()))
        except (OSError, ValueError) as error:
            raise DataError(f"{note}: cannot be read ({reason(error)}); remove {unfinished} to begin again") from None
        _compare(str(unfinished), found, provenance)
        return
    with blamed_on(unfinished, unfinished / "shards"):
        (unfinished / "shards").mkdir(parents=True, exist_ok=True)
    write_text(note, json.dumps(provenance))


def _compare(place: str, found: dict[str, Any], provenance: dict[str, Any]) -> None:
    for key, wanted in provenance.items():
        if found.get(key) != wanted:
            raise DataError(
                f"{place}: made with {key}={found.get(key)}, asked for {wanted}; remove it or choose another out="
            )


def generator_code_digest(folder: Path, package: Path = Path(__file__).parent.parent) -> str:
    """Hash the code that makes images and labels, below a folder and in ``_SHARED``: SHA-256.

    Commands and contact sheets do not count.
    """
    without = ("__init__.py", "__main__.py", "sheet.py")
    own = sorted(path for path in folder.rglob("*.py") if path.name not in without)
    return code_digest([*own, *(package / name for name in _SHARED)])


# --- shards -------------------------------------------------------------------------------------------------------


def shard_path(unfinished: Path, shard: Shard) -> Path:
    """Where a shard's arrays stand until both splits are whole."""
    return unfinished / "shards" / f"{shard.name}.npz"


def save_shard(path: Path, arrays: dict[str, Any]) -> None:
    """Write a shard's arrays whole. Raises ``OutputError``."""
    with written_whole(path, durable=False) as temporary:
        np.savez(temporary, **arrays)


def packed(name: str, items: list[bytes]) -> dict[str, np.ndarray]:
    """Lay encoded pictures out as two arrays of a shard, ``NAME_bytes`` and ``NAME_sizes``."""
    sizes = np.array([len(item) for item in items])
    return {f"{name}_bytes": np.frombuffer(b"".join(items), np.uint8), f"{name}_sizes": sizes}


def unpacked(paths: Iterable[Path], name: str) -> Iterator[bytes]:
    """Give the encoded pictures of some shards one after another; ``packed`` has laid them out."""
    for path in paths:
        stored = load_shard(path, (f"{name}_bytes", f"{name}_sizes"))
        everything, sizes = stored[f"{name}_bytes"].tobytes(), stored[f"{name}_sizes"]
        ends = np.cumsum(sizes)
        yield from (everything[end - size : end] for size, end in zip(sizes, ends, strict=True))


def joined_annotations(paths: Iterable[Path]) -> dict[str, np.ndarray]:
    """Put the annotations (``schema.FIELDS``) of some shards together."""
    stored = [load_shard(path, FIELDS) for path in paths]
    return {name: np.concatenate([part[name] for part in stored]) for name in FIELDS}


def load_shard(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Read some of a shard's arrays; ``DataError`` where the disk has damaged them."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in names}
    except Exception as error:  # a damaged NPZ file raises nearly anything
        raise DataError(f"{path}: cannot be read ({reason(error)}); remove it, and the same command goes on") from None
