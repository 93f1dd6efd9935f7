"""All of an HDF5 file is looked at before it is read; what it gives is numbers that the package computes in."""

import os

import h5py
import numpy as np
import pytest

from c2fpose.base.errors import DataError
from c2fpose.data import hdf5
from c2fpose.data.hdf5 import array_of, check_hdf5, look_at


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as made:
        made.attrs["text"] = "words"
        made["group/values"] = np.arange(6).reshape(2, 3)
    return tmp_path / "a.h5"


def test_the_look_reads_attributes_and_arrays(file, monkeypatch):
    seen = []
    monkeypatch.setattr(hdf5, "_values", lambda each, held: seen.append(each.name))
    look_at(file)
    assert seen == ["/group/values"]


def test_the_look_and_the_reading_are_tried(file, monkeypatch):
    with pytest.raises(DataError, match=r"a\.h5: damaged: HDF5's library breaks off \(SIGSEGV\) on it"):
        check_hdf5(file, lambda: os.kill(os.getpid(), 11))
    monkeypatch.setattr(hdf5, "look_at", lambda path: os.kill(os.getpid(), 6))
    with pytest.raises(DataError, match=r"breaks off \(SIGABRT\) on it"):
        check_hdf5(file, lambda: None)


def test_numbers_of_more_than_64_bits_become_such_of_64(tmp_path):
    path = tmp_path / "long.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.array([0.5, 2e300], np.longdouble)
        file["b"] = np.array([0.5], np.float16)
    with h5py.File(path, "r") as file:
        found = array_of(file, "a", path)
        assert found.dtype == np.float64 and found.tolist() == [0.5, 2e300]
        assert array_of(file, "b", path).dtype == np.float16
