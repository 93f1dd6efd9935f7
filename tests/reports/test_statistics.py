"""Intervals and differences, against SciPy and by what they must not depend on."""

import numpy as np
import pytest
import scipy.stats

from c2fpose.reports.statistics import (
    mean_and_half_interval,
    paired_difference,
    seed_difference,
)


def test_intervals_over_seeds_are_students():
    values = [101.0, 97.0, 104.5]
    mean, half = mean_and_half_interval(values)
    low, high = scipy.stats.t.interval(0.95, 2, np.mean(values), scipy.stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert mean_and_half_interval([5.0])[0] == 5.0 and np.isnan(mean_and_half_interval([5.0])[1])
    assert np.isnan(mean_and_half_interval([])[0])


def test_paired_difference_with_single_images_is_the_paired_t_test():
    random = np.random.default_rng(0)
    first, second = random.normal(100, 10, 40), random.normal(97, 10, 40)
    found = paired_difference(first, second, np.arange(40))
    expected = scipy.stats.ttest_rel(first, second)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.low_mm, found.high_mm) == pytest.approx((interval.low, interval.high))


def test_copies_of_an_image_add_nothing():
    """Frames of one sequence: with copies, the test is that of the sequences' means; unclustered it would be surer."""
    random = np.random.default_rng(1)
    difference = random.normal(3, 10, 12)
    copied, cluster = np.repeat(difference, 50), np.repeat(np.arange(12), 50)
    found = paired_difference(copied, np.zeros(600), cluster)
    assert found.p == pytest.approx(scipy.stats.ttest_1samp(difference, 0).pvalue)
    assert found.p > 10 * paired_difference(copied, np.zeros(600), np.arange(600)).p
    assert paired_difference(copied, np.zeros(600), np.zeros(600, int)) is None


def test_clusters_of_unequal_size_by_hand():
    """Sums of residuals -3 and 3 about the mean of all images, 2: a standard error of sqrt(2 (9 + 9)) / 4."""
    found = paired_difference(np.array([1.0, 1.0, 1.0, 5.0]), np.zeros(4), np.array([7, 7, 7, 3]))
    half = scipy.stats.t.ppf(0.975, 1) * 1.5
    assert (found.mean_mm, found.low_mm, found.high_mm) == pytest.approx((2.0, 2 - half, 2 + half))
    assert found.p == pytest.approx(2 * scipy.stats.t.sf(2 / 1.5, 1)) and found.groups == 2


def test_images_that_all_differ_by_the_same_leave_nothing_to_chance():
    for apart, p in ((2.5, 0.0), (0.0, 1.0)):
        found = paired_difference(np.arange(6.0) + apart, np.arange(6.0), np.arange(6) // 2)
        assert (found.mean_mm, found.low_mm, found.high_mm, found.p, found.groups) == (apart, apart, apart, p, 3)


def test_difference_over_seeds_is_welchs():
    first, second = [100.0, 103.0, 99.0], [95.0, 90.0]
    found = seed_difference(first, second)
    expected = scipy.stats.ttest_ind(first, second, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.low_mm, found.high_mm) == pytest.approx((interval.low, interval.high))
    assert seed_difference(first, [1.0]) is None


def test_the_same_networks_read_in_two_ways_are_paired_by_seed():
    """A seed moves both readings alike: paired, a small difference shows which Welch's test cannot see."""
    first, second = [102.4, 106.8, 104.1], [98.9, 104.3, 101.2]
    found, expected = seed_difference(first, second, paired=True), scipy.stats.ttest_rel(first, second)
    interval = expected.confidence_interval(0.95)
    assert (found.p, found.low_mm, found.high_mm) == pytest.approx((expected.pvalue, interval.low, interval.high))
    assert found.significant and found.groups == 3 and not seed_difference(first, second).significant
    shifted = seed_difference([3.0, 4.0], [1.0, 2.0], paired=True)
    assert (shifted.mean_mm, shifted.low_mm, shifted.p) == (2.0, 2.0, 0.0)  # no spread that could make it chance
    assert seed_difference([1.0], [2.0], paired=True) is None
