"""Records as samples of a batch, and the loader that hands them out in an order that can be resumed."""

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple, TypedDict, cast

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from c2fpose.base.errors import DataError
from c2fpose.config.data import LABELS, AugmentationConfig, DataConfig
from c2fpose.data.crops import augmentation
from c2fpose.data.crops import released as released_crop
from c2fpose.data.crops import standard as crop
from c2fpose.data.fields import MADE_ELSEWHERE
from c2fpose.data.schema import SplitReader
from c2fpose.data.synth_wild.exchange import Backgrounds
from c2fpose.pose.protocol import BOX_SCALE_UNIT_PX

_LABELS = ("subject", "action", "trial", "camera", "frame")
# So many unreadable images in a row are not bad luck.
_MOST_SKIPPED = 16


class Batch(TypedDict):
    """What the loaders yield. ``B`` images of ``S`` x ``S`` px; joints as the file has them.

    Augmentation changes the first seven, and nothing else: the rest of metric ground truth and camera are the record's
    own, so predicted poses are compared on unaugmented batches.
    """

    image: UInt8[torch.Tensor, "B 3 S S"]  # RGB bytes: a quarter of the traffic of floats; divide by 255 on the device
    joints_box: Float[torch.Tensor, "B J 2"]  # x, y across the crop: 0 is its left or top edge, 1 its right or bottom
    depth_rel_mm: Float[torch.Tensor, "B J"]  # camera depth less that of the root; not changed by scale augmentation
    visible: Bool[torch.Tensor, "B J"]  # inside the crop, and annotated (frame x > 0, the original's rule)
    flipped: Bool[torch.Tensor, "B"]  # mirrored by augmentation, left and right joints exchanged
    joints_turned_mm: Float[torch.Tensor, "B J 3"]  # camera frame, turned and mirrored as the image
    box_to_ray: Float[torch.Tensor, "B 2 3"]  # affine: a position as of joints_box to x/z, y/z of joints_turned_mm
    joints_cam_mm: Float[torch.Tensor, "B J 3"]  # camera frame (x right, y down, z forward)
    intrinsics_px: Float[torch.Tensor, "B 4"]  # fx, fy, cx, cy of the full frame
    box_left_top_px: Float[torch.Tensor, "B 2"]  # the unaugmented box in the full frame
    box_side_px: Float[torch.Tensor, "B"]
    subject: Int[torch.Tensor, "B"]  # Human3.6M's number
    action: Int[torch.Tensor, "B"]  # index into protocol.ACTIONS
    trial: Int[torch.Tensor, "B"]
    camera: Int[torch.Tensor, "B"]  # index into protocol.CAMERA_SERIALS
    frame: Int[torch.Tensor, "B"]
    record: Int[torch.Tensor, "B"]  # row in the file


class Turn(NamedTuple):
    """A record's turn in training."""

    position: int  # in the list of the records used
    epoch: int
    batch: int  # of the epoch
    again: int = 0  # how often the record has been shown in this epoch already: a mix repeats those of a small source


class Result(NamedTuple):
    """A sample, or none, and what was wrong with unreadable records on the way to it."""

    sample: dict[str, Any] | None
    faults: tuple[str, ...]


class PoseDataset(Dataset):
    """Chosen records of one file, cropped to the network's input; ``seed`` turns augmentation on.

    Indexed by a plain position (no augmentation) or by a ``Turn``. An unreadable image does not raise here, inside a
    loader process, but comes back in ``Result.faults``: ``PoseLoader`` decides.
    """

    def __init__(self, reader: SplitReader, records: np.ndarray, config: DataConfig, seed: int | None = None) -> None:
        self.reader = reader
        self.skeleton = reader.info.skeleton
        self._mirror = np.array(self.skeleton.mirror)
        self.records = np.asarray(records, np.int64)
        self.config = config
        self.seed = self.batch_seed = seed  # a mix gives its parts a batch_seed in common
        augment = config.augmentation if seed is not None else None
        self.photometric = (
            augmentation.Photometric(augment, config.image_size) if augment and augment.photometric else None
        )
        self.backgrounds = self._backgrounds(augment)
        self.cache: ImageCache | None = None

    def _backgrounds(self, augment: AugmentationConfig | None) -> Backgrounds | None:
        if augment is None or self.seed is None or not augment.background_probability or not self.reader.has_masks:
            return None
        if self.config.crop_mode != "standard":
            raise DataError(
                f"{self.reader.path}: augmentation.background_probability needs crop_mode=standard; set it to 0"
            )
        return Backgrounds(augment.backgrounds, self.config.image_size, self.seed)

    def __len__(self) -> int:
        return len(self.records)

    def prepare(self) -> None:
        """Do what loader processes should share: import libraries, fill the cache."""
        if self.photometric:
            self.photometric.prepare()
        if self.backgrounds:
            self.backgrounds.prepare()
        if self.config.cache == "memory" and self.cache is None:
            self.cache = ImageCache(self)

    def __getitem__(self, turn: Turn | int) -> Result:
        if not isinstance(turn, Turn):
            return self._result(int(turn), augmentation.Draw())
        faults: list[str] = []
        # In training the next record takes an unreadable one's place, so that all batches are of one size.
        for further in range(_MOST_SKIPPED if self.config.on_corrupt == "skip" else 1):
            position = (turn.position + further) % len(self)
            sample, fault = self._result(position, self._draw(turn, int(self.records[position])))
            faults.extend(fault)
            if sample is not None:
                return Result(sample, tuple(faults))
        return Result(None, tuple(faults))

    def stored_image(self, record: int, reduced: int, rows: int | None = None) -> np.ndarray | str:
        """Read the stored image, ``reduced`` times smaller, at least its first ``rows``; or say what is wrong."""
        try:
            image = crop.decode(self.reader.jpeg(record), reduced, rows)
        except DataError as error:
            return str(error)
        if image is None:
            return f"{self.reader.path}: record {record} ({self.reader.name(record)}): the JPEG cannot be decoded"
        return image

    def reductions(self, record: int) -> list[int]:
        """By how much a record's stored image is reduced for its crop: all that augmentation may ask for."""
        augment = self.config.augmentation if self.seed is not None else None
        least, most = (self._reduction(record, scale) for scale in (augment.scale_range if augment else (1.0, 1.0)))
        return [reduced for reduced in (1, 2, 4, 8) if least <= reduced <= most]

    def _draw(self, turn: Turn, record: int) -> augmentation.Draw:
        if self.seed is None or self.config.augmentation is None:
            return augmentation.Draw()
        return augmentation.draw(
            self.config.augmentation, self.seed, turn.epoch, record, turn.batch, self.skeleton.joints, turn.again,
            self.batch_seed,
        )  # fmt: skip

    def _reduction(self, record: int, scale: float) -> int:
        if self.config.crop_mode == "released_code":
            return 1
        annotations = self.reader.annotations
        side_px = BOX_SCALE_UNIT_PX * float(annotations["scale"][record]) * scale
        return crop.reduction(side_px, float(annotations["stored_step_px"][record]), self.config.image_size)

    def _result(self, position: int, draw: augmentation.Draw) -> Result:
        record, size = int(self.records[position]), self.config.image_size
        row = {name: array[record] for name, array in self.reader.annotations.items()}
        side = BOX_SCALE_UNIT_PX * float(row["scale"]) * draw.scale
        middle = _moved_center(row, draw)
        to_crop = crop.frame_to_crop(middle, side, size, rotation_deg=draw.rotation_deg, flip=draw.flip)
        reduced = self._reduction(record, draw.scale)
        left_top, step = row["stored_left_top_px"].astype(float), float(row["stored_step_px"]) * reduced
        from_stored = crop.stored_to_crop(to_crop, left_top, step)
        if self.cache:
            stored = self.cache[position, reduced]
        else:
            whole = self.config.crop_mode == "released_code"
            stored = self.stored_image(record, reduced, None if whole else crop.rows_read(from_stored, size))
        if isinstance(stored, str):
            return Result(None, (stored,))
        if not _shows_box(row, stored.shape[1::-1], step):
            place = f"{self.reader.path}: record {record} ({self.reader.name(record)})"
            return Result(None, (f"{place}: the stored image lies beside the person's box",))
        return Result(self._sample(record, row, stored, to_crop, from_stored, draw), ())

    def _behind(
        self, record: int, row: dict[str, np.ndarray], to_crop: Float[np.ndarray, "2 3"], draw: augmentation.Draw
    ) -> UInt8[np.ndarray, "S S"]:
        """How much of each pixel of the crop is background, 255 all; beyond the stored image nothing is."""
        encoded = self.reader.mask(record)
        mask = None if encoded is None else cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise DataError(
                f"{self.reader.path}: record {record} ({self.reader.name(record)}): the mask cannot be decoded"
            )
        reduced = self._reduction(record, draw.scale)
        if reduced > 1:
            mask = cv2.resize(mask, (mask.shape[1] // reduced, mask.shape[0] // reduced), interpolation=cv2.INTER_AREA)
        step = float(row["stored_step_px"]) * reduced
        from_stored = crop.stored_to_crop(to_crop, row["stored_left_top_px"].astype(float), step)
        return crop.warp(cv2.merge([255 - mask] * 3), from_stored, self.config.image_size)[..., 0]

    def _sample(
        self,
        record: int,
        row: dict[str, np.ndarray],
        stored: np.ndarray,
        to_crop: Float[np.ndarray, "2 3"],
        from_stored: Float[np.ndarray, "2 3"],
        draw: augmentation.Draw,
    ) -> dict[str, Any]:
        center, side = row["center_px"].astype(float), BOX_SCALE_UNIT_PX * float(row["scale"])
        size, flip = self.config.image_size, draw.flip
        if self.config.crop_mode == "released_code":
            left_top, step = row["stored_left_top_px"].astype(float), float(row["stored_step_px"])
            box = released_crop.whole_pixel_box(_moved_center(row, draw), side * draw.scale)
            image = released_crop.resample(released_crop.cut(stored, (left_top, step), box, draw.rotation_deg), size)
            image = image[:, ::-1] if flip else image
            box_left_top = np.array(released_crop.whole_pixel_box(center, side)[:2], float)
        else:
            image = crop.warp(stored, from_stored, size, draw.border)
            if self.backgrounds and self.config.augmentation:
                behind = self._behind(record, row, to_crop, draw)
                chance = self.config.augmentation.background_probability
                image = self.backgrounds.exchanged(image, behind, draw.photometric_seed, chance)
            box_left_top = center - side / 2
        image = crop.planes(image)
        if draw.gains:
            image = augmentation.apply_gains(image, draw.gains)
        if self.photometric:
            image = self.photometric(np.ascontiguousarray(image.transpose(1, 2, 0)), draw.photometric_seed)
            image = crop.planes(image)

        joints_box = crop.transform(to_crop, row["joints_px"].astype(float)) / size
        depth = row["joints_cam_mm"][:, 2] - row["joints_cam_mm"][self.skeleton.root, 2]
        across_px = row["joints_px"][:, 0]  # the original's rule: 0 is no label; data of one's own have NaN for that
        labelled = across_px > 0 if self.reader.info.dataset in MADE_ELSEWHERE else np.isfinite(across_px)
        visible = ((joints_box >= 0) & (joints_box < 1)).all(1) & labelled
        turned = crop.turned_mm(to_crop, row["joints_cam_mm"])
        if flip:
            joints_box, depth, visible, turned = (each[self._mirror] for each in (joints_box, depth, visible, turned))
        return {
            "image": image,
            "joints_box": joints_box.astype(np.float32),
            "depth_rel_mm": depth,
            "visible": visible,
            "flipped": np.bool_(flip),
            "joints_turned_mm": turned.astype(np.float32),
            "box_to_ray": crop.box_to_ray(to_crop, row["intrinsics_px"], size).astype(np.float32),
            "joints_cam_mm": row["joints_cam_mm"],
            "intrinsics_px": row["intrinsics_px"],
            "box_left_top_px": box_left_top.astype(np.float32),
            "box_side_px": np.float32(side),
            **{name: np.int64(row[name]) for name in _LABELS},
            "record": np.int64(record),
            # asked for by what is labelled in part: looking for gaps in every batch of others would cost time
            **({"labelled": np.int64(LABELS.index("full"))} if self.reader.info.partly_labelled else {}),
        }


def _moved_center(row: dict[str, np.ndarray], draw: augmentation.Draw) -> Float[np.ndarray, "2"]:
    """Find the middle of the box, px of the full frame, once augmentation has moved it."""
    center = row["center_px"] + draw.towards * np.nan_to_num(row["joints_px"][draw.focus] - row["center_px"])
    return center + BOX_SCALE_UNIT_PX * float(row["scale"]) * np.array(draw.shift)


def _shows_box(row: dict[str, np.ndarray], size: tuple[int, int], step_px: float) -> bool:
    """Whether a stored image of ``size`` (width, height) pixels has any part of the box: else its crop is black."""
    right_bottom = row["stored_left_top_px"] + np.array(size) * step_px
    return bool((right_bottom > row["center_px"] - BOX_SCALE_UNIT_PX / 2 * row["scale"]).all())


class ImageCache:
    """Reduced stored images of a data set in memory that loader processes share, however they are started."""

    def __init__(self, dataset: PoseDataset) -> None:
        limit = int(dataset.config.cache_limit_gb * 2**30)
        keys = [
            (at, reduced) for at, record in enumerate(dataset.records) for reduced in dataset.reductions(int(record))
        ]
        images: list[Any] = []  # arrays, None once they have their place
        self._faults: dict[int, str] = {}
        total = 0
        for position, reduced in keys:
            image: Any = dataset.stored_image(int(dataset.records[position]), reduced)
            if isinstance(image, str):
                self._faults[position] = image
                image = np.empty((0, 0, 3), np.uint8)
            images.append(image)
            total += image.nbytes
            if total > limit:
                raise DataError(
                    f"{dataset.reader.path}: cache=memory needs more than cache_limit_gb="
                    f"{dataset.config.cache_limit_gb} after {position + 1} of {len(dataset)} records; "
                    "use cache=none or raise the limit"
                )
        self._index = {key: number for number, key in enumerate(keys)}
        self._shapes = [image.shape for image in images]
        self._offsets = np.cumsum([0, *(image.nbytes for image in images)])
        self._bytes = torch.empty(total, dtype=torch.uint8).share_memory_()
        for number in range(len(images)):
            image, images[number] = images[number], None  # freed one by one: the peak stays near one copy
            self._bytes.numpy()[self._offsets[number] : self._offsets[number + 1]] = image.reshape(-1)

    def __getitem__(self, key: tuple[int, int]) -> np.ndarray | str:
        """Read the image at a position, so many times reduced; or what is wrong with it."""
        position, _ = key
        if position in self._faults:
            return self._faults[position]
        number = self._index[key]
        return self._bytes.numpy()[self._offsets[number] : self._offsets[number + 1]].reshape(self._shapes[number])


class EpochSampler(Sampler[Turn]):
    """An endless stream of full batches, epoch after epoch, each in an order that depends on (seed, epoch) alone.

    A pass is as long as ``epochs`` (as many as batches make a step, which then never ends early) and starts at
    ``next_batch``, counted from the beginning of training. With several processes (``replicas``) each takes its share
    of one common order; give the Trainer ``use_distributed_sampler=False``.
    """

    def __init__(
        self, records: int, batch_size: int, seed: int, replicas: int = 1, rank: int = 0, epochs: int = 1
    ) -> None:
        self.records, self.batch_size, self.seed, self.epochs = records, batch_size, seed, epochs
        self.replicas, self.rank = replicas, rank
        self.next_batch = 0

    @property
    def batches(self) -> int:
        """Full batches in an epoch; what does not fill one is left out, another remainder each epoch."""
        return self.records // self.replicas // self.batch_size

    def __len__(self) -> int:
        return self.epochs * self.batches * self.batch_size

    def __iter__(self) -> Iterator[Turn]:
        shuffled_epoch, order = -1, np.empty(0, int)
        for batch in range(self.next_batch, self.next_batch + self.epochs * self.batches):
            epoch, number = divmod(batch, self.batches)
            if epoch != shuffled_epoch:
                order = augmentation.shuffled(self.records, self.seed, epoch)[self.rank :: self.replicas]
                shuffled_epoch = epoch
            for position in order[number * self.batch_size : (number + 1) * self.batch_size]:
                yield Turn(int(position), epoch, number * self.replicas + self.rank)


class PoseLoader(DataLoader):
    """A ``DataLoader`` of a ``PoseDataset`` that refuses or counts unreadable images.

    With on_corrupt=fail an unreadable image raises ``DataError`` naming file and record; with "skip" training takes the
    next record, evaluation leaves it out, and each pass ends with one warning that says how many and which was first.
    """

    skipped = 0  # unreadable images met so far

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # of DataLoader's own making
        faults_seen: list[str] = []
        for number, (arrays, faults) in enumerate(super().__iter__(), start=1):
            batch = arrays and {name: torch.as_tensor(array) for name, array in arrays.items()}
            faults_seen.extend(faults)
            if faults and (cast(PoseDataset, self.dataset).config.on_corrupt == "fail" or batch is None):
                raise DataError(faults[0])
            self.skipped += len(faults)
            # Told before the last batch: whoever knows the length never asks for one more.
            if number == len(self) and faults_seen:
                warnings.warn(
                    f"{len(faults_seen)} unreadable images skipped; the first: {faults_seen[0]}", stacklevel=2
                )
            yield cast(Batch, batch)


class TrainingLoader(PoseLoader):
    """Goes on exactly where it stopped: Lightning saves ``state_dict`` in its checkpoints.

    What counts is the number of batches handed out, not Lightning's epochs (it loses count of them when it resumes
    step-limited training from the end of an epoch), nor what loader processes have prepared beyond.
    """

    _batches_done = 0

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # of DataLoader's own making
        cast(EpochSampler, self.sampler).next_batch = self._batches_done
        for batch in super().__iter__():
            self._batches_done += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Batches handed out since the beginning of training."""
        return {"batches_done": self._batches_done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Start the next pass after that many batches."""
        self._batches_done = state["batches_done"]


def collate(results: list[Result]) -> tuple[dict[str, np.ndarray | torch.Tensor] | None, tuple[str, ...]]:
    """Stack the samples there are; with them what was wrong with the others.

    Images become a tensor, which leaves a loader process by shared memory. The rest stays arrays, until ``PoseLoader``
    has them: a shared block for each would cost more than the few bytes in it.
    """
    samples = [result.sample for result in results if result.sample is not None]
    faults = tuple(fault for result in results for fault in result.faults)
    if not samples:
        return None, faults
    arrays = {name: np.stack([sample[name] for sample in samples]) for name in samples[0] if name != "image"}
    return {"image": default_collate([torch.from_numpy(sample["image"]) for sample in samples]), **arrays}, faults
