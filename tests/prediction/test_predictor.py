"""Arrays in, typed results out: batches change nothing, volumes are those that were decoded, wrong input is named."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch
from toy_labels import batch_of, config_of
from toy_networks import COORDINATES, VOLUME, trained

import c2fpose
from c2fpose import PosePredictor
from c2fpose.base.errors import UserError
from c2fpose.config.representations import names
from c2fpose.model.checkpoints.formats import save_checkpoint
from c2fpose.model.volumes.decoding import decode
from c2fpose.model.volumes.points import from_points
from c2fpose.pose.camera import project
from c2fpose.prediction import predictor as prediction
from c2fpose.prediction.people import poses_of


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    module = trained(VOLUME)
    saved = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    path = tmp_path_factory.mktemp("toy") / "toy.ckpt"
    torch.save(saved | {"pytorch-lightning_version": "2.6.6"}, path)
    return path


@pytest.fixture(scope="module")
def predictor(checkpoint):
    return PosePredictor(checkpoint)


def picture(seed: int, rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)


BOXES = [[(0, 0, 60), (np.float32(30.5), 10, 80)], [], np.array([[5, 5, 50]])]
IMAGES = [picture(0, 90, 120), picture(1, 64, 64), picture(2, 70, 50)]


def test_a_batch_of_pictures_is_one_picture_after_the_other(predictor):
    together = predictor.many(IMAGES, BOXES, fov_deg=60)
    for image, boxes, found in zip(IMAGES, BOXES, together, strict=True):
        alone = predictor(image, boxes, fov_deg=60)
        assert found.source.size_px == image.shape[1::-1] and found.camera.focal_from == "fov"
        assert [person.id for person in found.frames[0].people] == list(range(len(boxes)))
        for one, other in zip(found.frames[0].people, alone.frames[0].people, strict=True):
            np.testing.assert_allclose(one.joints_px, other.joints_px, atol=1e-3)
            assert one.box == other.box and one.box_from == "given"


def test_without_a_box_all_of_the_picture_is_one_person(predictor):
    (person,) = predictor(IMAGES[0]).frames[0].people
    assert tuple(person.box) == (0, -15, 120) and person.box_from == "whole"


def test_pixels_are_the_projection_of_the_millimetres(predictor):
    intrinsics = np.array([150.0, 140.0, 61.0, 44.0])
    result = predictor(IMAGES[0], intrinsics_px=intrinsics)
    (person,) = result.frames[0].people
    clear = abs(person.joints_cam_mm[:, 2]) > 10
    np.testing.assert_allclose(project(person.joints_cam_mm, intrinsics)[clear], person.joints_px[clear], atol=1e-6)
    assert result.model.engine == "torch" and len(result.model.sha256) == 64


@pytest.mark.parametrize("flip", [False, True])
def test_volumes_of_all_stacks_are_those_that_the_pose_was_read_from(checkpoint, flip):
    predictor = PosePredictor(checkpoint, flip=flip)
    (person,) = predictor(IMAGES[2], [(5, 5, 50)], volumes=True).frames[0].people
    assert [volume.shape for volume in person.volumes] == [(17, 1, 16, 16), (17, 8, 16, 16)]
    decoding = predictor.predictor.config.decoding
    points = decode(torch.from_numpy(person.volumes[-1])[None], decoding.method, decoding.power)
    across = from_points(points)[0][0].numpy()
    np.testing.assert_allclose(across * person.box.side + person.box[:2], person.joints_px, atol=1e-3)


@pytest.mark.parametrize("flip", [False, True])
def test_volumes_that_a_softmax_makes_are_likelihoods_with_the_pose_as_their_mean(tmp_path, flip):
    module = trained({"network": VOLUME["network"] | {"head": "integral"}})
    save_checkpoint(tmp_path / "integral.ckpt", module.state_dict(), module.config.model_dump(mode="json"), {})
    predictor = PosePredictor(tmp_path / "integral.ckpt", flip=flip)
    (person,) = predictor(IMAGES[2], [(5, 5, 50)], volumes=True).frames[0].people
    for volume in person.volumes:
        assert (volume >= 0).all()
        np.testing.assert_allclose(volume.sum((1, 2, 3)), 1, rtol=1e-4)
    columns, rows = ((np.arange(16) + 0.5) / 16 for _ in range(2))
    mass = person.volumes[-1].sum(1)
    across = np.stack([mass.sum(1) @ columns, mass.sum(2) @ rows], -1)
    np.testing.assert_allclose(across * 50 + 5, person.joints_px, atol=1e-3)


def test_people_that_a_finder_finds(predictor, monkeypatch):
    monkeypatch.setattr(prediction, "load_finder", lambda name: None)
    monkeypatch.setattr(
        prediction,
        "find_people",
        lambda predictor, finder, image, least: (
            [(prediction.Box(10.0, 10.0, 40.0), 0.75)] * (len(image) > 64 and (least or 0) < 0.75)
        ),
    )
    monkeypatch.setattr(prediction, "second_looks", lambda p, i, boxes, c: (boxes, poses_of(
        p, [i] * len(boxes), boxes, np.tile(c, (len(boxes), 1)))))  # fmt: skip
    found, none = predictor.many(IMAGES[:2], find=True)
    (person,) = found.frames[0].people
    assert person.box_from == "found" and person.box_score == 0.75 and none.frames[0].people == ()
    assert predictor(IMAGES[0], find=True, least_score=0.8).frames[0].people == ()


def test_other_engines_give_the_same_and_the_last_volume(checkpoint, predictor):
    other = PosePredictor(checkpoint, engine="onnxruntime")
    (one,), (two,) = (each(IMAGES[0], volumes=True).frames[0].people for each in (predictor, other))
    np.testing.assert_allclose(one.joints_px, two.joints_px, atol=0.05)
    assert len(two.volumes) == 1
    np.testing.assert_allclose(one.volumes[-1], two.volumes[0], atol=1e-4)


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        ([IMAGES[0] / 255], {}, r"image 0: float64 of shape \(90, 120, 3\); expected RGB bytes"),
        ([IMAGES[0], IMAGES[1][..., 0]], {}, r"image 1: uint8 of shape \(64, 64\)"),
        (IMAGES, {"boxes": [[]]}, "1 lists of boxes for 3 images"),
        (IMAGES[:1], {"boxes": [[(1, 2)]]}, "expected left, top and side"),
        (IMAGES[:1], {"boxes": [[(900, 0, 50)]]}, "lies outside the image"),
        (IMAGES[:1], {"boxes": [[(0, 0, 50)]], "find": True}, r"boxes=\.\.\. and find=True: give one of them"),
        (IMAGES[:1], {"find": True, "least_score": 1.0}, "least_score=1.0: expected a chance above 0 and below 1"),
        (IMAGES[:1], {"focal_px": 1e9}, "absurd"),
        (IMAGES[:1], {"intrinsics_px": np.zeros(4)}, "expected fx, fy, cx, cy in px"),
    ],
)
def test_wrong_input_is_named(predictor, images, options, message):
    with pytest.raises(UserError, match=message):
        predictor.many(images, **options)


def test_the_camera_of_a_file_is_its_own_as_for_the_command(predictor, tmp_path):
    """26 mm on film: its diagonal over that of the picture."""
    exif = PIL.Image.Exif()
    exif.get_ifd(0x8769).update({0xA405: 26, 0xA002: 80, 0xA003: 60})
    PIL.Image.fromarray(picture(5, 60, 80)).save(tmp_path / "p.jpg", exif=exif)
    opened = PIL.Image.open(tmp_path / "p.jpg")
    for each in (tmp_path / "p.jpg", opened):
        camera = predictor(each, fov_deg=60).camera
        assert camera.focal_from == "exif"
        np.testing.assert_allclose(camera.intrinsics_px[:2], 26 * 100 / np.hypot(36, 24))
        assert predictor(each, focal_px=90.0).camera.focal_from == "given"
    assert predictor(opened.crop((0, 0, 40, 30))).camera.focal_from == "assumed"  # another picture's by now
    assert predictor(np.asarray(opened)).camera.focal_from == "assumed"


def test_files_and_pillows_images_are_turned_upright(predictor, tmp_path):
    """A telephone writes its pictures as the sensor lies, and in EXIF which way is up."""
    pixels = np.random.default_rng(4).integers(0, 256, (8, 6, 3), np.uint8).repeat(12, 0).repeat(12, 1)
    lying, exif = PIL.Image.fromarray(np.rot90(pixels)), PIL.Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it
    lying.save(tmp_path / "telephone.png", exif=exif)
    expected = predictor(pixels).frames[0].people[0].joints_px
    for each in (
        tmp_path / "telephone.png",
        str(tmp_path / "telephone.png"),
        PIL.Image.open(tmp_path / "telephone.png"),
    ):
        np.testing.assert_array_equal(predictor(each).frames[0].people[0].joints_px, expected)
    with pytest.raises(UserError, match=r"nowhere\.png: no such"):
        predictor("nowhere.png")
    with pytest.raises(UserError, match="image 0: pixels are floating-point numbers"):
        predictor(PIL.Image.fromarray(np.zeros((20, 20), np.float32)))


@pytest.mark.parametrize("sizes", [[], [0], [-1], [np.nan], [100], [1.0] * 17])
def test_sizes_that_are_none_are_refused_at_once(checkpoint, sizes):
    with pytest.raises(UserError, match=r"sizes=.*: expected one to 16 numbers from 0\.5 to 3\.0, in sides of the box"):
        PosePredictor(checkpoint, sizes=sizes)


def test_networks_without_volumes_say_so():
    made = PosePredictor.__new__(PosePredictor)
    made.sizes = (1.0,)
    made.predictor = prediction_of(COORDINATES)
    made.model = prediction.ModelUsed()
    with pytest.raises(UserError, match="head=coordinates has none to show"):
        made(IMAGES[0], volumes=True)


def prediction_of(model: dict):
    from c2fpose.prediction.engines import make_predictor

    return make_predictor(trained(model), precision="32-true")


@pytest.mark.parametrize("head", names())
def test_results_name_the_way_to_read_points_where_points_hang_on_it(head):
    one = prediction_of(config_of(head).model_dump(mode="json"))
    ways = [one.config.decoding.model_copy(update={"method": method}) for method in ("argmax", "expectation")]
    both = [replace(one, config=one.config.model_copy(update={"decoding": way})) for way in ways]
    said = [prediction.model_used(each, "toy.ckpt").decoding for each in both]
    first, second = (each.predict_points(batch_of()["image"]) for each in both)
    if torch.equal(first, second):
        assert said == [{"flip": True}] * 2
    else:
        assert said == [way.model_dump() for way in ways] and said[0]["method"] == "argmax"


def test_importing_the_package_alone_takes_no_network_along():
    code = "import sys, c2fpose; assert 'torch' not in sys.modules and 'PosePredictor' in c2fpose.__all__"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'PosePredicter'"):
        _ = c2fpose.PosePredicter
