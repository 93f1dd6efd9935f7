"""A result as NumPy arrays: a row a person and frame, and the conventions as a JSON text beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from c2fpose.base.files import written_whole
from c2fpose.prediction.outputs.conventions import head
from c2fpose.prediction.outputs.formats import Format, Pictures
from c2fpose.prediction.result import PoseResult

FORMAT = Format(endings=(".npz",))


def write(result: PoseResult, pictures: Pictures | None, path: Path) -> list[Path]:
    """Write the columns of ``PoseTable``, ``joint_names``, ``intrinsics_px`` and ``head``; no pickled objects."""
    arrays = result.table().arrays()
    arrays["joint_names"] = np.array(result.skeleton.names)
    arrays["intrinsics_px"] = np.asarray(result.camera.intrinsics_px, float)
    arrays["head"] = np.array(json.dumps(head(result), ensure_ascii=False))
    with written_whole(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # no array is called allow_pickle
    return [path]
