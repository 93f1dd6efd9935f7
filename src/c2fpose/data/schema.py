"""What one split's HDF5 file holds, written down once for synth36 and Human3.6M.

Image coordinates are continuous pixels of the full camera frame: x to the right, y down, pixel i covers [i, i + 1).
The stored image may be a resampled cut of that frame: ``frame_px = stored_left_top + stored_px * stored_step``.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.base.files import reason, written_whole
from c2fpose.data.fields import FIELDS, Field, SplitInfo, fields_of
from c2fpose.data.hdf5 import array_of, check_hdf5, dataset_of
from c2fpose.data.plausible import check_annotations
from c2fpose.pose.skeleton import C2F17, Skeleton

__all__ = [
    "FIELDS", "Field", "ImageFiles", "SplitInfo", "SplitReader", "checked_arrays", "fields_of", "how_to_make",
    "index_fingerprint", "write_annotations", "write_header", "write_split",
]  # fmt: skip

SCHEMA_VERSION = 2
READABLE_VERSIONS = (1, 2)  # 1 had no ``index_fingerprint``: damage to such a file is found by ``verify`` alone
JOINT_ORDER = "c2f17"  # the joints of a file without the attribute ``skeleton``
OWN_ORDER = "own"  # those of a file with it
SYNTHETIC = {  # sets that the package makes, and their presets
    "synth36": ("few", "tiny", "small", "full"),
    "synth_wild": ("tiny", "small", "10k", "medium", "full"),
}
# Where images are: in the file itself, as files beside it, or nowhere (poses alone).
IMAGE_STORES = ("embedded", "files", "none")
_ATTRIBUTES = ("schema_version", "joint_order", "units", "dataset", "split", "images", "fingerprint", "provenance")
# Arrays that say where images are, and of what
_TRIED = 64  # images that a child process reads before this one reads any
_PLACES = {"jpeg_offsets": "images", "image_names": "images", "mask_offsets": "masks"}
_LARGEST_JPEG = 256 << 20  # bytes of one image; more is a damaged offset


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
    skeleton: Skeleton = C2F17,
) -> SplitInfo:
    """Write one split; the file has its name only when it is complete.

    ``annotations`` holds every key of ``FIELDS`` with the same number of rows; ``jpegs`` yields as many encoded images
    and may be a generator, or is None for poses alone. With ``image_files`` the images stay where they are and
    ``jpegs`` is read for the fingerprint alone. ``masks`` yields a PNG for each image: how much of each stored pixel
    is foreground, 255 all. What else a file can say of itself stands in ``provenance``: ``actions``, the names that
    ``action`` counts in; ``subjects``, names by number; ``labels="partial"`` where joints may be missing (NaN), in the
    image, in the camera frame or in both. Raises ``DataError`` when names, shapes or counts differ, and
    ``OutputError`` where the file cannot be written.
    """
    arrays = checked_arrays(path, annotations, skeleton)
    records = len(arrays["scale"])
    store = "none" if jpegs is None else "embedded" if image_files is None else "files"
    digest = hashlib.sha256()
    # h5py raises RuntimeError where closing a file fails
    with written_whole(path, foreign=(RuntimeError,)) as temporary, h5py.File(temporary, "w") as file:
        write_annotations(file, arrays, digest, skeleton)
        where: dict[str, np.ndarray] = {}
        if jpegs is not None and image_files is None:
            where["jpeg_offsets"] = _write_encoded(file, "jpeg", jpegs, digest)
        elif jpegs is not None and image_files is not None:
            where["image_names"] = np.char.encode(np.asarray(image_files.names, str), "utf-8")
            file.attrs["images_root"] = Path(os.path.relpath(image_files.root, path.parent)).as_posix()
            for jpeg in jpegs:
                digest.update(jpeg)
        if masks is not None:
            where["mask_offsets"] = _write_encoded(file, "mask", masks, digest)
        for name, array in where.items():
            file.create_dataset(name, data=array)
            if (count := _items(name, array)) != records:
                raise DataError(f"{path}: {count} {_PLACES[name]} for {records} annotated records")
        info = SplitInfo(str(path), dataset, split, records, digest.hexdigest(), provenance, store, skeleton)
        write_header(file, info, arrays | where)
    return info


def checked_arrays(path: Path, annotations: dict[str, np.ndarray], skeleton: Skeleton = C2F17) -> dict[str, np.ndarray]:
    """Annotations in the schema's types; ``DataError`` where names or shapes differ from it."""
    if set(annotations) != set(FIELDS):
        raise DataError(f"{path}: annotations do not follow the schema: {sorted(set(annotations) ^ set(FIELDS))}")
    fields = fields_of(skeleton)
    arrays = {name: np.asarray(annotations[name], field.dtype) for name, field in fields.items()}
    records = len(arrays["scale"])
    for name, field in fields.items():
        if arrays[name].shape != (records, *field.shape):
            raise DataError(f"{path}: {name} has shape {arrays[name].shape}, expected {(records, *field.shape)}")
    return arrays


def write_annotations(file: h5py.File, arrays: dict[str, np.ndarray], digest: Any, skeleton: Skeleton = C2F17) -> None:
    """Put the annotation arrays into an open file, and into the fingerprint; so too joints that are not the paper's."""
    if skeleton != C2F17:
        digest.update(skeleton.to_json().encode())
    for name, array in arrays.items():
        file.create_dataset(name, data=array).attrs["meaning"] = FIELDS[name].meaning
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())


def write_header(file: h5py.File, info: SplitInfo, index: dict[str, np.ndarray]) -> None:
    """Write what a file says about itself; ``index``: all its arrays but the images' bytes."""
    if info.skeleton != C2F17:
        file.attrs["skeleton"] = info.skeleton.to_json()
    file.attrs.update(
        schema_version=SCHEMA_VERSION,
        joint_order=JOINT_ORDER if info.skeleton == C2F17 else OWN_ORDER,
        units="mm",
        dataset=info.dataset,
        split=info.split,
        images=info.images,
        fingerprint=info.fingerprint,
        provenance=json.dumps(info.provenance, sort_keys=True),
    )
    file.attrs["index_fingerprint"] = index_fingerprint(file.attrs, index)


def index_fingerprint(header: Mapping[str, Any], index: dict[str, np.ndarray]) -> str:
    """SHA-256 over all of a file but the images' bytes: a few MB, compared whenever a file is opened."""
    said = {name: str(header[name]) for name in (*_ATTRIBUTES, "images_root", "skeleton") if name in header}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name in sorted(index):
        array = np.ascontiguousarray(index[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def _items(name: str, array: np.ndarray) -> int:
    """How many images an array of ``_PLACES`` tells of."""
    return len(array) - name.endswith("_offsets")


def _write_encoded(file: h5py.File, name: str, items: Iterable[bytes], digest: Any) -> np.ndarray:
    """Append all items to one flat byte array ``NAME_bytes``; returns the offsets ``(items + 1,)``."""
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
    return np.asarray(offsets, np.int64)


class SplitReader:
    """One split, opened lazily in each process: HDF5 handles do not survive a fork.

    Annotations are small and held in memory as ``annotations[name]`` (see ``FIELDS``); images are read one by one.
    Raises ``DataError`` for a missing, damaged or foreign file and for implausible annotations.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._datasets: dict[str, h5py.Dataset] = {}
        self._pid = -1
        _check_is_there(self.path)
        check_hdf5(self.path, self._read_all)
        self._read()
        check_annotations(
            self.annotations,
            self.info.dataset,
            self.path,
            cut=self.info.boxes_hold_visible_parts,
            partial=self.info.partly_labelled,
            any_size=self.info.of_any_size,
            actions=len(self.info.action_names),
        )

    def _read_all(self) -> None:
        """Read what a child process tries first: annotations and the first images."""
        self._read()
        for record in range(min(len(self), _TRIED)):
            self.jpeg(record)
            self.mask(record)

    def _read(self) -> None:
        with _in_one_line(self.path, "not a readable data file"), h5py.File(self.path, "r") as file:
            images = _check_header(file, self.path)
            skeleton = _read_skeleton(file, self.path)
            self.annotations = {
                name: _read_field(file, self.path, name, field) for name, field in fields_of(skeleton).items()
            }
            self._offsets = _read_offsets(file, self.path, "jpeg") if images == "embedded" else None
            self._mask_offsets = _read_offsets(file, self.path, "mask") if "mask_offsets" in file else None
            self._names = array_of(file, "image_names", self.path) if images == "files" else None
            self._root = os.path.join(os.path.dirname(self.path), str(file.attrs.get("images_root", "")))
            self.info = SplitInfo(
                path=self.path,
                dataset=str(file.attrs["dataset"]),
                split=str(file.attrs["split"]),
                records=len(self.annotations["scale"]),
                fingerprint=str(file.attrs["fingerprint"]),
                provenance=dict(json.loads(file.attrs["provenance"])),
                images=images,
                skeleton=skeleton,
            )
            where = dict(zip(_PLACES, (self._offsets, self._names, self._mask_offsets), strict=True))
            self._check_index(file, self.annotations | {name: a for name, a in where.items() if a is not None})

    def __len__(self) -> int:
        return self.info.records

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_datasets": {}, "_pid": -1}

    def _check_index(self, file: h5py.File, index: dict[str, np.ndarray]) -> None:
        """Refuse a file whose annotations or header are not those that were written."""
        for name in _PLACES.keys() & index.keys():
            if (count := _items(name, index[name])) != self.info.records:
                raise DataError(f"{self.path}: {count} {_PLACES[name]} for {self.info.records} annotated records")
        if int(file.attrs["schema_version"]) < 2:
            return
        if str(file.attrs["index_fingerprint"]) != index_fingerprint(file.attrs, index):
            raise DataError(f"{self.path}: annotations or header were changed after it was made; make or copy it again")

    def jpeg(self, record: int) -> np.ndarray:
        """Read the encoded image of one record, ``(bytes,)`` uint8; ``DataError`` names one that cannot be read."""
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
        """Read the encoded mask of one record (PNG, grey, 255 foreground alone), ``(bytes,)`` uint8; or None."""
        return None if self._mask_offsets is None else self._encoded("mask", self._mask_offsets, record)

    def _encoded(self, name: str, offsets: np.ndarray, record: int) -> np.ndarray:
        with _in_one_line(f"{self.path}: record {record}", f"{_PLACES[f'{name}_offsets'][:-1]} bytes cannot be read"):
            if self._pid != os.getpid():
                # No chunk cache: images are read once each and in random order, and a chunk holds many of them.
                file = h5py.File(self.path, "r", rdcc_nbytes=0)
                self._datasets = {key: file[key] for key in ("jpeg_bytes", "mask_bytes") if key in file}
                self._pid = os.getpid()
            return self._datasets[f"{name}_bytes"][offsets[record] : offsets[record + 1]]

    def image_file(self, record: int) -> str | None:
        """Path of the record's image, where images are files beside the HDF5."""
        return None if self._names is None else os.path.join(self._root, os.fsdecode(self._names[record]))

    def _jpeg_file(self, record: int) -> np.ndarray:
        name = self.image_file(record)
        assert name is not None, "asked where images are files"
        try:
            return np.fromfile(name, np.uint8)
        except (OSError, ValueError) as error:
            why = "no such image file" if isinstance(error, FileNotFoundError) else reason(error)
            raise DataError(f"{self.path}: record {record}: {name}: {why}") from None

    def name(self, record: int) -> str:
        """Name a record in words, in the form of the authors' file names, with the data set's own names."""
        row = {key: int(self.annotations[key][record]) for key in ("subject", "action", "trial", "camera", "frame")}
        action = self.info.action_names[row["action"]]
        own = self.info.provenance.get("cameras")
        camera = self.info.camera_names[row["camera"]] if own else f"camera{row['camera']}"
        return f"{self.info.subject_name(row['subject'])}_{action}_{row['trial']}.{camera}_{row['frame']:06d}"


def how_to_make(path: str) -> str:
    """Say how a data file that is missing is made, judged by its name."""
    human36m = "python -m c2fpose.data.prepare source=... path=... out=... (docs/human36m.md)"
    synth36 = "python -m c2fpose.data.synth36 preset=tiny"
    directory = os.path.basename(os.path.dirname(os.path.abspath(path)))
    for name, presets in SYNTHETIC.items():
        if directory.startswith(f"{name}_"):
            preset, _, skeleton = directory.removeprefix(f"{name}_").partition("_")
            if preset not in presets or (skeleton and name != "synth36"):
                preset = directory.removeprefix(f"{name}_")
                return f"{preset} is no preset of {name} ({', '.join(presets)}); sets of other names are made with out="
            return f"make it first: python -m c2fpose.data.{name} preset={preset}{skeleton and f' skeleton={skeleton}'}"
    if "h36m" in directory or "human36m" in directory.lower():
        return f"make it first: {human36m}"
    own = "data of your own by python -m c2fpose.data.template and prepare (docs/own_data.md)"
    return f"make it first: synth36 by {synth36}, Human3.6M by {human36m}, {own}"


def _check_is_there(path: str) -> None:
    if not os.path.exists(path):
        raise DataError(f"{path}: no such file; {how_to_make(path)}")
    if not os.path.isfile(path):
        raise DataError(f"{path}: is a directory; expected the HDF5 file of a split, such as train.h5 in it")


@contextmanager
def _in_one_line(where: str, what: str) -> Iterator[None]:
    """Say what could not be read, and where: for a damaged file h5py raises nearly anything."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        why = "truncated" if "truncated" in str(error) else "not an HDF5 file" if "signature" in str(error) else None
        text = f"{where}: {why}" if why else f"{where}: {what} ({reason(error)})"
        raise DataError(f"{text}; make or copy it again") from None


def _check_header(file: h5py.File, path: str) -> str:
    """Refuse a foreign file; returns where the images are."""
    stores = {"embedded": {"jpeg_bytes", "jpeg_offsets"}, "files": {"image_names"}, "none": set()}
    images = str(file.attrs.get("images", "embedded"))  # files from before the choice have no such attribute
    if images not in stores:
        raise DataError(f"{path}: images stored as {images!r}, expected one of {', '.join(IMAGE_STORES)}")
    missing = ({*FIELDS, *stores[images]} - set(file)) | ({*_ATTRIBUTES} - {"images"} - set(file.attrs))
    if missing:
        raise DataError(f"{path}: not a c2fpose data file, or an unfinished one: lacks {', '.join(sorted(missing))}")
    if file.attrs["schema_version"] not in READABLE_VERSIONS:
        raise DataError(f"{path}: schema {file.attrs['schema_version']}, this version reads {SCHEMA_VERSION}")
    expected = OWN_ORDER if "skeleton" in file.attrs else JOINT_ORDER
    if file.attrs["joint_order"] != expected:
        raise DataError(f"{path}: unknown joint order {file.attrs['joint_order']!r}, expected {expected!r}")
    if file.attrs["units"] != "mm":
        raise DataError(f"{path}: lengths in {file.attrs['units']!r}, expected 'mm'")
    return images


def _read_skeleton(file: h5py.File, path: str) -> Skeleton:
    """Find the joints that a file's poses have."""
    text = file.attrs.get("skeleton")
    return C2F17 if text is None else Skeleton.from_json(str(text), f"{path}: skeleton")


def _read_field(file: h5py.File, path: str, name: str, field: Field) -> np.ndarray:
    records = dataset_of(file, "scale", path).shape[0]
    shape = dataset_of(file, name, path).shape
    if shape != (records, *field.shape):
        raise DataError(f"{path}: {name} has shape {shape}, expected {(records, *field.shape)}")
    with _in_one_line(path, f"{name} cannot be read"), np.errstate(all="ignore"):
        return array_of(file, name, path).astype(field.dtype, copy=False)


def _read_offsets(file: h5py.File, path: str, name: str) -> np.ndarray:
    """Where each encoded image, or mask, begins and the last one ends."""
    offsets, stored = array_of(file, f"{name}_offsets", path), dataset_of(file, f"{name}_bytes", path)
    if offsets.ndim != 1 or offsets.dtype.kind not in "iu" or not len(offsets):
        raise DataError(f"{path}: {name}_offsets has shape {offsets.shape} of {offsets.dtype}; make or copy it again")
    sizes = np.diff(offsets.astype(np.int64))
    wrong = (sizes <= 0) | (sizes > _LARGEST_JPEG)
    if wrong.any():
        raise DataError(
            f"{path}: record {int(np.argmax(wrong))}: {name} of {sizes[np.argmax(wrong)]} bytes; copy it again"
        )
    if offsets[0] != 0 or stored.ndim != 1 or stored.dtype != np.uint8 or offsets[-1] > stored.size:
        raise DataError(f"{path}: {name}_bytes end at byte {offsets[-1]} of {stored.size}; copy it again")
    return offsets.astype(np.int64)
