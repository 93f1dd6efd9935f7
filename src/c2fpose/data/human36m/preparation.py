"""Human3.6M from any source to ``train.h5`` and ``test.h5``: read, check, write."""

from collections import Counter
from collections.abc import Sequence as ListOf
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product
from pathlib import Path

import cv2
from rich.table import Table

from c2fpose.base.console import PlainConsole
from c2fpose.base.errors import DataError
from c2fpose.base.files import ready_directory
from c2fpose.base.lock import alone_in
from c2fpose.base.progress import Progress
from c2fpose.data.human36m.calibration import Calibration, read_calibration
from c2fpose.data.human36m.detect import check_source
from c2fpose.data.human36m.frames import SequenceRecords, check_handedness
from c2fpose.data.human36m.options import PrepareConfig
from c2fpose.data.human36m.sequences import SUBJECTS, TRIALS, Sequence
from c2fpose.data.human36m.sources import module_of, source_of
from c2fpose.data.human36m.split import SPLITS, SplitPlan
from c2fpose.data.schema import SplitInfo
from c2fpose.pose.protocol import ACTIONS, CAMERA_SERIALS


def prepare(config: PrepareConfig, console: PlainConsole | None = None) -> list[SplitInfo]:
    """Read a source, check it, and write each split that it has; returns what was written (nothing in a dry run).

    Raises ``DataError`` in one line for a source that is not what it should be; nothing is then written.
    ``OccupiedError`` where another process writes to the same place, ``OutputError`` where nothing can be written.
    """
    cv2.setNumThreads(1)  # the parallel work is over images
    console = console or PlainConsole(stderr=True)
    check_source(config.source, config.path)
    calibration = read_calibration(find_metadata(config))
    with Progress(console=console) as progress:
        parts = read_source(config, calibration, progress)
    if config.complete:
        check_complete([part.sequence for part in parts], config)
    jobs = [
        SplitPlan(config, split, group, calibration)
        for split, subjects in SPLITS.items()
        if (group := [part for part in parts if part.sequence.subject in subjects])
    ]
    describe(jobs, config, console)
    if config.dry_run:
        console.print("Dry run: nothing was written.")
        return []
    with alone_in(config.out):
        ready_directory(config.out)
        for job in jobs:
            job.check_output()
        with Progress(console=console) as progress, ThreadPoolExecutor(config.workers) as executor:
            infos = [job.run(executor, progress) for job in jobs]
    for info in infos:
        console.print(f"{info.path}: {info.records} records, fingerprint {info.fingerprint[:16]}")
    console.print(f"Check with: python -m c2fpose.data.verify {config.out / (jobs[0].split + '.h5')}")
    return infos


def find_metadata(config: PrepareConfig) -> Path | None:
    """Choose the file given, or the release's own one where people keep it; the source's own cameras before it."""
    if config.metadata is not None:
        return config.metadata
    candidates = [config.path / "metadata.xml", config.path.parent / "metadata.xml"]
    if (own := source_of(config.source).cameras) is not None:
        candidates = [config.path / own, *candidates]
    return next((file for file in candidates if file.is_file()), None)


def read_source(config: PrepareConfig, calibration: Calibration, progress: Progress) -> list[SequenceRecords]:
    """All sequences that are asked for, sorted. Raises ``DataError`` where there are none, or the left is right."""
    reader = module_of(config.source)
    task = progress.add_task("reading annotations", total=None)
    parts = []
    for part in reader.read(config.path, calibration, config.stride, config.wanted):
        parts.append(part)
        progress.advance(task)
    if not parts:
        raise DataError(f"{config.path}: holds none of the subjects, actions and cameras that are asked for")
    parts.sort(key=lambda part: part.sequence)
    for earlier, later in pairwise(parts):
        if earlier.sequence == later.sequence:
            raise DataError(f"{config.path}: sequence {later.sequence.name} occurs twice")
    check_handedness(parts, str(config.path))
    return parts


def check_complete(found: ListOf[Sequence], config: PrepareConfig) -> None:
    """Refuse a source that lacks sequences, saying which kind of gap it is. Raises ``DataError``."""
    directions = ACTIONS.index("Directions")
    expected = {
        sequence
        for subject, action, trial, camera in product(SUBJECTS, range(len(ACTIONS)), TRIALS, range(len(CAMERA_SERIALS)))
        if config.wanted(sequence := Sequence(subject, action, trial, camera))
        # The corrupt video of S11 is not expected, and others leave out that sequence in all cameras.
        and not (subject == 11 and action == directions and trial == 2)
    }
    missing = sorted(expected - set(found))
    if not missing:
        return
    advice = "half a download? complete=false takes what is there"
    for name, singular in (("camera", "camera"), ("subject", "subject"), ("action", "action")):
        lost = {getattr(s, name) for s in expected} - {getattr(s, name) for s in found}
        if lost:
            value = min(lost)
            shown = {"camera": CAMERA_SERIALS, "action": ACTIONS}.get(name, {value: f"S{value}"})[value]
            raise DataError(f"{config.path}: {singular} {shown} is missing altogether; {advice}")
    raise DataError(
        f"{config.path}: {len(missing)} of {len(expected)} sequences are missing, first {missing[0].name}; {advice}"
    )


# --- what one sees ------------------------------------------------------------------------------------------------


def describe(jobs: list[SplitPlan], config: PrepareConfig, console: PlainConsole) -> None:
    """Show what will be written, as a table."""
    table = Table(title=f"{config.source} in {config.path}, {_ordinal(config.stride)}", title_justify="left")
    for column in ("file", "subject", "sequences", "frames", "images"):
        table.add_column(column, justify="right" if column in ("sequences", "frames") else "left")
    for job in jobs:
        sequences = Counter(part.sequence.subject for part in job.parts)
        for subject in sorted(sequences):
            frames = int((job.annotations["subject"] == subject).sum())
            table.add_row(job.path.name, f"S{subject}", str(sequences[subject]), f"{frames:,}")
        table.add_row(
            job.path.name, "all", str(len(job.parts)), f"{job.records:,}", _images_in_words(job), style="bold"
        )
    console.print(table)
    console.print(f"Cameras: {jobs[0].calibration.source}")


def _images_in_words(job: SplitPlan) -> str:
    if job.poses_alone:
        return "none: poses alone"
    if job.untouched and job.file_sizes is not None:
        return f"{job.config.images}, the source's own, {job.file_sizes.sum() / 1e9:.2f} GB"
    cut = f"box with margin {job.cut.margin:g}" if job.cut.crop == "box" else "whole frames"
    return f"{job.config.images}, {cut}, encoded again at quality {job.cut.quality}"


def _ordinal(stride: int) -> str:
    return {1: "all frames", 2: "every 2nd frame", 3: "every 3rd frame"}.get(stride, f"every {stride}th frame")
