"""People through a video: found now and then, followed in between by the joints of the frame before.

Each follower takes frames in order and gives their people under ids that stay. ``tidied`` then takes back what later
frames have shown to be nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import scipy  # scipy.optimize, which takes most of a second to import, comes when it is used
from jaxtyping import Float

from c2fpose.prediction.boxes import BoxFile
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.people import (
    LEAST_SHARE,
    LOOSE,
    Seen,
    Volumes,
    not_below,
    poses_in,
    same_person,
    second_looks,
    seen_of,
)
from c2fpose.prediction.photo import Box, has_size, is_inside, whole_box
from c2fpose.prediction.result import Frame, PersonPose
from c2fpose.prediction.tracks import Track, Tracker
from c2fpose.prediction.video import VideoFrame

LOOK_EVERY_S = 0.2  # the finder looks at all of the picture so often
LOST_AFTER_S = 1.0  # a person whom it does not see for so long is gone
BRIEF_S = 0.35  # who was seen for less was nobody
NEAR = 0.3  # intersection over union of a box found and one expected that are one person's

Find = Callable[[np.ndarray], list[tuple[Box, float]]]


class Follower(Protocol):
    """Takes the frames of a video in order; gives the people of each."""

    def __call__(self, frame: VideoFrame, volumes: Volumes | None = None) -> Frame:
        """Say who is in the next frame."""


class FollowFound:
    """People whom a finder finds; or one person in a box given for the first frame, if ``start`` is set."""

    def __init__(
        self,
        predictor: Predictor,
        intrinsics_px: Float[np.ndarray, " 4"],
        find: Find,
        *,
        everybody: bool = True,
        start: Box | None = None,
        looks: int = 1,
    ) -> None:
        self.predictor, self.intrinsics_px = predictor, intrinsics_px
        self.find, self.everybody, self.start, self.looks = find, everybody, start, looks
        self.tracker = Tracker(self.predictor.config.pose_space.skeleton.root)
        self._looked_s = -np.inf

    def __call__(self, frame: VideoFrame, volumes: Volumes | None = None) -> Frame:
        """Follow everybody into one more frame."""
        expected = [
            (track, not_below(track.expected_box(frame.time_s), LEAST_SHARE * track.found_side_px))
            for track in self.tracker.tracks
        ]
        looked, new = self._new_boxes(frame, expected)
        if new and self.looks > 1 and self.start is None:  # a box that was given is taken as it is
            new, _ = second_looks(self.predictor, frame.image, new, self.intrinsics_px, self.looks)
        boxes = [Seen(box, "tracked") for _, box in expected] + new
        people = poses_in(self.predictor, frame.image, boxes, self.intrinsics_px, volumes)
        kept = self._without_doubles(people)
        tracks = self._tracks_of([people[at] for at in kept], frame.time_s)
        for at, track in zip(kept, tracks, strict=True):
            if at >= len(expected):
                track.found_side_px = boxes[at].box.side
            if looked and (at >= len(expected) or expected[at][0].seen_s == frame.time_s):
                track.seen_s = frame.time_s
        lost = [track for track in self.tracker.tracks if frame.time_s - track.seen_s > LOST_AFTER_S]
        self.tracker.end(lost)
        found = tuple(
            replace(people[at], id=track.id, observed=self._sure(track, frame.time_s))
            for at, track in zip(kept, tracks, strict=True)
        )
        return Frame(found, frame.index, frame.time_s)

    def _tracks_of(self, people: list[PersonPose], time_s: float) -> list[Track]:
        """Match poses to tracks. In a box that was given there is one person, also behind a cut, where it looks new."""
        if self.start is None or not self.tracker.tracks:
            return self.tracker.assign(people, time_s)
        for track, person in zip(self.tracker.tracks, people, strict=True):
            track.take(person, time_s)
        return self.tracker.tracks

    def _sure(self, track: Track, time_s: float) -> bool:
        """Whether the last look that there was has seen the person."""
        return self.start is not None or track.seen_s >= self._looked_s or track.seen_s == time_s

    def _new_boxes(self, frame: VideoFrame, expected: list[tuple[Track, Box]]) -> tuple[bool, list[Seen]]:
        """Look for people where nobody is expected; tell tracks that they were seen. Whether it looked, and boxes."""
        if self.start is not None:
            for track, _ in expected:
                track.seen_s = frame.time_s
            if not expected:
                return True, [Seen(self.start, "given")]
        if expected and frame.time_s - self._looked_s < LOOK_EVERY_S:
            return False, []
        self._looked_s = frame.time_s
        found = self.find(frame.image)
        taken: set[int] = set()
        if found and expected:
            table = np.array([[other.overlap(box) for _, box in expected] for other, _ in found])
            for row, column in zip(*scipy.optimize.linear_sum_assignment(table, maximize=True), strict=True):
                if table[row, column] > NEAR:
                    expected[column][0].seen_s = frame.time_s
                    expected[column][0].found_side_px = LOOSE * found[row][0].side
                    taken.add(int(row))
        if self.start is not None:
            return True, []
        new = seen_of([each for at, each in enumerate(found) if at not in taken])
        if not self.everybody:
            new = [] if expected else sorted(new, key=lambda each: -each.box.side)[:1]
        return True, new

    def _without_doubles(self, people: list[PersonPose]) -> list[int]:
        """Positions without those whose pose an earlier one has: a new box on somebody who is followed already, or two
        tracks that have come to the same person."""
        mirror = self.predictor.config.pose_space.skeleton.mirror
        kept: list[int] = []
        for at, person in enumerate(people):
            if not any(same_person(people[other], person, mirror) for other in kept):
                kept.append(at)
        return kept


class FollowWhole:
    """One person, whom all of each frame shows."""

    def __init__(self, predictor: Predictor, intrinsics_px: Float[np.ndarray, " 4"]) -> None:
        self.predictor, self.intrinsics_px = predictor, intrinsics_px

    def __call__(self, frame: VideoFrame, volumes: Volumes | None = None) -> Frame:
        """Predict the whole frame."""
        box = [Seen(whole_box(frame.image), "whole")]
        return Frame(
            tuple(poses_in(self.predictor, frame.image, box, self.intrinsics_px, volumes)), frame.index, frame.time_s
        )


class FollowFile:
    """People in the boxes of a file; its ids if it has some, else those that the tracker finds."""

    def __init__(
        self,
        predictor: Predictor,
        intrinsics_px: Float[np.ndarray, " 4"],
        boxes: BoxFile,
        video: Path,
        *,
        everybody: bool = True,
    ) -> None:
        self.predictor, self.intrinsics_px = predictor, intrinsics_px
        self.boxes, self.video, self.everybody = boxes, video, everybody
        self.left_out = 0  # boxes that show nothing of their frame
        # From there on ids are new
        self._free = 1 + max((each.id for each in boxes if each.id is not None), default=-1)
        self.tracker = Tracker(self.predictor.config.pose_space.skeleton.root)

    def __call__(self, frame: VideoFrame, volumes: Volumes | None = None) -> Frame:
        """Predict a frame's boxes."""
        rows, columns = frame.image.shape[:2]
        given = [(each.box(columns, rows), each) for each in self.boxes.of_frame(frame.index, self.video)]
        shown = [(box, each) for box, each in given if is_inside(box, columns, rows) and has_size(box, columns, rows)]
        self.left_out += len(given) - len(shown)
        given = shown
        if not self.everybody:
            given = sorted(given, key=lambda pair: -pair[0].side)[:1]
        boxes = [Seen(box, "given", each.score) for box, each in given]
        people = poses_in(self.predictor, frame.image, boxes, self.intrinsics_px, volumes)
        self.boxes.check_ids((each for _, each in given), f"frame {frame.index} (from 0)")
        unknown = [person for person, (_, each) in zip(people, given, strict=True) if each.id is None]
        tracks = iter(self.tracker.assign(unknown, frame.time_s))  # the file does not say who they are
        found = tuple(
            replace(person, id=self._free + next(tracks).id if each.id is None else each.id)
            for person, (_, each) in zip(people, given, strict=True)
        )
        self.tracker.end([each for each in self.tracker.tracks if frame.time_s - each.time_s > LOST_AFTER_S])
        return Frame(found, frame.index, frame.time_s)


def tidied(frames: Sequence[Frame]) -> Iterator[Frame]:
    """Take back tracks of less than a third of a second and what was only expected after the last sight of somebody;
    number those who are left from 0 in the order of their coming."""
    times = [frame.time_s for frame in frames]
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    spans: dict[int, list[float]] = {}
    for frame in frames:
        for person in frame.people:
            if person.observed:
                span = spans.setdefault(person.id, [frame.time_s, frame.time_s])
                span[1] = frame.time_s
    whole = times[-1] - times[0] + step if times else 0.0
    long = {id for id, (first, last) in spans.items() if last - first + step >= min(BRIEF_S, whole / 2)}
    numbers = {id: number for number, id in enumerate(sorted(long, key=lambda id: (spans[id][0], id)))}
    for frame in frames:
        people = (
            replace(person, id=numbers[person.id])
            for person in frame.people
            if person.id in numbers and frame.time_s <= spans[person.id][1]
        )
        yield replace(frame, people=tuple(people))
