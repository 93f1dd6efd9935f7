"""C3D files, written by ezc3d from the fixtures' people, with a calibration of two cameras."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from c3d_files import BESIDE, CAM_MM, WORLD_MM, ezc3d, folder_of, write
from own_data import SIZE_PX, cameras, project, to_world

from c2fpose.base.errors import UserError
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.preparation import prepare
from c2fpose.data.custom.readers._c3d_file import read_file
from c2fpose.data.schema import SplitReader
from c2fpose.pose.skeleton import JOINTS


def prepared(folder: Path, **options) -> SplitReader:
    config = CustomConfig(source="c3d", path=folder, out=folder / "out", test_share=0, **options)
    return SplitReader(prepare(config)[0].path)


@pytest.mark.parametrize("unit", ["mm", "cm", "m"])
@pytest.mark.parametrize("prefix", ["", "Anna:"])
def test_points_become_poses_in_the_cameras_frame(tmp_path, unit, prefix):
    reader = prepared(folder_of(tmp_path, labels=[prefix + name for name in JOINTS], unit=unit))
    assert reader.info.subject_names == {1: "anna"} and reader.info.action_names == ("walk",)
    np.testing.assert_allclose(reader.annotations["joints_cam_mm"], CAM_MM, atol=0.1)
    np.testing.assert_allclose(reader.annotations["joints_px"][0], project(CAM_MM[0], "left"), atol=0.1)


def test_markers_make_joints_and_missing_points_missing_joints(tmp_path):
    folder = folder_of(tmp_path, labels=[f"M{n}" for n in range(17)], subject="Ben")
    (folder / "skeleton.yaml").unlink()
    made = {"pelvis": ["M1", "M4"], "left_knee": "M2", "head": ["M10"]}
    (folder / "markers.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    gone = WORLD_MM.copy()
    gone[1, 10] = np.nan
    gone[2, 2] = 0  # so some programs write what is missing
    write(folder / "anna" / "walk.c3d", gone, labels=[f"M{n}" for n in range(17)], subject="Ben")
    reader = prepared(folder)
    assert reader.info.skeleton.names == ("pelvis", "left_knee", "head") and reader.info.subject_names == {1: "Ben"}
    joints = reader.annotations["joints_cam_mm"]
    np.testing.assert_allclose(joints[:, 0], CAM_MM[:, [1, 4]].mean(1), atol=0.1)
    assert np.isnan(joints[1, 2]).all() and np.isnan(joints[2, 1]).all() and np.isnan(joints).sum() == 6


def test_points_that_the_file_calls_invalid_are_missing_and_forces_do_not_matter(tmp_path):
    folder = folder_of(tmp_path)
    write(folder / "anna" / "walk.c3d", WORLD_MM, gone=[(1, 5), (3, 0)], analogs=6)
    joints = prepared(folder).annotations["joints_cam_mm"]
    missing = np.isnan(joints).all(-1)
    assert missing[1, 5] and missing[3, 0] and missing.sum() == 2
    np.testing.assert_allclose(joints[~missing], CAM_MM[~missing], atol=0.1)


def test_two_people_in_one_file_are_told_apart_by_their_names(tmp_path):
    folder = folder_of(tmp_path)
    both = np.concatenate([WORLD_MM, WORLD_MM + BESIDE], 1)
    labels = [f"{who}:{name}" for who in ("Anna", "Ben") for name in JOINTS]
    write(folder / "anna" / "walk.c3d", both, labels=labels)
    with pytest.raises(UserError, match=r"Anna:pelvis or Ben:pelvis for joint pelvis\? Name one of them"):
        prepared(folder)
    (folder / "markers.yaml").write_text(yaml.safe_dump({name: f"Ben:{name}" for name in JOINTS}, sort_keys=False))
    found = to_world(prepared(folder).annotations["joints_cam_mm"], "left")
    np.testing.assert_allclose(found, WORLD_MM + BESIDE, atol=0.1)


@pytest.mark.parametrize("turn", [[0, 0, 0], [np.pi / 2, 0, 0], [-np.pi / 2, 0, 0]])
def test_the_worlds_axes_are_those_of_the_cameras(tmp_path, turn):
    """Z up, y up or y down: cameras.yaml says how its cameras stand in the same frame."""
    turned = cv2.Rodrigues(np.array(turn, float))[0]  # from the world here to another one
    folder = folder_of(tmp_path)
    write(folder / "anna" / "walk.c3d", WORLD_MM @ turned.T)
    entry = cameras()["left"]
    entry["rotation"] = (cv2.Rodrigues(np.array(entry["rotation"]))[0] @ turned.T).tolist()
    (folder / "cameras.yaml").write_text(yaml.safe_dump({"left": entry}))
    np.testing.assert_allclose(prepared(folder).annotations["joints_cam_mm"], CAM_MM, atol=0.1)


@pytest.mark.parametrize("ending", ["avi", "AVI"])
def test_videos_have_a_rate_of_their_own(tmp_path, ending):
    folder = folder_of(tmp_path, rate=100.0)
    video = folder / "anna" / f"walk.left.{ending}"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 50, SIZE_PX)
    for shade in (40, 140, 240):
        writer.write(np.full((SIZE_PX[1], SIZE_PX[0], 3), shade, np.uint8))
    writer.release()
    reader = prepared(folder, crop="none")
    np.testing.assert_allclose(reader.annotations["joints_cam_mm"], CAM_MM[[0, 2]], atol=0.1)
    assert [round(cv2.imdecode(reader.jpeg(row), 0).mean(), -1) for row in range(2)] == [40, 140]


def test_pictures_are_in_the_order_of_their_numbers(tmp_path, capsys):
    """frame_2 comes before frame_10, as whoever numbered them meant."""
    folder = folder_of(tmp_path)
    pictures = folder / "anna" / "walk.left"
    pictures.mkdir()
    for number, shade in zip((2, 10, 100), (40, 140, 240), strict=True):
        cv2.imwrite(str(pictures / f"frame_{number}.png"), np.full((SIZE_PX[1], SIZE_PX[0], 3), shade, np.uint8))
    reader = prepared(folder, crop="none")
    assert [round(cv2.imdecode(reader.jpeg(row), 0).mean(), -1) for row in range(3)] == [40, 140, 240]
    assert f"walk.left: 3 pictures for {len(WORLD_MM)} frames of points" in " ".join(capsys.readouterr().err.split())


def test_moments_out_of_sight_are_left_out(tmp_path, capsys):
    folder = folder_of(tmp_path, names=("left", "right"))
    away = WORLD_MM.copy()
    away[3] += [0, 0, -20000]
    write(folder / "anna" / "walk.c3d", away)
    reader = prepared(folder)
    assert 4 not in reader.annotations["frame"][reader.annotations["camera"] == 0]
    assert "out of a camera's sight" in capsys.readouterr().err


def other_names(folder: Path) -> None:
    write(folder / "anna" / "walk.c3d", WORLD_MM, labels=[f"M{n}" for n in range(17)])


def no_cameras(folder: Path) -> None:
    (folder / "cameras.yaml").write_text(yaml.safe_dump(cameras(rotation=None, translation_mm=None)))


def damaged(folder: Path) -> None:
    (folder / "anna" / "walk.c3d").write_bytes(b"no points")


def elsewhere(folder: Path) -> None:
    write(folder / "anna" / "walk.c3d", WORLD_MM - [0, 0, 90000])


def inches(folder: Path) -> None:
    path = folder / "anna" / "walk.c3d"
    content = ezc3d.c3d(str(path))
    content["parameters"]["POINT"]["UNITS"]["value"] = ["in"]
    content.write(str(path))


@pytest.mark.parametrize(("spoil", "message"), [
    (inches, "points in 'in'; known are mm, cm and m"),
    (other_names, "no point pelvis for joint pelvis; it has M0, M1"),
    (no_cameras, "no cameras.yaml with rotation and place"),
    (damaged, "walk.c3d: not readable as C3D"),
    (elsewhere, "no pose is in sight of a camera"),
])  # fmt: skip
def test_what_does_not_fit_is_one_line(tmp_path, spoil, message):
    folder = folder_of(tmp_path)
    spoil(folder)
    with pytest.raises(UserError, match=message) as error:
        prepared(folder)
    assert "\n" not in str(error.value) and not (folder / "out").exists()


@pytest.mark.parametrize(
    "options", [{}, {"unit": "m", "rate": 50.0}, {"subject": "Ben", "labels": ["A:" + n for n in JOINTS]}]
)
def test_what_is_read_is_what_ezc3d_reads(tmp_path, options):
    write(tmp_path / "a.c3d", WORLD_MM, **options)
    read, expected = read_file(tmp_path / "a.c3d"), ezc3d.c3d(str(tmp_path / "a.c3d"))
    point = expected["parameters"]["POINT"]
    np.testing.assert_array_equal(read.points, expected["data"]["points"][:3].transpose(2, 1, 0))
    assert read.labels == point["LABELS"]["value"] and [read.unit] == point["UNITS"]["value"]
    assert read.rate == point["RATE"]["value"][0]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_file_that_is_cut_off_is_refused(tmp_path, share):
    """ezc3d reads such files for ever."""
    folder = folder_of(tmp_path)
    path = folder / "anna" / "walk.c3d"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(UserError, match=r"walk\.c3d: not readable as C3D \("):
        prepared(folder)
