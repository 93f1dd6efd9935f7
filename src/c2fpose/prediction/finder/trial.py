"""Scenes that nobody was trained on, what the finder finds in them, and what the pose network thinks of it."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float
from torch import nn

from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.finder.cutouts import Cutout, Room
from c2fpose.prediction.finder.judge import CANDIDATE, MOST, Judge, confidences
from c2fpose.prediction.finder.measure import ENOUGH, people_of, seen
from c2fpose.prediction.finder.peaks import Peak, overlap
from c2fpose.prediction.finder.scenes import Scene, scene
from c2fpose.prediction.photo import Box

HELD_OUT = 10**8  # number of the first scene that training never reaches
DETAIL = 2  # pixels of the scenes for each of the finder's: the pose network sees what a photograph would show it


@dataclass(frozen=True)
class Trial:
    """Some scenes: their people, the peaks found, and each peak's mean confidence of joints."""

    truth: list[list[Peak]]
    found: list[list[Peak]]
    confidence: list[Float[np.ndarray, "_"]]

    def examples(self) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"], Bool[np.ndarray, " N"]]:
        """List all peaks: scores, confidences, and whether each box is some person's."""
        score = [peak.score for peaks in self.found for peak in peaks]
        right = [
            any(overlap(peak, person) >= ENOUGH for person in people)
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


def tried(
    seed: int,
    size: int,
    count: int,
    network: nn.Module,
    predictor: Predictor | None,
    cutouts: list[Cutout],
    rooms: list[Room],
) -> Trial:
    """Make ``count`` scenes, find people in them, and, if there is a pose network, look at each box once."""
    truth, found, sure = [], [], []
    for number in range(HELD_OUT, HELD_OUT + count):
        sight = scene(seed, number, DETAIL * size, cutouts, rooms)
        small = cv2.resize(sight.image, (size, size), interpolation=cv2.INTER_AREA)
        peaks = seen(network, [sight._replace(image=small)], CANDIDATE)[0][:MOST]
        truth.append(people_of(sight))
        found.append(peaks)
        sure.append(_confidences(predictor, sight, peaks) if predictor else np.zeros(len(peaks)))
    return Trial(truth, found, sure)


def _confidences(predictor: Predictor, sight: Scene, peaks: list[Peak]) -> Float[np.ndarray, " peaks"]:
    px = sight.image.shape[0]
    found = []
    for peak in peaks:
        left, top = (peak.center - peak.side / 2) * px
        found.append((Box(float(left), float(top), peak.side * px), peak.score))
    return confidences(predictor, sight.image, found)
