"""Cameras: the distortion model against an independent reference, and the files that calibrations come from."""

import pickle
import re

import cv2
import fabricate_human36m as fabricate
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from c2fpose.base.errors import DataError
from c2fpose.data.human36m import calibration
from c2fpose.data.human36m.sequences import SUBJECTS, Sequence, parse_image_name, take_name, take_of
from c2fpose.pose.box import person_box
from c2fpose.pose.camera import project
from c2fpose.pose.protocol import ACTIONS, CAMERA_SERIALS, LENSES


@pytest.fixture(scope="module")
def crowd():
    """Poses all over the view of cameras like the published ones, each with distortion of its own."""
    rng = np.random.default_rng(11)
    poses = rng.uniform(-900, 900, (300, 17, 3)) + rng.uniform([-900, -500, 3500], [900, 500, 6500], (300, 1, 3))
    intrinsics = rng.uniform([1140, 1140, 505, 500], [1150, 1150, 520, 516], (300, 4))
    distortion = rng.uniform([-0.22, 0.2, -0.01, -0.003, -0.003], [-0.18, 0.26, 0.01, 0.003, 0.003], (300, 5))
    return poses, intrinsics, distortion


def test_boxes_of_distorted_projections_by_hand(crowd):
    poses, intrinsics, distortion = crowd
    center, scale = person_box(project(poses, intrinsics, distortion))
    for i, pose in enumerate(poses):
        lens = [*intrinsics[i], *distortion[i]]
        x, y, expected_scale = fabricate.box_by_hand([fabricate.project_by_hand(joint, lens) for joint in pose])
        np.testing.assert_allclose(center[i], [x, y], rtol=0, atol=1e-4)
        np.testing.assert_allclose(scale[i], expected_scale, rtol=0, atol=1e-4 / 200)


def test_it_is_not_opencvs_model(crowd):
    """OpenCV counts the tangential sum twice: same radial part, boxes that differ by far more than 1e-4 px."""
    poses, intrinsics, distortion = crowd
    ours = project(poses, intrinsics, distortion)
    radial_alone = project(poses, intrinsics, distortion * [1, 1, 1, 0, 0])
    for i in range(5):
        fx, fy, cx, cy = intrinsics[i]
        k1, k2, k3, p1, p2 = distortion[i]
        matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        for coefficients, mine, same in (
            ([k1, k2, 0, 0, k3], radial_alone[i], True),
            # Theirs: 2 p1 x y + p2 (r2 + 2 x2); ours: p1 x y + p2 x2 + p2 r2
            ([k1, k2, p1, p2, k3], ours[i], False),
        ):
            theirs, _ = cv2.projectPoints(poses[i], np.zeros(3), np.zeros(3), matrix, np.array(coefficients))
            apart = np.abs(theirs[:, 0] - mine).max()
            assert apart < 1e-6 if same else apart > 0.01


def test_published_lenses():
    published = calibration.published()
    assert set(LENSES) == set(CAMERA_SERIALS)
    assert published.intrinsics_px.shape == (4, 4) and published.distortion.shape == (4, 5)
    assert ((published.intrinsics_px[:, :2] > 1140) & (published.intrinsics_px[:, :2] < 1150)).all()
    with pytest.raises(DataError, match="pass metadata=FILE"):
        published.place(1, 0)


@pytest.mark.parametrize("kind", ["metadata", "mmpose"])
def test_places_and_lenses_of_files(kind, sets, people):
    path = sets["metadata"] if kind == "metadata" else sets["mmpose"] / "annotation_body3d" / "cameras.pkl"
    read = calibration.read_calibration(path)
    for (subject, index), camera in people.cameras.items():
        rotation, position = read.place(subject, index)
        np.testing.assert_allclose(rotation, camera.rotation, atol=1e-9)
        np.testing.assert_allclose(position, camera.position_mm, atol=1e-6)
        np.testing.assert_allclose(read.intrinsics_px[index], camera.lens[:4], atol=1e-8)
        np.testing.assert_allclose(read.distortion[index], camera.lens[4:], atol=1e-9)


def test_euler_angles_against_scipy():
    angles = np.random.default_rng(0).uniform(-3, 3, (20, 3))
    for xyz in angles:
        np.testing.assert_allclose(calibration.euler_rotation(*xyz), Rotation.from_euler("XYZ", xyz).as_matrix())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace("<w0>[", "<w0>[1 "), "w0 holds 301 numbers, expected 300"),
        (lambda t: t.replace("w0>", "w1>"), "has no <w0>"),
        (lambda t: t[: len(t) // 2], "not readable as XML"),
        (lambda t: re.sub("<mapping>.*</mapping>", "", t), "has no <mapping>"),
        (lambda t: t.replace("54138969", "12345678"), "12345678 is no camera of Human3.6M"),
        (lambda t: re.sub(r"(<serial>\d+</serial>)(<serial>\d+</serial>)", r"\2\1", t, count=1), "in another order"),
        (lambda t: t.replace("<td>Eating 2</td>", "<td>Eating 7</td>", 1), "S1 has no sequence 'Eating 7'"),
    ],
)  # fmt: skip
def test_damaged_metadata_is_named(change, message, sets, tmp_path):
    (tmp_path / "metadata.xml").write_text(change(sets["metadata"].read_text()))
    with pytest.raises(DataError, match=message):
        calibration.read_calibration(tmp_path / "metadata.xml")


class Harmful:
    def __reduce__(self):
        return print, ("a pickle ran code",)


@pytest.mark.parametrize("content", [Harmful(), {("S1", "54138969"): Harmful()}])
def test_a_pickle_cannot_run_code(content, tmp_path, capsys):
    (tmp_path / "cameras.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=r"pickle refused .*builtins.print"):
        calibration.read_calibration(tmp_path / "cameras.pkl")
    assert capsys.readouterr().out == ""


def test_a_camera_missing_from_the_pickle(sets, tmp_path):
    cameras = pickle.loads((sets["mmpose"] / "annotation_body3d" / "cameras.pkl").read_bytes())
    kept = {key: camera for key, camera in cameras.items() if key[1] != "58860488"}
    (tmp_path / "cameras.pkl").write_bytes(pickle.dumps(kept))
    with pytest.raises(DataError, match="camera 58860488 is missing"):
        calibration.read_calibration(tmp_path / "cameras.pkl")


# --- names --------------------------------------------------------------------------------------------------------


def test_every_take_has_a_name_of_its_own():
    for subject in SUBJECTS:
        names = {(a, t): take_name(subject, a, t) for a in range(len(ACTIONS)) for t in (1, 2)}
        assert len(set(names.values())) == 30
        for (action, trial), name in names.items():
            assert take_of(subject, name, "") == (action, trial)
            assert take_of(subject, name.replace(" ", "_"), "") == (action, trial)


def test_names_known_from_the_literature():
    """The published lists of damaged sequences name them both ways."""
    assert take_name(9, ACTIONS.index("Greeting"), 2) == "Greeting"
    assert take_name(9, ACTIONS.index("SittingDown"), 2) == "SittingDown 1"
    assert take_name(9, ACTIONS.index("Waiting"), 1) == "Waiting 1"
    assert Sequence(11, ACTIONS.index("Directions"), 2, 0).corrupt
    assert not Sequence(11, ACTIONS.index("Directions"), 1, 0).corrupt
    sequence, frame = parse_image_name("images/S5_Eating_1.55011271_000321.jpg", "")
    assert (sequence.subject, sequence.action, sequence.camera, frame) == (5, ACTIONS.index("Eating"), 1, 321)
    assert sequence.name == "S5_Eating_1.55011271"


def test_whole_names_alone_match():
    sitting, down = ACTIONS.index("Sitting"), ACTIONS.index("SittingDown")
    assert take_of(1, "Sitting 1", "") == (sitting, 1) and take_of(1, "SittingDown", "") == (down, 2)
    assert take_of(1, "TakingPhoto 1", "") == take_of(1, "Photo 1", "")
    with pytest.raises(DataError, match="S9 has no sequence 'Sitting 2'; its sequences of Sitting are"):
        take_of(9, "Sitting 2", "x")
    for name, message in (
        ("S5_Eating_1.12345678_000321.jpg", "12345678"), ("S5_Jumping_1.55011271_000321.jpg", "Jumping"),
        ("COCO_val2014_000321.jpg", "is not named as S5_Eating_1"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=message):
            parse_image_name(name, "x")
