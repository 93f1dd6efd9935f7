"""Source ``c2f``: the annotation and images that the authors of the paper released.

``annot/{train,valid}.h5`` with ``center``, ``scale`` and, in the full set, ``part``, ``S`` and ``zind``;
``annot/{train,valid}_images.txt``; ``annot/valid.mat`` with poses and intrinsics; ``images/``.
"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from c2fpose.base.errors import DataError
from c2fpose.data.human36m.calibration import Calibration
from c2fpose.data.human36m.frames import (
    Files,
    SequenceRecords,
    Wanted,
    check_joint_count,
    check_poses,
    sequence_records,
)
from c2fpose.data.human36m.sequences import Sequence, parse_image_name
from c2fpose.pose.camera import depth_bin
from c2fpose.pose.protocol import CAMERA_SERIALS
from c2fpose.pose.skeleton import NUM_JOINTS, ROOT

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
    rows_of: dict[Sequence, list[int]] = {}
    for row, (sequence, frame) in enumerate(parsed):
        if (frame - 1) % stride == 0 and wanted(sequence):
            rows_of.setdefault(sequence, []).append(row)
    for sequence, rows in sorted(rows_of.items()):
        take = np.array(rows)
        yield sequence_records(
            sequence,
            np.array([parsed[row][1] for row in rows]),
            table["S"][take],
            calibration,
            Files(path / "images", [names[row] for row in rows]),
            f"{where}: {sequence.name}",
            joints_px=table["part"][take] if "part" in table else None,
            box=(table["center"][take], table["scale"][take]),
            intrinsics_px=_intrinsics(table["K"][take], calibration, sequence, str(mat)) if "K" in table else None,
        )


def _image_names(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError(f"{path}: no such file; it names the images of the annotation beside it")
    return path.read_text().split()


def _table(path: Path, images: int) -> dict[str, np.ndarray]:
    try:
        with h5py.File(path, "r") as file:
            table = {name: file[name][:] for name in ("center", "scale", "part", "S", "zind") if name in file}
    except OSError as error:
        raise DataError(f"{path}: not readable as HDF5 ({error}); half a download? Copy it again") from None
    missing = {"center", "scale"} - set(table)
    if missing:
        raise DataError(f"{path}: lacks {', '.join(sorted(missing))}; is it the annotation of another data set?")
    for name, array in table.items():
        if len(array) != images:
            raise DataError(f"{path}: {name} has {len(array)} rows for {images} image names; half a download?")
    return table


def _intrinsics(k: np.ndarray, calibration: Calibration, sequence: Sequence, where: str) -> np.ndarray:
    """fx, fy, cx, cy of the 3x3 matrices, which must belong to the camera that the image name says."""
    intrinsics = np.stack([k[:, 0, 0], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2]], axis=-1)
    apart = np.abs(intrinsics - calibration.intrinsics_px[sequence.camera]).max()
    if apart > 1:
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
    """``S (N, 17, 3)`` and ``K (N, 3, 3)`` of the struct ``annot``, in the order of ``names``; MATLAB 5 to 7.3."""
    from scipy.io import loadmat

    try:
        if h5py.is_hdf5(path):  # MATLAB 7.3
            return _in_order_of(names, *_matlab73(path), path)
        annot = loadmat(path, squeeze_me=True, struct_as_record=False, variable_names=["annot"])["annot"]
        fields = {name: getattr(annot, name) for name in ("imgname", "S", "K")}
        images = [str(name) for name in np.atleast_1d(fields["imgname"])]
        poses = np.asarray(fields["S"], np.float64).reshape(len(images), 3, -1)
        k = np.stack([np.asarray(matrix, np.float64) for matrix in _cells(fields["K"], len(images))])
    except DataError:
        raise
    except (KeyError, AttributeError) as error:
        raise DataError(f"{path}: holds no struct annot with imgname, S and K ({error})") from None
    except Exception as error:  # a damaged MAT file raises nearly anything
        raise DataError(f"{path}: not readable as a MAT file ({error}); half a download? Copy it again") from None
    return _in_order_of(names, images, poses, k, path)


def _in_order_of(
    names: list[str], images: list[str], poses: np.ndarray, k: np.ndarray, path: Path
) -> dict[str, np.ndarray]:
    if images != names:
        raise DataError(f"{path}: its images are not those of {path.stem}_images.txt, in number or order")
    return {"S": poses.transpose(0, 2, 1), "K": k}


def _cells(cells: np.ndarray, count: int) -> list[np.ndarray]:
    """A squeezed cell array: one cell comes as the bare matrix."""
    return [cells] if count == 1 and cells.dtype != object else list(np.atleast_1d(cells))


def _matlab73(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    try:
        with h5py.File(path, "r") as file:
            annot = file["annot"]
            images = ["".join(map(chr, file[cell][:].ravel())) for cell in annot["imgname"][:].ravel()]
            # HDF5 shows MATLAB's column-major arrays with their dimensions reversed.
            poses = annot["S"][:].transpose(2, 1, 0)
            k = np.stack([file[cell][:].T for cell in annot["K"][:].ravel()])
    except (OSError, KeyError) as error:
        raise DataError(f"{path}: holds no readable struct annot ({error}); half a download?") from None
    return images, poses, k
