"""Calibration, on errors whose true distribution is known."""

import numpy as np
import pytest
import scipy.stats

from c2fpose.base.errors import DataError
from c2fpose.evaluation.calibration import (
    WITHIN_MM,
    Calibration,
    Observations,
    coverage,
    expected_calibration_error,
    fit,
    measure,
    squared_distances,
)


def random_covariances(number: int, generator: np.random.Generator) -> np.ndarray:
    roots = generator.normal(size=(number, 3, 3)) * generator.uniform(10, 60, (number, 1, 1))
    return roots @ roots.transpose(0, 2, 1) + 100 * np.eye(3)


def observed(number: int = 6000, factor: float = 3.0) -> tuple[Observations, np.ndarray]:
    """Errors drawn from covariances, which the network says too small; and which of the errors are small enough."""
    generator = np.random.default_rng(0)
    true = random_covariances(number, generator)
    error = np.einsum("mij,mj->mi", np.linalg.cholesky(true), generator.normal(size=(number, 3)))
    right = np.linalg.norm(error, axis=-1) <= WITHIN_MM
    sharp = np.sqrt(np.trace(true, axis1=1, axis2=2))
    return Observations(scipy.special.expit(4 - sharp / 60), true / factor**2, error), right


def test_ellipsoids_hold_as_often_as_they_say():
    seen, _ = observed()
    before = coverage(seen.covariance_mm2, seen.error_mm)
    assert before[0.9] < 0.5
    calibration = fit(seen.half(np.arange(6000) % 2 == 0))
    covered = measure(calibration, seen.half(np.arange(6000) % 2 == 1))["coverage"]
    for level in (0.5, 0.9, 0.95):
        assert covered[f"{level:g}"] == pytest.approx(level, abs=0.03)
    assert calibration.across == pytest.approx(3, rel=0.1) and calibration.along == pytest.approx(3, rel=0.1)


def test_confidences_become_probabilities():
    seen, right = observed()
    calibration = fit(seen.half(np.arange(6000) % 2 == 0))
    odd = np.arange(6000) % 2 == 1
    raw = expected_calibration_error(seen.confidence[odd], right[odd])
    after = expected_calibration_error(calibration.confidence(seen.confidence[odd]), right[odd])
    assert after < 0.05 < raw
    measured = measure(calibration, seen.half(odd))
    assert measured["expected_calibration_error"] == pytest.approx(after)
    distance = np.linalg.norm(seen.error_mm[odd], axis=-1)
    surest = distance[np.argsort(-seen.confidence[odd])[:2400]]  # four of five
    assert measured["error_of_surest_mm"] == pytest.approx(surest.mean(), rel=1e-6)
    assert measured["error_mm"] == pytest.approx(distance.mean()) and surest.mean() < 0.95 * distance.mean()


def test_a_confidence_that_is_right_stays_as_it_is():
    said = np.array([0.001, 0.2, 0.5, 0.97, 0.999])
    np.testing.assert_allclose(Calibration(1.0, 0.0, 1.0, 1.0, 0.0, 0.0).confidence(said), said)
    odds = said**2 / (1 - said) ** 2 * np.e
    np.testing.assert_allclose(Calibration(2.0, 1.0, 1.0, 1.0, 0.0, 0.0).confidence(said), odds / (1 + odds))


def test_a_network_that_was_never_wrong_is_not_said_to_be_certain():
    """Platt's targets: of 8 joints that are all right, 9 of 10 are."""
    calibration = fit(Observations(np.full(8, 0.5), None, np.ones((8, 3))))
    np.testing.assert_allclose(calibration.confidence(np.array([0.5])), 0.9, atol=1e-4)


def test_expected_calibration_error_is_the_textbooks():
    confidence = np.array([0.05, 0.05, 0.95, 0.95, 0.95, 0.55])
    right = np.array([False, True, True, True, False, True])
    expected = (2 * abs(0.05 - 0.5) + 3 * abs(0.95 - 2 / 3) + abs(0.55 - 1)) / 6
    assert expected_calibration_error(confidence, right) == pytest.approx(expected)


def test_what_is_measured_is_counted_by_hand():
    said, off = np.array([1.0, 1.0, 1.0, 0.35, 0.35, 0.0]), np.array([10.0, 20.0, 300.0, 40.0, 500.0, 600.0])
    error = np.stack([off, 0 * off, 0 * off], -1)
    found = measure(Calibration(2.0, 1.0, 0.0, 0.0, 0.0, 0.0), Observations(said, None, error))
    assert found["share_within"] == 0.5
    assert found["expected_calibration_error_raw"] == pytest.approx((3 * (1 - 2 / 3) + 2 * (0.5 - 0.35) + 0) / 6)
    middle = 1 / (1 + np.exp(-(2 * np.log(0.35 / 0.65) + 1)))
    np.testing.assert_allclose(found["reliability"], [[0, 0, 1], [middle, 0.5, 2], [1, 2 / 3, 3]], atol=1e-6)


def test_distances_are_mahalanobis():
    generator = np.random.default_rng(1)
    covariances, errors = random_covariances(5, generator), generator.normal(size=(5, 3)) * 30
    from scipy.spatial.distance import mahalanobis

    expected = [mahalanobis(e, np.zeros(3), np.linalg.inv(c)) ** 2 for e, c in zip(errors, covariances, strict=True)]
    np.testing.assert_allclose(squared_distances(covariances, errors), expected)


def test_a_network_that_says_nothing_of_depth_gets_a_floor():
    generator = np.random.default_rng(2)
    error = generator.normal(size=(4000, 3)) * np.array([20, 20, 80])
    flat = np.broadcast_to(np.diag([400.0, 400.0, 1.0]), (4000, 3, 3))
    calibration = fit(Observations(np.full(4000, 0.5), flat, error))
    deviation = np.sqrt(np.diag(calibration.covariance_mm2(flat[0])))
    np.testing.assert_allclose(deviation, [20, 20, 80], rtol=0.08)


def test_values_come_back_and_others_are_refused():
    calibration = Calibration(1.5, -0.2, 2.0, 3.0, 10.0, 20.0)
    assert Calibration.of(calibration.as_dict()) == calibration
    fitted = fit(observed(200)[0]).as_dict()
    assert {type(value) for value in fitted.values()} == {float}
    with pytest.raises(DataError, match="nothing to calibrate by"):
        Observations(np.array([np.nan]), np.eye(3)[None], np.zeros((1, 3)))
    with pytest.raises(DataError, match="nothing to calibrate by"):
        Observations(np.zeros(0), np.zeros((0, 3, 3)), np.zeros((0, 3)))
