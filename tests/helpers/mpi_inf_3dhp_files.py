"""MPI-INF-3DHP's layout, written from the fixtures' people as MATLAB of either kind would."""

from pathlib import Path

import h5py
import numpy as np
from own_data import INTRINSICS, POSES
from scipy.io import savemat

from c2fpose.data.custom.readers.mpi_inf_3dhp import FROM_28, NAMES
from c2fpose.pose.skeleton import JOINTS

CAMERAS = ("left", "right")
FRAMES = 6
OTHER_NAMES = {"head_top": "head", "head": "nose"}  # of the people here
SIZE = (512, 512)


def poses(camera: int, person: int) -> np.ndarray:
    """17 joints in 3DHP's names and order, camera frame, mm; each camera sees them from a place of its own."""
    chosen = POSES[person * FRAMES : (person + 1) * FRAMES]
    chosen = chosen - chosen[:, :1] + [100.0 * camera, 30.0, 3600.0 + 50 * camera]
    named = np.stack([chosen[:, JOINTS.index(OTHER_NAMES.get(name, name))] for name in NAMES], 1)
    named[:, NAMES.index("head_top")] += [0, -80, 0]
    return named


def px_of(mm: np.ndarray, camera: int) -> np.ndarray:
    fx, fy, cx, cy = INTRINSICS[CAMERAS[camera]]
    return mm[..., :2] / mm[..., 2:] * [fx, fy] + [cx, cy]


def in_28(joints: np.ndarray) -> np.ndarray:
    """Frames x 28 joints in a row, those that the test set lacks at 1."""
    whole = np.ones((len(joints), 28, joints.shape[-1]))
    whole[:, FROM_28] = joints
    return whole.reshape(len(joints), -1)


def write_training(folder: Path, person: int, form: str = "v5", calibration: bool = True) -> None:
    folder.mkdir(parents=True)
    mm = [in_28(poses(camera, person)) for camera in range(2)]
    px = [in_28(px_of(poses(camera, person), camera)) for camera in range(2)]
    if form == "v5":
        cells = {}
        for name, values in (("annot2", px), ("annot3", mm)):
            cells[name] = np.empty((2, 1), object)
            for camera in range(2):
                cells[name][camera, 0] = values[camera]
        savemat(folder / "annot.mat", cells | {"frames": np.arange(FRAMES)[:, None]})
    else:
        with h5py.File(folder / "annot.mat", "w") as file:
            for name, values in (("annot2", px), ("annot3", mm)):
                for camera in range(2):
                    file[f"#refs#/{name}{camera}"] = values[camera].T
                references = [[file[f"#refs#/{name}{camera}"].ref for camera in range(2)]]
                file.create_dataset(name, data=np.array(references, dtype=h5py.ref_dtype))
    if calibration:
        text = "Skeletool Camera Calibration File V1.0\n"
        for camera in range(2):
            fx, fy, cx, cy = INTRINSICS[CAMERAS[camera]]
            text += f"name          {camera}\n  sensor      10 10\n  size        {SIZE[0]} {SIZE[1]}\n  animated    0\n"
            text += f"  intrinsic   {fx} 0 {cx} 0 0 {fy} {cy} 0 0 0 1 0 0 0 0 1 \n"
            text += "  extrinsic   1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1\n"
            text += "  radial      0\n"
        (folder / "camera.calibration").write_text(text)


def write_test(folder: Path, form: str = "v73") -> None:
    folder.mkdir(parents=True)
    mm = poses(0, 4)
    arrays = {
        "annot2": px_of(mm, 0)[:, None], "annot3": mm[:, None], "univ_annot3": mm[:, None],
        "valid_frame": np.array([1, 1, 0, 1, 1, 1], float)[:, None],
    }  # fmt: skip
    if form == "v5":
        savemat(folder / "annot_data.mat", {name: array.T for name, array in arrays.items()})
        return
    with h5py.File(folder / "annot_data.mat", "w") as file:
        for name, array in arrays.items():
            file[name] = array
