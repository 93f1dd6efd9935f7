"""Templates: what they hold is what was said, and made of a table they are prepared without a change."""

import csv
import json

import cv2
import numpy as np
import pytest
import yaml
from own_data import INTRINSICS, SIZE_PX, people, project, write_pictures, write_table
from PIL import Image

from c2fpose.base.errors import DataError, UserError
from c2fpose.data.custom.cameras import read_cameras
from c2fpose.data.custom.options import CustomConfig, TemplateConfig
from c2fpose.data.custom.preparation import prepare
from c2fpose.data.custom.template import FILES, PREDICTED, write_template
from c2fpose.data.schema import SplitReader
from c2fpose.pose.skeleton import C2F17, JOINTS, Skeleton
from c2fpose.prediction.inputs import OWN_ENDING


def template(tmp_path, **options):
    options = {"from" if key == "source" else key: value for key, value in options.items()}
    return write_template(TemplateConfig(out=tmp_path / "t", **options))


def prepared(folder, **options) -> SplitReader:
    config = CustomConfig(source="custom", path=folder, out=folder / "out", test_share=0, **options)
    return SplitReader(prepare(config)[0].path)


def source(tmp_path, records=None):
    """A table without a lens, and its pictures."""
    records = people() if records is None else records
    for record in records:
        fx, fy, cx, cy = INTRINSICS[record["camera"]]
        record["px"] = record["cam_mm"][:, :2] / record["cam_mm"][:, 2:] * [fx, fy] + [cx, cy]
    (tmp_path / "s").mkdir()
    write_pictures(tmp_path / "s", records)
    write_table(tmp_path / "s", records)
    return records


def test_of_answers_alone_it_has_all_files_and_says_what_is_missing(tmp_path):
    folder = template(tmp_path, joints=("pelvis", "left_knee", "right_knee", "tail"), parents={"tail": "left_knee"})
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    skeleton = Skeleton.from_file(folder / "skeleton.yaml")
    assert skeleton.names[skeleton.parents[3]] == "left_knee" and skeleton.mirror_pairs == ((1, 2),)
    assert cv2.imread(str(folder / "skeleton.png")).std() > 5
    with pytest.raises(UserError, match="camera camera: intrinsics_px: not filled in yet"):
        prepared(folder)


def test_pictures_are_listed_with_their_size(tmp_path):
    write_pictures(tmp_path, people(4))
    folder = template(tmp_path, images=tmp_path / "pictures", labels="px", cameras=("a", "b"))
    lines = (folder / "records.csv").read_text().splitlines()
    assert (
        len(lines) == 5 and lines[1].startswith("../pictures/000.jpg,subject,action,1,a,1,") and "_mm" not in lines[0]
    )
    cameras = yaml.safe_load((folder / "cameras.yaml").read_text())
    assert cameras["b"]["image_size_px"] == list(SIZE_PX) and cameras["b"]["intrinsics_px"][2:] == [160, 120]
    with pytest.raises(DataError, match=r"records.csv, line 2 .*no joint has a label"):
        prepared(folder)


def test_pictures_in_folders_are_listed_folder_by_folder_whatever_the_letters_of_their_ending(tmp_path):
    records = people(4)
    for record, name in zip(records, ("b/frame_10.jpg", "b/frame_9.jpg", "a/x.jpg", "y.jpg"), strict=True):
        record["image"] = f"pictures/{name}"
        (tmp_path / record["image"]).parent.mkdir(parents=True, exist_ok=True)
    write_pictures(tmp_path, records)
    (tmp_path / "pictures" / "a" / "x.jpg").rename(tmp_path / "pictures" / "a" / "x.Jpg")
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    folder = template(tmp_path, images=tmp_path / "pictures", labels="px")
    listed = [line.split(",")[0] for line in (folder / "records.csv").read_text().splitlines()[1:]]
    assert listed == [f"../pictures/{name}" for name in ("y.jpg", "a/x.Jpg", "b/frame_9.jpg", "b/frame_10.jpg")]


def test_figures_of_predictions_are_no_pictures_to_label(tmp_path):
    write_pictures(tmp_path, people(2))
    for name in ("000_pose.png", "yoga_pose.png"):  # of 000.jpg, and a picture of its own
        Image.new("RGB", (40, 30)).save(tmp_path / "pictures" / name)
    folder = template(tmp_path, images=tmp_path / "pictures", labels="px")
    listed = [line.split(",")[0] for line in (folder / "records.csv").read_text().splitlines()[1:]]
    assert listed == [f"../pictures/{name}" for name in ("000.jpg", "001.jpg", "yoga_pose.png")]
    assert PREDICTED == OWN_ENDING


def test_of_a_table_it_is_ready_and_its_cameras_are_fitted(tmp_path):
    records = source(tmp_path)
    folder = template(tmp_path, source=tmp_path / "s" / "records.csv")
    assert Skeleton.from_file(folder / "skeleton.yaml") == C2F17
    cameras = yaml.safe_load((folder / "cameras.yaml").read_text())
    for name, expected in INTRINSICS.items():
        np.testing.assert_allclose(cameras[name]["intrinsics_px"], expected, atol=0.05)
    reader = prepared(folder)
    for row, frame in enumerate(reader.annotations["frame"]):
        np.testing.assert_allclose(reader.annotations["joints_cam_mm"][row], records[frame - 1]["cam_mm"], atol=0.01)


@pytest.mark.parametrize("form", ["{joint}.{axis}", "{axis}_{joint}", "{joint} {axis}", "{joint}_{axis}"])
@pytest.mark.parametrize("deep", [True, False])
def test_other_tables_columns_are_understood(tmp_path, form, deep):
    records = source(tmp_path, people(4))
    axes, joints = ("xyz", "cam_mm") if deep else ("xy", "px")
    heading = ["filename", *(form.format(joint=j, axis=a) for j in JOINTS for a in axes), "pelvis_likelihood", "remark"]
    lines = [";".join(heading)]
    for record in records:
        scale = 0.001 if deep else 1
        numbers = [f"{value:.6f}" for value in (record[joints] * scale).ravel()]
        lines.append(";".join([record["image"], *numbers, "0.9", "good"]))
    (tmp_path / "s" / "other.csv").write_text("\n".join(lines))
    folder = template(tmp_path, source=tmp_path / "s" / "other.csv", unit="m")
    first = (folder / "records.csv").read_text().splitlines()
    assert len(first) == 5 and ("left_knee_z_mm" in first[0]) == deep
    found = [float(cell) for cell in first[1].split(",")[6:]]
    np.testing.assert_allclose(found, records[0][joints].ravel(), atol=0.002)


def test_deeplabcuts_three_headers_are_understood(tmp_path):
    records = source(tmp_path, people(3))
    names = ["tail_tip", "left_hip"]
    heads = [["scorer"], ["bodyparts"], ["coords"]]
    for name in names:
        heads = [heads[0] + ["me"] * 3, heads[1] + [name] * 3, heads[2] + ["x", "y", "likelihood"]]
    rows = [[record["image"], "10", "20", "0.9", "", "", "0.1"] for record in records]
    (tmp_path / "s" / "dlc.csv").write_text("\n".join(",".join(row) for row in heads + rows))
    folder = template(tmp_path, source=tmp_path / "s" / "dlc.csv")
    reader = prepared(folder)
    assert reader.info.skeleton.names == tuple(names)
    np.testing.assert_allclose(reader.annotations["joints_px"][0], [[10, 20], [np.nan, np.nan]])


def test_deeplabcut_names_pictures_in_three_columns_since_22(tmp_path, capsys):
    records = source(tmp_path, people(2))
    heads = [
        [name, "", "", *cells]
        for name, cells in (
            ("scorer", ["me"] * 6), ("bodyparts", ["tail"] * 3 + ["tip"] * 3), ("coords", ["x", "y", "likelihood"] * 2)
        )
    ]  # fmt: skip
    rows = [["labeled-data", "clip", f"img{n}.png", "10", f"{20 + n}", "0.01", "", "", "0.2"] for n in range(2)]
    for row, record in zip(rows, records, strict=True):
        target = tmp_path / "s" / "/".join(row[:3])
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.open(tmp_path / "s" / record["image"]).save(target)
    text = "\n".join(",".join(row) for row in heads + rows)
    for lines in (text, "\n" + text):  # an empty line first is nothing
        (tmp_path / "s" / "dlc.csv").write_text(lines)
        folder = template(tmp_path, source=tmp_path / "s" / "dlc.csv", root="tail", overwrite=True)
        assert "columns that are not taken over: likelihood" in "".join(capsys.readouterr())
        reader = prepared(folder, overwrite=True)
        np.testing.assert_allclose(reader.annotations["joints_px"][:, 0], [[10, 20], [10, 21]])
    (tmp_path / "s" / "dlc.csv").write_text(text.replace("coords,,,x", "coords,,x"))
    with pytest.raises(UserError, match="DeepLabCut's three headers have 9, 9, 8 columns"):
        template(tmp_path, source=tmp_path / "s" / "dlc.csv", overwrite=True)


@pytest.mark.parametrize("leading", [1, 3])
def test_deeplabcuts_individuals_are_records_of_their_own(tmp_path, capsys, leading):
    records = source(tmp_path, people(2))
    owners = ["one"] * 6 + ["two"] * 6 + ["single"] * 3
    parts = (["tail"] * 3 + ["tip"] * 3) * 2 + ["corner"] * 3
    heads = [["scorer", *["me"] * 15], ["individuals", *owners], ["bodyparts", *parts]]
    heads += [["coords", *["x", "y", "likelihood"] * 5]]
    here = [*map(str, (10, 20, 0.9, 30, 40, 0.9)), *map(str, (50, 60, 0.9)), "", "", "", "1", "2", "0.9"]
    gone = [*map(str, (11, 21, 0.9, 31, 41, 0.9)), "", "nan", "", "", "", "", "1", "2", "0.9"]
    names = [f"labeled-data/clip/{record['image'].split('/')[-1]}" for record in records]
    for name, record in zip(names, records, strict=True):
        (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.open(tmp_path / "s" / record["image"]).save(tmp_path / "s" / name)
    first = [name.split("/") if leading == 3 else [name] for name in names]
    lines = [[head[0], *[""] * (leading - 1), *head[1:]] for head in heads]
    lines += [[*cells, *values] for cells, values in zip(first, (here, gone), strict=True)]
    (tmp_path / "s" / "dlc.csv").write_text("\n".join(",".join(line) for line in lines))
    folder = template(tmp_path, source=tmp_path / "s" / "dlc.csv", root="tail")
    assert "not taken over: likelihood, points of no individual (single)" in "".join(capsys.readouterr())
    with open(folder / "records.csv", newline="") as file:
        made = list(csv.DictReader(file))
    assert [row["subject"] for row in made] == ["one", "two", "one"]  # the second is not in the second picture
    reader = prepared(folder)
    assert reader.info.skeleton.names == ("tail", "tip")
    nan = [np.nan, np.nan]
    found = sorted(reader.annotations["joints_px"].tolist())
    np.testing.assert_allclose(found, [[[10, 20], [30, 40]], [[11, 21], [31, 41]], [[50, 60], nan]])
    (tmp_path / "s" / "dlc.csv").write_text("\n".join(",".join(line) for line in (lines[0][:-1], *lines[1:])))
    with pytest.raises(UserError, match="DeepLabCut's four headers have "):
        template(tmp_path, source=tmp_path / "s" / "dlc.csv", overwrite=True)


def test_two_columns_of_one_meaning_are_refused(tmp_path):
    for extra, said in (("nose_x", "nose_x and nose_x"), ("nose.x", "nose_x and nose.x"), ("video", "image and video")):
        (tmp_path / "a.csv").write_text(f"image,nose_x,nose_y,{extra}\na.jpg,1,2,3\n")
        with pytest.raises(DataError, match=f"columns {said} mean the same"):
            template(tmp_path, source=tmp_path / "a.csv")


def test_a_quote_without_its_end_is_one_line(tmp_path):
    (tmp_path / "a.csv").write_text('image,nose_x,nose_y\n"a.jpg,1,2\n' + "a.jpg,1,2\n" * 20_000)
    with pytest.raises(DataError, match=r"a\.csv: not readable as CSV .*a quote without its end\?"):
        template(tmp_path, source=tmp_path / "a.csv")


def test_cameras_of_any_name_are_read_back(tmp_path):
    records = source(tmp_path)
    names = {"left": "01", "right": "no: 7 # x"}
    for record in records:
        record["camera"] = names[record["camera"]]
    write_table(tmp_path / "s", records)
    folder = template(tmp_path, source=tmp_path / "s" / "records.csv")
    assert list(read_cameras(folder / "cameras.yaml")) == list(names.values())
    assert prepared(folder).info.camera_names == tuple(names.values())


def test_keys_that_would_do_nothing_are_refused(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "a.csv").write_text("image,tail_x,tail_y\n")
    for options, message in (
        ({"source": tmp_path / "a.json", "joints": ("nose",)}, "joints: COCO's JSON names its joints"),
        ({"source": tmp_path / "a.json", "root": "nose"}, "root: COCO's JSON names its joints"),
        ({"source": tmp_path / "a.csv", "labels": "mm"}, "labels=mm: is for templates without from="),
    ):
        with pytest.raises(UserError, match=message):
            template(tmp_path, **options)


def test_of_cocos_json_it_is_ready(tmp_path):
    records = source(tmp_path, people(3))
    names = ["left_hip", "right_hip", "left_knee"]
    made = {
        "images": [{"id": n, "file_name": record["image"]} for n, record in enumerate(records)],
        "annotations": [
            {"image_id": n, "keypoints": [v for j in (1, 4, 2) for v in (*record["px"][j].tolist(), 2)]}
            for n, record in enumerate(records)
        ],
        "categories": [{"name": "person", "keypoints": names}],
    }
    (tmp_path / "s" / "coco.json").write_text(json.dumps(made))
    reader = prepared(template(tmp_path, source=tmp_path / "s" / "coco.json"))
    assert reader.info.skeleton.names == ("pelvis", *names)
    pelvis = (records[0]["px"][1] + records[0]["px"][4]) / 2
    np.testing.assert_allclose(reader.annotations["joints_px"][0, 0], pelvis, atol=0.01)


def test_files_that_are_there_stay(tmp_path):
    folder = template(tmp_path)
    (folder / "records.csv").write_text("mine")
    with pytest.raises(UserError, match="overwrite=true"):
        template(tmp_path)
    assert (folder / "records.csv").read_text() == "mine"


def test_intrinsics_are_not_made_up_where_labels_do_not_fit_a_camera(tmp_path):
    records = people()
    for record in records:
        record["px"] = project(record["cam_mm"], record["camera"])[::-1]
    (tmp_path / "s").mkdir()
    write_pictures(tmp_path / "s", records)
    write_table(tmp_path / "s", records)
    folder = template(tmp_path, source=tmp_path / "s" / "records.csv")
    assert yaml.safe_load((folder / "cameras.yaml").read_text())["left"]["intrinsics_px"] is None


@pytest.mark.parametrize("deep", [False, True])
def test_pictures_of_several_sizes_are_prepared_as_they_were_labelled(tmp_path, deep):
    records = source(tmp_path, people(8))
    for record in records[2:4]:  # one of each camera, taken upright
        write_pictures(tmp_path / "s", [record], SIZE_PX[::-1])
    write_table(tmp_path / "s", records, without=() if deep else ("mm",))
    folder = template(tmp_path, source=tmp_path / "s" / "records.csv")
    assert "image_size_px: [" not in (folder / "cameras.yaml").read_text() or deep
    reader = prepared(folder)
    px = {reader.name(row): reader.annotations["joints_px"][row] for row in range(len(reader))}
    assert len(px) == 8 and np.allclose(
        sorted(p[0, 0] for p in px.values()), sorted(r["px"][0, 0] for r in records), atol=0.01
    )


def test_boxes_are_carried_over_and_corners_of_one_are_no_joint(tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text(
        "file,pelvis_x,pelvis_y,left_knee_x,left_knee_y,right_knee_x,right_knee_y,box_left,box_top,box_side,bbox_x,bbox_y\n"
        "a.jpg,20,10,10,20,30,40,1,2,50,7,8\nb.jpg,20,10,11,21,31,41,,,,7,8\n"
    )
    for name in "ab":
        Image.new("RGB", (64, 64)).save(tmp_path / f"{name}.jpg")
    folder = template(tmp_path, source=table)
    lines = list(csv.DictReader(open(folder / "records.csv", newline="")))
    assert [row["box_side"] for row in lines] == ["50.0", "nan"] or [row["box_side"] for row in lines] == ["50.0", ""]
    assert "bbox" not in "".join(lines[0]) and "bbox_x, bbox_y" in capsys.readouterr().out


@pytest.mark.parametrize(("make", "message"), [
    (lambda folder: None, "images=.*none: no such directory"),
    (lambda folder: (folder.mkdir(), (folder / "a.HEIC").touch(), (folder / "b.tif").touch()),
     r"no pictures there \(.*\); there are \.heic, \.tif, which are not taken: save them as JPEG or PNG"),
])  # fmt: skip
def test_a_folder_without_pictures_says_what_is_there(tmp_path, make, message):
    make(tmp_path / "none")
    with pytest.raises(UserError, match=message):
        template(tmp_path, images=tmp_path / "none")
