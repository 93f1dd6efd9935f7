"""A good file passes; each fault shows in the check that is there for it, and in the exit code."""

import json
import shutil
from dataclasses import replace

import cv2
import fabricate_human36m as fabricate
import h5py
import numpy as np
import own_data
import pytest
from fabricated import reseal

from c2fpose.data import verify as command
from c2fpose.data.schema import SplitReader
from c2fpose.data.verification import checks
from c2fpose.pose.protocol import TEST_FRAMES_10FPS, TEST_FRAMES_50FPS


@pytest.fixture
def data(prepare):
    return prepare("c2f", subjects=(9,), crop="none")[0].path


def run(*words, capsys):
    try:
        command.main([str(word) for word in words])
        code = 0
    except SystemExit as stopped:
        code = stopped.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", ["mk[red]x.h5", "a[/y].h5"])
def test_brackets_in_a_name_stay(data, tmp_path, capsys, name):
    place = tmp_path / "x" / name
    place.parent.mkdir(parents=True)
    shutil.copy(data, place)
    code, out, _ = run(place, f"sheet={tmp_path / name}.png", "sheet_images=2", capsys=capsys)
    assert code == 0 and out.count(name) == 2


def edit(path, change, name):
    with h5py.File(path, "r+") as file:
        value = change(file[name][:])
        del file[name]
        file[name] = value
        reseal(file)


def provenance(path, **changes):
    with h5py.File(path, "r+") as file:
        file.attrs["provenance"] = json.dumps(json.loads(file.attrs["provenance"]) | changes)
        reseal(file)


def test_a_good_file_passes(data, tmp_path, capsys):
    code, out, _ = run(
        data,
        "images=all",
        f"json={tmp_path / 'r.json'}",
        f"sheet={tmp_path / 's.png'}",
        "sheet_images=6",
        capsys=capsys,
    )
    assert code == 0 and "Nothing wrong" in out
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["passed"] and report["records"] == 40
    found = {name: check["status"] for name, check in report["checks"].items()}
    assert found.pop("counts") == "note"  # a subset
    assert set(found.values()) == {"pass"}
    assert {"reprojection", "limbs", "handedness", "depth range", "boxes", "images", "fingerprint"} <= set(found)
    assert report["checks"]["counts"]["figures"]["by_camera"] == dict.fromkeys(map(str, fabricate.CAMERA_SERIALS), 10)
    sheet = cv2.imread(str(tmp_path / "s.png"))
    assert sheet.shape[1] > 1000 and sheet.std() > 20


def swap(order):
    return lambda v: v[:, order]


FAULTS = {
    "handedness": ("joints_cam_mm", swap(fabricate.RIGHT_FIRST), "the legs are in right-first order"),
    "reprojection": ("joints_px", lambda v: v + np.array([3, 0]), "labels lie 3 px"),
    "boxes": ("scale", lambda v: v * 1.1, "side within"),
    "limbs": ("joints_cam_mm", lambda v: v * np.linspace(0.5, 1, len(v))[:, None, None], "varies by"),
    "depth range": (
        "joints_cam_mm",
        lambda v: v + 1500 * (np.arange(17) == 3)[:, None] * [0, 0, 1],
        "of joints outside",
    ),
    "sequences": ("frame", lambda v: np.ones_like(v), "records occur twice, first S9_Photo_1"),
}


@pytest.mark.parametrize("check", FAULTS)
def test_a_fault_shows_in_its_check(check, data, tmp_path, capsys):
    name, change, text = FAULTS[check]
    edit(data, change, name)
    code, _, _ = run(data, f"json={tmp_path / 'r.json'}", capsys=capsys)
    assert code == 1
    found = json.loads((tmp_path / "r.json").read_text())["checks"][check]
    assert found["status"] == "fail" and text in found["text"]


def test_a_file_without_its_lens_fails_reprojection(data, tmp_path, capsys):
    provenance(data, lens_distortion=None)
    code, out, _ = run(data, capsys=capsys)
    assert code == 1 and "Failed: reprojection." in out


@pytest.mark.parametrize("fault", ["no JPEG", "cut off", "blank", "other place"])
def test_bad_images_are_listed(fault, data, tmp_path, capsys):
    with h5py.File(data, "r+") as file:
        start, stop = file["jpeg_offsets"][7:9]
        if fault == "blank":
            blank = cv2.imencode(".jpg", np.full((300, 300, 3), 90, np.uint8))[1].ravel()
            file["jpeg_bytes"][start : start + len(blank)] = blank
            file["jpeg_bytes"][stop - 2 : stop] = [0xFF, 0xD9]
        elif fault == "other place":
            file["stored_left_top_px"][7] = [-900, -900]
            reseal(file)
        else:
            file["jpeg_bytes"][start if fault == "no JPEG" else (start + stop) // 2 : stop] = 0
    code, _, _ = run(data, "images=all", f"json={tmp_path / 'r.json'}", capsys=capsys)
    assert code == 1
    found = json.loads((tmp_path / "r.json").read_text())["checks"]
    assert list(found["images"]["figures"]["faults"]) == ["7"]
    words = {"no JPEG": "not a JPEG", "cut off": "cut off", "blank": "blank", "other place": "lie in the image"}
    assert words[fault] in found["images"]["text"]
    assert found["fingerprint"]["status"] == "fail"


def test_counts_against_the_published_ones(data, monkeypatch):
    provenance(data, subset={})
    reader = SplitReader(data)
    missing = checks.counts(reader)
    assert missing.status == "fail" and f"{40 - TEST_FRAMES_10FPS:+,} against the published 109,867" in missing.text
    assert checks.action_counts(reader).status == "fail"
    monkeypatch.setitem(checks.KNOWN_RECORDS, "test", 40)
    assert checks.counts(reader).status == "pass"
    # 20 records of both actions: 16 videos of 4 to 11 frames
    frames = np.array([0] * 15)
    frames[[5, 9]] = 76
    monkeypatch.setattr(checks, "TEST_FRAMES_50FPS", frames)
    monkeypatch.setattr(checks, "TEST_VIDEOS_PER_ACTION", 8)
    assert checks.action_counts(reader).status == "pass"
    frames[5] = 120
    assert "Photo 20 (expected 24 to" in checks.action_counts(reader).text


def test_published_counts_fit_each_other():
    """Every 5th frame of every video lies between a fifth of all frames and 0.8 more a video."""
    assert sum(TEST_FRAMES_50FPS) / 5 <= TEST_FRAMES_10FPS <= sum(TEST_FRAMES_50FPS) / 5 + 0.8 * 239


def test_every_50_fps_frame_is_not_compared(data):
    provenance(data, subset={})
    edit(data, lambda v: v + (v == 6), "frame")
    assert "10 fps" in checks.counts(SplitReader(data)).text


def test_every_10th_frame_is_not_compared(data):
    """Frames 1, 11, 21, ... are a half of those at 10 fps: no file that lacks half of its records."""
    provenance(data, subset={})
    edit(data, lambda v: 2 * v - 1, "frame")
    reader = SplitReader(data)
    assert set(reader.annotations["frame"]) == {1, 11, 21}
    assert "10 fps" in checks.counts(reader).text and checks.action_counts(reader) is None


def test_other_joints_pass_with_their_fingerprint(tmp_path, capsys):
    own_data.prepared(own_data.make_folder(tmp_path / "own", skeleton=own_data.THIRTEEN), test_share=0)
    code, out, _ = run(tmp_path / "own" / "out" / "train.h5", "images=all", capsys=capsys)
    assert code == 0 and "fingerprint" in out and "Nothing wrong" in out


def test_joints_without_a_label_lie_nowhere(tmp_path, capsys):
    """Neither outside the image nor under another record's name: what is not known is no fault."""
    records = own_data.people()
    for record, joints in ((records[0], slice(None)), (records[3], slice(12))):
        record["cam_mm"][joints] = np.nan
    records[3]["px"][:12] = np.nan
    own_data.prepared(own_data.make_folder(tmp_path / "own", records), test_share=0)
    path = tmp_path / "own" / "out" / "train.h5"
    code, out, _ = run(path, "images=all", capsys=capsys)
    assert code == 0 and "8 of 8 decoded, all readable" in out
    reader = SplitReader(path)
    unlabelled = next(i for i in range(8) if np.isnan(reader.annotations["joints_cam_mm"][i]).all())
    assert unlabelled < 5
    reader.annotations["joints_px"][5] += 3
    found = checks.reprojection(reader)
    assert f"worst: {reader.name(5)}," in found.text and found.figures["median_px"] < 0.01


def test_a_camera_for_each_image_is_no_gap(data):
    """Two thousand people, each before a camera of his own: once this took minutes, and gigabytes."""
    reader, count = SplitReader(data), 2000
    reader.info = replace(reader.info, dataset="custom", provenance={"cameras": [f"photo{i}" for i in range(count)]})
    number = np.arange(count)
    same = {name: np.ones(count, int) for name in ("action", "trial", "frame")}
    reader.annotations = {"subject": number, "camera": number, **same}
    found = checks.sequences(reader)
    assert found.status == "pass" and found.text.startswith("2000 sequences, 2000 takes, 2000 cameras")
    assert found.figures["gaps"] == []  # not one for each of four million pairs


def test_unreadable_data_and_wrong_keys(tmp_path, capsys):
    (tmp_path / "a.h5").write_text("nothing")
    code, _, err = run(tmp_path / "a.h5", capsys=capsys)
    assert code == 2 and err.startswith("error: ") and "not an HDF5 file" in err and err.count("\n") == 1
    code, _, err = run(tmp_path / "a.h5", "sheets=3", capsys=capsys)
    assert code == 2 and "sheets" in err


def test_poses_alone(prepare, tmp_path, capsys):
    path = prepare("videopose3d", subjects=(9,))[0].path
    code, out, _ = run(path, f"sheet={tmp_path / 's.png'}", "sheet_images=2", "images=all", capsys=capsys)
    assert code == 0 and "poses alone" in out
    assert (tmp_path / "s.png").is_file()
