"""The LightningDataModule over one file of training and one of test subjects, synth36 or Human3.6M alike."""

import contextlib
import ctypes
import sys
from itertools import product
from typing import Any

import cv2
import numpy as np
import pytorch_lightning as pl
import torch.utils.data
from jaxtyping import Float, Int

from c2fpose.base.cores import cores
from c2fpose.base.errors import ConfigError, DataError
from c2fpose.config.data import AugmentationConfig, DataConfig, MixSource
from c2fpose.data.dataset import Batch, EpochSampler, PoseDataset, PoseLoader, TrainingLoader, collate
from c2fpose.data.fields import MADE_ELSEWHERE
from c2fpose.data.mix import Mix, parts_of, said_once, shared_records, warn_of_shared
from c2fpose.data.schema import SplitInfo, SplitReader
from c2fpose.data.sequences import held_out_of_few, held_out_sequences, thinned
from c2fpose.pose.protocol import ACTIONS, CAMERA_SERIALS, EXCLUSIONS, TEST_SUBJECTS, TRAIN_SUBJECTS
from c2fpose.pose.skeleton import Skeleton, difference

__all__ = ["AugmentationConfig", "Batch", "DataConfig", "PoseData", "held_out_sequences", "select", "thinned"]

# Parameters of mallopt(3)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
SEED_STEP = 1009  # between the seeds of files trained on together: their random changes differ
# Those of which EXCLUSIONS speaks. synth_wild has families of postures by the numbers of these actions
_WITH_EXCLUSIONS = ("h36m", "synth36")
_PUBLISHED = (TRAIN_SUBJECTS, TEST_SUBJECTS, ACTIONS, tuple(range(len(CAMERA_SERIALS))))  # whole lists


class PoseData(pl.LightningDataModule):
    """Training, validation and test batches (see ``dataset.Batch``).

    After ``setup`` the attributes ``train``, ``val``, ``test`` hold the data sets and ``fingerprints`` names the bytes
    behind every result: ``{"train": sha256, "test": sha256}``. ``setup`` raises ``DataError`` for a file that cannot be
    used and for a choice of records that leaves nothing.
    """

    def __init__(self, config: DataConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.seed = seed
        self.infos: dict[str, SplitInfo] = {}
        self._readers: list[SplitReader] = []

    @property
    def fingerprints(self) -> dict[str, str]:
        """SHA-256 over annotations and images of each file read so far."""
        return said_once({split: info.fingerprint for split, info in self.infos.items()})

    def setup(self, stage: str | None = None) -> None:
        """Read annotations and choose records: all three sets to fit, the test file alone to test or predict.

        To validate, the test file is read only where the validation is taken from it.
        """
        if stage in (None, "fit", "validate"):
            if not hasattr(self, "train"):
                self._setup_training()
        held_out = self.config.validation == "held_out_sequences"
        if not hasattr(self, "test") and not (stage == "validate" and held_out):
            reader = self._open(self.config.test_file, "test")
            self.test = PoseDataset(reader, _scored(reader, self._test_records(reader)), self.config)
            self.test_sources = self._test_sources()
        if stage in (None, "fit", "validate") and not held_out:
            self.val = PoseDataset(self.test.reader, self._limited(self.test.records), self.config)
        if stage in (None, "fit") and self._readers:  # once: Lightning sets up again
            self._check_together()
            self._readers.clear()

    def _check_together(self) -> None:
        """Refuse files that do not go together, and a choice of which they have nothing."""
        check_choice(self._readers, self.config)
        if self.test.skeleton != self.trained.skeleton:
            what = difference(self.trained.skeleton, self.test.skeleton)
            raise DataError(f"{self.test.reader.path}: has other joints than {self.trained.path}: {what}")
        trained = self.train.parts if isinstance(self.train, Mix) else [self.train]
        for part, test in product(trained, [self.test, *parts_of(self.test_sources)]):
            if shared := shared_records(part, test):
                raise DataError(
                    f"{test.reader.path}: {shared} of its records are in {part.reader.path} too, and would be "
                    "trained on; take both files of one run of prepare"
                )
        warn_of_shared(trained, [self.val, *parts_of(self.val_sources)])

    def _setup_training(self) -> None:
        config = self.config
        reader = self._open(config.train_file, "train")
        self.trained = reader.info  # says which joints are trained, whichever sources a mix has
        candidates = select(reader, _in_file(reader, config.train_subjects, "data.train_subjects"), config)
        if config.validation == "held_out_sequences":
            held_out, few = held_out_of_few(reader.annotations, candidates, config.validation_every)
            if few:
                print(f"note: {reader.path}: {few}", file=sys.stderr)
            val = self._limited(candidates[held_out])
            candidates = candidates[~held_out]
            if len(val) == 0 or len(candidates) == 0:
                raise DataError(
                    f"{reader.path}: {len(val)} records are held out to validate on, which leaves {len(candidates)} to "
                    "train; label more, or validate on the test people: data.validation=test_subjects"
                )
            self.val = PoseDataset(reader, _scored(reader, val), config)
        self.train: PoseDataset | Mix
        self.val_sources: dict[str, Mix] = {}
        if config.mix:
            self.train = self._mixed(reader)
        else:
            records = thinned(reader.annotations, candidates, config.frame_stride)
            self.train = PoseDataset(reader, records, config, self.seed)

    def _mixed(self, reader: SplitReader) -> Mix:
        """All sources of ``mix``; of each file the same sequences are held out, whichever sources it is."""
        config, parts = self.config, []
        for place, (name, each) in enumerate(zip(config.mix_names, config.mix, strict=True)):
            given = each.source == config.train_file
            own = reader if given else self._open(each.source, "train", f"mix[{place}]")
            subjects = _in_file(own, each.subjects, f"data.mix[{place}].subjects") or self._subjects_of(own, reader)
            records = select(own, subjects, self._choice_in(own, reader))
            same = own.info.fingerprint == reader.info.fingerprint
            held_out = self._held_out_of(own, reader) if each.held_out or same else np.empty(0, np.int64)
            kept, apart = np.setdiff1d(records, held_out), np.intersect1d(records, held_out)
            if len(kept) == 0 and not same:  # one sequence: it is trained on
                kept, apart = records, apart[:0]
            kept = thinned(own.annotations, kept, each.every)
            parts.append(PoseDataset(own, kept, config, self.seed + place * SEED_STEP))
            if len(apart) and each.held_out:
                self.val_sources[name] = self._alone(own, self._limited(apart), each, reader.info.skeleton)
        mix = Mix(parts, list(config.mix), reader.info.skeleton, self.seed)
        validated = [part for part, each in zip(parts, config.mix, strict=True) if each.held_out]
        if [part.reader.info.fingerprint for part in validated] == [reader.info.fingerprint]:
            self.val_sources = {}  # the validation itself
        return mix

    def _held_out_of(self, own: SplitReader, reader: SplitReader) -> Int[np.ndarray, " N"]:
        """Find the records of a source's file that belong to sequences held out of training."""
        if self.config.validation != "held_out_sequences":
            return np.empty(0, np.int64)
        same = own.info.fingerprint == reader.info.fingerprint
        candidates = select(own, self.config.train_subjects if same else None, self._choice_in(own, reader))
        every = self.config.validation_every
        if same:  # the file that is validated on
            return candidates[held_out_of_few(own.annotations, candidates, every)[0]]
        return candidates[held_out_sequences(own.annotations, candidates, every)]

    def _choice_in(self, own: SplitReader, reader: SplitReader) -> DataConfig:
        """Choose actions and cameras as in ``reader``'s file; all of them in a file of another data set."""
        if own.info.same_names(reader.info):
            return self.config
        return self.config.model_copy(update={"actions": None, "cameras": None})

    def _subjects_of(self, own: SplitReader, reader: SplitReader) -> tuple[int, ...] | None:
        """Likewise for subjects, whose numbers another data set gives to others."""
        return self.config.train_subjects if own.info.same_names(reader.info) else None

    def _alone(self, own: SplitReader, records: Int[np.ndarray, " N"], source: MixSource, skeleton: Skeleton) -> Mix:
        """Take records of one source as they are, in the joints that are trained."""
        return Mix([PoseDataset(own, records, self.config)], [source], skeleton, self.seed)

    def _test_sources(self) -> dict[str, Mix]:
        """Test people of the sources of ``mix`` that name a file of them."""
        found = {}
        for place, (name, each) in enumerate(zip(self.config.mix_names, self.config.mix, strict=True)):
            if each.test_file is not None:
                reader = self._open(each.test_file, "test", f"mix[{place}].test_file")
                records = select(reader, None, self._choice_in(reader, self.test.reader))
                records = thinned(reader.annotations, records, self.config.test_frame_stride)
                found[name] = self._alone(reader, records, each, self.test.skeleton)
        return found

    def training_poses_mm(self) -> Float[np.ndarray, "N J 3"]:
        """Gather the poses of all training records, camera frame, NaN where a joint has no label."""
        if isinstance(self.train, Mix):
            skeleton = self.val.skeleton
            whole = [
                part
                for part, source in zip(self.train.parts, self.train.sources, strict=True)
                if source.labels == "full" and part.skeleton == skeleton
            ]
            if not whole:  # nothing is known in mm: as far as the file of validation goes
                return self.val.reader.annotations["joints_cam_mm"][self.val.records]
            return np.concatenate([part.reader.annotations["joints_cam_mm"][part.records] for part in whole])
        return self.train.reader.annotations["joints_cam_mm"][self.train.records]

    def _open(self, path: str, split: str, what: str | None = None) -> SplitReader:
        reader = SplitReader(path)
        if reader.info.split != split:
            raise DataError(f"{path}: holds the {reader.info.split!r} split; {what or split + '_file'} was given")
        self.infos[what or split] = reader.info
        self._readers.append(reader)
        return reader

    def _test_records(self, reader: SplitReader) -> np.ndarray:
        chosen = select(reader, _in_file(reader, self.config.test_subjects, "data.test_subjects"), self.config)
        return thinned(reader.annotations, chosen, self.config.test_frame_stride)

    def _limited(self, records: np.ndarray) -> np.ndarray:
        limit = self.config.validation_records
        if limit is None or len(records) <= limit:
            return records
        return records[np.linspace(0, len(records) - 1, limit).round().astype(int)]

    def train_dataloader(self) -> PoseLoader:
        """Shuffled by (seed, epoch), full batches only; resumes exactly."""
        replicas, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        epochs = self.trainer.accumulate_grad_batches if self.trainer else 1
        sampler = EpochSampler(len(self.train), self.config.batch_size, self.seed, replicas, rank, epochs)
        if sampler.batches == 0:
            raise DataError(
                f"{self.train.reader.path}: {len(self.train)} training records do not fill a batch of "
                f"{self.config.batch_size}"
            )
        return self._loader(self.train, self.config.batch_size, TrainingLoader, sampler=sampler)

    def val_dataloader(self) -> list[PoseLoader]:
        """Held-out records in file order: those of ``train_file``, then each source's of a mix."""
        return [self.validation_loader(), *map(self.source_loader, self.val_sources.values())]

    def validation_loader(self) -> PoseLoader:
        """Return the first of them: the validation by which a training is judged."""
        return self._loader(self.val, self.config.eval_batch_size)

    def source_loader(self, source: Mix) -> PoseLoader:
        """Load records of one source, to measure errors on."""
        return self._loader(source, self.config.eval_batch_size)

    def test_dataloader(self) -> PoseLoader:
        """Test records in file order."""
        return self._loader(self.test, self.config.eval_batch_size)

    predict_dataloader = test_dataloader

    def _loader(
        self,
        dataset: PoseDataset | Mix,
        batch_size: int,
        kind: type[PoseLoader] = PoseLoader,
        **options: Any,
    ) -> PoseLoader:
        dataset.prepare()
        on_gpu = self.trainer.strategy.root_device.type == "cuda" if self.trainer else torch.cuda.is_available()
        workers = loader_workers(self.config, on_gpu, cores().open)
        parallel: dict[str, Any] = (
            {"multiprocessing_context": start_method(self.config), "persistent_workers": True} if workers else {}
        )
        return kind(
            dataset,
            batch_size=batch_size,
            num_workers=workers,
            collate_fn=collate,
            worker_init_fn=settle_worker,
            pin_memory=on_gpu if self.config.pin_memory == "auto" else self.config.pin_memory,
            **parallel,
            **options,
        )


def loader_workers(config: DataConfig, on_gpu: bool, cores: int) -> int:
    """Loader processes: as configured, or by rule.

    Where a GPU trains, all cores but one, at most 8. Where the cores themselves train, they are better left to it: none
    for images kept in memory, which take a few percent of the smallest network's step, and one for images that have to
    be read and decoded.
    """
    if config.workers != "auto":
        return config.workers
    if on_gpu:
        return max(1, min(8, cores - 1))
    return 0 if config.cache == "memory" else 1


def start_method(config: DataConfig) -> str:
    """How loader processes begin: as configured, or by fork on Linux and by spawn elsewhere."""
    if config.start_method != "auto":
        return config.start_method
    return "fork" if sys.platform == "linux" else "spawn"


def settle_worker(worker: int) -> None:
    """Loader processes are many: each keeps to one thread, and keeps the memory of one image for the next.

    By default the C library may give each image's megabytes back to the system at once, which then has to clear new
    ones: on some machines that takes as long as decoding.
    """
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    with contextlib.suppress(OSError, AttributeError, TypeError):  # not the GNU C library
        allocator = ctypes.CDLL(None)
        allocator.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        allocator.mallopt(_M_TRIM_THRESHOLD, 64 << 20)


def select(reader: SplitReader, subjects: tuple[int, ...] | None, config: DataConfig) -> np.ndarray:
    """Choose the records of the subjects, actions and cameras asked for, less the excluded; ``DataError`` if none."""
    rows, names = reader.annotations, reader.info.actions_as(config.actions)
    if unknown := [action for action in config.actions or () if action not in names]:
        how = "null" if reader.info.dataset in MADE_ELSEWHERE else "null, as with data=custom,"
        raise DataError(
            f"{reader.path}: data.actions: no action {unknown[0]!r} in it; {how} for all of {', '.join(names)}"
        )
    actions = None if config.actions is None else [names.index(action) for action in config.actions]
    kept = np.ones(len(reader), bool)
    for name, wanted in (("subject", subjects), ("action", actions), ("camera", config.cameras)):
        if wanted is not None:
            kept &= np.isin(rows[name], wanted)
    for name in config.exclude if reader.info.dataset in _WITH_EXCLUSIONS else ():
        for subject, action, trial, camera in EXCLUSIONS[name]:
            left_out = (rows["subject"] == subject) & (rows["action"] == ACTIONS.index(action))
            left_out &= (trial is None) | (rows["trial"] == trial)
            left_out &= (camera is None) | (rows["camera"] == camera)
            kept &= ~left_out
    if not kept.any():
        raise DataError(
            f"{reader.path}: no record left of {len(reader)}; asked for subjects {_listed(subjects)} (the file has "
            f"{np.unique(rows['subject']).tolist()}), actions "
            f"{'all' if config.actions is None else ', '.join(config.actions)}, "
            f"cameras {_listed(config.cameras)}, without {list(config.exclude)}"
        )
    return np.flatnonzero(kept)


def _in_file(reader: SplitReader, subjects: tuple[int, ...] | None, key: str) -> tuple[int, ...] | None:
    """Refuse subjects whom a file does not have, beside others; of Human3.6M's whole lists it may have a part."""
    there = np.unique(reader.annotations["subject"]).tolist()
    lost = [number for number in subjects or () if number not in there]
    if not lost or set(lost) == set(subjects or ()) or _is_published(reader, subjects):
        return subjects
    names = [(str(number), reader.info.subject_names.get(number, str(number))) for number in there]
    known = ", ".join(number if number == name else f"{number} ({name})" for number, name in names)
    raise DataError(f"{reader.path}: {key}: no subject {lost[0]} in it; it has {known}")


def _is_published(reader: SplitReader, wanted: tuple[Any, ...] | None) -> bool:
    return reader.info.dataset in MADE_ELSEWHERE and wanted in _PUBLISHED


def check_choice(readers: list[SplitReader], config: DataConfig) -> None:
    """Raise ``ConfigError`` for actions and cameras of which none of the files has a record, and others' exclusions."""
    if config.exclude and not any(reader.info.dataset in _WITH_EXCLUSIONS for reader in readers):
        raise ConfigError(
            f"data.exclude={list(config.exclude)}: sequences of Human3.6M, and {readers[0].path} is no file of it; "
            "leave it empty"
        )
    alike = [each for each in readers if each.info.same_names(readers[0].info)]  # in which these choose
    for key, wanted in (("actions", config.actions), ("cameras", config.cameras)):
        if wanted is None or _is_published(readers[0], wanted):
            continue
        there: dict[Any, str] = {}
        for reader in alike:
            numbers, own = np.unique(reader.annotations[key[:-1]]).tolist(), reader.info.provenance.get("cameras")
            if key == "actions":
                there |= {name: name for at, name in enumerate(reader.info.actions_as(config.actions)) if at in numbers}
            else:
                there |= {number: f"{number} ({own[number]})" if own else str(number) for number in numbers}
        if lost := [each for each in wanted if each not in there]:
            raise ConfigError(
                f"data.{key}: no record of {lost[0]} in {' or '.join(dict.fromkeys(each.path for each in alike))}; "
                f"null for all of {', '.join(there.values())}"
            )


def _listed(numbers: tuple[int, ...] | None) -> str:
    return "all" if numbers is None else str(list(numbers))


def _scored(reader: SplitReader, records: Int[np.ndarray, " N"]) -> Int[np.ndarray, " M"]:
    """Keep the records that errors can be measured on: all joints labelled. Raises ``DataError`` if there are none."""
    labels = [reader.annotations[name][records] for name in ("joints_cam_mm", "joints_px")]
    whole = np.isfinite(labels[0]).all((1, 2)) & np.isfinite(labels[1]).all((1, 2))
    if len(records) and not whole.any():
        raise DataError(
            f"{reader.path}: no record to measure errors on has all joints in px and in mm; 2D labels are trained on "
            "beside such ones: data.mix (docs/mixing.md)"
        )
    if lost := int((~whole).sum()):
        what = f"{lost} of {len(records)} records lack a joint in px or in mm, and no error is measured on them"
        print(f"note: {reader.path}: {what}", file=sys.stderr)
    return records[whole]
