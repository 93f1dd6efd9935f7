"""COCO's form of keypoints, written from the fixtures' people, in what its users vary."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from coco_files import NAMES, content, write
from own_data import people, write_pictures

from c2fpose.base.errors import DataError, UserError
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.preparation import prepare
from c2fpose.data.custom.readers.coco_wholebody import BODY, FEET
from c2fpose.data.schema import SplitReader
from c2fpose.pose.skeleton import C2F17, JOINTS


def prepared(folder: Path, source: str = "coco", **options) -> dict[str, SplitReader]:
    config = CustomConfig(source=source, path=folder, out=folder / "out", **options)
    return {info.split: SplitReader(info.path) for info in prepare(config)}


def test_keypoints_become_labels_in_the_picture_with_a_root_between_the_hips(tmp_path):
    records = people()
    records[1]["px"][JOINTS.index("left_wrist")] = np.nan
    write_pictures(tmp_path, records)
    reader = prepared(write(tmp_path, content(records)), images="pictures", test_share=0)["train"]
    skeleton = reader.info.skeleton
    assert set(skeleton.names) == {*NAMES, "pelvis", "thorax"} and skeleton.names[skeleton.root] == "pelvis"
    assert np.isnan(reader.annotations["joints_cam_mm"]).all() and len(reader) == len(records)
    for row, frame in enumerate(reader.annotations["frame"]):
        px = records[frame - 1]["px"]
        for joint, name in enumerate(skeleton.names):
            left, right = {"pelvis": (1, 4), "thorax": (11, 14)}.get(name, (JOINTS.index(name),) * 2)
            expected = (px[left] + px[right]) / 2
            np.testing.assert_allclose(reader.annotations["joints_px"][row, joint], expected, atol=1e-3)
        box = (np.nanmin(px, 0) + np.nanmax(px, 0)) / 2
        np.testing.assert_allclose(reader.annotations["center_px"][row], box, atol=1e-3)
        stored = cv2.imdecode(reader.jpeg(row), cv2.IMREAD_COLOR)
        assert stored.std() > 3


def test_two_files_are_training_and_test_with_their_folders_of_pictures(tmp_path):
    records = people()
    for split, part in (("train2017", records[:5]), ("val2017", records[5:])):
        write_pictures(tmp_path / "x", part)
        (tmp_path / "x" / "pictures").rename(tmp_path / split)
        write(tmp_path, content(part), f"annotations/person_keypoints_{split}.json")
    splits = prepared(tmp_path)
    assert {name: len(reader) for name, reader in splits.items()} == {"train": 5, "test": 3}


def test_a_skeleton_chooses_and_orders_joints(tmp_path):
    records = people(3)
    write_pictures(tmp_path, records)
    chosen = C2F17.subset(["pelvis", "right_knee", "left_knee", "right_ankle"])
    chosen.to_file(tmp_path / "skeleton.yaml")
    reader = prepared(write(tmp_path, content(records)), images="pictures", test_share=0)["train"]
    assert reader.info.skeleton == chosen
    np.testing.assert_allclose(reader.annotations["joints_px"][0, 3], records[0]["px"][6], atol=1e-3)


def test_other_joints_take_their_tree_from_the_categorys_limbs(tmp_path):
    names = ["head", "middle", "end", "tip"]
    made = content(people(3), names)
    for number, annotation in enumerate(made["annotations"]):
        annotation["keypoints"] = [10 + number, 20, 2, 40, 60, 1, 70, 90, 2, 100, 30, 2]
        del annotation["bbox"]
    made["categories"] = [
        {"id": 5, "name": "eel", "keypoints": names, "skeleton": [[1, 2], [2, 3], [3, 4]]},
        {"id": 6, "name": "thing"},
    ]
    write_pictures(tmp_path, people(3))
    skeleton = prepared(write(tmp_path, made), images="pictures", test_share=0)["train"].info.skeleton
    assert skeleton.names == tuple(names) and skeleton.parents == (-1, 0, 1, 2)


def test_crowds_and_people_without_keypoints_are_left_out_and_counted(tmp_path, capsys):
    made = content(people())
    made["annotations"][0]["iscrowd"] = 1
    made["annotations"][1]["keypoints"] = [0] * 3 * len(NAMES)
    write_pictures(tmp_path, people())
    assert len(prepared(write(tmp_path, made), images="pictures", test_share=0)["train"]) == 6
    assert "2 annotations without keypoints" in capsys.readouterr().err


def as_words(made: dict) -> None:
    """Ids of images as words in one list, as numbers with a point in the other."""
    for image in made["images"]:
        image["id"] = str(image["id"])
    for annotation in made["annotations"]:
        annotation["image_id"] = float(annotation["image_id"])


def with_all_the_rest(made: dict) -> None:
    made |= {"info": {"year": 2017}, "licenses": [{"id": 1, "name": "by", "url": ""}]}
    for annotation in made["annotations"]:
        annotation |= {"area": 12.5, "segmentation": {"size": [240, 320], "counts": "eRQ2"}, "caption": None}


def in_triples(made: dict) -> None:
    for annotation in made["annotations"]:
        annotation["keypoints"] = np.reshape(annotation["keypoints"], (-1, 3)).tolist()


def with_others(made: dict) -> None:
    """A crowd, people of whom nothing is labelled, and things of a category without keypoints."""
    crowd = {"iscrowd": 1, "segmentation": {"counts": [9, 2], "size": [240, 320]}, "bbox": [0, 0, 9, 9]}
    nothing = {"num_keypoints": 0, "keypoints": [0] * 3 * len(NAMES), "bbox": [1.5, 2, 3, 4]}
    for number, other in enumerate((crowd, nothing, {"category_id": 7, "bbox": [1, 1, 5, 5]}, {"keypoints": None})):
        made["annotations"].insert(0, {"id": 900 + number, "image_id": 3, "category_id": 1} | other)
    made["categories"].append({"id": 7, "name": "sofa"})


def sizes_as_words(made: dict) -> None:
    for image in made["images"]:
        image |= {"width": str(image["width"]), "height": float(image["height"])}


def boxes_in_whole_px(made: dict) -> None:
    for annotation in made["annotations"]:
        annotation["bbox"] = [int(value) for value in annotation["bbox"]]


def no_boxes(made: dict) -> None:
    for annotation, none in zip(made["annotations"], [None, [], [0, 0, 0, 0], [1.0, 2, 0, 0]] * 2, strict=True):
        annotation["bbox"] = none


VARIANTS = (as_words, with_all_the_rest, in_triples, with_others, sizes_as_words, boxes_in_whole_px, no_boxes)


@pytest.mark.parametrize("vary", VARIANTS)
def test_what_programs_vary_is_read_the_same(tmp_path, vary):
    readers = []
    for name, change in (("plain", lambda made: None), ("varied", vary)):
        write_pictures(tmp_path / name, people())
        write(tmp_path / name, broken(content(people()), change))
        readers.append(prepared(tmp_path / name, images="pictures", test_share=0)["train"])
    plain, varied = (reader.annotations for reader in readers)
    np.testing.assert_array_equal(plain["joints_px"], varied["joints_px"])
    np.testing.assert_array_equal(plain["frame"], varied["frame"])
    if vary is not no_boxes:  # then they are made of the joints that are there
        np.testing.assert_allclose(plain["center_px"], varied["center_px"], atol=1.5)


def test_whole_body_of_133_keypoints_in_one_list(tmp_path):
    records = people(3)
    readers = []
    for name in ("apart", "together"):
        made = content(records, list(BODY))
        for number, annotation in enumerate(made["annotations"]):
            feet = [*(records[number]["px"][3] + [0.0, number]).tolist(), 2] * len(FEET)
            if name == "together":
                annotation["keypoints"] += [*feet, *[7.0, 7.0, 0.3] * (133 - len(BODY) - len(FEET))]
            else:
                annotation |= {"foot_kpts": feet, "foot_valid": True, "lefthand_kpts": [0.0] * 63}
        write_pictures(tmp_path / name, records)
        folder = write(tmp_path / name, made)
        readers.append(prepared(folder, "coco_wholebody", images="pictures", test_share=0)["train"])
    np.testing.assert_array_equal(*(reader.annotations["joints_px"] for reader in readers))


def test_whole_body_has_body_and_feet(tmp_path):
    records = people(4)
    made = content(records, list(BODY))
    for number, annotation in enumerate(made["annotations"]):
        x, y = records[number]["px"][3]
        annotation["foot_kpts"] = [x + number, y, 2] * len(FEET)
        annotation["foot_valid"] = number != 1
        annotation["face_kpts"] = [0.0] * 3 * 68
    made["categories"][0].pop("keypoints")
    write_pictures(tmp_path, records)
    reader = prepared(write(tmp_path, made), "coco_wholebody", images="pictures", test_share=0)["train"]
    skeleton = reader.info.skeleton
    assert {*BODY, *FEET} < set(skeleton.names)
    assert skeleton.names[skeleton.parents[skeleton.index("left_heel")]] == "left_ankle"
    heel = reader.annotations["joints_px"][:, skeleton.index("left_heel")]
    expected = [record["px"][3, 0] + number for number, record in enumerate(records)]
    by_frame = heel[np.argsort(reader.annotations["frame"]), 0]
    np.testing.assert_allclose(by_frame, [expected[0], np.nan, *expected[2:]], rtol=1e-5)


def broken(made, change):
    change(made)
    return made


@pytest.mark.parametrize(("change", "message"), [
    (lambda made: made["annotations"][2].update(keypoints=[1, 2, 2] * 5), r"annotation 102: 15 numbers for 13 keyp"),
    (lambda made: made["annotations"][3].update(image_id=999), r"annotation 103: no image_id, or of no image"),
    (lambda made: made["annotations"][4].update(keypoints=["x"] * 39), r"annotation 104: keypoints or bbox are no num"),
    (lambda made: made["images"][0].update(width=1000), r"annotation 100.*320 x 240 px, when it was labelled .*1000 x"),
    (lambda made: made["annotations"][5].update(image_id=[3]), r"annotation 105: no image_id, or of no image"),
    (lambda made: made["annotations"][6].update(keypoints=5), r"annotation 106: 1 numbers for 13 keypoints"),
    (lambda made: made["annotations"][7].update(keypoints={"nose": 1}), r"annotation 107: keypoints or bbox are no n"),
    (lambda made: made["annotations"][1].update(bbox=[1, 2]), r"annotation 101: keypoints or bbox are no numbers"),
    (lambda made: made["images"][1].update(id=3), r"image 1 .*another image has the id 3 too"),
    (lambda made: made["images"][2].update(id={}), r"image 2: no id or no file_name"),
    (lambda made: made["images"][3].update(width="wide"), r"annotation 103: width or height of its image is no numb"),
    (lambda made: made.pop("annotations"), r"no images and annotations"),
    (lambda made: made.pop("categories"), r"no category says which keypoints"),
    (lambda made: made["categories"][0].update(skeleton=[[0, 1], [1, 2]]), r"from 1 \(a keypoint outside 1..13"),
    (lambda made: made["categories"][0].update(skeleton=[[13, 14]]), r"from 1 \(a keypoint outside 1..13"),
    (lambda made: made["images"][5].update(file_name="lost.jpg"), r"annotation 105: no picture lost.jpg"),
])  # fmt: skip
def test_what_does_not_hold_together_is_one_line_and_nothing_is_written(tmp_path, change, message):
    write_pictures(tmp_path, people())
    write(tmp_path, broken(content(people()), change))
    with pytest.raises(UserError, match=message) as error:
        prepared(tmp_path, images="pictures")
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_several_files_must_be_told_apart(tmp_path):
    for name in ("a.json", "b.json"):
        write(tmp_path, content(people()), name)
    with pytest.raises(DataError, match=r"a.json, b.json: which\? Say table=FILE"):
        prepared(tmp_path)


def test_boxes_by_their_corners_are_refused(tmp_path):
    """Read as width and height they reach beyond their pictures, and the people in them would be small."""
    records = people()
    write_pictures(tmp_path, records)
    made = content(records)
    for annotation in made["annotations"]:
        left, top, width, height = annotation["bbox"]
        annotation["bbox"] = [left, top, left + width, top + height]
    with pytest.raises(DataError, match=r"people.json: annotation \d+: bbox reaches beyond its picture, as do \d of 8"):
        prepared(write(tmp_path, made), images="pictures")
    made["annotations"][0]["bbox"] = [100, 20, 90, 40]  # no corners
    prepared(write(tmp_path, made), images="pictures", dry_run=True)


def test_keypoints_without_visibility_are_told_what_is_missing(tmp_path):
    made = content(people(2))
    for annotation in made["annotations"]:
        annotation["keypoints"] = [v for n, v in enumerate(annotation["keypoints"]) if n % 3 < 2]
    with pytest.raises(UserError, match=r"x, y without visibility: write a 2 behind each pair$"):
        prepared(write(tmp_path, made))
