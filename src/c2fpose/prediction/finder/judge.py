"""A second opinion on what the finder found: the pose network's, which is unsure of joints where nobody is."""

from typing import NamedTuple

import numpy as np
import scipy  # scipy.optimize, which takes most of a second to import, comes when it is used
from jaxtyping import Bool, Float, UInt8

from c2fpose.prediction.certainty import calibration_of
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.finder.find import people_in
from c2fpose.prediction.finder.weights import TrainedFinder
from c2fpose.prediction.focal import camera_of
from c2fpose.prediction.people import TOGETHER, poses_in, seen_of
from c2fpose.prediction.photo import Box

# The least chance of a box that is kept. On scenes F1 hardly differs from 0.2 to 0.5, so that nothing there chooses; a
# person who is missed is worse than one too many, who shows the chance (docs/finder.md has what each value finds).
LEAST_CHANCE = 0.2
LEAST_CHANCE_OFTEN = 0.4  # where people are looked for several times a second: nobody is missed for long
CANDIDATE = 0.1  # least score of a peak that is looked at ...
MOST = TOGETHER  # ... and so many at most, the surest


class Judge(NamedTuple):
    """Weighs a peak's score and the mean confidence of the joints in its box: a logistic regression."""

    score: float  # weight of the score's logit
    confidence: float
    constant: float
    least: float  # the chance that a person needs

    def chance(self, score: Float[np.ndarray, " N"], confidence: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Give the chance that boxes are people's, from scores and mean confidences of 0..1."""
        return 1 / (1 + np.exp(-_features(score, confidence) @ self[:3]))


def fitted(
    score: Float[np.ndarray, " N"], confidence: Float[np.ndarray, " N"], right: Bool[np.ndarray, " N"]
) -> tuple[float, float, float]:
    """Fit a judge's three weights to boxes that are, or are not, some person's."""
    features, sign = _features(score, confidence), np.where(right, 1.0, -1.0)

    def loss(weights: Float[np.ndarray, "3"]) -> float:
        return float(np.logaddexp(0, -sign * (features @ weights)).mean() + 1e-4 * (weights @ weights))

    first, second, third = scipy.optimize.minimize(loss, np.zeros(3)).x
    return float(first), float(second), float(third)


def find_people(
    predictor: Predictor,
    finder: TrainedFinder,
    image: UInt8[np.ndarray, "rows columns 3"],
    least: float | None = None,
    often: bool = False,
) -> list[tuple[Box, float]]:
    """Find people: boxes in px and the chances that they are people's, the surest first.

    Boxes of which the finder is little sure are looked at too, once, by the pose network; its confidence decides. A
    network that is not calibrated has none: then the finder alone decides, and the chance is its score. ``least``: the
    chance that a person needs; None: the finder file's, and ``LEAST_CHANCE_OFTEN`` at least where the same people
    are looked for ``often``, as in a video.
    """
    if finder.judge is None or calibration_of(predictor.provenance) is None:
        return people_in(finder, image, least)
    judge = Judge(**finder.judge)
    found = people_in(finder, image, CANDIDATE)[:MOST]
    chances = judge.chance(np.array([score for _, score in found]), confidences(predictor, image, found))
    if least is None:
        least = max(judge.least, LEAST_CHANCE_OFTEN) if often else judge.least
    sure = [(box, float(chance)) for (box, _), chance in zip(found, chances, strict=True) if chance >= least]
    return sorted(sure, key=lambda each: -each[1])


def confidences(
    predictor: Predictor, image: UInt8[np.ndarray, "rows columns 3"], found: list[tuple[Box, float]]
) -> Float[np.ndarray, " N"]:
    """Give the mean confidence of the joints in each box, as a calibrated network sees them; an ordinary camera."""
    people = poses_in(predictor, image, seen_of(found), camera_of((image.shape[1], image.shape[0])).intrinsics_px)
    return np.array([0.0 if each.confidence is None else float(each.confidence.mean()) for each in people])


def _features(score: Float[np.ndarray, " N"], confidence: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N 3"]:
    score = np.clip(score, 1e-6, 1 - 1e-6)
    return np.stack([np.log(score / (1 - score)), confidence, np.ones_like(score)], -1)
