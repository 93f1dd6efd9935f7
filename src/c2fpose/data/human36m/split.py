"""One split from a source's records: what will be written where, and the writing, which survives a kill."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.base.files import blamed_on
from c2fpose.base.progress import Progress
from c2fpose.base.provenance import code_version
from c2fpose.data.human36m.assemble import Block, in_order, write_embedded
from c2fpose.data.human36m.calibration import Calibration
from c2fpose.data.human36m.frames import Files, SequenceRecords, collect
from c2fpose.data.human36m.images import (
    Cut,
    Shard,
    check_files,
    edges_px,
    files_of,
    is_untouched,
    read_files,
    read_jpeg,
    write_folder,
)
from c2fpose.data.human36m.options import PrepareConfig
from c2fpose.data.plausible import check_annotations
from c2fpose.data.schema import ImageFiles, SplitInfo, SplitReader, checked_arrays, write_split
from c2fpose.pose.protocol import ACTIONS, CAMERA_SERIALS, TEST_SUBJECTS, TRAIN_SUBJECTS

SPLITS = {"train": TRAIN_SUBJECTS, "test": TEST_SUBJECTS}
BLOCK_RECORDS = 64
WORK = ".prepare"  # shards of images that are encoded again, until the file made of them is complete


@dataclass
class SplitPlan:
    """One split to write."""

    config: PrepareConfig
    split: str
    parts: list[SequenceRecords]
    calibration: Calibration

    def __post_init__(self) -> None:
        self.path = self.config.out / f"{self.split}.h5"
        self.cut = self.config.cut
        self.annotations = collect(self.parts)
        records = len(self.annotations["scale"])
        left_top = np.concatenate([edges_px(part, self.cut)[0] for part in self.parts])
        self.annotations |= {"stored_left_top_px": left_top, "stored_step_px": np.ones(records)}
        check_annotations(checked_arrays(self.path, self.annotations), "h36m", str(self.config.path), cut=False)
        self.poses_alone = self.parts[0].images is None
        self.untouched = is_untouched(self.parts[0], self.cut)
        self.file_sizes = self._file_sizes()
        self.plan = self._plan()

    def _file_sizes(self) -> np.ndarray | None:
        if not isinstance(self.parts[0].images, Files):
            return None
        return np.concatenate(check_files(self.parts, self.config.path))

    def _plan(self) -> str:
        """Identify what will be written: work begun under another plan is not continued."""
        digest = hashlib.sha256()
        for name in sorted(self.annotations):
            digest.update(name.encode() + np.ascontiguousarray(self.annotations[name], np.float64).tobytes())
        digest.update(json.dumps([self.cut.crop, self.cut.margin, self.cut.quality, self.config.images]).encode())
        for part in self.parts:
            if isinstance(part.images, Files):
                digest.update("\n".join(part.images.names).encode())
            elif part.images is not None:
                digest.update(f"{part.images.path.name} {part.images.path.stat().st_size}".encode())
        if self.file_sizes is not None:
            digest.update(self.file_sizes.tobytes())
        return digest.hexdigest()

    @property
    def records(self) -> int:
        """Number of records."""
        return len(self.annotations["scale"])

    @property
    def work(self) -> Path:
        """Where unfinished work lies: by the plan, so that another one does not take it up."""
        return self.config.out / WORK / self.plan[:16]

    @property
    def image_folder(self) -> Path:
        """Where images that are encoded again go, if they are to stay files."""
        return self.config.out / f"images_{self.plan[:8]}"

    def is_done(self) -> bool:
        """Whether the output is there already, of the same plan."""
        if not self.path.is_file():
            return False
        try:
            return SplitReader(self.path).info.provenance.get("plan") == self.plan
        except DataError:
            return False

    def check_output(self) -> None:
        """Refuse to replace a file of other contents, unless told to. Raises ``DataError``."""
        if self.path.exists() and not self.is_done() and not self.config.overwrite:
            raise DataError(f"{self.path}: exists, with other contents; overwrite=true replaces it")

    def provenance(self) -> dict[str, Any]:
        """How the file was made; a part of the file."""
        config = self.config
        everything = {"subjects": SPLITS[self.split], "actions": ACTIONS, "cameras": range(len(CAMERA_SERIALS))}
        chosen = {name: getattr(config, name) for name in everything}
        subset = {name: value for name, value in chosen.items() if value and not set(everything[name]) <= set(value)}
        return {
            "plan": self.plan,
            "source": config.source,
            "every": config.stride,
            "crop": self.cut.crop,
            "margin": self.cut.margin if self.cut.crop == "box" else None,
            "quality": None if self.untouched or self.poses_alone else self.cut.quality,
            "subset": {name: list(value) for name, value in subset.items()},
            "calibration": Path(self.calibration.source).name,
            "lens_distortion": self.calibration.distortion.tolist(),
            "code_version": code_version(),
        }

    def run(self, executor: ThreadPoolExecutor, progress: Progress) -> SplitInfo:
        """Write the split, going on where a killed run was."""
        if self.is_done():
            progress.console.print(f"{self.path}: is there already")
            return SplitReader(self.path).info
        about: dict[str, Any] = {"dataset": "h36m", "split": self.split, "provenance": self.provenance()}
        if self.poses_alone:
            return write_split(self.path, self.annotations, None, **about)
        if self.config.images == "files":
            files = self._image_files(executor, progress)
            task = progress.add_task(f"reading images of {self.path.name}", total=self.records)
            tasks = (partial(_read_some, files, start) for start in range(0, self.records, BLOCK_RECORDS))
            jpegs = _counted(in_order(executor, tasks), partial(progress.advance, task))
            return write_split(self.path, self.annotations, jpegs, image_files=files, **about)
        sizes, blocks = self._blocks(executor, progress)
        task = progress.add_task(f"writing {self.path.name}", total=self.records)
        advance = partial(progress.advance, task)
        info = write_embedded(self.path, self.annotations, sizes, blocks, executor, advance, plan=self.plan, **about)
        shutil.rmtree(self.work, ignore_errors=True)
        if self.work.parent.is_dir() and not any(self.work.parent.iterdir()):
            self.work.parent.rmdir()
        return info

    def _image_files(self, executor: ThreadPoolExecutor, progress: Progress) -> ImageFiles:
        """Image files to refer to: the source's own, or new ones, made where they are not there yet."""
        if self.untouched:
            names = [name for part in self.parts for name in files_of(part).names]
            return ImageFiles(files_of(self.parts[0]).root, names)
        task = progress.add_task(f"cutting images of {self.path.name}", total=len(self.parts))
        folders = [self.image_folder / part.sequence.name for part in self.parts]
        todo = [(part, folder) for part, folder in zip(self.parts, folders, strict=True) if not folder.is_dir()]
        progress.advance(task, len(self.parts) - len(todo))
        for _ in in_order(executor, (partial(write_folder, part, self.cut, folder) for part, folder in todo)):
            progress.advance(task)
        names = [f"{part.sequence.name}/{frame:06d}.jpg" for part in self.parts for frame in part.frames]
        return ImageFiles(self.image_folder, names)

    def _blocks(self, executor: ThreadPoolExecutor, progress: Progress) -> tuple[np.ndarray, list[Block]]:
        """Sizes of all images, and how to read them in pieces; encodes what is not in a complete shard yet."""
        if self.file_sizes is not None and self.untouched:
            return self.file_sizes, [
                Block(min(BLOCK_RECORDS, len(part) - start), partial(read_files, part, start, start + BLOCK_RECORDS))
                for part in self.parts
                for start in range(0, len(part), BLOCK_RECORDS)
            ]
        with blamed_on(self.path, self.work):
            self.work.mkdir(parents=True, exist_ok=True)
        shards = [Shard(self.work / f"{part.sequence.name}.jpegs") for part in self.parts]
        task = progress.add_task(f"cutting images of {self.path.name}", total=len(self.parts))
        sizes, blocks = [], []
        tasks = (partial(_shard_sizes, shard, part, self.cut) for shard, part in zip(shards, self.parts, strict=True))
        for shard, shard_sizes in zip(shards, in_order(executor, tasks), strict=True):
            progress.advance(task)
            sizes.append(shard_sizes)
            starts = np.concatenate([[0], np.cumsum(shard_sizes)])
            for start in range(0, len(shard_sizes), BLOCK_RECORDS):
                piece = shard_sizes[start : start + BLOCK_RECORDS]
                blocks.append(Block(len(piece), partial(shard.read, int(starts[start]), piece)))
        return np.concatenate(sizes), blocks


def _shard_sizes(shard: Shard, part: SequenceRecords, cut: Cut) -> np.ndarray:
    sizes = shard.sizes(len(part))
    return shard.write(part, cut) if sizes is None else sizes


def _counted(blocks: Iterable[list[bytes]], done: Callable[[int], None]) -> Iterator[bytes]:
    """Yield what the blocks hold, and say so of each."""
    for block in blocks:
        for jpeg in block:
            done(1)
            yield jpeg


def _read_some(files: ImageFiles, start: int) -> list[bytes]:
    return [read_jpeg(files.root / name) for name in files.names[start : start + BLOCK_RECORDS]]
