"""VideoPose3D's files of HumanEva, written from the fixtures' people; its cameras are found without being told."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from humaneva_files import FRAMES, LENS, MATRIX, PLACE, TURNS, seen_px, world_mm, write

from c2fpose.base.errors import UserError
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.preparation import prepare
from c2fpose.data.schema import SplitReader


def prepared(folder: Path, **options) -> dict[str, SplitReader]:
    config = CustomConfig(source="humaneva", path=folder, out=folder / "out", **options)
    return {info.split: SplitReader(info.path) for info in prepare(config)}


@pytest.mark.parametrize("told", [False, True])
def test_poses_stand_in_each_cameras_frame(tmp_path, told):
    write(tmp_path)
    if told:
        entries = {
            f"S1_C{number + 1}": {
                "intrinsics_px": MATRIX.tolist(), "image_size_px": [640, 480], "rotation": TURNS[number],
                "translation_mm": PLACE.tolist(), "distortion": {"coefficients": LENS.tolist()},
            }
            for number in range(3)
        }  # fmt: skip
        (tmp_path / "cameras.yaml").write_text(yaml.safe_dump(entries))
    splits = prepared(tmp_path)
    assert {name: len(reader) for name, reader in splits.items()} == {"train": 3 * FRAMES, "test": 3 * FRAMES}
    table, info = splits["train"].annotations, splits["train"].info
    assert info.action_names[table["action"][0]] == "Walking"
    for row in range(len(table["frame"])):
        camera = int(info.camera_names[table["camera"][row]][-1]) - 1
        world = world_mm(0)[table["frame"][row] - 1]
        expected = world @ cv2.Rodrigues(np.array(TURNS[camera]))[0].T + PLACE
        np.testing.assert_allclose(table["joints_cam_mm"][row], expected, atol=0.5 if told else 30)
        np.testing.assert_allclose(table["joints_px"][row], seen_px(world, camera), atol=0.01)
        if not told:
            np.testing.assert_allclose(table["intrinsics_px"][row][:2], [640, 645], rtol=0.01)
    assert splits["test"].annotations["trial"][0] == 3  # the chunk tells sequences apart


def test_a_whole_subject_can_be_for_testing(tmp_path):
    splits = prepared(write(tmp_path), test_subjects=("S1",))
    assert set(splits) == {"test"} and len(splits["test"]) == 6 * FRAMES


def test_labels_may_have_a_confidence_and_lie_in_one_array(tmp_path):
    write(tmp_path)
    plain = prepared(tmp_path)["train"].annotations
    again = tmp_path / "again"
    again.mkdir()
    labels = {}
    for number, (part, action) in enumerate([("Train", "Walking 1 chunk0"), ("Validate", "Jog 1 chunk2")]):
        views = np.stack([seen_px(world_mm(number), camera) for camera in range(3)]).astype(np.float32)
        labels[f"{part}/S1"] = {action: np.concatenate([views, np.ones_like(views[..., :1])], -1)}
    labels["Unlabeled/S4"] = {"Walking 1": []}  # of which there are no poses
    write(again, labels=labels)
    np.testing.assert_array_equal(plain["joints_px"], prepared(again)["train"].annotations["joints_px"])


@pytest.mark.parametrize(("changes", "message"), [
    ({"poses": {"Train/S1": np.zeros((3, 15, 3))}}, "Train/S1: no table of sequences"),
    ({"poses": {"Train/S1": {"Walking 1": "far"}}}, "Train/S1 Walking 1: no array of numbers"),
    ({"poses": {}}, "no sequence in it"),
    ({"labels": {"Train/S1": {"Walking 1 chunk0": 7}}}, "Train/S1 Walking 1 chunk0: no labels of three cameras"),
    ({"labels": {"Train/S1": {"Walking 1 chunk0": ["x"] * 3}}}, "Walking 1 chunk0, C1: no array of numbers"),
    ({"scale": 1}, "in millimetres, where VideoPose3D's metres"),
    ({"labels": {}}, "Train/S1 Walking 1 chunk0: no labels of three cameras"),
    ({"poses": {"Train/S1": {"Walking 1": np.zeros((3, 17, 3))}}}, r"shape \(3, 17, 3\), expected frames x 15 x 3"),
])  # fmt: skip
def test_what_is_not_in_this_form_is_one_line(tmp_path, changes, message):
    write(tmp_path, **changes)
    with pytest.raises(UserError, match=message) as error:
        prepared(tmp_path)
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_labels_of_another_camera_are_refused(tmp_path):
    write(tmp_path)
    mixed = [seen_px(world_mm(2), camera) for camera in range(3)]
    labels = {
        f"{part}/S1": {name: mixed} for part, name in (("Train", "Walking 1 chunk0"), ("Validate", "Jog 1 chunk2"))
    }
    write(tmp_path, labels=labels)
    with pytest.raises(UserError, match="camera S1_C1: joints in px and in mm fit no camera"):
        prepared(tmp_path)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    write(tmp_path, poses={"Train/S1": Path("x")})
    with pytest.raises(UserError, match="pickle refused"):
        prepared(tmp_path)
