"""A folder of one's own becomes training files that hold what its table says, checked against OpenCV's projection."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from own_data import (
    SIZE_PX,
    THIRTEEN,
    make_folder,
    people,
    prepared,
    project,
    to_world,
    write_as,
    write_pictures,
    write_table,
)  # fmt: skip

from c2fpose.base.errors import DataError, UserError
from c2fpose.config.data import DataConfig
from c2fpose.data.datamodule import PoseData
from c2fpose.data.dataset import PoseDataset
from c2fpose.data.prepare import main
from c2fpose.data.schema import SplitReader
from c2fpose.data.verification.checks import handedness, limbs
from c2fpose.pose.skeleton import C2F17, JOINTS

FREE = dict.fromkeys(("train_subjects", "test_subjects", "actions", "cameras"))  # all of a file


def test_table_skeleton_and_cameras_become_both_splits(tmp_path):
    records = people()
    splits = prepared(make_folder(tmp_path, records, THIRTEEN))
    assert {name: len(reader) for name, reader in splits.items()} == {"train": 6, "test": 2}
    kept = [JOINTS.index(name) for name in THIRTEEN.names]
    for reader in splits.values():
        assert reader.info.skeleton == THIRTEEN and reader.info.action_names == ("walk", "sit")
        for row in range(len(reader)):
            record = next(each for each in records if each["frame"] == reader.annotations["frame"][row])
            names = reader.info.subject_names
            assert names[reader.annotations["subject"][row]] == record["subject"]
            np.testing.assert_allclose(reader.annotations["joints_cam_mm"][row], record["cam_mm"][kept], atol=1e-3)
            np.testing.assert_allclose(reader.annotations["joints_px"][row], record["px"][kept], atol=1e-3)
    assert set(splits["test"].annotations["subject"]).isdisjoint(splits["train"].annotations["subject"])


def test_records_are_called_by_the_names_that_they_came_with(tmp_path):
    reader = prepared(make_folder(tmp_path))["train"]
    assert [reader.name(row) for row in (0, 1)] == ["ben_walk_1.left_000003", "ben_sit_1.right_000004"]
    assert set(limbs(reader).figures) == set(handedness(reader).figures) == {"anna", "ben", "cleo"}


@pytest.mark.parametrize("form", ["csv", "semicolons", "jsonl", "npz"])
def test_forms_of_the_table_say_the_same(tmp_path, form):
    records = people()
    folder = make_folder(tmp_path / "a", records)
    expected = prepared(folder)["train"].annotations
    other = make_folder(tmp_path / "b", records)
    table = other / "records.csv"
    if form == "semicolons":  # as some spreadsheets write: a mark of the byte order, capitals, an empty last line
        text = table.read_text().replace(",", ";").replace("image", "Image", 1).replace("action", "Sequence", 1)
        table.write_text("\ufeff" + text + "\n", "utf-8")
    if form in ("jsonl", "npz"):
        write_as(other, records, form)
        table.unlink()
    found = prepared(other)["train"].annotations
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=2e-3, err_msg=name)


def test_world_frame_and_missing_px_are_filled_by_the_cameras(tmp_path):
    records = people()
    folder = make_folder(tmp_path, records)
    world = [record | {"cam_mm": to_world(record["cam_mm"], record["camera"])} for record in records]
    write_table(folder, world, without=("px",))
    reader = prepared(folder, joints_frame="world", test_share=0)["train"]
    for row, frame in enumerate(reader.annotations["frame"]):
        record = next(each for each in records if each["frame"] == frame)
        np.testing.assert_allclose(reader.annotations["joints_cam_mm"][row], record["cam_mm"], atol=0.02)
        np.testing.assert_allclose(
            reader.annotations["joints_px"][row], project(record["cam_mm"], record["camera"]), atol=0.02
        )


def test_labels_may_be_missing_by_joint_and_by_depth(tmp_path):
    records = people()
    records[0]["px"][3] = records[0]["cam_mm"][3] = np.nan
    records[1]["cam_mm"][:] = np.nan
    reader = prepared(make_folder(tmp_path, records), test_share=0)["train"]
    assert reader.info.partly_labelled
    rows = {frame: row for row, frame in enumerate(reader.annotations["frame"])}
    assert np.isnan(reader.annotations["joints_px"][rows[1], 3]).all()
    assert np.isnan(reader.annotations["joints_cam_mm"][rows[2]]).all()
    np.testing.assert_allclose(reader.annotations["joints_px"][rows[2]], records[1]["px"], atol=1e-3)


def test_two_d_alone_needs_no_cameras(tmp_path):
    folder = make_folder(tmp_path, people())
    write_table(folder, people(), without=("mm", "camera"))
    (folder / "cameras.yaml").unlink()
    reader = prepared(folder)["train"]
    np.testing.assert_allclose(reader.annotations["intrinsics_px"], [[384, 384, 160, 120]] * len(reader))


def test_one_subject_alone_is_split_by_sequence_with_a_warning(tmp_path, capsys):
    folder = make_folder(tmp_path, [record | {"subject": "anna"} for record in people()])
    splits = prepared(folder)
    assert splits["test"].info.action_names[splits["test"].annotations["action"][0]] == "sit"
    assert "one subject alone" in capsys.readouterr().err


# --- bad input --------------------------------------------------------------------------------------------------------


def exchanged(records, folder):
    for record in records:
        record["px"] = record["px"][list(C2F17.mirror)]


def exchanged_in_both(records, folder):
    for record in records:
        record["px"], record["cam_mm"] = record["px"][list(C2F17.mirror)], record["cam_mm"][list(C2F17.mirror)]


def exchanged_in_one(records, folder):
    for name in ("px", "cam_mm"):
        records[3][name] = records[3][name][list(C2F17.mirror)]


def metres(records, folder):
    records[5]["cam_mm"] /= 1000


def world(records, folder):
    for record in records:
        record["cam_mm"] = to_world(record["cam_mm"], record["camera"])


def world_without_place(records, folder):
    world(records, folder)
    return {"rotation": None, "translation_mm": None}


def upside_down(records, folder):
    for record in records:
        record["cam_mm"] = record["cam_mm"] * [1, -1, -1]


def of_others(records, folder):
    poses = [record["cam_mm"] for record in records]
    for number, record in enumerate(records):
        record["cam_mm"] = poses[(number + 2) % len(records)]


def mirrored(records, folder):
    for record in records:
        record["px"] = np.stack([SIZE_PX[0] - record["px"][:, 0], record["px"][:, 1]], -1)


def half_size(records, folder):
    records[3]["px"] = records[3]["px"] / 2


def another_joint(records, folder):
    table = folder / "records.csv"
    table.write_text(table.read_text().replace("left_knee_x_px", "left_paw_x_px"))


def both_splits(records, folder):
    for number, record in enumerate(records):
        record["split"] = ("train", "test")[number % 2]


def no_label(records, folder):
    records[2]["px"][:] = records[2]["cam_mm"][:] = np.nan


def small_pictures(records, folder):
    write_pictures(folder, records, (160, 120))


def world_of_cameras_without_place(records, folder):
    world(records, folder)
    return {"rotation": None, "translation_mm": None, "joints_frame": "world"}


def twice(records, folder):
    records[5] |= {key: records[3][key] for key in ("subject", "action", "camera", "frame")}


def elsewhere(records, folder):
    """Joints in mm alone, of somebody whom the camera does not see."""
    records[6]["cam_mm"] = records[6]["cam_mm"] + [5000.0, 0, 0]
    records[6]["px"][:] = np.nan


def cut_off_picture_of_a_test_person(records, folder):
    path = folder / records[6]["image"]
    path.write_bytes(path.read_bytes()[:-200])


def no_picture(records, folder):
    (folder / records[4]["image"]).unlink()


def half_a_joint(records, folder):
    records[6]["px"][2, 1] = np.nan


# What is changed once the folder is written
AFTER = (another_joint, small_pictures, no_picture, cut_off_picture_of_a_test_person)


@pytest.mark.parametrize(("spoil", "message"), [
    (exchanged, r"left and right are exchanged between joints in px and in mm"),
    (exchanged_in_both, r"line 2 .*joints called left are on the body's right"),
    (exchanged_in_one, r"line 5 .*joints called left are on the body's right"),
    (metres, r"line 7 .*005.jpg.*metres for millimetres"),
    (world, r"line 2 .*world's frame.*joints_frame=world \(8 such"),
    (world_without_place, r"line 2 .*from another place: are they in the world's frame\? Then give .*\(8 such"),
    (world_of_cameras_without_place, r"line 2 .*a camera without rotation and place \(8 such"),
    (twice, r"line 7 .*the same subject, action, trial, camera and frame as an earlier record"),
    (elsewhere, r"line 8 .*most joints lie outside the picture"),
    (cut_off_picture_of_a_test_person, r"line 8: .*006.jpg"),
    (upside_down, r"line 2 .*whose y points up and z backward.*\(8 such"),
    (of_others, r"line 2 .*do not lie where those in mm are projected by the camera \(8 such"),
    (mirrored, r"a mirrored picture or camera"),
    (half_size, r"line 5 .*another size"),
    (another_joint, r"left_paw.*not known|'left_paw'"),
    (both_splits, r"subject anna is in training and test"),
    (no_label, r"line 4 .*no joint has a label"),
    (small_pictures, r"the picture has 160 x 120 px, its camera 320 x 240"),
    (no_picture, r"line 6: no picture pictures/004.jpg"),
    (half_a_joint, r"line 8: .*a part is missing"),
])  # fmt: skip
def test_mistakes_are_recognised_by_record_and_nothing_is_written(tmp_path, spoil, message):
    records = people()
    if spoil in AFTER:
        make_folder(tmp_path, records)
        spoil(records, tmp_path)
    else:
        changed = spoil(records, tmp_path) or {}
        frame = {key: changed.pop(key) for key in ("joints_frame",) if key in changed}
        make_folder(tmp_path, records, **changed)
    with pytest.raises(UserError, match=message) as error:
        prepared(tmp_path, **(frame if spoil not in AFTER else {}))
    assert "\n" not in str(error.value) and not list(tmp_path.glob("out/*.h5"))


def test_a_cameras_pose_the_other_way_round_is_told(tmp_path):
    records = people()
    for record in records:
        record["cam_mm"] = to_world(record["cam_mm"], record["camera"])
    folder = make_folder(tmp_path, records)
    said = yaml.safe_load((folder / "cameras.yaml").read_text())
    for entry in said.values():
        turn = cv2.Rodrigues(np.array(entry["rotation"]))[0]
        entry |= {"rotation": turn.T.tolist(), "translation_mm": (-turn.T @ entry["translation_mm"]).tolist()}
    (folder / "cameras.yaml").write_text(yaml.safe_dump(said))
    with pytest.raises(UserError, match=r"from another place: are rotation and place|behind the camera: rotation"):
        prepared(folder, joints_frame="world")


def test_sides_can_be_trusted(tmp_path):
    records = people()
    exchanged_in_one(records, tmp_path)
    assert len(prepared(make_folder(tmp_path, records), trust_sides=True, test_share=0)["train"]) == 8


def test_sides_are_told_without_a_thorax_and_by_other_names(tmp_path):
    records = people()
    exchanged_in_one(records, tmp_path)
    names = [name for name in JOINTS if name not in ("pelvis", "spine", "thorax", "head")]
    folder = make_folder(tmp_path, records, C2F17.subset(["pelvis", *names]))
    for file in ("records.csv", "skeleton.yaml"):
        text = (folder / file).read_text()
        for side in ("left", "right"):
            text = text.replace(f"{side}_", f"{side.title()} ")
        (folder / file).write_text(text)
    with pytest.raises(UserError, match=r"line 5 .*joints called left"):
        prepared(folder)


@pytest.mark.parametrize("asked", [["source=custom"], ["--source=custom"], ["--source", "custom"]])
def test_the_command_says_it_in_one_line_and_exits_with_2(tmp_path, capsys, asked):
    records = people()
    metres(records, tmp_path)
    folder = make_folder(tmp_path, records)
    with pytest.raises(SystemExit) as code:
        main([*asked, f"path={folder}", f"out={tmp_path / 'out'}"])
    said = capsys.readouterr().err
    assert code.value.code == 2 and not (tmp_path / "out").exists()
    assert said.startswith("error: records.csv, line 7") and said.count("\n") == 1


def test_a_mirrored_camera_is_refused(tmp_path):
    flipped = np.diag([-1.0, 1.0, 1.0]).tolist()
    with pytest.raises(DataError, match="camera left: rotation: it mirrors"):
        prepared(make_folder(tmp_path, rotation=flipped))


def test_an_earlier_file_stays_without_overwrite(tmp_path):
    folder = make_folder(tmp_path)
    before = Path(prepared(folder)["train"].info.path).read_bytes()
    with pytest.raises(DataError, match="overwrite=true"):
        prepared(folder)
    prepared(folder, overwrite=True)
    assert (folder / "out" / "train.h5").read_bytes() == before


def test_a_test_picture_that_is_cut_off_leaves_earlier_files_alone(tmp_path):
    folder = make_folder(tmp_path)
    before = {path: path.read_bytes() for path in (Path(reader.info.path) for reader in prepared(folder).values())}
    records = people()
    for record in records:
        record["action"] = "other"
    write_table(folder, records)
    cut_off_picture_of_a_test_person(records, folder)
    with pytest.raises(DataError, match=r"line 8"):
        prepared(folder, overwrite=True)
    assert {path: path.read_bytes() for path in before} == before


def test_subjects_to_test_on_go_before_what_the_records_say(tmp_path):
    records = people()
    for record in records:
        record["split"] = "test" if record["subject"] == "anna" else "train"
    folder = make_folder(tmp_path, records)
    assert prepared(folder)["test"].info.provenance["test"] == "as each record says"
    chosen = prepared(folder, test_subjects=("ben", "cleo"), overwrite=True)["test"]
    assert chosen.info.provenance["test"] == "subjects ben, cleo"
    assert {chosen.info.subject_names[number] for number in chosen.annotations["subject"]} == {"ben", "cleo"}


def test_numbers_that_are_written_differently_are_two_subjects(tmp_path):
    records = people()
    for record in records:
        record["subject"] = {"anna": "1", "ben": "01", "cleo": "2", "dora": "3"}[record["subject"]]
    readers = prepared(make_folder(tmp_path, records))
    assert sorted(readers["train"].info.subject_names.values()) == ["01", "1", "2", "3"]


@pytest.mark.parametrize("side", [-1, 1])
def test_people_cut_by_either_edge_are_trained_alike(tmp_path, side):
    """Joints beyond the picture lie in the box, whose part there is black."""
    records = people(4)
    for record in records:
        record["px"] = record["px"] + [side * 1000.0, 0]
        record["px"] = np.where(np.arange(17)[:, None] < 6, record["px"], record["px"] - [side * 1000.0, 0])
        inner = SIZE_PX[0] / 2 + side * SIZE_PX[0] / 2
        record["px"][:6, 0] = inner + side * np.arange(1, 7)
    folder = make_folder(tmp_path, records)
    write_table(folder, records, without=("mm",))
    prepared(folder, test_share=0, trust_sides=True)
    file = str(folder / "out" / "train.h5")
    config = DataConfig(
        train_file=file, test_file=file, validation_every=2, cache="none", workers=0, augmentation=None, **FREE
    )
    dataset = PoseDataset(SplitReader(file), np.arange(4), config)
    assert all(dataset[number].sample["visible"].all() for number in range(4))


def test_errors_are_measured_on_whole_labels_and_their_lack_is_refused(tmp_path):
    records = people()
    for number in (0, 2, 6):
        records[number]["cam_mm"][3] = np.nan
    prepared(make_folder(tmp_path, records))
    files = {f"{split}_file": str(tmp_path / "out" / f"{split}.h5") for split in ("train", "test")}
    config = DataConfig(validation_every=2, cache="none", workers=0, **FREE, **files)
    data = PoseData(config)
    data.setup("fit")
    assert len(data.test) == 1 and len(data.train) == 3  # training keeps partial labels
    write_table(tmp_path, people(), without=("mm",))
    prepared(tmp_path, overwrite=True)
    with pytest.raises(DataError, match=r"no record to measure errors on .*data\.mix"):
        PoseData(config).setup("fit")
