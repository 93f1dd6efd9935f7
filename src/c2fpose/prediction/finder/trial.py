"""Scenes that nobody was trained on, what the finder finds in them, and what the pose network makes of it."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float
from torch import nn

from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.finder.cutouts import Cutout, Room
from c2fpose.prediction.finder.judge import CANDIDATE, MOST, Judge, confidences
from c2fpose.prediction.finder.measure import ENOUGH, people_of, seen
from c2fpose.prediction.finder.peaks import Peak
from c2fpose.prediction.finder.scenes import Scene, scene
from c2fpose.prediction.focal import camera_of
from c2fpose.prediction.people import second_looks, seen_of, without_doubles
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import PersonPose

HELD_OUT = 10**8  # number of the first scene that training never reaches
DETAIL = 2  # pixels of the scenes for each of the finder's: the pose network sees what a photograph would show it


@dataclass(frozen=True)
class Trial:
    """Some scenes: their people, the peaks found, each peak's mean confidence of joints, and its pose after a second
    look, from which ``predict`` goes on."""

    truth: list[list[Peak]]
    found: list[list[Peak]]
    confidence: list[Float[np.ndarray, "_"]]
    poses: list[list[PersonPose]] = field(default_factory=list)  # none without a pose network
    frame_px: int = 1  # side of the scenes
    mirror: tuple[int, ...] = ()  # each joint's other side

    def examples(self) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"], Bool[np.ndarray, " N"]]:
        """List all peaks: scores, confidences, and whether each box is some person's."""
        score = [peak.score for peaks in self.found for peak in peaks]
        right = [
            any(peak.overlap(person) >= ENOUGH for person in people)
            for people, peaks in zip(self.truth, self.found, strict=True)
            for peak in peaks
        ]
        return np.array(score), np.concatenate(self.confidence), np.array(right, bool)

    def judged(self, judge: Judge) -> "Trial":
        """Give the same trial with chances in the place of scores."""
        found = []
        for peaks, confidence in zip(self.found, self.confidence, strict=True):
            chances = judge.chance(np.array([peak.score for peak in peaks]), confidence)
            found.append([peak._replace(score=float(chance)) for peak, chance in zip(peaks, chances, strict=True)])
        return replace(self, found=found)

    def looked_at(self) -> "Trial":
        """Give the same trial with the boxes of the second look, and of those on one person the surest alone."""
        found = []
        for peaks, poses in zip(self.found, self.poses, strict=True):
            order = sorted(range(len(peaks)), key=lambda at: -peaks[at].score)
            people = [replace(poses[at], box_score=peaks[at].score) for at in order]
            found.append([_peak(person, self.frame_px) for person in without_doubles(people, self.mirror)])
        return replace(self, found=found)


def tried(
    seed: int,
    size: int,
    count: int,
    network: nn.Module,
    predictor: Predictor | None,
    cutouts: list[Cutout],
    rooms: list[Room],
) -> Trial:
    """Make ``count`` scenes, find people in them, and, if there is a pose network, look at each box."""
    truth, found, sure, poses = [], [], [], []
    for number in range(HELD_OUT, HELD_OUT + count):
        sight = scene(seed, number, DETAIL * size, cutouts, rooms)
        small = cv2.resize(sight.image, (size, size), interpolation=cv2.INTER_AREA)
        peaks = seen(network, [sight._replace(image=small)], CANDIDATE)[0][:MOST]
        boxes = _boxes(peaks, DETAIL * size)
        truth.append(people_of(sight))
        found.append(peaks)
        sure.append(confidences(predictor, sight.image, boxes) if predictor else np.zeros(len(peaks)))
        poses.append(_second_looks(predictor, sight, boxes) if predictor else [])
    mirror = () if predictor is None else predictor.config.pose_space.skeleton.mirror
    return Trial(truth, found, sure, poses, DETAIL * size, mirror)


def _boxes(peaks: list[Peak], px: int) -> list[tuple[Box, float]]:
    corners = [(peak.center - peak.side / 2) * px for peak in peaks]
    return [
        (Box(float(left), float(top), peak.side * px), peak.score)
        for (left, top), peak in zip(corners, peaks, strict=True)
    ]


def _second_looks(predictor: Predictor, sight: Scene, found: list[tuple[Box, float]]) -> list[PersonPose]:
    camera = camera_of((sight.image.shape[1], sight.image.shape[0])).intrinsics_px
    return second_looks(predictor, sight.image, seen_of(found), camera)[1]


def _peak(person: PersonPose, px: int) -> Peak:
    box = person.box
    center = np.array([box.left + box.side / 2, box.top + box.side / 2]) / px
    return Peak(center, box.side / px, person.box_score or 0.0)
