"""Arrays are loaded without pickle and are the result's own."""

import json
from dataclasses import replace

import numpy as np

from c2fpose.pose.skeleton import JOINTS
from c2fpose.prediction.outputs import npz


def test_arrays(video, tmp_path):
    (path,) = npz.write(video, None, tmp_path / "out.npz")
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    assert arrays["joint_names"].tolist() == list(JOINTS)
    rows = list(video.people())
    assert arrays["frame"].tolist() == [frame.index for frame, _ in rows]
    assert arrays["person"].tolist() == [pose.id for _, pose in rows]
    np.testing.assert_array_equal(arrays["joints_cam_mm"], [pose.joints_cam_mm for _, pose in rows])
    assert np.isnan(arrays["covariance_mm2"][0]).all() and np.isfinite(arrays["covariance_mm2"][3]).all()
    assert json.loads(str(arrays["head"]))["root_depth"]["rule"] == "mean_limbs"


def test_the_score_of_a_box_that_has_one(image, tmp_path):
    first, second = image.frames[0].people
    scored = (replace(first, box_from="found", box_score=0.3142), second)
    for people, expected in ((image.frames[0].people, None), (scored, [0.3142, np.nan])):
        result = replace(image, frames=(replace(image.frames[0], people=people),))
        (path,) = npz.write(result, None, tmp_path / "out.npz")
        with np.load(path) as file:
            assert ("box_score" in file) == (expected is not None)
            if expected is not None:
                np.testing.assert_array_equal(file["box_score"], expected)


def test_nobody_is_no_row(nobody, tmp_path):
    (path,) = npz.write(nobody, None, tmp_path / "out.npz")
    with np.load(path) as file:
        assert file["joints_cam_mm"].shape == (0, 17, 3)
