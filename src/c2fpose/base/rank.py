"""Which process of several this is, before Lightning has begun: as torchrun, SLURM, Lightning or a user say it."""

import os


def rank() -> int:
    """Find the number of this process among those of one command: 0 for the first one, which alone keeps books.

    Without a number among all (``RANK``, ``SLURM_PROCID``) it is that on its machine, or its machine's.
    """
    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID", "NODE_RANK", "GROUP_RANK"):
        if number := int(os.environ.get(name) or 0):
            return number
        if name == "RANK" and name in os.environ:
            return 0
    return 0
