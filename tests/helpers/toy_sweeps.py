"""Sweeps of seconds: settings of toy size, data files, and an experiment composed with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from fabricated import jpeg, people
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from c2fpose.config.command_line import conf_dir
from c2fpose.data.schema import write_split

TOY = [
    "model.network.width=8", "model.network.levels=1", "data.batch_size=4", "data.eval_batch_size=4",
    "data.validation_every=2", "trainer.max_steps=12", "trainer.validate_every=4", "trainer.precision=32-true",
    "trainer.accelerator=cpu", "trainer.devices=1", "trainer.progress=false", "logger=none", "pictures=1",
]  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Overrides that name two small data files."""
    return write_files(tmp_path)


@contextmanager
def without_evaluation() -> Iterator[None]:
    """End trainings of this process with their last checkpoint: what follows is a third of the time of a toy one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("c2fpose.training.run._calibrated", lambda *_: None)
        patch.setattr("c2fpose.training.run.evaluate_module", lambda *_: SimpleNamespace(mpjpe_mm=lambda _: 0.0))
        yield


@pytest.fixture
def unevaluated() -> Iterator[None]:
    """Spare the test's trainings their evaluation."""
    with without_evaluation():
        yield


def write_files(folder: Path) -> list[str]:
    """Write two small data files; returns the overrides that name them."""
    overrides = []
    for split, records in (("train", 24), ("test", 6)):
        path = folder / f"{split}.h5"
        images = (jpeg(number) for number in range(records))
        write_split(path, people(records, 0, split), images, dataset="synth36", split=split, provenance={})
        overrides.append(f"data.{split}_file={path}")
    return overrides


def composed(*overrides: str, experiment: str = "ablation_depth") -> DictConfig:
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return compose("train", overrides=[f"+experiment={experiment}", *overrides])
