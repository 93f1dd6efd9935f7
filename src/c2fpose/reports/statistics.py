"""Statistics of a table: what is spread over seeds, what differs between rows, and what a validation curve says. Pure.

Frames of one sequence are nearly the same picture, so differences over test images are clustered: images of one subject
and action vary together, and only such groups count as independent. Seeds are a second, separate source of spread; a
difference that is to hold beyond both has to be significant in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Float, Int

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """First minus second, mm, with its interval and two-sided p value; ``groups`` is what it rests on."""

    mean_mm: float
    low_mm: float
    high_mm: float
    p: float
    groups: int

    @property
    def significant(self) -> bool:
        """Whether the difference is other than none at ``CONFIDENCE``."""
        return self.p < 1 - CONFIDENCE


def mean_and_half_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the 95 % Student interval over seeds; NaN for the latter with fewer than two values."""
    seeds = np.asarray(values, float)
    if len(seeds) < 2:
        return (float(seeds[0]) if len(seeds) else float("nan")), float("nan")
    quantile = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, len(seeds) - 1)
    return float(seeds.mean()), float(quantile * scipy.stats.sem(seeds))


def paired_difference(
    first_mm: Float[np.ndarray, " N"], second_mm: Float[np.ndarray, " N"], cluster: Int[np.ndarray, " N"]
) -> Difference | None:
    """Mean difference over the same N images, its spread from clusters of images; None for a single cluster.

    The variance of a mean over clusters of unequal size: the sums of residuals by cluster count once each
    (Cochran's ratio estimator, Student's t with one degree of freedom less than clusters).
    """
    difference = np.asarray(first_mm, float) - np.asarray(second_mm, float)
    _, index = np.unique(cluster, return_inverse=True)
    groups = int(index.max()) + 1
    if groups < 2:
        return None
    mean = difference.mean()
    sums = np.bincount(index, difference - mean)
    error = np.sqrt(groups / (groups - 1) * (sums**2).sum()) / len(difference)
    if not error:
        return Difference(float(mean), float(mean), float(mean), float(mean == 0), groups)
    student = scipy.stats.t(groups - 1, loc=mean, scale=error)
    low, high = student.interval(CONFIDENCE)
    p = 2 * scipy.stats.t.sf(abs(mean) / error, groups - 1)
    return Difference(float(mean), float(low), float(high), float(p), groups)


def seed_difference(first_mm: Sequence[float], second_mm: Sequence[float], paired: bool = False) -> Difference | None:
    """Difference of two rows' means over their seeds (Welch); None with fewer than two seeds in either.

    ``paired``: both rows have the same networks, in the same order, read in two ways. What a seed does to its network
    is then in both and drops out (the paired t-test).
    """
    a, b = np.asarray(first_mm, float), np.asarray(second_mm, float)
    if min(len(a), len(b)) < 2:
        return None
    mean, groups = float(a.mean() - b.mean()), len(a) if paired else len(a) + len(b)
    if not (np.ptp(a - b) if paired else np.ptp(a) + np.ptp(b)):  # no spread at all
        return Difference(mean, mean, mean, float(mean == 0), groups)
    test = scipy.stats.ttest_rel(a, b) if paired else scipy.stats.ttest_ind(a, b, equal_var=False)
    interval = test.confidence_interval(CONFIDENCE)
    return Difference(mean, float(interval.low), float(interval.high), float(test.pvalue), groups)


def value_at(positions: Float[np.ndarray, " P"], values: Float[np.ndarray, " P"], position: float) -> float:
    """Read a curve between its points (linear); NaN outside of them."""
    positions, values = np.asarray(positions, float), np.asarray(values, float)
    if not len(positions) or not positions[0] <= position <= positions[-1]:
        return float("nan")
    return float(np.interp(position, positions, values))


def gained_at_the_end(values: Float[np.ndarray, " P"]) -> float:
    """How much a validation error fell over the last quarter of training, by a line through its points there, mm.

    NaN with fewer than three points in the quarter. About 0: flat.
    """
    values = np.asarray(values, float)
    last = values[-max(1, len(values) // 4) - 1 :]
    if len(last) < 3:
        return float("nan")
    return float(-np.polyfit(np.arange(len(last)), last, 1)[0] * (len(last) - 1))
