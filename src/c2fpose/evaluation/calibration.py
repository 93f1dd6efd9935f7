"""How sure a network is, made true: confidences that are probabilities, ellipsoids that hold as often as they say.

Fitted on one half of the validation images and measured on the other. Pure: arrays in, a ``Calibration`` out. Errors
are of joints in the camera frame with the root's true depth given, millimetres.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy  # scipy.optimize, which takes most of a second to import, comes when it is used
import scipy.special  # scipy.stats would take a quarter of a second more to import
from jaxtyping import Bool, Float

from c2fpose.base.errors import DataError

WITHIN_MM = 100.0  # a confidence is the probability of an error below this
LEVELS = (0.5, 0.9, 0.95)  # whose ellipsoids are counted
ECE_BINS = 10  # of equal width, for the expected calibration error
SUREST = 0.8  # share of the joints whose error is told apart
_LEAST = 1e-4  # confidences are held this far from 0 and 1, where their logit would not be finite


@dataclass(frozen=True)
class Calibration:
    """What raw confidences and covariances are put right by."""

    slope: float  # confidence = logistic(slope * logit(raw) + offset)
    offset: float
    across: float  # standard deviations along the camera's x and y times this ...
    along: float  # ... and along its z times this, 0 where the network's own says nothing
    floor_across_mm: float  # standard deviations that are added, squared, to those ...
    floor_along_mm: float
    within_mm: float = WITHIN_MM

    @property
    def meaning(self) -> str:
        """Say what a confidence is the probability of."""
        return (
            f"probability that the joint is within {self.within_mm:g} mm of its true place, the root's depth given; "
            "calibrated on validation images"
        )

    def confidence(self, raw: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch"]:
        """Make probabilities of raw confidences."""
        return scipy.special.expit(self.slope * _logit(raw) + self.offset)

    def covariance_mm2(self, raw_mm2: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 3 3"]:
        """Scale raw covariances, and add what no network knows of itself."""
        scale = np.array([self.across, self.across, self.along])
        floor = np.diag(np.square([self.floor_across_mm, self.floor_across_mm, self.floor_along_mm]))
        return np.asarray(raw_mm2, np.float64) * (scale[:, None] * scale) + floor

    def as_dict(self) -> dict[str, float]:
        """Give plain values, for JSON and checkpoints, which hold no NumPy numbers."""
        return {name: float(value) for name, value in asdict(self).items()}

    @classmethod
    def of(cls, values: dict[str, Any]) -> Calibration:
        """Take the values of ``as_dict``."""
        return cls(**{name: float(values[name]) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Observations:
    """Joints of which both is known: what the network said of its certainty, and its error. M joints of all images."""

    confidence: Float[np.ndarray, " M"]  # raw
    covariance_mm2: Float[np.ndarray, "M 3 3"] | None  # raw; None where a network says a confidence alone
    error_mm: Float[np.ndarray, "M 3"]  # predicted less true

    def __post_init__(self) -> None:
        every = (self.confidence, self.covariance_mm2, self.error_mm)
        if not len(self.confidence) or not all(values is None or np.isfinite(values).all() for values in every):
            raise DataError("nothing to calibrate by: no joints, or certainties and errors that are not finite")

    def half(self, which: Bool[np.ndarray, " M"]) -> Observations:
        """Take some of them."""
        covariance = None if self.covariance_mm2 is None else self.covariance_mm2[which]
        return Observations(self.confidence[which], covariance, self.error_mm[which])


def fit(seen: Observations) -> Calibration:
    """Fit a calibration: the likelihood of the errors first, then one factor that makes 90 % ellipsoids hold 90 %.

    Without covariances the confidence alone is fitted, and the rest is 0.
    """
    slope, offset = _logistic(seen)
    raw_mm2 = seen.covariance_mm2
    if raw_mm2 is None:
        return Calibration(slope, offset, 0.0, 0.0, 0.0, 0.0)
    scale = np.sqrt(np.mean(np.square(seen.error_mm), axis=0))
    start = np.log([1.0, 1.0, max(scale[:2].mean(), 1e-3), max(scale[2], 1e-3)])

    def cost(logs: np.ndarray) -> float:
        return _negative_log_likelihood(_of_logs(logs, slope, offset).covariance_mm2(raw_mm2), seen)

    best = scipy.optimize.minimize(cost, start, method="Nelder-Mead", options={"maxiter": 600, "xatol": 1e-3})
    found = _of_logs(best.x, slope, offset)
    distance = squared_distances(found.covariance_mm2(raw_mm2), seen.error_mm)
    factor = math.sqrt(np.quantile(distance, 0.9) / scipy.special.chdtri(3, 1 - 0.9))
    return Calibration(
        slope, offset, found.across * factor, found.along * factor,
        found.floor_across_mm * factor, found.floor_along_mm * factor,
    )  # fmt: skip


def squared_distances(
    covariance_mm2: Float[np.ndarray, "M 3 3"], error_mm: Float[np.ndarray, "M 3"]
) -> Float[np.ndarray, " M"]:
    """Give squared Mahalanobis distances: below the quantile of chi squared with 3 degrees, an ellipsoid holds."""
    return np.einsum("mi,mi->m", error_mm, np.linalg.solve(covariance_mm2, error_mm[..., None])[..., 0])


def coverage(
    covariance_mm2: Float[np.ndarray, "M 3 3"], error_mm: Float[np.ndarray, "M 3"], levels: tuple[float, ...] = LEVELS
) -> dict[float, float]:
    """Give the share of joints inside the ellipsoids of some levels."""
    distance = squared_distances(covariance_mm2, error_mm)
    return {level: float((distance <= scipy.special.chdtri(3, 1 - level)).mean()) for level in levels}


def reliability(
    confidence: Float[np.ndarray, " M"], right: Bool[np.ndarray, " M"], bins: int = ECE_BINS
) -> list[tuple[float, float, int]]:
    """Give mean confidence, share that is right and number of joints for bins of equal width; empty ones left out."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = [(confidence[place == i], right[place == i]) for i in range(bins)]
    return [(float(c.mean()), float(r.mean()), len(c)) for c, r in rows if len(c)]


def expected_calibration_error(
    confidence: Float[np.ndarray, " M"], right: Bool[np.ndarray, " M"], bins: int = ECE_BINS
) -> float:
    """Give the mean gap between confidence and share that is right, over the bins, weighted by their joints."""
    rows = reliability(confidence, right, bins)
    return sum(number * abs(said - found) for said, found, number in rows) / len(confidence)


def measure(calibration: Calibration, seen: Observations) -> dict[str, Any]:
    """Measure a calibration on joints that it was not fitted on: plain values, for JSON."""
    distance = np.linalg.norm(seen.error_mm, axis=-1)
    right = distance <= calibration.within_mm
    before, after = seen.confidence.clip(0, 1), calibration.confidence(seen.confidence)
    surest = np.argsort(-after, kind="stable")[: max(1, round(SUREST * len(after)))]
    raw_mm2 = seen.covariance_mm2
    covered = {} if raw_mm2 is None else coverage(calibration.covariance_mm2(raw_mm2), seen.error_mm)
    return {
        "joints": len(distance),
        "within_mm": calibration.within_mm,
        "share_within": float(right.mean()),
        "expected_calibration_error_raw": expected_calibration_error(before, right),
        "expected_calibration_error": expected_calibration_error(after, right),
        "coverage": {f"{level:g}": share for level, share in covered.items()},
        "error_mm": float(distance.mean()),
        "error_of_surest_mm": float(distance[surest].mean()),
        "surest": SUREST,
        "reliability": reliability(after, right),
    }


def _logit(raw: np.ndarray) -> np.ndarray:
    return scipy.special.logit(np.clip(np.asarray(raw, np.float64), _LEAST, 1 - _LEAST))


def _logistic(seen: Observations) -> tuple[float, float]:
    """Slope and offset of the likeliest logistic curve from raw confidence to right or wrong (Platt's scaling)."""
    x, right = _logit(seen.confidence), np.linalg.norm(seen.error_mm, axis=-1) <= WITHIN_MM
    # Platt's targets, which keep a curve through data without a wrong one finite
    target = np.where(right, (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2))

    def cost(line: np.ndarray) -> float:
        value = line[0] * x + line[1]
        return float(np.mean(np.logaddexp(0, value) - target * value))

    best = scipy.optimize.minimize(cost, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0, 20), (-50, 50)])
    return float(best.x[0]), float(best.x[1])


def _of_logs(logs: np.ndarray, slope: float, offset: float) -> Calibration:
    across, along, floor_across, floor_along = np.exp(np.clip(logs, -12, 12))
    return Calibration(slope, offset, across, along, floor_across, floor_along)


def _negative_log_likelihood(covariance_mm2: np.ndarray, seen: Observations) -> float:
    """Of errors with a normal distribution, a constant left out, mean over joints."""
    determinant = np.linalg.slogdet(covariance_mm2)[1]
    return float(np.mean(determinant + squared_distances(covariance_mm2, seen.error_mm)) / 2)
