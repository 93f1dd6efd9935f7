"""What a table of one's own says without meaning it: placeholders, shares for px, sides without a pair, unread keys."""

import cv2
import numpy as np
import pytest
import yaml
from own_data import SIZE_PX, make_folder, people, prepared, project, to_world, write_table

from c2fpose.base.errors import UserError
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.readers.table import Row, made, read
from c2fpose.data.custom.sides import unpaired
from c2fpose.pose.skeleton import C2F17, Skeleton


def without_label(place, unit="px"):
    def spoil(records):
        for record in records:
            record["px" if unit == "px" else "cam_mm"][5] = place
            if unit == "px":
                record["cam_mm"][:] = np.nan

    return spoil


def from_the_root(records):
    for record in records:
        record["cam_mm"] -= record["cam_mm"][:1].copy()


def shares(records):
    for record in records:
        record["px"] /= [320, 240]
        record["cam_mm"][:] = np.nan


def mm_alone(records):
    for record in records:
        record["px"][:] = np.nan


@pytest.mark.parametrize(("spoil", "cameras", "message"), [
    (without_label(0.0), {}, r"line 2 .*right_knee lies at exactly 0, 0 px.*leave that empty \(8 such"),
    (without_label(-1.0), {}, r"line 2 .*right_knee lies at exactly -1, -1 px"),
    (without_label(-999.0), {}, r"line 2 .*right_knee lies at exactly -999, -999 px, which some write for no label"),
    (without_label(0.0, "mm"), {}, r"line 2 .*right_knee lies at exactly 0, 0, 0 mm"),
    (from_the_root, {}, r"line 2 .*pelvis lies at 0, 0, 0 mm: are poses relative to it\?"),
    (shares, {}, r"line 2 .*the person is smaller than 2 px: shares of the picture for px\? .*\(8 such"),
    (mm_alone, {"intrinsics_px": [1.0, 1.3, 0.5, 0.5], "distortion": None}, r"smaller than 2 px: .*or intrinsics"),
])  # fmt: skip
def test_numbers_that_are_no_labels_are_refused(tmp_path, spoil, cameras, message):
    """A network would learn them as places; with labels in px alone no other check sees them."""
    records = people()
    spoil(records)
    with pytest.raises(UserError, match=message):
        prepared(make_folder(tmp_path, records, **cameras))


def test_poses_may_count_from_the_root_in_a_world_of_their_own(tmp_path):
    """As fitted bodies come: joints from the pelvis, which each picture's own camera places."""
    records = people()
    for record in records:
        record["cam_mm"] = to_world(record["cam_mm"], record["camera"])
        record["root"] = record["cam_mm"][0].copy()
        record["cam_mm"] -= record["root"]
    folder = make_folder(tmp_path, records)
    said, table = yaml.safe_load((folder / "cameras.yaml").read_text()), (folder / "records.csv").read_text()
    own = {}
    for number, record in enumerate(records):
        camera = said[record["camera"]]
        place = cv2.Rodrigues(np.array(camera["rotation"]))[0] @ record["root"] + camera["translation_mm"]
        own[f"own{number}"] = camera | {"translation_mm": place.tolist()}
        table = table.replace(f",{record['camera']},{number + 1},", f",own{number},{number + 1},")
    (folder / "cameras.yaml").write_text(yaml.safe_dump(own))
    (folder / "records.csv").write_text(table)
    splits = prepared(folder, joints_frame="world")
    expected = {number + 1: record for number, record in enumerate(people())}
    for reader in splits.values():
        for row, frame in enumerate(reader.annotations["frame"].tolist()):
            found = reader.annotations["joints_cam_mm"][row]
            np.testing.assert_allclose(found, expected[frame]["cam_mm"], atol=0.01)


def test_a_joint_a_little_beyond_the_corner_is_a_label(tmp_path):
    records = people()
    without_label(-5.0)(records[:1])
    assert sum(map(len, prepared(make_folder(tmp_path, records)).values())) == 8


@pytest.mark.parametrize(("pairs", "lacks"), [
    (None, "left_hip, right_hip"),
    ([["left_hip", "right_knee"], ["left_knee", "right_hip"]], "left_hip, right_hip"),
    ([["right_hip", "left_hip"]], "left_hip, right_hip"),
])  # fmt: skip
def test_sides_that_training_would_not_exchange_are_refused(tmp_path, pairs, lacks):
    folder = make_folder(tmp_path)
    said = yaml.safe_load((folder / "skeleton.yaml").read_text())
    said.pop("mirror") if pairs is None else said.update(mirror=pairs)
    (folder / "skeleton.yaml").write_text(yaml.safe_dump(said))
    with pytest.raises(UserError, match=rf"^skeleton: mirror: lacks \[{lacks}\], left first"):
        prepared(folder)


def test_pairs_are_asked_for_where_names_tell_them_alone():
    assert unpaired(C2F17) is None
    names = ["left_toe", "left_bigtoe", "right_bigtoe", "right_toe", "tail"]  # the one word for the other
    tree = dict.fromkeys(names[:4], "tail")
    assert unpaired(Skeleton.of(names, tree, [["left_toe", "right_toe"], ["left_bigtoe", "right_bigtoe"]])) is None
    assert unpaired(Skeleton.of(["left_ear", "tail"], {"left_ear": "tail"})) is None
    for pair in (("L ear", "earR"), ("front_left_paw", "front_right_paw"), ("leftear", "rightear"), ("Lfin", "Rfin")):
        assert unpaired(Skeleton.of([*pair, "tail"], dict.fromkeys(pair, "tail"))) == pair


@pytest.mark.parametrize(("options", "message"), [
    ({"every": 3}, "^every=3: is not read with source=custom"),
    ({"crop": "none", "margin": 2.0}, "^margin=2.0: is for crop=box"),
    ({"crop": "none", "stored_px": 128}, "^stored_px=128: is for crop=box"),
])  # fmt: skip
def test_keys_that_would_do_nothing_are_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        prepared(make_folder(tmp_path), **options)


def test_joints_that_other_sets_call_otherwise_are_told(tmp_path, capsys):
    """They would be mixed, and taken over from a network, by name alone."""
    folder = make_folder(tmp_path)
    prepared(folder, dry_run=True)
    assert "by name" not in capsys.readouterr().err
    for file in ("records.csv", "skeleton.yaml"):
        text = (folder / file).read_text()
        (folder / file).write_text(text.replace("left_knee", "LKnee").replace("right_knee", "RightKnee"))
    prepared(folder, dry_run=True)
    said = capsys.readouterr().err
    assert "which says left_knee for LKnee, and 1 more otherwise" in said.replace("\n", " ")


def test_records_of_several_videos_say_which_picture(tmp_path):
    """Their number in the table would be taken for it: in the second video, another picture."""
    records = people(4)
    folder = make_folder(tmp_path, records)
    for record, name in zip(records, ("a.mp4", "a.mp4", "b.mp4", "b.mp4"), strict=True):
        record["image"] = name
    write_table(folder, records, without=("frame",))
    with pytest.raises(UserError, match=r"^records.csv, line 2: a.mp4 is a video, and no frame says which"):
        prepared(folder)
    for name in ("a.mp4", "b.mp4"):
        (folder / name).touch()
    write_table(folder, records)
    with pytest.raises(UserError, match=r"a.mp4: not readable as a video"):
        prepared(folder)


def test_records_of_one_video_are_its_pictures_in_turn_and_that_is_said(tmp_path):
    records = [record | {"image": "a.mp4"} for record in people(4)]
    folder = make_folder(tmp_path)
    write_table(folder, records, without=("frame",))
    found = read(CustomConfig(source="custom", path=folder, out=folder / "out"))
    assert found.frame == [1, 2, 3, 4]
    assert found.notes == ["a.mp4: 4 records without frame are taken for its pictures in turn"]
    write_table(folder, records)
    assert read(CustomConfig(source="custom", path=folder, out=folder / "out")).notes == []


def test_a_record_in_mm_names_one_of_several_cameras(tmp_path):
    """Where joints are in mm alone, nothing else would tell that the first is not the one."""
    records = people()
    mm_alone(records)
    folder = make_folder(tmp_path, records)
    records[3]["camera"] = ""
    write_table(folder, records)
    with pytest.raises(UserError, match=r"^records.csv, line 5: joints in mm and no camera; one of left, right"):
        prepared(folder)
    for record in records:
        record["camera"] = ""
    write_table(folder, records)
    said = yaml.safe_load((folder / "cameras.yaml").read_text())
    (folder / "cameras.yaml").write_text(yaml.safe_dump({"left": said["left"]}))
    assert sum(map(len, prepared(folder).values())) == 8


def test_depths_that_are_lost_with_the_root_are_counted(tmp_path, capsys):
    records = people()
    for record in records[:3]:
        record["cam_mm"][0] = np.nan
    prepared(make_folder(tmp_path, records), dry_run=True)
    assert "3 of them lack pelvis in mm, the root" in capsys.readouterr().err.replace("\n", " ")


def boxed(records, folder, boxes):
    """Give each record a box; where it says None, none."""
    table = make_folder(folder, records) / "records.csv"
    rows = table.read_text().splitlines()
    cells = ["box_left,box_top,box_side", *(",," if box is None else "{:g},{:g},{:g}".format(*box) for box in boxes)]
    table.write_text("\n".join(f"{row},{cell}" for row, cell in zip(rows, cells, strict=True)))
    return folder


def test_boxes_of_what_is_seen_leave_joints_far_outside(tmp_path, capsys):
    """As a finder of people draws them where the legs are hidden: of one in four it is believed, of most it is not."""
    records = people()
    around = [(*(record["px"].min(0) - 5), float(np.ptp(record["px"], axis=0).max()) + 10) for record in records]
    head = [(*(record["px"][10] - 12), 24.0) for record in records]
    splits = prepared(boxed(records, tmp_path / "few", [*head[:2], *around[2:]]), test_subjects=("dora",))
    assert "2 records have joints far outside their box" in capsys.readouterr().err
    reader = splits["train"]
    row = reader.annotations["frame"].tolist().index(1)
    np.testing.assert_allclose(reader.annotations["scale"][row] * 200, 24)
    np.testing.assert_allclose(reader.annotations["joints_px"][row], records[0]["px"], atol=0.01)
    with pytest.raises(UserError, match=r"a joint far outside its box"):
        prepared(boxed(records, tmp_path / "most", [*head[:6], *around[6:]]))
    prepared(boxed(records, tmp_path / "none", [None] * 8), dry_run=True)


def placed(folder, move):
    """Joints in the world's frame, and cameras whose places ``move`` changes once the joints are written."""
    records = people()
    for record in records:
        record["cam_mm"] = to_world(record["cam_mm"], record["camera"])
    make_folder(folder, records)
    said = yaml.safe_load((folder / "cameras.yaml").read_text())
    for camera in said.values():
        camera["translation_mm"] = [move(number) for number in camera["translation_mm"]]
    (folder / "cameras.yaml").write_text(yaml.safe_dump(said))
    return records


@pytest.mark.parametrize(("times", "unit"), [(1000, "metres"), (10, "centimetres")])
def test_cameras_placed_in_another_unit_than_the_joints_are_refused(tmp_path, times, unit):
    records = placed(tmp_path, lambda number: number / times)
    with pytest.raises(
        UserError, match=rf"line 2 .*its camera's place is in {unit}: .* multiplied by {times} \(8 such"
    ):
        prepared(tmp_path, joints_frame="world")
    if unit == "metres":  # nothing else can be told without px
        write_table(tmp_path, records, without=("px",))
        with pytest.raises(UserError, match=r"line 2 .*within 20 mm of the world's origin: metres for .*\(8 such"):
            prepared(tmp_path, joints_frame="world")


def test_cameras_of_a_small_rig_are_where_their_labels_say(tmp_path):
    """Lenses some millimetres apart: joints in px fit."""
    placed(tmp_path, float)
    records, said = people(), yaml.safe_load((tmp_path / "cameras.yaml").read_text())
    for name, camera in said.items():
        camera["translation_mm"] = [6.0 if name == "left" else -6.0, 0.0, 0.0]
    for record in records:
        camera = said[record["camera"]]
        record["cam_mm"] = (record["cam_mm"] - camera["translation_mm"]) @ cv2.Rodrigues(np.array(camera["rotation"]))[
            0
        ]
    (tmp_path / "cameras.yaml").write_text(yaml.safe_dump(said))
    write_table(tmp_path, records)
    assert sum(map(len, prepared(tmp_path, joints_frame="world").values())) == 8


def test_a_box_in_shares_of_the_picture_is_called_that(tmp_path):
    with pytest.raises(UserError, match=r"line 2: box: a side of 0\.5 px: a share of the picture for px\?"):
        prepared(boxed(people(), tmp_path, [(0.1, 0.1, 0.5)] * 8))


def head_alone(records, rows):
    for record in records[rows]:
        record["cam_mm"] = record["cam_mm"].copy()
        record["cam_mm"][[joint for joint in range(17) if joint not in (8, 9, 10)]] = np.nan
        middle = record["cam_mm"][9]
        record["cam_mm"] = middle + 0.1 * (record["cam_mm"] - middle)
        record["px"] = np.where(np.isnan(record["cam_mm"][:, :1]), np.nan, project(record["cam_mm"], record["camera"]))
    return records


def test_a_head_labelled_alone_is_no_mistake_of_units_and_most_of_them_are(tmp_path):
    splits = prepared(make_folder(tmp_path / "one", head_alone(people(), slice(0, 1))), test_subjects=("dora",))
    assert len(splits["train"]) == 6
    with pytest.raises(UserError, match=r"smaller than 200 mm: centimetres .* trust_size=true"):
        prepared(make_folder(tmp_path / "most", head_alone(people(), slice(0, 6))))


def test_bodies_of_any_size_are_prepared_and_read_where_that_is_said(tmp_path):
    records = people()
    for record in records:
        record["cam_mm"] = record["cam_mm"] / 20  # a mouse, nearer by as much: the same picture
    folder = make_folder(tmp_path, records)
    with pytest.raises(UserError, match="smaller than 200 mm"):
        prepared(folder)
    splits = prepared(folder, trust_size=True, test_subjects=("dora",))
    extent = np.ptp(splits["train"].annotations["joints_cam_mm"], axis=1).max(-1)
    assert (extent < 200).all() and splits["train"].info.of_any_size


def test_labels_of_a_picture_that_was_not_turned_are_called_that(tmp_path):
    records = people(4)
    folder = make_folder(tmp_path, records, image_size_px=list(SIZE_PX[::-1]))
    with pytest.raises(UserError, match=r"320 x 240 px, its camera 240 x 320: labelled without its EXIF orientation\?"):
        prepared(folder)


@pytest.mark.parametrize(("frames", "note"), [((6, 17, 90, 91), True), ((0, 1, 2, 3), False), ((1, 2, 3, 4), False)])
def test_frames_of_a_video_that_do_not_begin_are_asked_about(tmp_path, frames, note):
    rows = [Row(f"line {n}", {"image": "v.mp4", "frame": str(frame)}, {}, {}, None) for n, frame in enumerate(frames)]
    notes = made(rows, C2F17, {}, "camera").notes
    assert any("the lowest is 6" in each for each in notes) == note and len(notes) == note


def test_labels_in_px_alone_are_told_that_they_cannot_train_alone(tmp_path, capsys):
    records = people()
    folder = make_folder(tmp_path, records)
    write_table(folder, records, without=("mm",))
    prepared(folder, dry_run=True)
    assert "no record has all joints in px and in mm" in capsys.readouterr().err.replace("\n", " ")
    write_table(folder, records)
    prepared(folder, dry_run=True)
    assert "no record has all joints" not in capsys.readouterr().err.replace("\n", " ")
