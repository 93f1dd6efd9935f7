"""How well a finder finds: recall, overlap and false alarms on scenes whose people are known."""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

from c2fpose.prediction.finder.find import as_input
from c2fpose.prediction.finder.peaks import Peak, peaks
from c2fpose.prediction.finder.scenes import Scene

ENOUGH = 0.5  # of overlap (intersection over union): the person is found
THRESHOLDS = tuple(np.round(np.arange(0.1, 0.91, 0.05), 2))


@dataclass(frozen=True)
class Found:
    """What was found in some pictures."""

    pictures: int
    people: int
    recall: float  # share of the people of whose box a found one covers enough
    precision: float  # share of the boxes that are some person's
    overlap: float  # mean intersection over union of the boxes that are
    false_alarms: float  # boxes that are nobody's, a picture

    def as_dict(self) -> dict[str, float]:
        """Give plain values, rounded, for files."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


@torch.inference_mode()
def seen(network: nn.Module, scenes: list[Scene], least: float = THRESHOLDS[0]) -> list[list[Peak]]:
    """Find the peaks of each scene."""
    outputs = (network(torch.from_numpy(as_input([sight.image]))) for sight in scenes)
    return [peaks(output[0], least) for output in outputs]


def compare(truth: list[list[Peak]], found: list[list[Peak]], least: float) -> Found:
    """Match people to found boxes, each to one at most, by largest overlap, and count; peaks below ``least`` are not
    looked at."""
    people = alarms = hits = boxes = 0
    overlaps: list[float] = []
    for known, all_peaks in zip(truth, found, strict=True):
        kept = [peak for peak in all_peaks if peak.score >= least]
        people, boxes = people + len(known), boxes + len(kept)
        if known and kept:
            table = np.array([[one.overlap(other) for other in kept] for one in known])
            chosen = table[linear_sum_assignment(table, maximize=True)]
            overlaps += chosen[chosen >= ENOUGH].tolist()
    hits = len(overlaps)
    alarms = boxes - hits
    return Found(
        len(truth), people, hits / max(people, 1), hits / max(boxes, 1), float(np.mean(overlaps or [0])),
        alarms / max(len(truth), 1),
    )  # fmt: skip


def people_of(sight: Scene) -> list[Peak]:
    """List the people of a scene as boxes, of score 1."""
    return [Peak(center, float(side), 1.0) for center, side in zip(sight.center, sight.side, strict=True)]


def best_threshold(truth: list[list[Peak]], found: list[list[Peak]]) -> float:
    """Choose the score of the highest F1, the harmonic mean of recall and precision."""

    def f1(least: float) -> float:
        said = compare(truth, found, least)
        return 2 * said.recall * said.precision / max(said.recall + said.precision, 1e-9)

    return float(max(THRESHOLDS, key=f1))


def by_people(
    truth: list[list[Peak]], found: list[list[Peak]], least: float, most: int = 4
) -> dict[str, dict[str, float]]:
    """Compare separately the pictures of no person, of one, ... and of ``most`` or more, so that none is left out."""
    rows = {}
    for number in range(most + 1):
        which = [at for at, people in enumerate(truth) if min(len(people), most) == number]
        name = f"{most} or more" if number == most else str(number)
        rows[name] = compare([truth[at] for at in which], [found[at] for at in which], least).as_dict()
    return rows
