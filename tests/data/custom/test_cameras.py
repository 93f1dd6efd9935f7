"""Intrinsics that fit labels: the camera that made them, whatever a damaged file holds beside."""

import numpy as np
import pytest

from c2fpose.base.errors import DataError
from c2fpose.data.custom.cameras import fitted_intrinsics, read_cameras

TRUE = (1145.0, 1143.0, 512.0, 515.0)


@pytest.fixture
def seen():
    mm = np.random.default_rng(0).normal([0, 0, 5000], [800, 800, 500], (3, 17, 3))
    fx, fy, cx, cy = TRUE
    return mm[..., :2] / mm[..., 2:] * (fx, fy) + (cx, cy), mm


def test_the_camera_that_made_the_labels_is_found(seen):
    found, off_px = fitted_intrinsics(*seen)
    assert found == pytest.approx(TRUE, abs=1e-6) and off_px < 1e-9


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e300, 5e-324])
@pytest.mark.parametrize("column", [0, 2])
def test_joints_that_no_camera_sees_are_left_out_in_silence(seen, wrong, column, capfd):
    px, mm = seen
    mm[0, 3, column] = wrong
    px[1, 5, 0] = wrong if wrong != 5e-324 else np.nan
    if (column, wrong) == (0, 5e-324):
        px[0, 3, 0] = TRUE[2]  # a joint of the axis is one
    found, off_px = fitted_intrinsics(px, mm)
    assert found == pytest.approx(TRUE, abs=1e-6) and off_px < 1e-9
    assert capfd.readouterr() == ("", "")  # LAPACK prints what it is given


def test_too_few_or_none_fit_nothing(seen):
    px, mm = seen
    assert fitted_intrinsics(px[:1, :11], mm[:1, :11]) is None
    assert fitted_intrinsics(px, np.zeros_like(mm)) is None


def test_names_are_what_is_written_whatever_yaml_makes_of_it(tmp_path):
    names = ["01", "12:30", "no", "1e3", "0x1F", "~", "2024-05-01", "left"]
    lines = [f"{name}: {{intrinsics_px: [{100 + at}, 100, 50, 50]}}\n" for at, name in enumerate(names)]
    (tmp_path / "cameras.yaml").write_text("# by hand\n" + "".join(lines))
    cameras = read_cameras(tmp_path / "cameras.yaml")
    assert [(name, camera.intrinsics_px[0]) for name, camera in cameras.items()] == [
        (name, 100 + at) for at, name in enumerate(names)
    ]


@pytest.mark.parametrize("text", ["", "# nothing", "# labels in px alone\n\n"])
def test_a_file_of_comments_names_no_camera(tmp_path, text):
    (tmp_path / "cameras.yaml").write_text(text)
    assert read_cameras(tmp_path / "cameras.yaml") == {}


@pytest.mark.parametrize("text", ["3", "[left, right]", "{[1, 2]: {}}", "left: [", "? {a: b}\n: c"])
def test_what_names_no_camera_is_one_line(tmp_path, text):
    (tmp_path / "cameras.yaml").write_text(text)
    with pytest.raises(DataError, match=r"cameras\.yaml: ") as refused:
        read_cameras(tmp_path / "cameras.yaml")
    assert "\n" not in str(refused.value)
