"""Photographs of every kind become the same upright RGB bytes, and boxes the crops of training."""

import errno

import cv2
import numpy as np
import pytest
from PIL import Image

from c2fpose.base.errors import DataError
from c2fpose.config.data import DataConfig
from c2fpose.data.dataset import PoseDataset
from c2fpose.data.schema import SplitReader, write_split
from c2fpose.prediction.photo import Box, check_box, crop_box, pictures_in, read_photo, whole_box

EXIF_ORIENTATION = 0x0112


def picture(rows=48, columns=64) -> np.ndarray:
    """Smooth, different in every corner and channel."""
    y, x = np.mgrid[:rows, :columns]
    return np.stack([x * 255 // columns, y * 255 // rows, (x + y) * 255 // (rows + columns)], -1).astype(np.uint8)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "webp"])
def test_lossless_formats(tmp_path, ending):
    options = {"lossless": True} if ending == "webp" else {}
    Image.fromarray(picture()).save(tmp_path / f"photo.{ending}", **options)
    np.testing.assert_array_equal(read_photo(tmp_path / f"photo.{ending}"), picture())


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(1, lambda a: a), (3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1)), (8, lambda a: np.rot90(a))],
)
def test_exif_rotation_is_applied(tmp_path, orientation, turned):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    Image.fromarray(picture()).save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(read_photo(tmp_path / "photo.png"), turned(picture()))


def test_grey_has_three_equal_channels(tmp_path):
    Image.fromarray(picture()[..., 0]).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "grey.png"), np.repeat(picture()[..., :1], 3, -1))


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_keep_their_upper_eight(tmp_path, ending, channels):
    deep = picture().astype(np.uint16)[..., :channels] * 256 + 99
    path = tmp_path / f"deep.{ending}"
    cv2.imwrite(str(path), deep[..., ::-1])
    np.testing.assert_array_equal(read_photo(path), np.broadcast_to(picture()[..., :channels], picture().shape))


def test_integers_of_unknown_range_are_refused(tmp_path):
    """Eight bits in 32 would come out black, more than 16 white."""
    for number, high in enumerate((200, 70_000)):
        Image.fromarray(np.linspace(0, high, 48).astype(np.int32).reshape(6, 8)).save(tmp_path / f"{number}.tif")
        with pytest.raises(DataError, match=f"pixels are integers from 0 to {high}, and nothing says which is white"):
            read_photo(tmp_path / f"{number}.tif")
    Image.fromarray(np.full((6, 8), 0x7F00, np.int32)).save(tmp_path / "sixteen.tif")
    assert (read_photo(tmp_path / "sixteen.tif") == 0x7F).all()


@pytest.mark.parametrize(("name", "count"), [("a.gif", 3), ("a.webp", 3), ("a.tif", 3), ("a.jpg", 1), ("a.mpo", 1)])
def test_pictures_of_one_file_are_counted(tmp_path, name, count):
    """A telephone's MPO has other things than a second picture behind its first."""
    several = {"save_all": True, "append_images": [Image.fromarray(255 - picture() // n) for n in (1, 2)]}
    Image.fromarray(picture()).save(tmp_path / name, **({} if name == "a.jpg" else several))
    assert pictures_in(tmp_path / name) == count
    assert pictures_in(tmp_path / "none.gif") == 1


def test_transparent_parts_are_white(tmp_path):
    rgba = np.dstack([picture(), np.full((48, 64), 255, np.uint8)])
    rgba[:10, :, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "cut_out.png")
    expected = picture()
    expected[:10] = 255
    np.testing.assert_array_equal(read_photo(tmp_path / "cut_out.png"), expected)


def test_palette_and_print_colours(tmp_path):
    Image.fromarray(picture()).quantize(256).save(tmp_path / "palette.gif")
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    for name in ("palette.gif", "print.jpg"):
        assert np.abs(read_photo(tmp_path / name).astype(int) - picture()).mean() < 12, name


def jpeg_bytes(tmp_path) -> bytes:
    Image.fromarray(picture(200, 300)).save(tmp_path / "whole.jpg")
    return (tmp_path / "whole.jpg").read_bytes()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: b"", "an empty file"),
        (lambda data: data[: len(data) // 2], "a damaged image"),
        (lambda data: b"no picture at all", "not an image of a known format"),
        (lambda data: data[:2], "not an image of a known format"),
    ],
)
def test_refuses_what_is_no_image(tmp_path, spoil, message):
    (tmp_path / "bad.jpg").write_bytes(spoil(jpeg_bytes(tmp_path)))
    with pytest.raises(DataError, match=message) as caught:
        read_photo(tmp_path / "bad.jpg")
    assert "bad.jpg" in str(caught.value) and "\n" not in str(caught.value)


def test_refuses_a_cut_off_png(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "whole.png").read_bytes()[:9000])
    with pytest.raises(DataError, match="a damaged image"):
        read_photo(tmp_path / "bad.png")


def test_refuses_missing_files_directories_floats_and_giants(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="no such image"):
        read_photo(tmp_path / "none.jpg")
    with pytest.raises(DataError, match="a directory"):
        read_photo(tmp_path)
    Image.fromarray(picture()[..., 0].astype(np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(DataError, match="floating-point"):
        read_photo(tmp_path / "float.tif")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.fromarray(picture()).save(tmp_path / "large.png")
    with pytest.raises(DataError, match="million pixels"):
        read_photo(tmp_path / "large.png")


def test_a_picture_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    Image.fromarray(picture()).save(tmp_path / "a.png")

    def locked(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Image, "open", locked)
    with pytest.raises(DataError, match=r"a\.png: cannot be read \(Permission denied\)"):
        read_photo(tmp_path / "a.png")


# --- boxes --------------------------------------------------------------------------------------------------------


def test_whole_box_holds_the_whole_image():
    assert whole_box(picture(40, 100)) == Box(0, -30, 100)
    assert whole_box(picture(100, 40)) == Box(-30, 0, 100)


@pytest.mark.parametrize("box", [Box(-60, -60, 61), Box(63, 47, 5), Box(-10, -10, 200)])
def test_boxes_that_show_some_of_the_image(box):
    assert check_box(box, picture()) == box


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (Box(0, 0, 0), "must be 1 px or more"),
        (Box(0, 0, -20), "must be 1 px or more"),
        (Box(0, float("nan"), 20), "expected three finite numbers"),
        (Box(64, 0, 20), "lies outside the image of 64 x 48 px"),
        (Box(-30, 0, 30), "lies outside"),
        (Box(0, 48, 20), "lies outside"),
        (Box(-500, -500, 1000), "four times as large"),
    ],
)
def test_boxes_refused(box, message):
    with pytest.raises(DataError, match=message):
        check_box(box, picture())


def test_whole_box_pads_with_black():
    white = np.full((40, 100, 3), 255, np.uint8)
    crop, _ = crop_box(white, whole_box(white), 50)
    assert (crop[:14] == 0).all() and (crop[36:] == 0).all() and (crop[16:34] == 255).all()


@pytest.mark.parametrize("mode", ["standard", "released_code"])
@pytest.mark.parametrize("side", [70.0, 120.0, 201.0])
def test_the_crop_is_that_of_training(tmp_path, mode, side):
    """A frame stored whole: the data set's sample and this module's crop are the same, and so are the boxes.

    At 120 and 201 px both are reduced by 2 first, the data set's by its JPEG decoder: alike, not equal.
    """
    frame = np.random.default_rng(1).integers(0, 256, (25, 32, 3), dtype=np.uint8)
    frame = cv2.resize(frame, (320, 250), interpolation=cv2.INTER_CUBIC)
    coded = cv2.imencode(".jpg", frame)[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB)
    center = np.array([150.3, 122.8])
    joints_px = center + np.random.default_rng(2).uniform(-0.4, 0.4, (17, 2)) * side
    joints = np.column_stack([(joints_px - (160, 125)) * 8, np.full(17, 8000.0)])
    annotations = {
        "joints_cam_mm": joints[None], "joints_px": joints_px[None], "center_px": center[None],
        "scale": [side / 200], "intrinsics_px": [[1000, 1000, 160, 125]], "stored_left_top_px": [[0, 0]],
        "stored_step_px": [1], "subject": [9], "action": [0], "trial": [1], "camera": [0], "frame": [1],
    }  # fmt: skip
    path = tmp_path / "one.h5"
    write_split(path, annotations, [coded.tobytes()], dataset="synth36", split="test", provenance={})
    config = DataConfig(train_file="", test_file=str(path), image_size=64, crop_mode=mode, augmentation=None)
    sample = PoseDataset(SplitReader(path), np.arange(1), config)[0].sample

    crop, box = crop_box(decoded, Box(*(center - side / 2), side), 64, mode)
    difference = np.abs(crop.transpose(2, 0, 1).astype(int) - sample["image"])
    if mode == "standard" and side > 100:
        assert difference.mean() < 3 and difference.max() < 20
    else:
        assert difference.max() <= 1  # the stored side is a float32
    np.testing.assert_allclose([box.left, box.top, box.side], [*sample["box_left_top_px"], side], rtol=1e-6)


def test_a_strongly_shrunk_crop_stays_in_place():
    """A large photograph is reduced first; a bright square must still be where the box says."""
    photo = np.zeros((2003, 3001, 3), np.uint8)
    photo[1200:1400, 800:1000] = 255
    crop, _ = crop_box(photo, Box(500, 900, 1024), 64)
    weight = crop[..., 0].astype(float)
    y, x = (np.mgrid[:64, :64] + 0.5) * 1024 / 64
    np.testing.assert_allclose((weight * x).sum() / weight.sum() + 500, 900, atol=3)
    np.testing.assert_allclose((weight * y).sum() / weight.sum() + 900, 1300, atol=3)
