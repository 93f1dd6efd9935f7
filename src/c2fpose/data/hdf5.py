"""Read arrays of HDF5 files that may be damaged, or made to do harm."""

import os
from pathlib import Path

import h5py
import numpy as np

from c2fpose.base.errors import DataError

_DENSEST = 100  # times that an array may be compressed; more is a claim that would fill the memory


def dataset_of(group: h5py.Group, name: str, path: str | Path) -> h5py.Dataset:
    """Open an array that the file itself holds. Raises ``DataError`` for a link to, or storage in, another file."""
    dataset = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise DataError(f"{path}: {name} is no array of this file; make or copy it again")
    return dataset


def array_of(group: h5py.Group, name: str, path: str | Path) -> np.ndarray:
    """Read a whole array. Raises ``DataError`` for one that claims to be larger than its file can hold."""
    dataset = dataset_of(group, name, path)
    held = os.path.getsize(path) * (_DENSEST if dataset.compression else 1)
    if dataset.size * dataset.dtype.itemsize > held:
        raise DataError(
            f"{path}: {name} claims {dataset.shape} values, more than the file holds; make or copy it again"
        )
    return np.asarray(dataset[()])
