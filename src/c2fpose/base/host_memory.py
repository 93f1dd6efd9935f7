"""The processor's memory: kept between training steps, and its peak for each job of a process."""

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

# glibc's mallopt
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> bool:
    """Let glibc keep freed memory for the next step; returns whether it does (elsewhere nothing happens).

    As it comes it hands large pieces back to the system at once, and every page of the next activation is cleared and
    mapped again: from 2 % to a sixth of a small network's training step (docs/speed.md). Pieces beyond 1 GiB are still
    handed back.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # another C library, or another system
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 2**30) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))


def hand_back_freed_memory() -> bool:
    """Give glibc's freed pages back to the system, also those between pieces in use; returns whether any were.

    Large pieces that come and go leave holes among small ones that stay, such as the poses of a video's frames: the
    process grew by 0.7 MB a frame (docs/predict.md).
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (OSError, TypeError, AttributeError):  # another C library, or another system
        return False


def process_peak_gib(status: Path = Path("/proc/self/status")) -> float:
    """Measure the most memory held since the start or ``reset_peak``; NaN where the system does not say (Windows)."""
    # a process starts with its parent's ru_maxrss on Linux: the kernel's own figure is begun again
    with suppress(OSError):
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**20
    if resource is None:
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes or kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def reset_peak(clear: Path = Path("/proc/self/clear_refs")) -> bool:
    """Begin a new peak of this process's memory; returns whether the system can (Linux; elsewhere it goes on)."""
    try:
        clear.write_text("5", encoding="utf-8")  # the peak alone
    except OSError:
        return False
    return True
