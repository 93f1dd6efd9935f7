"""The share of pairs in order: against counting them one by one, and at its limits."""

import numpy as np
import pytest
from script_modules import FOLDER, loaded


@pytest.fixture
def in_order(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return loaded("confidence_of_looks").in_order


def test_pairs_are_counted_one_by_one(in_order):
    random = np.random.default_rng(0)
    said, right = random.integers(0, 6, 40) / 5, random.random(40) < 0.4  # with ties
    pairs = [(a > b) + 0.5 * (a == b) for a in said[right] for b in said[~right]]
    assert in_order(said, right) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize(("said", "share"), [([0.1, 0.2, 0.9], 1.0), ([0.9, 0.8, 0.1], 0.0), ([0.5, 0.5, 0.5], 0.5)])
def test_from_none_by_chance_to_all(in_order, said, share):
    assert in_order(np.array(said), np.array([False, False, True])) == share
