"""Boxes of people as other tools write them: the same box out of every format, and a line for what is wrong."""

import json
from pathlib import Path

import pytest

from c2fpose.base.errors import DataError
from c2fpose.prediction.boxes import read_boxes
from c2fpose.prediction.boxes.given import SIDE_PER_OUTLINE

COLUMNS, ROWS = 640, 480
LEFT, TOP, WIDTH, HEIGHT = 100.0, 50.0, 60.0, 200.0
SIDE = HEIGHT * SIDE_PER_OUTLINE
SQUARE = (LEFT + WIDTH / 2 - SIDE / 2, TOP + HEIGHT / 2 - SIDE / 2, SIDE)
SHARES = f"{(LEFT + WIDTH / 2) / COLUMNS} {(TOP + HEIGHT / 2) / ROWS} {WIDTH / COLUMNS} {HEIGHT / ROWS}"
CORNERS = [(LEFT, TOP), (LEFT + WIDTH, TOP), (LEFT + WIDTH, TOP + HEIGHT), (LEFT, TOP + HEIGHT)]
OUTLINE = " ".join(f"{x / COLUMNS} {y / ROWS}" for x, y in CORNERS)
KEYPOINTS = " ".join(f"{0.17 + 0.004 * n} {0.15 + 0.02 * n} {n % 3}" for n in range(16)) + " 0 0 0"  # the last not seen
EDGES = f"{LEFT},{TOP},{WIDTH},{HEIGHT}"


def coco(*entries: dict) -> str:
    return json.dumps(
        [{"category_id": 1, "bbox": [LEFT, TOP, WIDTH, HEIGHT], "score": 0.9} | entry for entry in entries]
    )


ANNOTATIONS = {
    "images": [{"id": 7, "file_name": "val/photo 12.jpg"}],
    "categories": [{"id": 3, "name": "person"}, {"id": 1, "name": "cat"}],
    "annotations": [
        {"image_id": 7, "category_id": 3, "bbox": [LEFT, TOP, WIDTH, HEIGHT], "iscrowd": 0},
        {"image_id": 7, "category_id": 3, "bbox": [0, 0, 600, 400], "iscrowd": 1},
        {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]},
    ],
}

TWO = [{"id": 1, "name": "dog"}, {"id": 3, "name": "cat"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("results.json", coco({"image_id": 12})),
        ("results.json", coco({"image_id": "photo 12.jpg"}, {"image_id": 12, "score": 0.1})),
        ("results.json", coco({"image_id": 12}, {"image_id": 12, "category_id": 17})),
        ("instances.json", json.dumps(ANNOTATIONS)),
        ("photo 12.txt", f"0 {SHARES}\n16 0.5 0.5 0.1 0.1\n"),
        ("photo 12.txt", f"0 {SHARES} 0.83\n"),
        ("det.txt", f"12,-1,{EDGES},0.9,-1,-1,-1\n"),
        ("gt.txt", f"12,4,{EDGES},1,1,0.8\n12,5,1,2,3,4,0,1,1\n12,6,1,2,3,4,1,8,1\n"),
        ("spaces.txt", f"12 4 {EDGES.replace(',', ' ')} 0.9 -1 -1 -1\n"),
        ("a.csv", f"image,x,y,w,h,score\nphoto 12.jpg,{EDGES},0.7\n"),
        ("a.csv", "\ufefffile;xmin;ymin;xmax;ymax\nsome/where/photo 12.jpg;100,0;50,0;160,0;250,0\n"),
        ("a.tsv", f"left\ttop\twidth\theight\n{EDGES.replace(',', chr(9))}\n"),
        # as YOLO's and TensorFlow's tools write tables
        ("a.csv", ",xmin,ymin,xmax,ymax,confidence,class,name\n0,100,50,160,250,0.9,0,person\n1,1,2,3,4,0.9,16,dog\n"),
        ("a.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\nphoto 12.jpg,640,480,Person,100,50,160,250\r\n"),
        ("a.csv", f"class_id,x,y,w,h\n0,{EDGES}\n"),
        ("photo 12.txt", f"0 {SHARES} {KEYPOINTS}\n"),
        ("photo 12.txt", f"0 {SHARES} {KEYPOINTS} 0.75 3\n"),
        ("only.json", json.dumps(ANNOTATIONS | {"categories": [{"id": 3, "name": "skier"}]})),
        ("photo 12.txt", f"0 {OUTLINE} 0.75\n"),
        ("photo 12.txt", f"0 {OUTLINE} 0.75 3\n"),
        ("photo 12.txt", f"1 0 0 0.1 0 0.1 0.1 0 0.1\n0 {OUTLINE}\n"),  # an outline in the corner is not MOT's
    ],
)
def test_the_same_box_from_every_format(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = read_boxes(tmp_path / name).of_image(tmp_path / "photo 12.jpg")
    assert len(found) == 1
    assert tuple(found[0].box(COLUMNS, ROWS)) == pytest.approx(SQUARE)


def test_an_own_box_is_taken_as_it_is(tmp_path):
    (tmp_path / "own.csv").write_text("file,left,top,side\np.jpg,-5,3,80\n")
    (given,) = read_boxes(tmp_path / "own.csv").of_image(tmp_path / "p.jpg")
    assert tuple(given.box(COLUMNS, ROWS)) == (-5, 3, 80)


def test_yolo_outline_confidence_and_id(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "clip_1.txt").write_text(
        f"0 {SHARES} 0.5 3\n0 {SHARES} 2\n0 0.1 0.1 0.3 0.1 0.3 0.5 0.1 0.5\n"
    )
    (tmp_path / "labels" / "clip_2.txt").write_text("")
    boxes = read_boxes(tmp_path / "labels")
    first, second, outline = boxes.of_frame(0, Path("in/clip.mp4"))
    assert (first.id, first.score, second.id, second.score) == (3, 0.5, 2, None)
    assert outline[:4] == pytest.approx((0.1, 0.1, 0.2, 0.4))
    assert boxes.of_frame(1, Path("clip.mp4")) == []


@pytest.mark.parametrize("first", [0, 1])
def test_frames_count_from_wherever_the_file_counts(tmp_path, first):
    (tmp_path / "mot.txt").write_text("".join(f"{first + n},2,{n + 1},0,10,20,1,-1,-1,-1\n" for n in range(3)))
    boxes = read_boxes(tmp_path / "mot.txt")
    clip = Path("clip.mp4")
    assert [boxes.of_frame(n, clip)[0].left for n in range(3)] == [1, 2, 3]
    assert boxes.of_frame(0, clip)[0].id == 2 and boxes.of_frame(3, clip) == []


def test_boxes_of_another_video_or_picture_are_not_taken(tmp_path):
    """YOLO's tools write all videos of a command into one folder, and no file where they found nobody."""
    for name, x in (("a_1", 0.2), ("b_1", 0.8), ("cat_7", 0.5)):
        (tmp_path / f"{name}.txt").write_text(f"0 {x} 0.5 0.2 0.2\n")
    boxes = read_boxes(tmp_path)
    assert [box.left for box in boxes.of_frame(0, Path("a.mp4"))] == pytest.approx([0.1])
    assert [box.left for box in boxes.of_frame(0, Path("b.mp4"))] == pytest.approx([0.7])
    assert boxes.of_frame(0, Path("c.mp4")) == [] and boxes.of_image(Path("dog_7.jpg")) == []


def test_videos_with_a_dot_in_their_name(tmp_path):
    """By YOLO's files, and by a table that names them without their ending."""
    (tmp_path / "walk.v2_1.txt").write_text("0 0.2 0.5 0.2 0.2\n")
    (tmp_path / "a.csv").write_text("file,frame,left,top,side\nwalk.v2,0,0.1,0,50\n")
    for boxes in (read_boxes(tmp_path), read_boxes(tmp_path / "a.csv")):
        assert [box.left for box in boxes.of_frame(0, Path("walk.v2.mp4"))] == pytest.approx([0.1])
        assert boxes.of_frame(0, Path("walk.mp4")) == []


def test_files_of_one_name_in_two_folders(tmp_path):
    (tmp_path / "a.csv").write_text("file,left,top,side\na/1.jpg,1,0,50\nb/1.jpg,2,9,80\n")
    boxes = read_boxes(tmp_path / "a.csv")
    assert [[box.left for box in boxes.of_image(tmp_path / name)] for name in ("a/1.jpg", "b/1.jpg")] == [[1], [2]]
    with pytest.raises(DataError, match=r"1\.jpg: .*has it as a/1\.jpg and b/1\.jpg"):
        boxes.of_image(Path("/c/1.jpg"))


def test_a_table_of_frames_of_several_videos(tmp_path):
    (tmp_path / "a.csv").write_text("file,frame,left,top,side\na.mp4,0,1,0,50\nb.mp4,1,2,9,80\nb.mp4,2,3,9,80\n")
    boxes = read_boxes(tmp_path / "a.csv")
    assert [boxes.of_frame(0, Path(name))[0].left for name in ("a.mp4", "b.mp4")] == [1, 2]


def test_all_boxes_of_a_file_whatever_it_names_them_by(tmp_path):
    (tmp_path / "a.csv").write_text("file,frame,id,left,top,side\na.mp4,0,4,1,0,50\nb.mp4,1,6,2,9,80\n")
    assert sorted(box.id for box in read_boxes(tmp_path / "a.csv")) == [4, 6]


def test_videos_of_one_name_in_two_folders(tmp_path):
    (tmp_path / "a.csv").write_text("file,frame,left,top,side\nleft/a.mp4,0,1,0,50\nright/a.mp4,0,2,9,80\n")
    boxes = read_boxes(tmp_path / "a.csv")
    for number, folder in ((1, "left"), (2, "right")):
        assert [box.left for box in boxes.of_frame(0, tmp_path / folder / "a.mp4")] == [number]
    with pytest.raises(DataError, match=r"a\.mp4: .*has it as left/a\.mp4 and right/a\.mp4"):
        boxes.of_frame(0, Path("/c/a.mp4"))


def test_scores_and_ids_behind_keypoints_and_outlines(tmp_path):
    rows = (f"{SHARES} {KEYPOINTS} 0.75 3", f"{SHARES} {KEYPOINTS} 2", f"{OUTLINE} 0.75 3", f"{OUTLINE} 0.5", OUTLINE)
    (tmp_path / "a.txt").write_text("".join(f"0 {row}\n" for row in rows))
    found = read_boxes(tmp_path / "a.txt").of_image(tmp_path / "a.jpg")
    assert [(box.score, box.id) for box in found] == [(0.75, 3), (None, 2), (0.75, 3), (0.5, None), (None, None)]


def test_scores_and_ids_that_are_none(tmp_path):
    said = ({"score": 0}, {"score": float("nan")}, {"score": 87}, {"score": 0.5, "track_id": -1})
    (tmp_path / "a.json").write_text(coco(*({"image_id": 1} | each for each in said)))
    assert [(box.score, box.id) for box in read_boxes(tmp_path / "a.json")] == [(None, None), (0.5, None)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("no.json", "{", "not JSON"),
        ("deep.json", "[" * 100_000, "not JSON"),
        ("quote.csv", 'left,top,side\n1,2,"' + "3\n" * 200_000, "not readable as a table"),
        ("odd.json", '{"people": []}', "neither a list of results nor an object with annotations"),
        ("bare.json", '[{"image_id": 1, "keypoints": []}]', "entry 0: no bbox"),
        ("flat.json", coco({"image_id": 1, "bbox": [1, 2, 0, 5]}), "entry 0: a box of size 0 x 5"),
        ("mot.txt", "1,2,3,4,5,6,1\n1,2,x,4,5,6,1\n", "line 2: expected frame,id"),
        ("yolo.txt", "0 0.5 0.5\n", "line 1: expected class"),
        ("px.txt", "0 320 240 60 200\n", "line 1: boxes must be shares"),
        ("a.csv", "left,top\n1,2\n", "needed are left, top and side"),
        ("b.csv", "left,top,side\n1,2,3\n1,two,3\n", "line 3: .*not a number"),
        ("c.csv", "left,top,side\n1,2,nan\n", "line 2: 1;2;nan: not a number in every column"),
        ("d.csv", "file,left,top,side\na.jpg,1,2,3\n,1,2,3\n", "line 3: ;1;2;3: of which picture or frame is not said"),
        ("e.csv", "class,left,top,side\n16,1,2,3\n0,1,2,3\n", r"which class is a person is not said \(0, 16"),
        ("f.csv", "label,left,top,side\ndog,1,2,3\n", r"which class is a person is not said \(dog\)"),
        ("two.json", json.dumps(ANNOTATIONS | {"categories": TWO}), r"no category is called person \(dog, cat"),
        ("eight.txt", "0 0.5 0.5 0.1 0.1 0.2 0.2 0.9\n", "line 1: 8 columns are neither a box nor an outline"),
        ("one.txt", f"0 {OUTLINE} 0.9 1\n", "line 1: the last two numbers, 0.9 and 1, may be .* score and id"),
        ("boxes.xml", "<a/>", "expected .json"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message) as raised:
        read_boxes(tmp_path / name)
    assert name in str(raised.value) and "\n" not in str(raised.value)


def test_a_missing_file_and_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match=r"no such file; give \.json .*, \.csv"):
        read_boxes(tmp_path / "none.json")
    with pytest.raises(DataError, match=r"no \.txt in this folder"):
        read_boxes(tmp_path)
