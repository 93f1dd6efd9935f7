"""Loops over the memory of a volume, for the processor. Import late: numba takes a while.

A volume's memory is seen as lines of L voxels that lie side by side, ``(N, P, Q, J, L)``, and its separable target as
one factor along each of P, Q and L: network outputs have a line for each cell and joint (L depth bins), contiguous
volumes one for each row of cells (L columns). A slab is what one (N, P) holds; kernels work on the slabs from
``start`` to ``stop``, so that threads can share a volume. bfloat16 comes as its bits, uint16. Arithmetic is in the
targets' type, float32 or float64; sums over slabs are float64.
"""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

# Sums may be taken in any order and products fused with them; NaN and infinity are kept.
_FASTMATH = {"contract", "reassoc", "nsz"}


def _kernel(function):
    """Compiled, and kept on disk where there is a place for that."""
    options: dict[str, Any] = {"nogil": True, "fastmath": _FASTMATH}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # neither __pycache__ nor the user's cache directory can be written
        return njit(**options)(function)


def _inner(function):
    return njit(fastmath=_FASTMATH)(function)


def read(stored):
    """Read a stored voxel as a number."""


@overload(read, inline="always")
def _read(stored):
    if stored == types.uint16:
        return lambda stored: np.uint32(np.uint32(stored) << np.uint32(16)).view(np.float32)
    return lambda stored: stored


def write(memory, place, value):
    """Store a number as a voxel; to bfloat16 it is rounded to nearest, ties to even."""


@overload(write, inline="always")
def _write(memory, place, value):
    if memory.dtype != types.uint16:

        def store(memory, place, value):
            memory[place] = value

        return store

    def store_bits(memory, place, value):
        bits = np.float32(value).view(np.uint32)
        # numba widens sums of integers to 64 bits: each is cast back, or half the vector lanes are lost
        half = np.uint32(np.uint32(0x7FFF) + np.uint32(np.uint32(bits >> np.uint32(16)) & np.uint32(1)))
        # adding to the bits of a NaN might make a number of it
        rounded = np.uint32(bits + half) if value == value else bits
        memory[place] = np.uint16(rounded >> np.uint32(16))

    return store_bits


@_inner
def _outer(left, right, out):
    """``out[j, i]`` becomes ``left[j] * right[j, i]``."""
    for j in range(right.shape[0]):
        for i in range(right.shape[1]):
            out[j, i] = left[j] * right[j, i]


@_inner
def _row_error(row, target):
    total = target.dtype.type(0)
    for k in range(len(target)):
        difference = read(row[k]) - target[k]
        total += difference * difference
    return total


@_inner
def _row_difference(row, target, scale, out):
    for k in range(len(target)):
        write(out, k, scale * (read(row[k]) - target[k]))


@_inner
def _row_mean(row, other, out):
    half = out.dtype.type(0.5)
    for k in range(len(row)):
        out[k] = half * (read(row[k]) + read(other[k]))


@_kernel
def squared_error(memory, first, second, line, sums, start, stop):
    """``sums[slab]`` becomes the sum of squared differences between the volume and its target."""
    rows, columns = memory.shape[1:3]
    plane, target = np.empty_like(line[0]), np.empty_like(line[0])
    voxels = target.reshape(-1)
    for slab in range(start, stop):
        n, p = slab // rows, slab % rows
        _outer(first[n, :, p], line[n], plane)
        total = 0.0
        for q in range(columns):
            _outer(second[n, :, q], plane, target)
            total += _row_error(memory[n, p, q], voxels)
        sums[slab] = total


@_kernel
def scaled_difference(memory, first, second, line, scale, out, start, stop):
    """``out`` becomes ``scale`` times the difference between the volume and its target."""
    rows, columns = memory.shape[1:3]
    plane, target = np.empty_like(line[0]), np.empty_like(line[0])
    voxels, scale = target.reshape(-1), line.dtype.type(scale)
    for slab in range(start, stop):
        n, p = slab // rows, slab % rows
        _outer(first[n, :, p], line[n], plane)
        for q in range(columns):
            _outer(second[n, :, q], plane, target)
            _row_difference(memory[n, p, q], voxels, scale, out[n, p, q])


@_kernel
def mirrored_mean(straight, mirrored, joints, out, start, stop):
    """``out`` becomes the mean of a volume and of another's mirror image; memory ``(N, rows, columns, J, L)``."""
    _, rows, columns, number, _ = straight.shape
    for slab in range(start, stop):
        n, p = slab // rows, slab % rows
        for q in range(columns):
            for j in range(number):
                _row_mean(straight[n, p, q, j], mirrored[n, p, columns - 1 - q, joints[j]], out[n, p, q, j])
