"""MPI-INF-3DHP's layout, written from the fixtures' people as MATLAB of either kind would."""

from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from mpi_inf_3dhp_files import CAMERAS, FRAMES, SIZE, in_28, poses, px_of, write_test, write_training
from own_data import INTRINSICS
from scipy.io import savemat

from c2fpose.base.errors import UserError
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.preparation import prepare
from c2fpose.data.custom.readers.mpi_inf_3dhp import NAMES
from c2fpose.data.schema import SplitReader


def prepared(path: Path, **options) -> dict[str, SplitReader]:
    config = CustomConfig(source="mpi_inf_3dhp", path=path, out=path / "out", **options)
    return {info.split: SplitReader(info.path) for info in prepare(config)}


@pytest.mark.parametrize("form", ["v5", "v73"])
@pytest.mark.parametrize("calibration", [True, False])
def test_both_parts_become_splits_of_the_same_17_joints(tmp_path, form, calibration):
    write_training(tmp_path / "S1" / "Seq1", 0, form, calibration)
    write_training(tmp_path / "S2" / "Seq2", 1, form, calibration)
    write_test(tmp_path / "mpi_inf_3dhp_test_set" / "TS1", form)
    splits = prepared(tmp_path)
    train, test = splits["train"], splits["test"]
    assert len(train) == 2 * 2 * FRAMES and len(test) == 5
    assert train.info.skeleton == test.info.skeleton and set(train.info.skeleton.names) == set(NAMES)
    table = train.annotations
    for row in range(len(train)):
        subject = train.info.subject_names[table["subject"][row]]
        camera = int(train.info.camera_names[table["camera"][row]][-1])
        expected = poses(camera, {"S1": 0, "S2": 1}[subject])[table["frame"][row] - 1]
        np.testing.assert_allclose(table["joints_cam_mm"][row], expected, atol=1e-2)
        np.testing.assert_allclose(table["joints_px"][row], px_of(expected, camera), atol=1e-2)
        np.testing.assert_allclose(table["intrinsics_px"][row], INTRINSICS[CAMERAS[camera]], rtol=1e-4)
    np.testing.assert_array_equal(test.annotations["frame"], [1, 2, 4, 5, 6])
    np.testing.assert_allclose(test.annotations["joints_cam_mm"], poses(0, 4)[[0, 1, 3, 4, 5]], atol=1e-2)


def across(folder: Path) -> None:
    """Cells in a row, labels in single precision, poses of a universal size and strings beside them."""
    cells = {name: np.empty((1, 2), object) for name in ("annot2", "annot3", "univ_annot3", "cameras")}
    for camera in range(2):
        mm = in_28(poses(camera, 0)).astype(np.float32)
        cells["annot3"][0, camera], cells["univ_annot3"][0, camera] = mm, mm * 0.9
        cells["annot2"][0, camera] = in_28(px_of(poses(camera, 0), camera)).astype(np.float32)
        cells["cameras"][0, camera] = f"camera {camera}"
    savemat(folder / "annot.mat", cells | {"frames": np.arange(FRAMES, dtype=np.int32)[None]}, do_compression=True)


def as_matlab_writes_73(folder: Path) -> None:
    """A block of 512 bytes before the HDF5, cells in a column, a struct and an empty cell among the rest."""
    with h5py.File(folder / "annot.mat", "w", userblock_size=512) as file:
        for name in ("annot2", "annot3"):
            for camera in range(2):
                joints = poses(camera, 0) if name == "annot3" else px_of(poses(camera, 0), camera)
                file[f"#refs#/{name}{camera}"] = in_28(joints).T
            references = [[file[f"#refs#/{name}{camera}"].ref] for camera in range(2)]
            file.create_dataset(name, data=np.array(references, dtype=h5py.ref_dtype))
        file["cameras/name"] = np.zeros((2, 1), np.uint16)
        file["#refs#/struct/x"] = [1.0]
        file.create_dataset("others", data=np.array([[file["#refs#/struct"].ref]], dtype=h5py.ref_dtype))


@pytest.mark.parametrize("form", [across, as_matlab_writes_73])
def test_forms_of_the_cells(tmp_path, form):
    folder = tmp_path / "S1" / "Seq1"
    write_training(folder, 0)
    form(folder)
    reader = prepared(tmp_path, test_share=0)["train"]
    assert len(reader) == 2 * FRAMES
    for row, frame in enumerate(reader.annotations["frame"]):
        camera = int(reader.info.camera_names[reader.annotations["camera"][row]][-1])
        np.testing.assert_allclose(reader.annotations["joints_cam_mm"][row], poses(camera, 0)[frame - 1], atol=1e-2)


@pytest.mark.parametrize("frames", [1, 4])
@pytest.mark.parametrize("flat", [True, False])
def test_valid_frames_lie_or_stand_and_one_frame_has_fewer_axes(tmp_path, frames, flat):
    folder = tmp_path / "TS2"
    folder.mkdir()
    mm = poses(0, 4)[:frames]
    valid = np.array([1, 0, 1, 1], np.uint8)[:frames]
    arrays = {"annot2": px_of(mm, 0)[:, None].T, "annot3": mm[:, None].T, "activity_annotation": np.ones((1, frames))}
    if frames == 1:  # MATLAB keeps no axes of length 1 at the end
        arrays = {name: array[..., 0, 0] if array.ndim > 2 else array for name, array in arrays.items()}
    savemat(folder / "annot_data.mat", arrays | {"valid_frame": valid[None] if flat else valid[:, None]})
    reader = prepared(tmp_path, test_subjects=("TS2",))["test"]
    np.testing.assert_array_equal(reader.annotations["frame"], np.flatnonzero(valid) + 1)
    np.testing.assert_allclose(reader.annotations["joints_cam_mm"], mm[valid > 0], atol=1e-2)


@pytest.mark.parametrize(
    ("pictures", "place"), [("video", "imageSequence"), ("frames", "imageSequence"), ("frames", "imageFrames")]
)
def test_pictures_are_those_of_the_frame(tmp_path, pictures, place):
    folder = tmp_path / "S1" / "Seq1"
    write_training(folder, 0)
    shown = [np.full((SIZE[1], SIZE[0], 3), 20 + 40 * frame, np.uint8) for frame in range(FRAMES)]
    (folder / place).mkdir()
    if pictures == "video":  # of one camera alone: the other's poses are left out
        writer = cv2.VideoWriter(str(folder / place / "video_1.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, SIZE)
        for image in shown:
            writer.write(image)
        writer.release()
    else:
        (folder / place / "video_1").mkdir()
        for frame, image in enumerate(shown):
            cv2.imwrite(str(folder / place / "video_1" / f"frame_{frame + 8}.png"), image)
    reader = prepared(tmp_path, test_share=0, every=2, crop="none")["train"]
    assert len(reader) == FRAMES // 2
    for row, frame in enumerate(reader.annotations["frame"]):
        assert abs(cv2.imdecode(reader.jpeg(row), 0).mean() - (20 + 40 * (frame - 1))) < 4


def cut_short(folder: Path) -> None:
    content = (folder / "S1/Seq1/annot.mat").read_bytes()
    (folder / "S1/Seq1/annot.mat").write_bytes(content[: len(content) // 2])


def seventeen(folder: Path) -> None:
    savemat(folder / "S1/Seq1/annot.mat", {"annot2": np.ones((1, 1), object), "annot3": np.ones((1, 1), object)})


def exchanged(folder: Path) -> None:
    cells = {name: np.empty((2, 1), object) for name in ("annot2", "annot3")}
    for camera in range(2):
        cells["annot3"][camera, 0] = in_28(poses(camera, 0))
        cells["annot2"][camera, 0] = in_28(px_of(poses(1 - camera, 3), camera))
    savemat(folder / "S1/Seq1/annot.mat", cells)
    (folder / "S1/Seq1/camera.calibration").unlink()


def one_camera_fewer(folder: Path) -> None:
    cells = {"annot2": np.empty((2, 1), object), "annot3": np.empty((1, 1), object)}
    cells["annot2"][:, 0], cells["annot3"][0, 0] = [in_28(px_of(poses(0, 0), 0))] * 2, in_28(poses(0, 0))
    savemat(folder / "S1/Seq1/annot.mat", cells)


def words(folder: Path) -> None:
    savemat(folder / "S1/Seq1/annot.mat", {name: np.array([["a"]], object) for name in ("annot2", "annot3")})


def no_poses(folder: Path) -> None:
    savemat(folder / "S1/Seq1/annot.mat", {"annot2": np.ones((1, 1), object)})


@pytest.mark.parametrize(("spoil", "message"), [
    (one_camera_fewer, "2 cameras in annot2, 1 in annot3"),
    (words, "camera 0: labels"),
    (no_poses, "annot.mat: lacks annot3"),
    (cut_short, "annot.mat: not readable as a MATLAB file"),
    (seventeen, "camera 0: labels of shape"),
    (exchanged, "camera 0: joints in px and in mm fit no camera"),
])  # fmt: skip
def test_what_is_not_in_this_form_is_one_line(tmp_path, spoil, message):
    write_training(tmp_path / "S1" / "Seq1", 0)
    spoil(tmp_path)
    with pytest.raises(UserError, match=message) as error:
        prepared(tmp_path)
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()
