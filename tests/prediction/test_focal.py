"""Focal lengths from EXIF data, from an angle, or assumed; each says which it is."""

import math

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from c2fpose.base.errors import ConfigError
from c2fpose.prediction.focal import camera_of, read_exif

FOCAL, IN_35MM, PLANE_X, UNIT, PIXELS_X, PIXELS_Y = 0x920A, 0xA405, 0xA20E, 0xA210, 0xA002, 0xA003


def photo(path, size, **tags):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({globals()[name]: value for name, value in tags.items()})
    Image.new("RGB", size).save(path, exif=exif)
    return read_exif(path)


def focal(size, **asked) -> tuple[float, str]:
    camera = camera_of(size, **asked)
    assert camera.intrinsics_px[0] == camera.intrinsics_px[1]
    np.testing.assert_array_equal(camera.intrinsics_px[2:], np.array(size) / 2)
    return camera.intrinsics_px[0], camera.focal_from


def test_film_equivalent_is_by_the_diagonal(tmp_path):
    exif = photo(tmp_path / "a.jpg", (300, 200), IN_35MM=50)
    assert focal((300, 200), exif=exif) == (pytest.approx(50 / 36 * 300), "exif")  # 3:2, the film's own shape
    exif = photo(tmp_path / "b.jpg", (400, 300), IN_35MM=26)
    assert focal((400, 300), exif=exif)[0] == pytest.approx(26 * 500 / math.hypot(36, 24))


@pytest.mark.parametrize(
    "resolution",  # of the sensor, in px per cm, inch (said, or understood) and mm
    [
        {"PLANE_X": IFDRational(60000, 36), "UNIT": 3},
        {"PLANE_X": IFDRational(152400, 36), "UNIT": 2},
        {"PLANE_X": IFDRational(152400, 36)},
        {"PLANE_X": IFDRational(6000, 36), "UNIT": 4},
    ],
)
def test_sensor_resolution_where_there_is_no_equivalent_and_resizing(tmp_path, resolution):
    # 36 mm wide sensor of 6000 px behind 50 mm, shown at 300 px
    tags = {"FOCAL": IFDRational(50, 1), "PIXELS_X": 6000, "PIXELS_Y": 4000} | resolution
    exif = photo(tmp_path / "a.jpg", (300, 200), **tags)
    assert focal((300, 200), exif=exif) == (pytest.approx(50 / 36 * 300), "exif")
    assert focal((200, 300), exif=exif)[0] == pytest.approx(50 / 36 * 300)  # turned upright
    assert focal((200, 200), exif=exif)[1] == "assumed"  # cut to another shape


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"IN_35MM": 0},
        {"FOCAL": IFDRational(0, 0)},
        {"FOCAL": IFDRational(4, 1)},  # of what sensor?
        {"IN_35MM": 65535},
    ],
)
def test_exif_that_does_not_tell(tmp_path, tags):
    exif = photo(tmp_path / "a.jpg", (300, 200), **tags)
    assert focal((300, 200), exif=exif) == (pytest.approx(360), "assumed")
    assert focal((300, 200), exif=exif, fov_deg=90) == (pytest.approx(150), "fov")


def test_no_image_has_no_exif(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 nothing")
    assert read_exif(tmp_path / "a.jpg") == (None,) * 4


def test_order_of_sources(tmp_path):
    exif = photo(tmp_path / "a.jpg", (300, 200), IN_35MM=50)
    assert focal((300, 200), exif=exif, fov_deg=60, focal_px=200) == (200, "given")
    assert focal((300, 200), exif=exif, fov_deg=60)[1] == "exif"


@pytest.mark.parametrize("asked", [{"fov_deg": 0}, {"fov_deg": 180}, {"focal_px": 3}, {"focal_px": 1e6}])
def test_absurd_cameras_are_refused(asked):
    with pytest.raises(ConfigError, match=r"fov=|focal_px="):
        camera_of((300, 200), **asked)
