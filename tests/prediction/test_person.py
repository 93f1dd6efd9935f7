"""A photograph goes in, a picture and a file of numbers come out; whatever is wrong is said in one line."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from toy_networks import TINY

from c2fpose import predict as command
from c2fpose.model.module import PoseModule
from c2fpose.model.volumes.points import to_points
from c2fpose.pose.camera import project
from c2fpose.pose.protocol import MEAN_LIMB_LENGTHS_MM
from c2fpose.pose.skeleton import EDGES, JOINTS, ROOT
from c2fpose.prediction import person as predict
from c2fpose.prediction.photo import Box


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A photograph and an untrained checkpoint, in the form of Lightning's."""
    folder = tmp_path_factory.mktemp("files")
    torch.manual_seed(0)
    module = PoseModule(TINY, {"code_version": "0.0.1+test"})
    saved = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    torch.save(saved | {"pytorch-lightning_version": "2.6.6"}, folder / "tiny.ckpt")
    y, x = np.mgrid[:120, :160]
    Image.fromarray(np.stack([x, y, x + y], -1).astype(np.uint8)).save(folder / "photo.jpg")
    return folder


def run(files, out, *words: str) -> dict:
    """Predict; the JSON's content."""
    command.main([f"input={files / 'photo.jpg'}", f"ckpt={files / 'tiny.ckpt'}", f"out={out}", *words])
    return json.loads((out / "photo_pose.json").read_text())


def test_writes_a_picture_and_numbers_and_leaves_the_photograph(files, tmp_path, capsys):
    before = (files / "photo.jpg").read_bytes()
    said = run(files, tmp_path)
    assert (files / "photo.jpg").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo_pose.json", "photo_pose.png"]
    with Image.open(tmp_path / "photo_pose.png") as picture:
        picture.load()
        assert picture.width > 1000
    printed = capsys.readouterr().out
    assert str(tmp_path / "photo_pose.png") in printed and str(tmp_path / "photo_pose.json") in printed
    assert list(said["joints"]) == list(JOINTS)
    assert said["camera"] == {
        "focal_px": 192.0,
        "focal_from": "assumed: 1.2 times the longer image side",
        "principal_point_px": [80.0, 60.0],
    }
    assert said["box"] == {"left_px": 0.0, "top_px": -20.0, "side_px": 160.0, "from": "whole image, padded to a square"}
    assert said["image"]["size_px"] == [160, 120]
    assert said["checkpoint"]["code_version"] == "0.0.1+test"
    assert said["engine"] == {"name": "torch", "precision": "32-true"}


def test_pixels_are_the_projection_of_the_millimetres(files, tmp_path):
    said = run(files, tmp_path, "box=20,10,100", "focal_px=300")
    px = np.array([joint["px"] for joint in said["joints"].values()])
    mm = np.array([joint["camera_mm"] for joint in said["joints"].values()])
    assert said["camera"]["focal_from"] == "given" and said["box"]["from"] == "given"
    # millimetres are rounded to hundredths: joints next to the camera's plane would blow that up
    clear = np.abs(mm[:, 2]) > 100
    assert clear.sum() > 5
    np.testing.assert_allclose(project(mm[clear], np.array([300.0, 300, 80, 60])), px[clear], atol=0.05)
    assert (px >= [20, 10]).all() and (px <= [120, 110]).all()


class Seer:
    """Stands for a network that knows the answer."""

    def __init__(self, module: PoseModule, points: torch.Tensor) -> None:
        self.config, self.provenance, self.points = module.config, {}, points

    def predict_points(self, image: torch.Tensor) -> torch.Tensor:
        assert image.shape == (1, 3, 64, 64) and image.dtype == torch.uint8
        return self.points[None]


def skeleton_mm() -> np.ndarray:
    """A person with exactly the mean limb lengths, 4 m away and off the optical axis."""
    random = np.random.default_rng(5)
    joints = np.zeros((len(JOINTS), 3))
    joints[ROOT] = (300, -200, 4000)
    for (start, end), length in sorted(zip(EDGES, MEAN_LIMB_LENGTHS_MM, strict=True)):
        step = random.normal(size=3)
        joints[end] = joints[start] + length * step / np.linalg.norm(step)
    return joints


def test_a_perfect_network_gives_the_true_pose_and_distance():
    """Crop geometry, root depth and back-projection together: nothing is lost but rounding."""
    true_mm, intrinsics = skeleton_mm(), np.array([1100.0, 1100.0, 500.0, 400.0])
    px = project(true_mm, intrinsics)
    box = Box(*(px.min(0) - 20.25), float(np.ptp(px, axis=0).max() + 40))
    across = (px - [box.left, box.top]) / box.side
    points = to_points(torch.from_numpy(across), torch.from_numpy(true_mm[:, 2] - true_mm[ROOT, 2]))
    image = np.zeros((800, 1000, 3), np.uint8)
    found = predict.predict(Seer(PoseModule(TINY), points), image, box, intrinsics)
    np.testing.assert_allclose(found.joints_px, px, atol=1e-6)
    np.testing.assert_allclose(found.root_depth_mm, 4000, atol=0.01)
    np.testing.assert_allclose(found.joints_cam_mm, true_mm, atol=0.01)
    assert found.in_front


def test_names_that_yaml_would_misread(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "draw", lambda *_: None)  # the slow part
    for name in ("1e3.jpg", "[a] b: {c} #1.jpg", "x=y.jpg", "null.jpg", "2024"):
        shutil.copy(files / "photo.jpg", name)
        command.main([f"input={name}", f"ckpt={files / 'tiny.ckpt'}"])
    assert (tmp_path / "[a] b: {c} #1_pose.json").exists() and (tmp_path / "2024_pose.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"input": "none.jpg"}, r"none\.jpg: no such image"),
        ({"input": "{files}/tiny.ckpt"}, "not an image"),
        ({"input": None}, "input=... is needed"),
        ({"ckpt": None}, "ckpt=... is needed"),
        ({"ckpt": "none.ckpt"}, r"none\.ckpt: no such checkpoint"),
        ({"ckpt": "{files}/photo.jpg"}, "not a checkpoint"),
        ({"box": "900,0,100"}, "box=900,0,100: lies outside the image of 160 x 120 px"),
        ({"box": "0,0,0"}, "must be 1 px or more"),
        ({"box": "0,0"}, "box=0,0: .*expected x,y,side|box: .*expected x,y,side"),
        ({"box": "a,b,c"}, "expected x,y,side"),
        ({"box": "nan,0,5"}, "must be 1 px or more"),
        ({"focal_px": "-3"}, "focal_px=-3.*greater than 0"),
        ({"focal_px": ".inf"}, "focal_px=inf.*finite"),
        ({"focal_px": "wide"}, "focal_px=wide"),
        ({"colour": "red"}, "colour"),
        ({"out": "{files}/photo.jpg"}, "out=.*not a directory"),
        ({"out": "{files}/photo.jpg/x"}, "out=.*not a directory"),
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


def test_help_explains_every_key_without_heavy_imports():
    """In a process of its own, where importing torch, matplotlib or OpenCV would fail."""
    code = (
        "import sys\n"
        "for name in ('torch', 'matplotlib', 'cv2', 'PIL', 'pytorch_lightning'): sys.modules[name] = None\n"
        "from c2fpose.predict import main\n"
        "main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for key in command.PredictSettings.model_fields:
        assert f"\n{key}: " in done.stdout
