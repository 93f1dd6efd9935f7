"""Source ``c2f``: the annotation and images that the authors of the paper released.

``annot/{train,valid}.h5`` with ``center``, ``scale`` and, in the full set, ``part``, ``S`` and ``zind``;
``annot/{train,valid}_images.txt``; ``annot/valid.mat`` with poses and intrinsics; ``images/``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float

from c2fpose.base.errors import DataError, readable
from c2fpose.data.hdf5 import array_of, check_hdf5
from c2fpose.data.human36m.calibration import Calibration
from c2fpose.data.human36m.frames import (
    Files,
    SequenceRecords,
    Wanted,
    check_joint_count,
    check_poses,
    found_files,
    sequence_records,
)
from c2fpose.data.human36m.sequences import Sequence, bare_name, counted_from_one, parse_image_name, rows_by_sequence
from c2fpose.data.human36m.sources import Source
from c2fpose.data.matlab import load_mat5
from c2fpose.pose.camera import depth_bin
from c2fpose.pose.protocol import CAMERA_SERIALS
from c2fpose.pose.skeleton import NUM_JOINTS, ROOT

SOURCE = Source(holds=("annot/train.h5", "annot/valid.h5", "annot/*_images.txt"))
MIN_ZIND_AGREEMENT = 0.95


def read(path: Path, calibration: Calibration, stride: int, wanted: Wanted) -> Iterator[SequenceRecords]:
    """Every sequence of both annotation files. Raises ``DataError`` for what is missing or does not fit together."""
    splits = [name for name in ("train", "valid") if (path / "annot" / f"{name}.h5").is_file()]
    if not splits:
        raise DataError(f"{path}/annot: has neither train.h5 nor valid.h5; expected the authors' annotation")
    for split in splits:
        yield from _read_split(path, split, calibration, stride, wanted)


def _read_split(
    path: Path, split: str, calibration: Calibration, stride: int, wanted: Wanted
) -> Iterator[SequenceRecords]:
    where = f"{path}/annot/{split}.h5"
    names = _image_names(path / "annot" / f"{split}_images.txt")
    table = _table(Path(where), len(names))
    mat = path / "annot" / f"{split}.mat"
    if mat.is_file():
        table = _matlab(mat, names) | table
    if "S" not in table:
        raise DataError(f"{where}: has no poses (S), and {mat.name} beside it is missing; copy the whole annotation")
    table["S"] = np.asarray(table["S"], np.float64)
    check_joint_count(table["S"].shape, NUM_JOINTS, where)
    check_poses(table["S"], where)
    _check_zind(table, where)
    parsed = [parse_image_name(name, f"{path}/annot/{split}_images.txt") for name in names]
    frames = counted_from_one(np.array([frame for _, frame in parsed]))
    files = found_files([path / "images", path], names)
    for sequence, rows in rows_by_sequence(parsed, frames, stride, wanted):
        take = np.array(rows)
        yield sequence_records(
            sequence,
            frames[take],
            table["S"][take],
            calibration,
            Files(files.root, [files.names[row] for row in rows]),
            f"{where}: {sequence.name}",
            joints_px=table["part"][take] if "part" in table else None,
            box=(table["center"][take], table["scale"][take]),
            intrinsics_px=_intrinsics(table["K"][take], calibration, sequence, str(mat)) if "K" in table else None,
        )


def _image_names(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError(f"{path}: no such file; it names the images of the annotation beside it")
    with readable(path, "not readable as text"):
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]


def _table(path: Path, images: int) -> dict[str, np.ndarray]:
    check_hdf5(path, lambda: _read_table(path, images))
    return _read_table(path, images)


def _read_table(path: Path, images: int) -> dict[str, np.ndarray]:
    with readable(path, "not readable as HDF5"), h5py.File(path, "r") as file:
        table = {name: array_of(file, name, path) for name in ("center", "scale", "part", "S", "zind") if name in file}
    missing = {"center", "scale"} - set(table)
    if missing:
        raise DataError(f"{path}: lacks {', '.join(sorted(missing))}; is it the annotation of another data set?")
    return {name: _rows(array, images, name, path) for name, array in table.items()}


def _rows(array: np.ndarray, images: int, name: str, path: Path) -> np.ndarray:
    """One row an image: a single one may have been squeezed, and single numbers may stand in columns."""
    array = array[None] if images == 1 and (array.ndim == 0 or len(array) != 1) else array
    if array.ndim == 0 or len(array) != images:
        rows = len(array) if array.ndim else 0
        raise DataError(f"{path}: {name} has {rows} rows for {images} image names; half a download?")
    sizes = {"center": (2,), "scale": (), "zind": (NUM_JOINTS,)}
    if name in sizes and array[0].size == np.prod(sizes[name], dtype=int):
        array = array.reshape(images, *sizes[name])
    shape = {"part": (NUM_JOINTS, 2), **sizes}.get(name)
    if shape is not None and array.shape[1:] != shape:
        raise DataError(f"{path}: {name} has shape {array.shape}, expected {(images, *shape)}")
    return array


def _intrinsics(k: np.ndarray, calibration: Calibration, sequence: Sequence, where: str) -> np.ndarray:
    """fx, fy, cx, cy of the 3x3 matrices, which must belong to the camera that the image name says."""
    intrinsics = np.stack([k[:, 0, 0], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2]], axis=-1)
    apart = np.abs(intrinsics - calibration.intrinsics_px[sequence.camera]).max()
    if not apart <= 1:
        raise DataError(
            f"{where}: K of {sequence.name} differs by {apart:.1f} px from camera {CAMERA_SERIALS[sequence.camera]} in "
            f"{calibration.source}; another calibration belongs in metadata="
        )
    return intrinsics


def _check_zind(table: dict[str, np.ndarray], where: str) -> None:
    """Depth labels, 1 to 64, must be those of the poses: else the two come from different preparations."""
    if "zind" not in table:
        return
    relative = table["S"][..., 2] - table["S"][:, [ROOT], 2]
    # Within a bin: a depth on a limit may be rounded either way.
    agrees = np.abs(np.clip(table["zind"], 1, 64) - 1 - depth_bin(relative)) <= 1
    if agrees.mean() < MIN_ZIND_AGREEMENT:
        raise DataError(f"{where}: zind agrees with the depths of S in {agrees.mean():.0%} of the joints only")


# --- valid.mat ----------------------------------------------------------------------------------------------------


def _matlab(path: Path, names: list[str]) -> dict[str, np.ndarray]:
    """``S (N, 17, 3)`` and ``K (N, 3, 3)`` of the struct ``annot``, in the order of ``names``; MATLAB 5 to 7.3.

    Names are compared without folders and endings: in the authors' own sample only the list of images has endings.
    """
    with readable(path, "not readable as a MAT file"):
        annot = _annot_of_hdf5(path) if h5py.is_hdf5(path) else _annot_of_mat(path)
        missing = {"imgname", "S", "K"} - set(annot)
        if missing:
            raise DataError(f"{path}: holds no struct annot with imgname, S and K (lacks {', '.join(sorted(missing))})")
        images = [bare_name(name) for name in annot["imgname"]]
        poses, k = _poses(annot["S"], len(images)), _matrices(annot["K"], len(images))
    row_of = {name: row for row, name in enumerate(images)}
    wanted = [bare_name(name) for name in names]
    if len(row_of) != len(images) or len(wanted) != len(images) or not row_of.keys() >= set(wanted):
        raise DataError(f"{path}: its images are not those of {path.stem}_images.txt ({len(images)} and {len(names)})")
    rows = [row_of[name] for name in wanted]
    return {"S": poses[rows], "K": k[rows]}


def _annot_of_mat(path: Path) -> dict[str, list[Any]]:
    """Fields of the struct in a MAT file of version 5 to 7: one struct of arrays and cells, or a struct an image."""
    annot: Any = load_mat5(path, ("annot",), squeeze_me=True, struct_as_record=False).get("annot")
    structs = list(np.atleast_1d(annot))
    names = [name for name in ("imgname", "S", "K") if all(hasattr(struct, name) for struct in structs)]
    if len(structs) > 1:
        return {name: [getattr(struct, name) for struct in structs] for name in names}
    fields = {name: getattr(structs[0], name) for name in names}
    if "imgname" in fields:  # cells, or a matrix of characters padded with blanks; a single name comes bare
        fields["imgname"] = [str(name) for name in np.atleast_1d(fields["imgname"])]
    return fields


def _annot_of_hdf5(path: Path) -> dict[str, list[Any]]:
    """Read the same in a MAT file of version 7.3; HDF5 shows MATLAB's arrays with their dimensions reversed."""
    check_hdf5(path, lambda: _read_annot(path))
    return _read_annot(path)


def _read_annot(path: Path) -> dict[str, list[Any]]:
    with h5py.File(path, "r") as file:
        annot = file["annot"]
        fields: dict[str, Any] = {}
        for name in ("imgname", "S", "K"):
            if name not in annot:
                continue
            stored = array_of(annot, name, path)
            cells = [file[cell][()].T for cell in stored.ravel()] if stored.dtype == h5py.ref_dtype else None
            fields[name] = stored.T if cells is None else cells
        if "imgname" in fields:
            rows = [np.asarray(row).ravel() for row in fields["imgname"]]
            fields["imgname"] = ["".join(map(chr, row)) for row in rows]
        return fields


def _poses(stored: Any, count: int) -> Float[np.ndarray, "n joints 3"]:
    """Poses of an array ``(n, 3, joints)`` or ``(n, joints, 3)``, of cells, or of a single one that was squeezed."""
    poses = np.stack([np.asarray(pose, np.float64) for pose in stored]) if len(stored) == count else np.asarray(stored)
    poses = np.asarray(poses, np.float64)
    poses = poses[None] if count == 1 and poses.ndim == 2 else poses
    if poses.ndim != 3 or len(poses) != count or 3 not in poses.shape[1:]:
        raise ValueError(f"S has shape {poses.shape}")
    return poses.transpose(0, 2, 1) if poses.shape[1] == 3 else poses


def _matrices(stored: Any, count: int) -> Float[np.ndarray, "n 3 3"]:
    """Camera matrices of cells, of an array ``(n, 3, 3)`` or ``(3, 3, n)``, or one for all."""
    if isinstance(stored, list) or np.asarray(stored).dtype == object:
        matrices = np.stack([np.asarray(matrix, np.float64) for matrix in np.atleast_1d(stored)])
    else:
        matrices = np.asarray(stored, np.float64)
    if matrices.shape == (3, 3):
        matrices = np.tile(matrices, (count, 1, 1))
    if matrices.shape == (3, 3, count) != (count, 3, 3):
        matrices = matrices.transpose(2, 0, 1)
    if matrices.shape != (count, 3, 3):
        raise ValueError(f"K has shape {matrices.shape}")
    return matrices
