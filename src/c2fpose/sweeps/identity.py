"""What a result was made from, as far as it matters to the result: configuration, code and data.

Two results with one identity are the same experiment; jobs that differ in more than row and seed share no table.
"""

import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from c2fpose.base.provenance import config_hash, file_hash
from c2fpose.base.source_code import code_digest
from c2fpose.config.run import TrainSettings
from c2fpose.config.schema import flat
from c2fpose.data.mix import said_once
from c2fpose.data.schema import SplitReader
from c2fpose.model.checkpoints.builtin import checkpoint_path
from c2fpose.sweeps.rows import PlannedJob

# What a result depends on beside its configuration: folders whole, files by name. Commands, pictures, loggers and
# tables are not among them.
RESULT_CODE = (
    "data/crops", "data/datamodule.py", "data/dataset.py", "data/schema.py", "data/fields.py",
    "data/mix.py", "data/rgb.py", "data/sequences.py", "data/synth_wild/backgrounds.py", "data/synth_wild/exchange.py",
    "data/synth_wild/photographs.py", "evaluation", "model/checkpoints/transfer.py", "model/checkpoints/widen.py",
    "model/device.py", "model/inference.py", "model/module.py", "model/networks", "model/precision.py",
    "model/representations", "model/trained.py", "model/volumes", "pose",
    "training/averaging.py", "training/resuming.py", "training/run.py", "training/trainer.py",
)  # fmt: skip

_NOT_THERE = (0, 0)

# What may differ between machines, or names things, without making another result.
_IMMATERIAL = {
    "": (
        "run_dir", "resume", "overwrite", "logger", "name", "sweep", "seeds", "rows", "job", "sweep_dir", "pictures",
        "accept_code", "reuse",
    ),
    "data": (
        "preset", "train_file", "test_file", "workers", "start_method", "pin_memory", "cache", "cache_limit_gb",
        "eval_batch_size",
    ),
    "trainer": ("accelerator", "strategy", "progress", "log_every", "gradient_norms"),
}  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """What a result was made from; jobs of one table differ in ``row`` and ``seed`` alone."""

    experiment: str
    scale: str
    row: str
    seed: int
    configuration: dict[str, Any]  # all that matters, with the row's settings
    common: dict[str, Any]  # the same without them
    code: str  # ``code_fingerprint``
    data: dict[str, str]  # fingerprints
    init: str | None = None  # SHA-256 of the weights that training began with; None: of none, or not written down

    @property
    def config_hash(self) -> str:
        """The configuration in few letters."""
        return config_hash(self.configuration)

    def difference(self, other: "Identity", accept_code: bool = False) -> str | None:
        """Find the first thing in which two identities of one job differ, in words; None if they are the same."""
        for key, (ours, theirs) in _differences(self.configuration, other.configuration).items():
            return f"{key} was {ours}, now {theirs}"
        return self._other_weights(other) or self._other_source(other, accept_code)

    def with_seed(self, seed: int) -> "Identity":
        """Say what the same row with another seed is made from."""
        return replace(self, seed=seed, configuration=self.configuration | {"seed": seed})

    def clash(self, other: "Identity", accept_code: bool = False, same_training_data: bool = True) -> str | None:
        """Why two jobs cannot stand in one table; None if they can.

        ``same_training_data``: false where a row is about other data, so that those of the test alone must agree.
        """
        if (self.experiment, self.scale) != (other.experiment, other.scale):
            return f"{self.experiment} at scale {self.scale} and {other.experiment} at scale {other.scale}"
        for key, (ours, theirs) in _differences(self.common, other.common).items():
            return f"{key} {ours} and {theirs}"
        return self._other_source(other, accept_code, None if same_training_data else ("test",))

    def row_difference(self, other: "Identity") -> str | None:
        """Find the first setting in which two seeds of a row differ, in words; weights to begin with may be own."""
        own = {"seed", "init"}
        ours, theirs = ({k: v for k, v in each.configuration.items() if k not in own} for each in (self, other))
        for key, (first, second) in _differences(ours, theirs).items():
            return f"{key} {first} and {second}"
        same = self.configuration.get("init") == other.configuration.get("init")
        return self._other_weights(other) if same else None

    def _other_weights(self, other: "Identity") -> str | None:
        if self.init is None or other.init is None or self.init == other.init:
            return None
        return f"init={self.configuration.get('init')} held other weights ({self.init:.12} and {other.init:.12})"

    def _other_source(self, other: "Identity", accept_code: bool, splits: tuple[str, ...] | None = None) -> str | None:
        for split in sorted(self.data.keys() | other.data.keys()) if splits is None else splits:
            if self.data.get(split) != other.data.get(split):
                return f"{split} data {self.data.get(split)!s:.12} and {other.data.get(split)!s:.12}"
        if self.code != other.code and not accept_code:
            return f"code {self.code} and {other.code}; accept_code=true if they compute the same"
        return None


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    a, b = flat(ours), flat(theirs)
    return {key: (a.get(key), b.get(key)) for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)}


@cache
def code_fingerprint() -> str:
    """Of the code that this process runs: taken once, so that files changed while a sweep runs do not count."""
    return fingerprint_of(Path(__file__).parents[1])


def fingerprint_of(package: Path) -> str:
    """Hash ``RESULT_CODE`` in a directory: what it defines, wherever in those files it stands.

    Imports, comments, docstrings, and a move from one of these files to another do not enter it; a formula does.
    """
    places = [package / name for name in RESULT_CODE]
    files = (sorted(place.rglob("*.py")) if place.is_dir() else [place] for place in places)
    return code_digest(path for some in files for path in some)[:16]


def material(settings: TrainSettings) -> dict[str, Any]:
    """Take the part of the configuration that a result depends on."""
    values = settings.model_dump(mode="json")
    network = values["model"]["network"]
    # "auto": the data's own number, which their fingerprint tells; written as it was before it could be another
    network["joints"] = settings.model.network.joint_count
    by_batch = settings.model.batch_norm == "batch"  # then errors depend on what stands in one test batch
    for group, keys in _IMMATERIAL.items():
        node = values[group] if group else values
        for key in keys:
            if not (by_batch and key == "eval_batch_size"):
                node.pop(key, None)
    return values


def identify(job: PlannedJob, data: dict[str, str]) -> Identity:
    """Say what a planned job's result is made from; ``data``: fingerprints."""
    common: dict[str, Any] = {}
    if job.common is not None:
        common = material(job.common)
        common.pop("seed")
    settings = job.settings
    configuration = material(settings)
    init = None
    if settings.init is not None:
        path = str(checkpoint_path(settings.init))
        init = _hash_of(path, _version(path))
    return Identity(
        settings.name, settings.scale, job.row, job.seed, configuration, common, code_fingerprint(), data, init
    )


def data_fingerprints(settings: TrainSettings) -> dict[str, str]:
    """SHA-256 of the data files, by what they are for, as the files themselves say."""
    files = {"train": settings.data.train_file, "test": settings.data.test_file}
    files |= {f"mix[{place}]": each.source for place, each in enumerate(settings.data.mix)}
    files |= {
        f"mix[{place}].test_file": each.test_file for place, each in enumerate(settings.data.mix) if each.test_file
    }
    return said_once({split: _fingerprint(str(path), _version(path)) for split, path in files.items()})


def _version(path: str | Path) -> tuple[int, int]:
    """Tell a file from what another process has put in its place."""
    try:
        found = os.stat(path)
    except OSError:
        return _NOT_THERE  # the reader says what is wrong
    return found.st_mtime_ns, found.st_size


@cache
def _hash_of(path: str, version: tuple[int, int]) -> str | None:
    """Hash a file of weights once for all jobs; None for one that is not there, which training says."""
    return file_hash(Path(path)) if version != _NOT_THERE else None


@cache
def _fingerprint(path: str, version: tuple[int, int]) -> str:
    """Open a file once for all jobs of a sweep: its annotations are compared with their fingerprint then."""
    return SplitReader(path).info.fingerprint
