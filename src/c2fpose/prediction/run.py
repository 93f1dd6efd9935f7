"""Everything that one ``predict`` command names, one input after the other.

What is wrong with one input is said in a line, and the others are done.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

from c2fpose.base.console import PlainConsole, words_column
from c2fpose.base.errors import ConfigError, DataError, UserError
from c2fpose.base.files import OutputError, ready_directory, reason
from c2fpose.base.host_memory import hand_back_freed_memory
from c2fpose.base.progress import Progress
from c2fpose.base.provenance import file_hash
from c2fpose.config.prediction import PredictSettings
from c2fpose.prediction.boxes import BoxFile, read_boxes
from c2fpose.prediction.certainty import meaning_of
from c2fpose.prediction.engines import Predictor, load_predictor
from c2fpose.prediction.finder.judge import find_people
from c2fpose.prediction.finder.weights import load_finder
from c2fpose.prediction.focal import camera_of, read_exif
from c2fpose.prediction.follow import Follower, FollowFile, FollowFound, FollowWhole, tidied
from c2fpose.prediction.inputs import Input, expand, left_out, shown
from c2fpose.prediction.outputs import marked_unfinished, of_fewer_people, plan, write
from c2fpose.prediction.people import Seen, named_as_given, root_depth_rule, second_looks, seen_of, without_doubles
from c2fpose.prediction.photo import (
    Box,
    check_box,
    has_size,
    is_inside,
    largest_side_px,
    pictures_in,
    read_photo,
    whole_box,
)
from c2fpose.prediction.predictor import model_used, with_volumes
from c2fpose.prediction.reading import read_as_asked
from c2fpose.prediction.result import BoxFrom, Camera, Frame, ModelUsed, PersonPose, PoseResult, Source
from c2fpose.prediction.shifts import steadied_poses
from c2fpose.prediction.sizes import sizes_for, surest_poses
from c2fpose.prediction.smoothing import SENTENCE as FILTERED
from c2fpose.prediction.smoothing import can_smooth, smoothed
from c2fpose.prediction.spool import SpooledFrames
from c2fpose.prediction.video import Video
from c2fpose.prediction.viterbi import SENTENCE as ALONG_PATH
from c2fpose.prediction.viterbi import Peaks, collector, follow_volumes

Image = np.ndarray  # (rows, columns, 3) uint8, RGB
_HAND_BACK_EVERY = 100  # frames of a video, after which freed memory goes back to the system
_DEFAULT_FORMATS = {"image": ("figure", "json"), "video": ("video", "json")}


class NobodyFound(DataError):
    """A picture or video in which no person was found."""


def run(settings: PredictSettings) -> int:
    """Predict all inputs and write the results; prints a line for each. Returns the exit code: 0, 1 if some failed.

    Raises ``UserError`` where nothing could be done: a wrong configuration, no input, or the only one failed.
    """
    for line in left_out(settings.input):
        print(f"warning: {line}", file=sys.stderr)
    inputs = expand(settings.input)
    job = PredictJob(settings)
    job.check(inputs)
    if len(inputs) > 1:
        job.load(inputs)  # what is wrong with a network is said once, not of each input
    failed = 0
    console = PlainConsole(stderr=True)
    bar = (words_column("{task.description}"), BarColumn(20), MofNCompleteColumn(), words_column("left"),
           TimeRemainingColumn())  # fmt: skip
    with Progress(*bar, console=console) as progress:
        overall = progress.add_task("inputs", total=len(inputs), visible=len(inputs) > 1)
        for each in inputs:
            try:
                print(job.done(each, progress), flush=True)
            except UserError as error:
                if len(inputs) == 1:
                    raise
                failed += 1
                print(f"error: {error}", file=sys.stderr, flush=True)
            progress.advance(overall)
    if failed == len(inputs):
        raise DataError(f"none of the {failed} inputs could be predicted")
    if failed:
        print(f"error: {failed} of {len(inputs)} inputs failed, the others are done", file=sys.stderr)
    return 1 if failed else 0


@dataclass
class PredictJob:
    """What all inputs of one command share; loaded when it is first needed."""

    settings: PredictSettings

    @cached_property
    def predictor(self) -> Predictor:
        """The pose network, its decoding as the settings ask."""
        asked = self.settings
        loaded = load_predictor(asked.ckpt, asked.engine, asked.precision, asked.accelerator)
        return read_as_asked(loaded, asked.flip, asked.power)

    @cached_property
    def boxes(self) -> BoxFile | None:
        """The file of boxes, if one is given."""
        return read_boxes(self.settings.boxes) if self.settings.boxes else None

    @cached_property
    def model(self) -> ModelUsed:
        """What results say of the network."""
        return model_used(self.predictor, self.settings.ckpt)

    def check(self, inputs: list[Input]) -> None:
        """Refuse what cannot go well before anything is loaded or looked at."""
        asked = self.settings
        if asked.out and Path(asked.out).suffix and not Path(asked.out).is_dir() and len(inputs) > 1:
            many = f"one file for {len(inputs)} inputs"
            raise ConfigError(f"out={asked.out}: {many}; give a folder, its name without an ending")
        _ = self.boxes
        targets: dict[Path, Path] = {}
        for each in inputs:
            for path in self.targets(each, overwrite=True).values():
                if (other := targets.setdefault(path, each.path)) != each.path:
                    raise DataError(f"{each.path} and {other} would both be written to {path}; give them one by one")
        for folder in {path.parent for path in targets}:
            ready_directory(folder)

    def load(self, inputs: list[Input]) -> None:
        """Load the networks, and refuse what does not go with them."""
        asked, predictor = self.settings, self.predictor
        if any(each.kind == "image" for each in inputs):
            sizes_for(predictor, asked.sizes, "given")
        if asked.box is None and self.boxes is None and asked.person == "find":
            load_finder(asked.finder)

    def targets(self, each: Input, overwrite: bool) -> dict[str, Path]:
        """Name the files that an input's results are written to."""
        formats, out = self.settings.formats, self.settings.out
        if formats is None and (out is None or not Path(out).suffix or Path(out).is_dir()):
            formats = _DEFAULT_FORMATS[each.kind]
        return plan(each.path, out, formats, overwrite)

    def done(self, each: Input, progress: Progress) -> str:
        """Predict one input and write what was asked for; returns a line that says so. Raises ``UserError``."""
        targets = self.targets(each, self.settings.overwrite)
        result: PoseResult
        pictures: list[Image] | Video
        if each.kind == "image":
            result, pictures = self.image(each.path)
        else:
            result, pictures = self.video(each.path, progress, next(iter(targets.values())).parent)
        if not any(frame.people for frame in result.frames):
            if self.settings.boxes:
                why = "".join(f"; {note}" for note in result.notes)
                raise NobodyFound(f"{each.path}: no box for any of its frames in {self.settings.boxes}{why}")
            raise NobodyFound(
                f"{each.path}: nobody found; person=whole takes all of the picture for one person, box=x,y,side a part"
            )
        if each.kind == "image" and "html" in targets:  # the page shows what the network saw inside
            result = with_volumes(self.predictor, result, next(iter(pictures)))
        written: list[Path] = []
        with marked_unfinished(targets):
            for format, path in targets.items():
                try:
                    written += write(result, path, pictures, format)
                except OSError as error:  # a disk that has become full
                    raise OutputError(f"{path}: cannot be written ({reason(error)})") from None
        name = shown(each.path)
        for note in result.notes:
            print(f"warning: {name}: {note}", file=sys.stderr)
        if older := of_fewer_people(targets, written):
            left = ", ".join(map(shown, older))
            print(
                f"warning: {name}: {left} {'is' if len(older) == 1 else 'are'} of an earlier command", file=sys.stderr
            )
        people = len(result.ids)
        focal = f"focal length {result.camera.intrinsics_px[0]:.0f} px ({_FOCAL_WORDS[result.camera.focal_from]})"
        who = "1 person" if people == 1 else f"{people} people"
        return f"{name}: {who}, {focal}: {', '.join(map(shown, written))}"

    def camera(self, size_px: tuple[int, int], path: Path | None = None) -> Camera:
        """Choose an input's camera."""
        exif = None if path is None else read_exif(path)
        return camera_of(size_px, exif=exif, fov_deg=self.settings.fov, focal_px=self.settings.focal_px)

    def image(self, path: Path) -> tuple[PoseResult, list[Image]]:
        """Predict the people of one picture."""
        image = read_photo(path)
        rows, columns = image.shape[:2]
        camera = self.camera((columns, rows), path)
        people = self._people_of(path, image, camera.intrinsics_px)
        source = Source("image", (columns, rows), shown(path), file_hash(path))
        many = pictures_in(path)
        note = f"the first of {many} pictures in the file; save it as a video to have all" if many > 1 else None
        return self._result(source, camera, [Frame(tuple(people))], None, note), [image]

    def _people_of(self, path: Path, image: Image, intrinsics_px: np.ndarray) -> list[PersonPose]:
        asked, predictor = self.settings, self.predictor
        if asked.box is not None:
            boxes = [Seen(check_box(Box(*asked.box), image), "given")]
        elif self.boxes is not None:
            boxes = self._largest(self._given(path, image))
        elif asked.person == "whole":
            boxes = [Seen(whole_box(image), "whole")]
        else:
            boxes, first = second_looks(predictor, image, seen_of(self.find(image)), intrinsics_px, asked.looks)
            if asked.people == "largest":  # of those that would be kept: a raw box may be anything
                kept = without_doubles(first, predictor.config.pose_space.skeleton.mirror)
                boxes = self._largest([Seen(each.box, each.box_from, each.box_score) for each in kept])
        cameras = np.broadcast_to(intrinsics_px, (len(boxes), 4))
        source: BoxFrom = boxes[0].source if boxes else "found"
        sizes = sizes_for(predictor, asked.sizes, source)
        people = surest_poses(predictor, [image] * len(boxes), boxes, cameras, sizes)
        people = steadied_poses(predictor, [image] * len(people), people, cameras, asked.shift)
        mirror = self.predictor.config.pose_space.skeleton.mirror
        return without_doubles(people, mirror) if source == "found" else named_as_given(people, boxes)

    def find(self, image: Image, often: bool = False) -> list[tuple[Box, float]]:
        """Find people in a picture, or, ``often``, in a frame of a video."""
        return find_people(self.predictor, load_finder(self.settings.finder), image, self.settings.least_score, often)

    def _given(self, path: Path, image: Image) -> list[Seen]:
        assert self.boxes is not None, "asked where there are some"
        rows, columns = image.shape[:2]
        given = [(each.box(columns, rows), each) for each in self.boxes.of_image(path)]
        if not given:
            raise DataError(f"{path}: no box for it in {self.boxes.path}")
        for box, _ in given:
            if not is_inside(box, columns, rows):
                where = ",".join(f"{value:.0f}" for value in box)
                raise DataError(f"{path}: the box {where} of {self.boxes.path} lies outside the {columns} x {rows} px")
            if not has_size(box, columns, rows):
                most = largest_side_px(columns, rows)
                raise DataError(f"{path}: a box of {self.boxes.path} has a side of {box.side:g} px; 1 to {most} can be")
        self.boxes.check_ids((each for _, each in given), shown(path))
        return [Seen(box, "given", each.score, each.id) for box, each in given]

    def _largest(self, boxes: list[Seen]) -> list[Seen]:
        return boxes if self.settings.people == "all" else sorted(boxes, key=lambda each: -each.box.side)[:1]

    def video(self, path: Path, progress: Progress, folder: Path) -> tuple[PoseResult, Video]:
        """Follow the people of one video; decoding and network work side by side, with time left on the screen.

        Poses of a long one wait in a nameless file in ``folder``, that memory does not grow with its length.
        """
        asked, clip = self.settings, Video(path, self.settings.every)
        camera = self.camera(clip.size_px)
        follower = self._follower(clip, camera.intrinsics_px)
        frames = SpooledFrames(folder)
        peaks: dict[int, dict[Box, Peaks]] = {}
        task = progress.add_task(path.name, total=len(clip) or None)
        for frame in clip.frames():
            kept: dict[Box, Peaks] = {}
            frames.append(follower(frame, collector(kept) if asked.smooth == "viterbi" else None))
            if kept:
                peaks[len(frames) - 1] = kept
            progress.advance(task)
            if len(frames) % _HAND_BACK_EVERY == 0:
                hand_back_freed_memory()
        progress.remove_task(task)
        smoothing, space = None, self.predictor.config.pose_space
        if isinstance(follower, FollowFound):
            frames = SpooledFrames(folder, tidied(frames))
        if peaks:
            frames = SpooledFrames(folder, follow_volumes(frames, peaks, camera.intrinsics_px, space))
            smoothing = ALONG_PATH
        if asked.smooth != "none" and can_smooth(frames):
            frames = SpooledFrames(folder, smoothed(frames, camera.intrinsics_px, space.skeleton.root))
            smoothing = f"{smoothing}; {FILTERED}" if smoothing else FILTERED
        source = Source("video", clip.size_px, shown(path), file_hash(path), clip.fps)
        notes = [clip.note]
        if isinstance(follower, FollowFile) and follower.left_out:
            boxes = "1 box" if follower.left_out == 1 else f"{follower.left_out} boxes"
            notes.append(f"{boxes} of {asked.boxes} left out: outside the picture, or no size that a person has")
        return self._result(source, camera, frames, smoothing, *notes), clip

    def _follower(self, clip: Video, intrinsics_px: np.ndarray) -> Follower:
        asked, everybody = self.settings, self.settings.people == "all"
        find = partial(self.find, often=True)
        if asked.box is not None:
            first = np.zeros((clip.size_px[1], clip.size_px[0], 3), np.uint8)
            start = check_box(Box(*asked.box), first)
            return FollowFound(self.predictor, intrinsics_px, find, start=start, looks=asked.looks)
        if self.boxes is not None:
            return FollowFile(self.predictor, intrinsics_px, self.boxes, clip.path, everybody=everybody)
        if asked.person == "whole":
            return FollowWhole(self.predictor, intrinsics_px)
        return FollowFound(self.predictor, intrinsics_px, find, everybody=everybody, looks=asked.looks)

    def _result(
        self, source: Source, camera: Camera, frames: Sequence[Frame], smoothing: str | None, *said: str | None
    ) -> PoseResult:
        notes = [note for note in said if note]
        behind = sum(not person.in_front for frame in frames for person in frame.people)
        if behind:
            poses = "of one pose" if behind == 1 else f"of {behind} poses"
            notes.append(f"no plausible distance {poses}: a joint lies behind the camera; try a tighter box")
        meaning = meaning_of(self.predictor.provenance, (person for frame in frames for person in frame.people))
        return PoseResult(
            source, camera, frames, root_depth_rule(self.predictor), self.model, meaning, smoothing,
            tuple(notes), self.predictor.config.pose_space,
        )  # fmt: skip


_FOCAL_WORDS = {"exif": "EXIF", "fov": "from fov", "given": "given", "assumed": "assumed"}
