"""Each kind of bad input is recognised and named in one line, and nothing is written."""

import json
import shutil
import sys

import cv2
import fabricate_human36m as fabricate
import h5py
import numpy as np
import pytest

from c2fpose.base.errors import DataError

SOURCES = ("c2f", "raw", "mmpose", "h36m_fetch", "posenet_json", "videopose3d")
TRAIN, VALID = "annot/train.h5", "annot/valid.h5"
NPZ = "annotation_body3d/fps10/h36m_{}.npz"
JSON = "annotations/Human36M_subject9_{}.json"
MIRRORED = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]


def edit_h5(path, change, *names):
    with h5py.File(path, "r+") as file:
        for name in names:
            value = change(file[name][:])
            del file[name]
            file[name] = value


def edit_npz(path, change, *names):
    table = dict(np.load(path))
    np.savez(path, **table | {name: change(table[name]) for name in names})


def edit_positions(path, change):
    table = np.load(path / "data_3d_h36m.npz", allow_pickle=True)["positions_3d"].item()
    table = {s: {name: change(poses) for name, poses in takes.items()} for s, takes in table.items()}
    np.savez(path / "data_3d_h36m.npz", positions_3d=table)


def truncate(path, share=0.5):
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def remove(files):
    for file in list(files):
        file.unlink()


def first(path, pattern):
    return sorted(path.rglob(pattern))[0]


def permute_c2f(path, order):
    for file in (TRAIN, VALID):
        edit_h5(path / file, lambda v: v[:, order], "S", "part", "zind")


def permute_mmpose(path):
    for split in ("train", "test"):
        edit_npz(path / NPZ.format(split), lambda v: v[:, fabricate.RIGHT_FIRST], "S", "part")


def shorten_video(path):
    videos = path / "S9/Videos"
    shutil.copy(first(videos, "SittingDown 1.*"), first(videos, "SittingDown.*"))


def forget_to_unpack(path):
    shutil.rmtree(path / "S9/Videos")
    (path / "S9/Videos.tgz").touch()


def shift_boxes(path):
    file = path / JSON.format("data")
    data = json.loads(file.read_text())
    for annotation in data["annotations"]:
        annotation["bbox"][0] += 90
    file.write_text(json.dumps(data))


def cut_video(path):
    """An AVI: its header goes on counting the frames that are cut off."""
    file = first(path, "S9/Videos/*.mp4")
    writer = cv2.VideoWriter(
        str(path / "a.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 50, (fabricate.WIDTH, fabricate.HEIGHT)
    )
    for _ in range(11):
        writer.write(np.random.default_rng(0).integers(0, 255, (fabricate.HEIGHT, fabricate.WIDTH, 3), np.uint8))
    writer.release()
    truncate(path / "a.avi", 0.6)
    shutil.move(path / "a.avi", file)


IMAGE_FAULTS = ("JPEG cut off", "page as JPEG", "video ends early")
BAD = {
    # half a download
    "images lost": ("c2f", lambda p: remove(p.glob("images/S9_Photo_1*")), "12 of 40 images are missing, first S9_Ph"),
    "JPEG cut off": ("c2f", lambda p: truncate(first(p, "S9_*.jpg")), "S9_Photo.54138969_000001.jpg: JPEG cut off"),
    "page as JPEG": ("mmpose", lambda p: first(p, "S9_*.jpg").write_text("<html>"), "not a JPEG file"),
    "HDF5 cut off": ("c2f", lambda p: truncate(p / VALID), "valid.h5: not readable as HDF5"),
    "MAT cut off": ("c2f", lambda p: truncate(p / "annot/valid.mat"), "valid.mat: not readable as a MAT file"),
    "names cut off": ("c2f", lambda p: truncate(p / "annot/train_images.txt"), "rows for .* image names; half a down"),
    "names lost": ("c2f", lambda p: (p / "annot/train_images.txt").unlink(), "train_images.txt: no such file"),
    "video cut off": (
        "raw",
        lambda p: truncate(first(p, "S9/Videos/*.mp4"), 0.3),
        "not readable as a video|ends after",
    ),
    "CDF cut off": ("raw", lambda p: truncate(first(p, "D3_Positions_mono/*.cdf"), 0.2), "not readable as a CDF file"),
    "CDF lost": ("raw", lambda p: first(p, "D3_Positions_mono/*.cdf").unlink(), "has no poses .*half a download"),
    "labels cut off": ("raw", lambda p: truncate(first(p, "D2_Positions/*.cdf"), 0.2), "not readable as a CDF file"),
    "one video lost": ("raw", lambda p: first(p, "S9/Videos/Photo 1.5*").unlink(), "1 of 32 .*, first S9_Photo_1.5413"),
    "subject lost": ("raw", lambda p: shutil.rmtree(p / "S9"), "subject S9 is missing altogether"),
    "not unpacked": ("raw", forget_to_unpack, "no MP4 file; unpack Videos.tgz"),
    "NPZ cut off": ("mmpose", lambda p: truncate(p / NPZ.format("test")), "not readable as NPZ"),
    "fetch cut off": ("h36m_fetch", lambda p: truncate(first(p, "annot.h5")), "not readable as HDF5"),
    "JSON cut off": ("posenet_json", lambda p: truncate(p / JSON.format("data")), "not readable as JSON"),
    "JSON lost": ("posenet_json", lambda p: (p / JSON.format("joint_3d")).unlink(), "joint_3d.json: no such file"),
    # cameras and videos
    "camera lost": ("raw", lambda p: remove(p.rglob("*.55011271.mp4")), "camera 55011271 is missing altogether"),
    "video short": ("raw", shorten_video, r"SittingDown.54138969.mp4: 8 frames for 11 annotated ones"),
    "video ends early": ("raw", cut_video, r"ends after \d+ frames, its annotation goes on to (6|11)"),
    # joints
    "16 joints": ("c2f", lambda p: edit_h5(p / TRAIN, lambda v: v[:, :16], "S"), "poses with 16 joints, expected 17"),
    "32 joints": ("c2f", lambda p: edit_h5(p / TRAIN, fabricate.in_32, "S"), "poses with 32 joints, expected 17"),
    "mmpose 16": ("mmpose", lambda p: edit_npz(p / NPZ.format("test"), lambda v: v[:, 1:], "S"), "with 16 joints"),
    "fetch 17": ("h36m_fetch", lambda p: edit_h5(first(p, "annot.h5"), lambda v: v[:, :17], "pose/3d"), "expected 32"),
    "videopose3d 17": ("videopose3d", lambda p: edit_positions(p, lambda v: v[:, :17]), "with 17 joints, expected 32"),
    # units and frames
    "metres": ("c2f", lambda p: edit_h5(p / TRAIN, lambda v: v / 1000, "S"), "metres where millimetres are expected"),
    "mmpose in mm": ("mmpose", lambda p: edit_npz(p / NPZ.format("test"), lambda v: v * 1000, "S"), "in millimetres w"),
    "videopose3d in mm": ("videopose3d", lambda p: edit_positions(p, lambda v: v * 1000), "in millimetres where"),
    "root-relative": ("c2f", lambda p: edit_h5(p / TRAIN, lambda v: v - v[:, :1], "S"), "relative to the pelvis"),
    "behind": (
        "c2f",
        lambda p: edit_h5(p / TRAIN, lambda v: v * [1, 1, -1], "S"),
        "a joint behind the camera in row 0",
    ),
    # left and right
    "right leg first": ("c2f", lambda p: permute_c2f(p, fabricate.RIGHT_FIRST), "right leg first, where the C2F order"),
    "mirrored": ("c2f", lambda p: permute_c2f(p, MIRRORED), "left and right are exchanged"),
    "left leg first": ("mmpose", permute_mmpose, "right leg first, where the C2F order has the left leg first"),
    # things that do not belong together
    "labels of others": ("c2f", lambda p: edit_h5(p / TRAIN, lambda v: v[::-1], "part"), "image labels lie .* px"),
    "boxes of others": ("c2f", lambda p: edit_h5(p / TRAIN, lambda v: 1.2 * v, "scale"), "boxes lie .* px"),
    "depths of others": ("c2f", lambda p: edit_h5(p / TRAIN, lambda v: 65 - v, "zind"), "zind agrees with .* only"),
    "fetch poses": ("h36m_fetch", lambda p: edit_h5(first(p, "annot.h5"), lambda v: v[::-1], "pose/3d"), "labels lie"),
    "JSON boxes": ("posenet_json", shift_boxes, r"neither R X \+ t nor"),
    "NaN": ("c2f", lambda p: edit_h5(p / TRAIN, lambda v: np.where(v == v[3, 5, 0], np.nan, v), "S"), "in row 3"),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_input_is_named_in_one_line(fault, prepare, damaged, tmp_path):
    source, damage, message = BAD[fault]
    path = damaged(source)
    damage(path)
    with pytest.raises(DataError, match=message) as error:
        prepare(source, path)
    assert "\n" not in str(error.value)
    # A split is there whole or not at all; what only its images tell shows after the other split is done.
    allowed = ["train.h5"] if fault in IMAGE_FAULTS else []
    assert [file.name for file in tmp_path.glob("out/*.h5")] in ([], allowed)


@pytest.mark.parametrize("asked", SOURCES)
@pytest.mark.parametrize("held", SOURCES)
def test_another_source_is_named(asked, held, prepare, sets):
    if asked != held:
        with pytest.raises(DataError, match=f"holds what source={held} reads, not source={asked}"):
            prepare(asked, sets[held])


@pytest.mark.parametrize(
    ("inside", "name"),
    [
        ("annotations/person_keypoints_train2017.json", "COCO"),
        ("mpii_human_pose_v1_u12_1.mat", "MPII"),
        ("S1/Seq1/annot.mat", "MPI-INF-3DHP"),
        ("sequenceFiles/test/a.pkl", "3DPW"),
        ("train.h5", "an output of this command"),
        ("S1.tar", "archives .S1.tar"),
        ("holiday/a.jpg", "it holds holiday"),
    ],
)
def test_another_data_set_is_named(inside, name, prepare, tmp_path):
    (tmp_path / "other" / inside).parent.mkdir(parents=True)
    (tmp_path / "other" / inside).touch()
    with pytest.raises(DataError, match=name):
        prepare("c2f", tmp_path / "other")


def test_cdflib_is_named_when_missing(prepare, monkeypatch):
    monkeypatch.setitem(sys.modules, "cdflib", None)
    with pytest.raises(DataError, match=r"reading CDF files needs cdflib; in the repository, .* -e '\.\[h36m\]'$"):
        prepare("raw")
