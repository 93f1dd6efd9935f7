"""Pictures and videos go in, results come out; whatever is wrong is said in one line, and the others are done."""
# long: one command, called in every way

import io
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from toy_networks import TINY

from c2fpose import predict as command
from c2fpose.config.prediction import PredictSettings
from c2fpose.model.module import PoseModule
from c2fpose.model.volumes.points import to_points
from c2fpose.pose.camera import project
from c2fpose.pose.skeleton import JOINTS
from c2fpose.prediction import run as library
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.outputs import csv
from c2fpose.prediction.outputs import json as json_output
from c2fpose.prediction.photo import Box

FRAMES = 8


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A photograph, a short video and an untrained checkpoint, in the form of Lightning's."""
    folder = tmp_path_factory.mktemp("files")
    torch.manual_seed(0)
    module = PoseModule(TINY, {"code_version": "0.0.1+test"})
    saved = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    torch.save(saved | {"pytorch-lightning_version": "2.6.6"}, folder / "tiny.ckpt")
    y, x = np.mgrid[:120, :160]
    image = np.stack([x, y, x + y], -1).astype(np.uint8)
    Image.fromarray(image).save(folder / "photo.jpg")
    writer = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (160, 120))
    for number in range(FRAMES):
        writer.write(np.roll(image, 3 * number, axis=1))
    writer.release()
    return folder


@pytest.fixture(autouse=True)
def finder(monkeypatch):
    """One person in the middle, found in every picture that is not black; tests of the finder are elsewhere."""

    def find(job, image, often=False):
        rows, columns = image.shape[:2]
        return [(Box(columns / 4, rows / 4, rows / 2), 0.8)] if image.any() else []

    monkeypatch.setattr(library.PredictJob, "find", find)


@pytest.fixture
def steady(monkeypatch):
    """A network that sees the same pose in every box, and fills it: boxes rest, and people can be followed."""
    random = np.random.default_rng(0)
    across = random.uniform(0.2, 0.8, (17, 2))
    across[[1, 2]] = [[0.06, 0.06], [0.94, 0.94]]
    points = to_points(torch.from_numpy(across), torch.from_numpy(random.uniform(-300, 300, 17)))
    monkeypatch.setattr(Predictor, "predict_points", lambda self, image: points.expand(len(image), -1, -1))


def run(files, out, *words: str, name: str = "photo") -> dict:
    """Predict; the JSON's content."""
    ending = "avi" if name == "clip" else "jpg"
    command.main([str(files / f"{name}.{ending}"), f"ckpt={files / 'tiny.ckpt'}", f"out={out}", *words])
    return json.loads((out / f"{name}_pose.json").read_text())


def people(said: dict) -> list[dict]:
    return [person for frame in said["frames"] for person in frame["people"]]


def test_writes_a_picture_and_numbers_and_leaves_the_photograph(files, tmp_path, capsys):
    before = (files / "photo.jpg").read_bytes()
    said = run(files, tmp_path, "person=whole")
    assert (files / "photo.jpg").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo_pose.json", "photo_pose.png"]
    with Image.open(tmp_path / "photo_pose.png") as picture:
        picture.load()
    printed = capsys.readouterr().out
    assert str(tmp_path / "photo_pose.png") in printed and str(tmp_path / "photo_pose.json") in printed
    assert "1 person, focal length 192 px (assumed)" in printed
    (person,) = people(said)
    assert person["box"] == {"left_px": 0.0, "top_px": -20.0, "side_px": 160.0, "from": "whole"}
    assert len(person["joints_px"]) == len(JOINTS)


def test_the_page_shows_what_the_network_saw_inside(files, tmp_path):
    run(files, tmp_path, "person=whole", "formats=[html,json]")
    text = (tmp_path / "photo_pose.html").read_text()
    assert "Inside the volume" in text and text.count('"depth":') == 2  # stacks


def test_the_first_words_of_all_still_work(files, tmp_path):
    """``input=`` and ``box=``, and the same box by ``person=``."""
    command.main([f"input={files / 'photo.jpg'}", f"ckpt={files / 'tiny.ckpt'}", f"out={tmp_path}", "box=20,10,100"])
    said = json.loads((tmp_path / "photo_pose.json").read_text())
    (person,) = people(said)
    assert person["box"] == {"left_px": 20.0, "top_px": 10.0, "side_px": 100.0, "from": "given"}
    settings = command.read_words(["a.jpg", "input=b=c.jpg", "person=box=1,2,3", "ckpt=x", "formats=[json,html]"])
    assert settings == PredictSettings(
        input=("a.jpg", "b=c.jpg"), ckpt="x", box=(1.0, 2.0, 3.0), formats=("json", "html")
    )


def test_pixels_are_the_projection_of_the_millimetres(files, tmp_path):
    (person,) = people(run(files, tmp_path, "box=20,10,100", "focal_px=300", "formats=json"))
    px, mm = np.array(person["joints_px"]), np.array(person["joints_cam_mm"])
    clear = np.abs(mm[:, 2]) > 100  # millimetres are rounded: joints next to the camera's plane would blow that up
    assert clear.sum() > 5
    np.testing.assert_allclose(project(mm[clear], np.array([300.0, 300, 80, 60])), px[clear], atol=0.05)
    assert (px >= [20, 10]).all() and (px <= [120, 110]).all()


def test_found_people_get_a_second_look(files, tmp_path):
    (first,) = people(run(files, tmp_path / "one", "looks=1", "formats=json"))
    assert first["box"] == {"left_px": 37.0, "top_px": 27.0, "side_px": 66.0, "from": "found", "score": 0.8}
    (person,) = people(run(files, tmp_path, "looks=4", "formats=json"))
    assert person["box"]["from"] == "found" and person["box"]["score"] == 0.8
    assert person["box"]["side_px"] >= 0.79 * 66 and person["box"] != first["box"]


def test_boxes_of_a_file_and_the_largest(files, tmp_path):
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,id,left,top,side\nphoto.jpg,7,0,0,50\nphoto.jpg,-1,0,0,70\nphoto.jpg,3,30,20,90\n")
    said = run(files, tmp_path / "a", f"boxes={boxes}", "formats=json")
    assert [(person["id"], person["box"]["side_px"]) for person in people(said)] == [(7, 50), (8, 70), (3, 90)]
    (one,) = people(run(files, tmp_path / "b", f"person=boxes={boxes}", "people=largest", "formats=json"))
    assert (one["id"], one["box"]["side_px"]) == (3, 90)


@pytest.mark.parametrize("smooth", ["none", "filter", "viterbi"])
def test_a_video_has_all_its_frames_and_times(files, tmp_path, smooth):
    said = run(files, tmp_path, f"smooth={smooth}", "person=whole", "formats=json", name="clip")
    assert [frame["time_s"] for frame in said["frames"]] == pytest.approx(np.arange(FRAMES) / 10)
    assert {person["id"] for person in people(said)} == {0} and len(people(said)) == FRAMES
    text = json.dumps(said)
    assert ("Rauch" in text) == (smooth != "none") and ("Viterbi" in text) == (smooth == "viterbi")


def test_frames_are_decoded_while_the_network_works(files, tmp_path, monkeypatch):
    """The network waits, in the command's own pipeline, until a frame after the one that it looks at is decoded."""
    clips, waited = [], []

    class Watched(library.Video):
        def __init__(self, *words):
            super().__init__(*words)
            clips.append(self)

    def look(predictor, image):
        looked_at, deadline = len(waited) + 1, time.monotonic() + 60
        while clips[0].decoded < min(looked_at + 1, FRAMES) and time.monotonic() < deadline:
            time.sleep(0.001)
        waited.append(clips[0].decoded > looked_at or looked_at == FRAMES)
        return torch.zeros(len(image), 17, 3)

    monkeypatch.setattr(library, "Video", Watched)
    monkeypatch.setattr(Predictor, "predict_points", look)
    run(files, tmp_path, "person=whole", "smooth=none", "formats=[json]", name="clip")
    assert waited == [True] * FRAMES


def test_the_largest_is_of_those_who_would_be_kept(files, tmp_path, monkeypatch, steady):
    """Of two boxes on one person the surer; its joints, not what the finder drew about them, say how large it is."""
    boxes = [(Box(40.0, 40.0, 60.0), 0.9), (Box(100.0, 10.0, 30.0), 0.8), (Box(38.0, 38.0, 64.0), 0.3)]
    monkeypatch.setattr(library.PredictJob, "find", lambda job, image, often=False: boxes)
    everybody = people(run(files, tmp_path / "all", "looks=1", "formats=json"))
    (one,) = people(run(files, tmp_path / "one", "looks=1", "people=largest", "formats=json"))
    assert [person["box"]["score"] for person in everybody] == [0.9, 0.8]
    assert one["box"] == max((person["box"] for person in everybody), key=lambda box: box["side_px"])
    assert one["joints_cam_mm"] == everybody[0]["joints_cam_mm"]


def test_people_found_in_a_video_are_followed(files, tmp_path, steady):
    said = run(files, tmp_path, "formats=json", name="clip")
    assert {person["id"] for person in people(said)} == {0} and len(people(said)) == FRAMES
    assert [person["box"]["from"] for person in people(said)] == ["found"] + ["tracked"] * (FRAMES - 1)


def test_a_box_is_followed_through_a_video(files, tmp_path):
    said = run(files, tmp_path, "box=20,10,100", "smooth=none", "formats=json", name="clip")
    assert [person["box"]["from"] for person in people(said)][1:] == ["tracked"] * (FRAMES - 1)


def test_ids_of_a_file_are_kept_in_a_video(files, tmp_path):
    rows = [f"{n + 1},{id},{20 + n},10,50,80,1,-1,-1,-1" for n in range(FRAMES) for id in (7, 3)]
    (tmp_path / "mot.txt").write_text("\n".join(rows))
    said = run(files, tmp_path, f"boxes={tmp_path / 'mot.txt'}", "formats=json", name="clip")
    assert {person["id"] for person in people(said)} == {3, 7}


def test_ids_that_a_file_has_in_part_are_nobody_elses(files, tmp_path):
    rows = [
        f"{n},{id if n % 2 else last},{left},10,60"
        for n in range(FRAMES)
        for id, last, left in ((0, 0, 0), (1, -1, 90))
    ]
    (tmp_path / "b.csv").write_text("\n".join(["frame,id,left,top,side", *rows]))
    said = run(files, tmp_path, f"boxes={tmp_path / 'b.csv'}", "smooth=none", "formats=json", name="clip")
    at = {(person["id"], person["box"]["left_px"]) for person in people(said)}
    assert at == {(0, 0.0), (1, 90.0), (2, 90.0)}


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("clip", "frame,id,left,top,side\n1,4,0,0,50\n1,4,60,0,50", r"frame 0 \(from 0\) has the id 4 twice"),
        ("clip", "file,frame,left,top,side\nother.avi,1,0,0,50", r"clip\.avi: no box for any of its frames in .*b\."),
        (
            "clip",
            "frame,left,top,side\n1,9000,0,50\n2,0,0,0.5",
            r"in .*b\.csv; 2 boxes of .*b\.csv left out: outside",
        ),
        ("photo", "id,left,top,side\n2,0,0,50\n2,9,0,50", r"photo\.jpg has the id 2 twice; each person needs an"),
        ("photo", "left,top,side\n0.1,0.2,0.5", r"a side of 0\.5 px; 1 to 640 can be"),
        ("photo", "left,top,side\n0,0,1e300", r"a side of 1e\+300 px"),
    ],
)
def test_boxes_that_cannot_be_looked_at_are_one_line(files, tmp_path, capsys, name, rows, message):
    (tmp_path / "b.csv").write_text(rows)
    with pytest.raises(SystemExit):
        run(files, tmp_path, f"boxes={tmp_path / 'b.csv'}", "formats=json", name=name)
    error = capsys.readouterr().err
    assert re.search(message, error) and error.count("\n") == 1, error


def test_an_existing_output_is_refused_unless_told(files, tmp_path, capsys):
    run(files, tmp_path, "formats=json", "person=whole")
    before = (tmp_path / "photo_pose.json").stat().st_mtime_ns
    with pytest.raises(SystemExit) as exit:
        run(files, tmp_path, "formats=json", "person=whole")
    assert exit.value.code == 2 and "overwrite=true replaces it" in capsys.readouterr().err
    assert (tmp_path / "photo_pose.json").stat().st_mtime_ns == before
    run(files, tmp_path, "formats=json", "person=whole", "overwrite=true")
    assert (tmp_path / "photo_pose.json").stat().st_mtime_ns != before


def test_a_video_has_its_formats_in_a_folder_with_a_dot_in_its_name(files, tmp_path):
    (tmp_path / "version.1").mkdir()
    run(files, tmp_path / "version.1", "person=whole", name="clip")
    assert sorted(path.name for path in (tmp_path / "version.1").iterdir()) == ["clip_pose.json", "clip_pose.webm"]


@pytest.mark.parametrize("wrong", ["ckpt=none.ckpt", "finder=none.safetensors", "sizes=[1,2]"])
def test_what_is_wrong_with_a_network_is_said_once(files, tmp_path, capsys, wrong):
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(files / "photo.jpg", tmp_path / name)
    with pytest.raises(SystemExit):
        command.main([str(tmp_path), f"ckpt={files / 'tiny.ckpt'}", "formats=json", wrong])
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and wrong.partition("=")[0] in error


@pytest.mark.skipif(sys.platform != "linux", reason="names there are bytes")
def test_a_name_that_is_no_text(files, tmp_path, monkeypatch):
    """Where output takes UTF-8 alone."""
    name = os.fsdecode(os.fsencode(tmp_path) + b"/ph\xff.jpg")
    shutil.copy(files / "photo.jpg", name)
    words = [name, f"ckpt={files / 'tiny.ckpt'}", "person=whole", "formats=[json,html,figure]"]
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, "utf-8", "strict", write_through=True))
    command.main(words)
    said = json.loads(Path(os.fsdecode(os.fsencode(tmp_path) + b"/ph\xff_pose.json")).read_text("utf-8"))
    assert said["source"]["file"].endswith("ph\ufffd.jpg") and "ph\ufffd.jpg: 1 person" in printed.getvalue().decode()


@pytest.mark.parametrize("ending", [None, "broken"])
def test_killed_between_two_outputs_makes_both_again(files, tmp_path, capsys, monkeypatch, ready, ending):
    """The same words again go on; but not over a file that was there before, or over finished ones."""
    words = [str(files / "photo.jpg"), f"ckpt={files / 'tiny.ckpt'}", f"out={tmp_path / 'o'}", "person=whole"]
    if ending is None:
        first = ready.run(["-m", "killed_before_json", *words], tmp_path)
        assert first.returncode == 9, first.stderr
    else:
        with monkeypatch.context() as patch, pytest.raises(SystemExit, match="2"):
            patch.setattr(json_output, "write", lambda *_: open(f"{os.devnull}/"))
            command.main(words)
    assert [path.name for path in (tmp_path / "o").iterdir() if path.name[0] != "."] == ["photo_pose.png"]
    command.main(words)
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["photo_pose.json", "photo_pose.png"]
    with pytest.raises(SystemExit):
        command.main(words)
    assert "photo_pose.png: is there already" in capsys.readouterr().err


@pytest.fixture
def folder(files, tmp_path):
    """Three good inputs and four bad ones."""
    place = tmp_path / "many"
    place.mkdir()
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(files / "photo.jpg", place / name)
    shutil.copy(files / "clip.avi", place / "clip.avi")
    (place / "broken.jpg").write_bytes((files / "photo.jpg").read_bytes()[:700])
    (place / "empty.mp4").touch()
    (place / "noise.avi").write_bytes(b"no video" * 99)
    Image.new("RGB", (64, 48)).save(place / "nobody.png")
    return place


def test_a_bad_one_of_many_is_named_and_the_rest_is_done(files, folder, tmp_path, capsys, steady):
    with pytest.raises(SystemExit) as exit:
        command.main([str(folder), f"ckpt={files / 'tiny.ckpt'}", f"out={tmp_path / 'o'}", "formats=json"])
    assert exit.value.code == 1
    said = capsys.readouterr()
    lines = said.err.strip().splitlines()
    wrong = {"broken.jpg": "damaged image", "empty.mp4": "empty file", "noise.avi": "not a video"}
    for name, message in (wrong | {"nobody.png": "nobody found"}).items():
        assert sum(line.startswith("error: ") and name in line and message in line for line in lines) == 1
    assert lines[-1] == "error: 4 of 7 inputs failed, the others are done" and len(lines) == 5
    done = sorted(path.name for path in (tmp_path / "o").iterdir())
    assert done == ["a_pose.json", "b_pose.json", "clip_pose.json"] and len(said.out.splitlines()) == 3


def test_a_video_that_ends_early_is_done_and_says_so(files, tmp_path, capsys):
    writer = cv2.VideoWriter(str(tmp_path / "w.webm"), cv2.VideoWriter_fourcc(*"VP80"), 10, (160, 120))
    for number in range(30):
        writer.write(np.full((120, 160, 3), 8 * number, np.uint8))
    writer.release()
    whole = (tmp_path / "w.webm").read_bytes()
    (tmp_path / "cut.webm").write_bytes(whole[: len(whole) // 2])
    words = [str(tmp_path / "cut.webm"), f"ckpt={files / 'tiny.ckpt'}", "person=whole", "formats=json"]
    command.main(words)
    assert re.search(r"warning: .*cut\.webm: the video ends early: \d+ frames", capsys.readouterr().err)
    assert "ends early" in (tmp_path / "cut_pose.json").read_text()


def test_a_full_disk_is_one_line(files, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(csv, "write", full)
    with pytest.raises(SystemExit) as exit:
        run(files, tmp_path, "formats=csv")
    assert exit.value.code == 2
    assert re.fullmatch(r"error: .*photo_pose\.csv: cannot be written \(.*\)\n", capsys.readouterr().err)


def test_names_that_yaml_would_misread(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("1e3.jpg", "[a] b: {c} #1.jpg", "x=y.jpg", "null.jpg", "2024"):
        shutil.copy(files / "photo.jpg", name)
        command.main([name, f"ckpt={files / 'tiny.ckpt'}", "formats=json", "person=whole"])
    assert (tmp_path / "[a] b: {c} #1_pose.json").exists() and (tmp_path / "2024_pose.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"input": "none.jpg"}, r"none\.jpg: no such image"),
        ({"input": "{files}/tiny.ckpt"}, "not an image"),
        ({"input": None}, "input=... is needed"),
        ({"ckpt": "none.ckpt"}, r"none\.ckpt: no such file; builtin .* \.ckpt or \.safetensors .* \.onnx or \.xml"),
        ({"ckpt": "{files}/photo.jpg"}, "not a checkpoint"),
        ({"box": "900,0,100"}, "box=900,0,100: lies outside the image of 160 x 120 px"),
        ({"box": "0,0,0"}, "must be 1 px or more"),
        ({"box": "0,0"}, "expected x,y,side"),
        ({"box": "nan,0,5"}, "expected three finite numbers"),
        ({"box": "0,0,5", "boxes": "b.json"}, "give one of them"),
        ({"out": ""}, "out= is empty: give a folder or a file"),
        ({"formats": "[]"}, r"formats=\[\]: give one at least"),
        ({"boxes": "none.json"}, r"boxes=none\.json: no such file"),
        ({"focal_px": "-3"}, "focal_px=-3.*greater than 0"),
        ({"focal_px": ".inf"}, "focal_px=inf.*finite"),
        ({"focal_px": "2"}, "focal_px=2: absurd for a picture of 160 x 120 px"),
        ({"fov": "179"}, "fov=179.*170"),
        ({"person": "me"}, "person=me.*find.*whole"),
        ({"formats": "xml"}, "formats=xml: no such output"),
        ({"finder": "{files}/tiny.ckpt", "colour": "red"}, "colour"),
        ({"out": "{files}/photo.jpg/x"}, "photo.jpg"),
        ({"out": "o/pose.xyz"}, "no output ends in '.xyz'"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(files, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    given = {"input": f"{files}/photo.jpg", "ckpt": f"{files}/tiny.ckpt", "out": "o"} | words
    with pytest.raises(SystemExit) as exit:
        command.main([f"{key}={value.format(files=files)}" for key, value in given.items() if value is not None])
    assert exit.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert re.search(message, error), error
    assert not list(tmp_path.glob("o/*"))


def test_two_inputs_of_one_result_and_one_file_for_two_are_refused(files, tmp_path, capsys):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(files / "photo.jpg", tmp_path / folder / "photo.jpg")
    both = [str(tmp_path / folder / "photo.jpg") for folder in ("a", "b")] + [f"ckpt={files / 'tiny.ckpt'}"]
    for out, message in (("o", "would both be written to"), ("o.json", "one file for 2 inputs")):
        with pytest.raises(SystemExit):
            command.main([*both, f"out={tmp_path / out}"])
        assert message in capsys.readouterr().err
