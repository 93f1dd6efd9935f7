from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from fabricated import jpeg, people

from c2fpose.data.schema import write_split


@pytest.fixture
def make_split(tmp_path: Path) -> Callable[..., str]:
    """Write one split; ``change`` edits the annotations, ``spoil`` the finished file, ``jpegs`` replaces images."""

    def make(
        split: str = "train",
        records: int = 60,
        seed: int = 0,
        change: Callable[[dict[str, np.ndarray]], None] | None = None,
        spoil: Callable[[h5py.File], None] | None = None,
        jpegs: dict[int, bytes] | None = None,
    ) -> str:
        path = tmp_path / f"{split}.h5"
        annotations = people(records, seed, split)
        if change:
            change(annotations)
        images = ((jpegs or {}).get(number) or jpeg(seed + number) for number in range(records))
        write_split(path, annotations, images, dataset="synth36", split=split, provenance={"seed": seed})
        if spoil:
            with h5py.File(path, "r+") as file:
                spoil(file)
        return str(path)

    return make
