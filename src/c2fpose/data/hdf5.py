"""Read arrays of HDF5 files that may be damaged, or made to do harm."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.data.child import check_in_a_child

_DENSEST = 100  # times that an array may be compressed; more is a claim that would fill the memory
_LARGE, _PLACES = 1 << 26, 64  # bytes from which an array is looked at in so many places only
_DEEPEST = 16


def check_hdf5(path: str | Path, read: Callable[[], object]) -> None:
    """Have a child process look at all of a file, and ``read`` it as this one is going to, before it does.

    On some damaged files HDF5's library ends the process, or never comes back. Raises ``DataError`` for those; what
    else is wrong is for the reader to say.
    """

    def look() -> None:
        _tried(lambda: look_at(path))
        read()

    check_in_a_child(path, "HDF5's library", look, "from c2fpose.data import hdf5\nhdf5.look_at(sys.argv[1])")


def look_at(path: str | Path) -> None:
    """Read every attribute and array of a file, large arrays in places; what Python can say of it is left out."""
    with h5py.File(path, "r") as file:
        _look_into(file, os.path.getsize(path))


def _look_into(each: "h5py.Group | h5py.Dataset", held: int, depth: int = 0) -> None:
    for name in _tried(lambda: list(each.attrs)) or ():
        _tried(partial(each.attrs.__getitem__, name))
    if isinstance(each, h5py.Dataset):
        _tried(lambda: _values(each, held))
        return
    for name in (_tried(lambda: list(each)) or ()) if depth < _DEEPEST else ():
        if isinstance(_tried(partial(each.get, name, getlink=True)), h5py.HardLink):
            inside = _tried(partial(each.__getitem__, name))
            if isinstance(inside, h5py.Group | h5py.Dataset):
                _look_into(inside, held, depth + 1)


def _tried(read: Callable[[], Any]) -> Any:
    """Give what a part of a damaged file is read as; None where it cannot be: the reader meets it again."""
    try:
        return read()
    except Exception:
        return None


def _values(each: "h5py.Group | h5py.Dataset", held: int) -> None:
    if not isinstance(each, h5py.Dataset) or each.external or each.is_virtual:
        return
    size = each.size * each.dtype.itemsize
    if size > held * _DENSEST:
        return  # a claim that is refused
    if size <= _LARGE or not each.shape:
        each[()]
        return
    for row in np.linspace(0, each.shape[0] - 1, _PLACES).astype(int):
        each[row]


def dataset_of(group: h5py.Group, name: str, path: str | Path) -> h5py.Dataset:
    """Open an array that the file itself holds. Raises ``DataError`` for a link to, or storage in, another file."""
    dataset = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise DataError(f"{path}: {name} is no array of this file; make or copy it again")
    return dataset


def array_of(group: h5py.Group, name: str, path: str | Path) -> np.ndarray:
    """Read a whole array. Raises ``DataError`` for one that claims to be larger than its file can hold.

    Numbers of more than 64 bits, which HDF5 can hold and nothing here computes in, become such of 64.
    """
    dataset = dataset_of(group, name, path)
    held = os.path.getsize(path) * (_DENSEST if dataset.compression else 1)
    if dataset.size * dataset.dtype.itemsize > held:
        raise DataError(
            f"{path}: {name} claims {dataset.shape} values, more than the file holds; make or copy it again"
        )
    array = np.asarray(dataset[()])
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):  # what is beyond them is infinite, and refused as that
            return array.astype(np.float64)
    return array
