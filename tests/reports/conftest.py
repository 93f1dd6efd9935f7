"""A sweep of made-up jobs, in several states."""

from pathlib import Path

import numpy as np
import pytest
from made_up_sweeps import IMAGES, NAMES, begin_sweep, made_up_job

from c2fpose.sweeps import runner as sweep


@pytest.fixture
def errors() -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    hard = random.normal(150, 30, IMAGES)
    means = {"d64_64/seed0": 10, "d64_64/seed1": 12, "d1_64/seed0": 0, "d1_64/seed1": 1}
    return {name: hard + mean + random.normal(0, 3, IMAGES) for name, mean in means.items()}


@pytest.fixture
def directory(tmp_path, errors) -> Path:
    """Two rows finished, one failed, one never begun, the others not asked for."""
    directory = begin_sweep(tmp_path / "sweep", NAMES)
    for name, per_image in errors.items():
        made_up_job(directory, name, per_image, seconds=200.0 if "d64" in name else 100.0)
    sweep.write_json(directory / "d64" / "seed0" / sweep.FAILED, {"reason": "RuntimeError: out of memory"})
    return directory
