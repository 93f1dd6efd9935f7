"""What one split's HDF5 file holds, written down once for synth36 and Human3.6M.

Image coordinates are continuous pixels of the full camera frame: x to the right, y down, pixel i covers [i, i + 1).
The stored image may be a resampled cut of that frame: ``frame_px = stored_left_top + stored_px * stored_step``.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import NUM_JOINTS

SCHEMA_VERSION = 1
JOINT_ORDER = "c2f17"  # skeleton.JOINTS
# Where images are: in the file itself, as files beside it, or nowhere (poses alone).
IMAGE_STORES = ("embedded", "files", "none")


@dataclass(frozen=True)
class Field:
    """One annotation array: a row for each record."""

    dtype: str
    shape: tuple[int, ...]
    meaning: str


FIELDS = {
    "joints_cam_mm": Field("float32", (NUM_JOINTS, 3), "joints in the camera frame (x right, y down, z forward), mm"),
    "joints_px": Field("float32", (NUM_JOINTS, 2), "joints in the full camera frame, lens distortion included, px"),
    "center_px": Field("float32", (2,), "centre of the person's box in the full camera frame, px"),
    "scale": Field("float32", (), "side of the person's box in units of 200 px"),
    "intrinsics_px": Field("float32", (4,), "fx, fy, cx, cy of the full camera frame, px"),
    "stored_left_top_px": Field("float32", (2,), "left and top edge of the stored image in the full camera frame, px"),
    "stored_step_px": Field("float32", (), "pixels of the full camera frame for each pixel of the stored image"),
    "subject": Field("int16", (), "Human3.6M's subject number"),
    "action": Field("int16", (), "index into protocol.ACTIONS"),
    "trial": Field("int16", (), "which sequence of that subject and action, from 1"),
    "camera": Field("int16", (), "index into protocol.CAMERA_SERIALS"),
    "frame": Field("int32", (), "frame number in the sequence at 50 fps, from 1"),
}


@dataclass(frozen=True)
class SplitInfo:
    """What a file says about itself; goes into every result computed from it."""

    path: str
    dataset: str  # "synth36" or "h36m"
    split: str  # "train" or "test"
    records: int
    fingerprint: str  # SHA-256 over annotations and image bytes, wherever the images are stored
    provenance: dict[str, Any]  # how it was made: seed, preset, source, code version
    images: str = "embedded"  # one of IMAGE_STORES

    @property
    def boxes_hold_visible_parts(self) -> bool:
        """Whether boxes are drawn around what can be seen of a person, instead of around all joints."""
        return self.provenance.get("boxes") == "visible"

    @property
    def trial_is_person(self) -> bool:
        """Whether each trial of a subject is another person, instead of the same one again."""
        return self.provenance.get("trials") == "people"


@dataclass(frozen=True)
class ImageFiles:
    """Images that stay files beside the HDF5: a folder, and each record's file in it (names with ``/``)."""

    root: Path
    names: Sequence[str]


def write_split(
    path: Path,
    annotations: dict[str, np.ndarray],
    jpegs: Iterable[bytes] | None,
    *,
    dataset: str,
    split: str,
    provenance: dict[str, Any],
    image_files: ImageFiles | None = None,
    masks: Iterable[bytes] | None = None,
) -> SplitInfo:
    """Write one split; the file has its name only when it is complete.

    ``annotations`` holds every key of ``FIELDS`` with the same number of rows; ``jpegs`` yields as many encoded images
    and may be a generator, or is None for poses alone. With ``image_files`` the images stay where they are and
    ``jpegs`` is read for the fingerprint alone. ``masks`` yields a PNG for each image: how much of each stored pixel
    is foreground, 255 all. Raises ``DataError`` when names, shapes or counts differ.
    """
    arrays = checked_arrays(path, annotations)
    records = len(arrays["scale"])
    store = "none" if jpegs is None else "embedded" if image_files is None else "files"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    digest = hashlib.sha256()
    with h5py.File(partial, "w") as file:
        write_annotations(file, arrays, digest)
        images = records
        if store == "embedded":
            images = _write_encoded(file, "jpeg", jpegs, digest)
        elif store == "files":
            _write_names(file, image_files, path.parent)
            for jpeg in jpegs:
                digest.update(jpeg)
            images = len(image_files.names)
        if images != records:
            raise DataError(f"{path}: {images} images for {records} annotated records")
        if masks is not None and (count := _write_encoded(file, "mask", masks, digest)) != records:
            raise DataError(f"{path}: {count} masks for {records} annotated records")
        info = SplitInfo(str(path), dataset, split, records, digest.hexdigest(), provenance, store)
        write_header(file, info)
    os.replace(partial, path)
    return info


def checked_arrays(path: Path, annotations: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Annotations in the schema's types; ``DataError`` where names or shapes differ from it."""
    if set(annotations) != set(FIELDS):
        raise DataError(f"{path}: annotations do not follow the schema: {sorted(set(annotations) ^ set(FIELDS))}")
    arrays = {name: np.asarray(annotations[name], field.dtype) for name, field in FIELDS.items()}
    records = len(arrays["scale"])
    for name, field in FIELDS.items():
        if arrays[name].shape != (records, *field.shape):
            raise DataError(f"{path}: {name} has shape {arrays[name].shape}, expected {(records, *field.shape)}")
    return arrays


def write_annotations(file: h5py.File, arrays: dict[str, np.ndarray], digest: Any) -> None:
    """The annotation arrays into an open file, and into the fingerprint."""
    for name, array in arrays.items():
        file.create_dataset(name, data=array).attrs["meaning"] = FIELDS[name].meaning
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())


def write_header(file: h5py.File, info: SplitInfo) -> None:
    """What a file says about itself."""
    file.attrs.update(
        schema_version=SCHEMA_VERSION,
        joint_order=JOINT_ORDER,
        units="mm",
        dataset=info.dataset,
        split=info.split,
        images=info.images,
        fingerprint=info.fingerprint,
        provenance=json.dumps(info.provenance, sort_keys=True),
    )


def _write_names(file: h5py.File, files: ImageFiles, beside: Path) -> None:
    """Names of the image files, and their folder as seen from the HDF5."""
    file.create_dataset("image_names", data=np.char.encode(np.asarray(files.names, str), "utf-8"))
    file.attrs["images_root"] = Path(os.path.relpath(files.root, beside)).as_posix()


def _write_encoded(file: h5py.File, name: str, items: Iterable[bytes], digest: Any) -> int:
    """Append all items to one flat byte array ``NAME_bytes``, with ``NAME_offsets (items + 1,)``; returns how many."""
    block = 16 << 20
    stored = file.create_dataset(f"{name}_bytes", shape=(0,), maxshape=(None,), dtype="uint8", chunks=(1 << 18,))
    offsets, pending, flushed = [0], bytearray(), 0

    def flush() -> None:
        nonlocal flushed
        stored.resize((flushed + len(pending),))
        stored[flushed:] = np.frombuffer(bytes(pending), np.uint8)
        flushed += len(pending)
        pending.clear()

    for item in items:
        pending += item
        digest.update(item)
        offsets.append(offsets[-1] + len(item))
        if len(pending) >= block:
            flush()
    flush()
    file.create_dataset(f"{name}_offsets", data=np.asarray(offsets, np.int64))
    return len(offsets) - 1


class SplitReader:
    """One split, opened lazily in each process: HDF5 handles do not survive a fork.

    Annotations are small and held in memory as ``annotations[name]`` (see ``FIELDS``); images are read one by one.
    Raises ``DataError`` for a missing, truncated or foreign file and for implausible annotations.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._datasets: dict[str, h5py.Dataset] = {}
        self._pid = -1
        with _opened(self.path) as file:
            _check_header(file, self.path)
            self.annotations = {name: _read_field(file, self.path, name) for name in FIELDS}
            images = str(file.attrs.get("images", "embedded"))
            self._offsets = file["jpeg_offsets"][:] if images == "embedded" else None
            self._mask_offsets = file["mask_offsets"][:] if "mask_offsets" in file else None
            self._names = file["image_names"][:] if images == "files" else None
            self._root = os.path.join(os.path.dirname(self.path), str(file.attrs.get("images_root", "")))
            self.info = SplitInfo(
                path=self.path,
                dataset=str(file.attrs["dataset"]),
                split=str(file.attrs["split"]),
                records=len(self.annotations["scale"]),
                fingerprint=str(file.attrs["fingerprint"]),
                provenance=json.loads(file.attrs["provenance"]),
                images=images,
            )
        _check_annotations(self.annotations, self.path, cut=self.info.boxes_hold_visible_parts)

    def __len__(self) -> int:
        return self.info.records

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_datasets": {}, "_pid": -1}

    def jpeg(self, record: int) -> np.ndarray:
        """The encoded image of one record, ``(bytes,)`` uint8; ``DataError`` names a record that cannot be read."""
        if self._names is not None:
            return self._jpeg_file(record)
        if self._offsets is None:
            raise DataError(f"{self.path}: holds poses alone, no images")
        return self._encoded("jpeg", self._offsets, record)

    @property
    def has_masks(self) -> bool:
        """Whether a mask of the foreground is stored with each image."""
        return self._mask_offsets is not None

    def mask(self, record: int) -> np.ndarray | None:
        """The record's encoded mask (PNG, grey, 255 foreground alone), ``(bytes,)`` uint8; None in a file without."""
        return None if self._mask_offsets is None else self._encoded("mask", self._mask_offsets, record)

    def _encoded(self, name: str, offsets: np.ndarray, record: int) -> np.ndarray:
        if self._pid != os.getpid():
            # No chunk cache: images are read once each and in random order, and a chunk holds many of them.
            file, self._pid = h5py.File(self.path, "r", rdcc_nbytes=0), os.getpid()
            self._datasets = {key: file[key] for key in ("jpeg_bytes", "mask_bytes") if key in file}
        try:
            return self._datasets[f"{name}_bytes"][offsets[record] : offsets[record + 1]]
        except OSError as error:
            what = "image" if name == "jpeg" else name
            raise DataError(f"{self.path}: record {record}: {what} bytes cannot be read ({error})") from None

    def image_file(self, record: int) -> str | None:
        """Path of the record's image, where images are files beside the HDF5."""
        return None if self._names is None else os.path.join(self._root, self._names[record].decode())

    def _jpeg_file(self, record: int) -> np.ndarray:
        name = self.image_file(record)
        try:
            return np.fromfile(name, np.uint8)
        except OSError as error:
            reason = "no such image file" if isinstance(error, FileNotFoundError) else str(error)
            raise DataError(f"{self.path}: record {record}: {name}: {reason}") from None

    def name(self, record: int) -> str:
        """A record in words, in the form of the authors' file names."""
        row = {key: int(self.annotations[key][record]) for key in ("subject", "action", "trial", "camera", "frame")}
        return f"S{row['subject']}_{ACTIONS[row['action']]}_{row['trial']}.camera{row['camera']}_{row['frame']:06d}"


def _opened(path: str) -> h5py.File:
    if not os.path.isfile(path):
        raise DataError(f"{path}: no such file; make the data first (python -m c2fpose.data.synth36 preset=tiny)")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        reason = "truncated" if "truncated" in str(error) else "not an HDF5 file"
        raise DataError(f"{path}: {reason}; make or copy it again") from None


def _check_header(file: h5py.File, path: str) -> None:
    stores = {"embedded": {"jpeg_bytes", "jpeg_offsets"}, "files": {"image_names"}, "none": set()}
    images = file.attrs.get("images", "embedded")  # files from before the choice have no such attribute
    if images not in stores:
        raise DataError(f"{path}: images stored as {images!r}, expected one of {', '.join(IMAGE_STORES)}")
    missing = ({*FIELDS, *stores[images]} - set(file)) | (
        {"schema_version", "joint_order", "dataset", "split", "units", "fingerprint", "provenance"} - set(file.attrs)
    )
    if missing:
        raise DataError(f"{path}: not a c2fpose data file, or an unfinished one: lacks {', '.join(sorted(missing))}")
    if file.attrs["schema_version"] != SCHEMA_VERSION:
        raise DataError(f"{path}: schema {file.attrs['schema_version']}, this version reads {SCHEMA_VERSION}")
    if file.attrs["joint_order"] != JOINT_ORDER:
        raise DataError(f"{path}: unknown joint order {file.attrs['joint_order']!r}, expected {JOINT_ORDER!r}")
    if file.attrs["units"] != "mm":
        raise DataError(f"{path}: lengths in {file.attrs['units']!r}, expected 'mm'")


def _read_field(file: h5py.File, path: str, name: str) -> np.ndarray:
    records, field = file["scale"].shape[0], FIELDS[name]
    if file[name].shape != (records, *field.shape):
        raise DataError(f"{path}: {name} has shape {file[name].shape}, expected {(records, *field.shape)}")
    try:
        return file[name][:].astype(field.dtype, copy=False)
    except OSError as error:
        raise DataError(f"{path}: {name} cannot be read ({error})") from None


def _check_annotations(annotations: dict[str, np.ndarray], path: str, cut: bool) -> None:
    """Refuse what no correct file holds, naming the first record at fault. Of people that are ``cut`` by their boxes
    joints may lie anywhere."""
    joints, scale = annotations["joints_cam_mm"], annotations["scale"]
    if len(scale) == 0:
        raise DataError(f"{path}: holds no record")
    extent = np.ptp(joints, axis=1).max(-1)
    faults = {
        "NaN or infinite joints": ~np.isfinite(joints).all((1, 2)) | ~np.isfinite(annotations["joints_px"]).all((1, 2)),
        "a joint behind the camera": (joints[..., 2] <= 0).any(1),
        "a person less than 200 mm in extent; lengths must be millimetres": extent < 200,
        "a person more than 4 m in extent; lengths must be millimetres": extent > 4000,
        "a box without size": ~(scale > 0),
        "an unknown action": (annotations["action"] < 0) | (annotations["action"] >= len(ACTIONS)),
        "a joint far outside its box": _outside_box(annotations) & (not cut),
    }
    for fault, rows in faults.items():
        if rows.any():
            raise DataError(f"{path}: record {int(np.argmax(rows))}: {fault} ({int(rows.sum())} such records)")


def _outside_box(annotations: dict[str, np.ndarray]) -> np.ndarray:
    """Records with a joint more than half a box outside the box: drifted labels reach out a little, no more."""
    offset = np.abs(annotations["joints_px"] - annotations["center_px"][:, None]).max((1, 2))
    return offset > 200.0 * annotations["scale"]
