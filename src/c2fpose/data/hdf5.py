"""Read arrays of HDF5 files that may be damaged, or made to do harm."""

import faulthandler
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from c2fpose.base.errors import DataError

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_DENSEST = 100  # times that an array may be compressed; more is a claim that would fill the memory
_LARGE, _PLACES = 1 << 26, 64  # bytes from which an array is looked at in so many places only
_WORK_S, _BYTES_A_S = 5, 10e6  # of processor time, which a busy machine does not lengthen; a look takes a fraction
_PATIENCE_S, _LONG_PATIENCE_S = 60.0, 3600.0  # by the clock: for a child that may wait for a lock, for a slow disk
_BREAKS_OFF = ("SIGSEGV", "SIGABRT", "SIGFPE", "SIGILL", "SIGBUS")
_NO_END, _WAITS = "SIGXCPU", "waits"  # ends of a child that did not end by itself
_DEEPEST = 16
_looked_at: set[tuple[str, int, int]] = set()  # path, size, time of change of files that can be read to their end


def check_in_a_child(path: str | Path, read: Callable[[], object]) -> None:
    """Have a child process look at all of a file, and ``read`` it as this one is going to, before it does.

    On some damaged files HDF5's library ends the process, or never comes back. Raises ``DataError`` for those; what
    else is wrong is for the reader to say. A file is looked at once, as long as it does not change. On Linux alone:
    elsewhere processes do not fork, or not safely.
    """
    if not sys.platform.startswith("linux"):
        return
    about = os.stat(path)
    known = (os.path.realpath(path), about.st_size, about.st_mtime_ns)
    if known in _looked_at:
        return
    work_s = _WORK_S + int(about.st_size / _BYTES_A_S)
    how = _end_of_a_fork(path, work_s, read)
    if how == _WAITS:  # for a lock that some thread held while this process forked? A new one has none
        how = _end_of_a_new_process(path, work_s)
    if how in (*_BREAKS_OFF, _NO_END):
        what = "never comes to an end" if how == _NO_END else f"breaks off ({how})"
        raise DataError(f"{path}: damaged: HDF5's library {what} on it; make or copy it again")
    _looked_at.add(known)


def _end_of_a_fork(path: str | Path, work_s: int, read: Callable[[], object]) -> str:
    """Look at a file in a forked child; says what ended it: the name of a signal, waiting, or nothing."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # that threads may hold locks
        child = os.fork()
    if child == 0:
        try:
            faulthandler.disable()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent sees to it
            limit_work(work_s)
            _tried(lambda: look_at(path))
            _tried(read)
        finally:
            os._exit(0)
    ends, status = time.monotonic() + _PATIENCE_S + 4 * work_s, None
    try:
        while status is None and time.monotonic() < ends:
            done, found = os.waitpid(child, os.WNOHANG)
            status = found if done else None
            if not done:
                time.sleep(0.002)
    finally:
        if status is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return _WAITS if status is None else _name(os.WTERMSIG(status))


def _end_of_a_new_process(path: str | Path, work_s: int) -> str:
    """Look at a file in a process that shares no lock with this one; a slow disk is waited for."""
    code = "import sys\nfrom c2fpose.data import hdf5\nhdf5.limit_work(int(sys.argv[2]))\nhdf5.look_at(sys.argv[1])"
    command = [sys.executable, "-c", code, str(path), str(work_s + 5)]  # imports take some of it
    try:
        return _name(-subprocess.run(command, capture_output=True, timeout=_LONG_PATIENCE_S).returncode)
    except subprocess.TimeoutExpired:
        return _WAITS


def _name(number: int) -> str:
    return signal.Signals(number).name if number > 0 else ""


def limit_work(work_s: int) -> None:
    """Have the kernel end this process by SIGXCPU after so many seconds of processor time."""
    resource.setrlimit(resource.RLIMIT_CPU, (work_s, resource.getrlimit(resource.RLIMIT_CPU)[1]))


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
