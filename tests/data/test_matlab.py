"""MATLAB files: as SciPy reads them; those that end SciPy's process are refused before."""

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from torture import damage, edits

from c2fpose.data.matlab import load_mat5

CELLS = np.empty((2, 1), object)
CELLS[0, 0], CELLS[1, 0] = np.arange(6.0).reshape(2, 3), "a name"
WRITTEN = {
    "numbers": np.arange(24, dtype=np.int16).reshape(2, 3, 4), "text": "für", "cells": CELLS, "none": np.zeros((0, 3)),
    "complex": np.array([[1 + 2j, 3]]), "struct": {"a": np.eye(2), "b": {"c": np.array([["x", "yz"]], object)}},
}  # fmt: skip


@pytest.mark.parametrize("compressed", [False, True])
def test_what_is_read_is_what_scipy_reads(tmp_path, compressed):
    savemat(tmp_path / "a.mat", WRITTEN, do_compression=compressed)
    read, expected = load_mat5(tmp_path / "a.mat", tuple(WRITTEN)), loadmat(tmp_path / "a.mat")
    assert set(read) == set(expected) >= set(WRITTEN)
    for name in WRITTEN:
        assert repr(read[name]) == repr(expected[name])


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_ones_are_refused_or_read_and_the_process_goes_on(tmp_path, compressed):
    savemat(tmp_path / "a.mat", WRITTEN, do_compression=compressed)
    content, refused = (tmp_path / "a.mat").read_bytes(), 0
    for number in range(300):
        (tmp_path / "a.mat").write_bytes(damage(content, edits(number)))
        try:
            load_mat5(tmp_path / "a.mat", tuple(WRITTEN))
        except Exception:
            refused += 1
    assert 0 < refused < 300


def test_sizes_beyond_what_is_there_are_refused(tmp_path):
    savemat(tmp_path / "a.mat", {"a": np.arange(3.0)})
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[128 + 8 + 16 + 8 + 3] = 0x40  # rows: 2 ** 30
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match="3 numbers where"):
        load_mat5(tmp_path / "a.mat", ("a",))


def test_only_what_is_asked_for_is_looked_into(tmp_path):
    savemat(tmp_path / "a.mat", {"a": 1.0, "b": 2.0})
    assert "b" not in load_mat5(tmp_path / "a.mat", ("a",))
    (tmp_path / "text.mat").write_text("no MATLAB")
    with pytest.raises(ValueError, match=r"no MATLAB file of version 5 to 7\.3"):
        load_mat5(tmp_path / "text.mat", ("a",))
