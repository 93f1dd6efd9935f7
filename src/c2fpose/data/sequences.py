"""Sequences (subject, action, trial) of annotated records: which are held out, and every n-th record of each."""

import numpy as np
from jaxtyping import Bool, Int


def held_out_sequences(
    annotations: dict[str, np.ndarray], records: Int[np.ndarray, " N"], every: int
) -> Bool[np.ndarray, " N"]:
    """Tell which of the records belong to every n-th sequence (subject, action, trial), counted in that order.

    Sequences are held out whole, with all frames and cameras: neighbouring frames are nearly the same picture.
    """
    return _numbered(annotations, records) % every == every // 2


def held_out_of_few(
    annotations: dict[str, np.ndarray], records: Int[np.ndarray, " N"], every: int
) -> tuple[Bool[np.ndarray, " N"], str]:
    """Hold out as ``held_out_sequences`` does, but of fewer sequences than it takes one, and of a single one its end.

    Returns the records held out, and what was done otherwise, in words (empty: nothing).
    """
    held_out = held_out_sequences(annotations, records, every)
    if held_out.any():
        return held_out, ""
    count = int(_numbered(annotations, records).max(initial=-1)) + 1
    if count > 1:
        return held_out_sequences(annotations, records, count), (
            f"{count} sequences (subject, action, trial), too few for data.validation_every={every}: one of the "
            f"{count} is held out"
        )
    frame = annotations["frame"][records]
    moments = np.unique(frame)
    last = moments[len(moments) - max(1, len(moments) // every) :]
    return np.isin(frame, last), (
        "all training records are one sequence (subject, action, trial): its last frames are held out, and the "
        "validation flatters"
    )


def _numbered(annotations: dict[str, np.ndarray], records: Int[np.ndarray, " N"]) -> Int[np.ndarray, " N"]:
    """Give each record the number of its sequence, from 0, in the order of subject, action and trial."""
    keys = np.stack([annotations[name][records] for name in ("subject", "action", "trial")], axis=1)
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)


def thinned(annotations: dict[str, np.ndarray], records: Int[np.ndarray, " N"], stride: int) -> Int[np.ndarray, " M"]:
    """Choose every ``stride``-th record of each sequence and camera, in order of frames; the first always stays."""
    if stride == 1:
        return records
    keys = [annotations[name][records] for name in ("frame", "camera", "trial", "action", "subject")]
    order = np.lexsort(keys)
    sequence = np.stack(keys[1:])[:, order]
    new = np.concatenate([[True], (sequence[:, 1:] != sequence[:, :-1]).any(0)])
    start = np.maximum.accumulate(np.where(new, np.arange(len(records)), 0))
    kept = (np.arange(len(records)) - start) % stride == 0
    return np.sort(records[order[kept]])
