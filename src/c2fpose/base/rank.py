"""Which process of several this is, before Lightning has begun: as torchrun, SLURM, Lightning or a user say it."""

import os

_IN_PART = ("LOCAL_RANK", "SLURM_PROCID", "NODE_RANK", "GROUP_RANK")  # on its machine, in its step; its machine's


def rank() -> int:
    """Find the number of this process among those of one command: 0 for the first one, which alone keeps books.

    Where ``RANK`` does not say it, it is above 0 for all but the first, and more is not known.
    """
    if said := os.environ.get("RANK"):
        return int(said)
    return max(int(os.environ.get(name) or 0) for name in _IN_PART)
