"""The processor's memory between training steps."""

import ctypes

# glibc's mallopt
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> bool:
    """Let glibc keep freed memory for the next step; returns whether it does (elsewhere nothing happens).

    As it comes it hands large pieces back to the system at once, and every page of the next activation is cleared and
    mapped anew: from 2 % to a sixth of a small network's training step (docs/speed.md). Pieces beyond 1 GiB are still
    handed back.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # another C library, or another system
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 2**30) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
