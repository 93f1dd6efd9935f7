"""A file on which HDF5's library ends the process, or hangs, is refused in a line; a whole one is looked at once."""

import os
import time

import h5py
import numpy as np
import pytest

from c2fpose.base.errors import DataError
from c2fpose.data import hdf5
from c2fpose.data.hdf5 import array_of, check_in_a_child, look_at


def check(path):
    check_in_a_child(path, lambda: None)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "_looked_at", set())
    with h5py.File(tmp_path / "a.h5", "w") as made:
        made.attrs["text"] = "words"
        made["group/values"] = np.arange(6).reshape(2, 3)
    return tmp_path / "a.h5"


def test_a_whole_file_is_looked_at_once_until_it_changes(file, monkeypatch):
    forks = []
    monkeypatch.setattr(hdf5, "_end_of_a_fork", lambda path, *_: forks.append(path) or "")
    check(file), check(str(file))
    assert len(forks) == 1
    os.utime(file, (1, 1))
    check(file)
    assert len(forks) == 2


@pytest.mark.parametrize(("kind", "words"), [(11, r"breaks off \(SIGSEGV\)"), (6, r"breaks off \(SIGABRT\)")])
def test_the_end_of_the_child_is_one_line(file, monkeypatch, kind, words):
    monkeypatch.setattr(hdf5, "look_at", lambda path: os.kill(os.getpid(), kind))
    with pytest.raises(DataError, match=rf"a\.h5: damaged: HDF5's library {words} on it; make or copy it again$"):
        check(file)


def test_a_lock_held_at_the_fork_is_no_damage_and_no_end_is(file, monkeypatch):
    """A new process has no locks of this one's threads: its word counts."""
    monkeypatch.setattr(hdf5, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(hdf5, "_WORK_S", 0)
    monkeypatch.setattr(hdf5, "look_at", lambda path: time.sleep(60))
    check(file)
    monkeypatch.setattr(hdf5, "_looked_at", set())
    monkeypatch.setattr(hdf5, "_end_of_a_new_process", lambda path, work_s: hdf5._NO_END)
    with pytest.raises(DataError, match="never comes to an end on it"):
        check(file)


def test_what_works_for_ever_is_ended_by_its_processor_time(file, monkeypatch):
    def work(path):
        while True:
            pass

    monkeypatch.setattr(hdf5, "_WORK_S", 1)
    monkeypatch.setattr(hdf5, "look_at", work)
    monkeypatch.setattr(hdf5, "_end_of_a_new_process", lambda *_: pytest.fail("it was seen to work"))
    with pytest.raises(DataError, match="never comes to an end on it"):
        check(file)


def test_the_look_reads_attributes_and_arrays(file, monkeypatch):
    seen = []
    monkeypatch.setattr(hdf5, "_values", lambda each, held: seen.append(each.name))
    look_at(file)
    assert seen == ["/group/values"]


def test_the_reading_itself_is_tried_too(file):
    with pytest.raises(DataError, match=r"breaks off \(SIGSEGV\)"):
        check_in_a_child(file, lambda: os.kill(os.getpid(), 11))


@pytest.mark.parametrize("kind", [9, 15])
def test_a_child_that_others_ended_says_nothing_of_the_file(file, monkeypatch, kind):
    monkeypatch.setattr(hdf5, "look_at", lambda path: os.kill(os.getpid(), kind))
    check(file)


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_nothing_is_done(file, monkeypatch, system):
    monkeypatch.setattr(hdf5.sys, "platform", system)
    monkeypatch.setattr(hdf5, "_end_of_a_fork", lambda *_: 1 / 0)
    check(file)


def test_numbers_of_more_than_64_bits_become_such_of_64(tmp_path):
    path = tmp_path / "long.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.array([0.5, 2e300], np.longdouble)
        file["b"] = np.array([0.5], np.float16)
    with h5py.File(path, "r") as file:
        found = array_of(file, "a", path)
        assert found.dtype == np.float64 and found.tolist() == [0.5, 2e300]
        assert array_of(file, "b", path).dtype == np.float16
