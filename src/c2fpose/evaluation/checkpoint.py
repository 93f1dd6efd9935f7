"""A trained network evaluated again, with another decoding, other statistics or another test set."""

import hashlib
import re
from pathlib import Path
from typing import Any

from c2fpose.base.errors import ConfigError
from c2fpose.base.lock import alone_in
from c2fpose.base.provenance import file_hash
from c2fpose.config.data import DataConfig
from c2fpose.config.evaluation import RECORDS, EvaluateSettings
from c2fpose.config.model import DecodingConfig
from c2fpose.config.representations import schema_of
from c2fpose.config.schema import parse
from c2fpose.data.datamodule import PoseData, check_choice
from c2fpose.data.fields import MADE_ELSEWHERE
from c2fpose.data.schema import SplitInfo, SplitReader, how_to_make
from c2fpose.evaluation.scores import Evaluation
from c2fpose.evaluation.test_set import Evaluating, evaluate_module
from c2fpose.model.checkpoints.builtin import checkpoint_path
from c2fpose.model.checkpoints.formats import FINAL, LAST
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.device import device_for
from c2fpose.model.module import PoseModule
from c2fpose.model.precision import resolve_precision
from c2fpose.pose.skeleton import difference

# Choices of records that choose nothing
_ALL: dict[str, Any] = {"test_subjects": None, "actions": None, "cameras": None, "exclude": ()}


def evaluate_checkpoint(settings: EvaluateSettings) -> Evaluation:
    """Evaluate one checkpoint in a folder of its own."""
    path = checkpoint_path(settings.ckpt)
    module = load_module(path).to(device_for(settings.accelerator))
    head = module.config.network.head
    if settings.decoding is not None:
        try:
            schema_of(head).check_decoding(settings.decoding, head)
        except ValueError as error:
            raise ConfigError(str(error)) from None
    check_statistics(module, settings.batch_norm, str(path))
    chosen = {"method": settings.decoding, "flip": settings.flip}
    decoding = module.config.decoding.model_dump() | {key: v for key, v in chosen.items() if v is not None}
    read_as = module.config.model_copy(
        update={
            "decoding": parse(DecodingConfig, decoding, "decoding"),
            "batch_norm": settings.batch_norm or module.config.batch_norm,
        }
    )
    records = settings.model_dump(mode="json", include=RECORDS, exclude_none=True)
    loading = {"eval_batch_size": settings.batch_size, "workers": settings.workers}
    data = PoseData(test_data(module, settings.test_file, **records, **loading))
    data.setup("test")
    check_joints(module, data.test.reader.info)
    not_asked_for = {key: value for key, value in _ALL.items() if key not in records}
    check_choice([data.test.reader], data.config.model_copy(update=not_asked_for))
    changed = settings.model_dump(mode="json", include={"decoding", "flip", "batch_norm", "test_file", "precision"})
    changed |= records
    if settings.batch_norm == "batch":  # errors depend on what stands in one batch
        changed["batch_size"] = settings.batch_size
    if settings.test_file:  # every data set has a test.h5
        changed["test_file"] = f"{Path(settings.test_file).stem}_{data.fingerprints['test'][:8]}"
    folder = Path(settings.out) / "evaluation" if settings.out else own_folder(path, changed)
    origin = module.provenance | {
        "data_fingerprints": data.fingerprints,
        "decoding": decoding,
        "batch_norm": read_as.batch_norm,
        **({"records": records} if records else {}),
    }
    precision = resolve_precision(settings.precision, "cpu" if module.device.type == "cpu" else "gpu")
    with alone_in(folder):
        return evaluate_module(module, data, Evaluating(folder, path, origin, precision, settings.pictures, read_as))


def check_statistics(module: PoseModule, wanted: str | None, where: str) -> None:
    """Raise ``ConfigError`` for statistics of BatchNorm that a trained network does not have."""
    trained = module.config
    if wanted == "running" and trained.batch_norm == "recalibrated":
        raise ConfigError(
            f"batch_norm=running: {where} was kept with batch_norm=recalibrated, in the place of the running ones; "
            f"its {Path(LAST).name} has these, where it is kept"
        )
    if wanted == "batch" and trained.network.norm != "batch":
        raise ConfigError(f"batch_norm=batch: {where} has norm={trained.network.norm}, without statistics of batches")


def check_joints(module: PoseModule, info: SplitInfo) -> None:
    """Raise ``ConfigError`` for a file of other joints than a network's."""
    if info.skeleton != module.config.pose_space.skeleton:
        what = difference(module.config.pose_space.skeleton, info.skeleton)
        raise ConfigError(f"{info.path}: has other joints than the network: {what}")


def training_data(module: PoseModule, train_file: str | None, **loading: Any) -> DataConfig:
    """Find the data that a checkpoint was trained with, or all of ``train_file`` instead, held out as those were.

    ``loading``: further keys of ``DataConfig``. Raises ``ConfigError`` where neither says what to take.
    """
    trained_with = module.provenance.get("configuration", {}).get("data") or {}
    if not (train_file or trained_with.get("train_file")):
        raise ConfigError("the checkpoint does not say what data it belongs to; give train_file=...")
    if not train_file:
        return _as_trained(module, trained_with, loading)
    same = {key: trained_with[key] for key in ("validation_every", "validation_records") if key in trained_with}
    all_of_it = dict.fromkeys(("train_subjects", "test_subjects", "actions", "cameras"))
    return _as_trained(module, same | all_of_it | {"train_file": train_file, "test_file": train_file}, loading)


def test_data(module: PoseModule, test_file: str | None, **loading: Any) -> DataConfig:
    """Find the data that a checkpoint was trained with, its test file replaced if another one is given.

    ``loading``: further keys of ``DataConfig``. Raises ``ConfigError`` where neither says what to evaluate on.
    """
    trained_with = module.provenance.get("configuration", {}).get("data")
    values: dict[str, Any] = trained_with or {"train_file": "", "test_file": test_file}
    if not (test_file or values["test_file"]):
        raise ConfigError("the checkpoint does not say what data it belongs to; give test_file=...")
    if test_file:  # then it is that file alone
        values = values | {"mix": []} | (_ALL if _of_ones_own(module, test_file) else {})
    elif not Path(values["test_file"]).exists():
        raise ConfigError(
            f"{values['test_file']}: the network's own test file is not there, seen from {Path.cwd()}; name it or "
            f"another one, such as test_file=data/synth36_tiny/test.h5; {how_to_make(values['test_file'])}"
        )
    return _as_trained(module, values | {"test_file": test_file or values["test_file"]}, loading)


def _of_ones_own(module: PoseModule, test_file: str) -> bool:
    """Whether a file has subjects, actions and cameras of its own: choices that a training made mean others in it."""
    info = SplitReader(test_file).info
    trained_with = module.provenance.get("data_fingerprints", {}).get("test")
    return info.dataset not in MADE_ELSEWHERE and info.fingerprint != trained_with


def _as_trained(module: PoseModule, values: dict[str, Any], loading: dict[str, Any]) -> DataConfig:
    """Show data to a network as it saw its own."""
    crops = {"image_size": module.config.network.image_size, "crop_mode": module.config.crop_mode}
    return parse(DataConfig, values | crops | {"cache": "none"} | loading, "data")


def own_folder(checkpoint: Path, changed: dict[str, Any]) -> Path:
    """Name the folder of a further evaluation by what it changes: in the run's ``evaluations/``, never its own one.

    Values of None and "auto" change nothing; of a run's checkpoints ``final`` is the one that needs no name. A
    checkpoint outside a run's ``checkpoints/`` is evaluated in the current directory, in a folder that its name and
    the first digits of its SHA-256 tell from others.
    """
    directory = checkpoint.resolve().parent
    in_run = directory.name == Path(FINAL).parent.name
    words = [f"checkpoint={checkpoint.stem}"] if in_run and checkpoint.stem != Path(FINAL).stem else []
    words += [f"{key}={value}" for key, value in changed.items() if value not in (None, "auto")]
    name = re.sub(r"[^\w.,=-]", "_", ",".join(words)) or "as_trained"
    if len(name.encode()) > 120:  # a directory's name has a limit, in bytes
        name = f"{name.encode()[:100].decode(errors='ignore')}_{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    if in_run:
        return directory.parent / "evaluations" / name
    return Path("evaluations") / f"{checkpoint.stem}_{file_hash(checkpoint)[:8]}" / name
