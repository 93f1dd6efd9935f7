"""The JSON says all that the result holds, in the form that the schema in the docs describes."""

import copy
import dataclasses
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.pose.skeleton import JOINTS
from c2fpose.prediction.outputs import json as output
from c2fpose.prediction.result import Frame

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs/prediction.schema.json").read_text())
CHECK = jsonschema.Draft202012Validator(SCHEMA)


def written(result, tmp_path) -> dict:
    (path,) = output.write(result, None, tmp_path / "out.json")
    assert [file.name for file in tmp_path.iterdir()] == ["out.json"]
    said = json.loads(path.read_text())
    CHECK.validate(said)
    return said


def test_a_video(video, tmp_path):
    said = written(video, tmp_path)
    assert said["joint_names"] == list(JOINTS) and said["camera"]["focal_from"] == "given"
    assert [len(frame["people"]) for frame in said["frames"]] == [1, 1, 2, 2, 1, 2, 2, 2, 2, 2, 2]
    frame, person = said["frames"][5], said["frames"][5]["people"][1]
    true = video.frames[5].people[1]
    assert frame["time_s"] == 0.5 and person["id"] == 3
    np.testing.assert_allclose(person["joints_cam_mm"], true.joints_cam_mm, atol=0.006)
    np.testing.assert_allclose(person["joints_px"], true.joints_px, atol=0.006)
    np.testing.assert_allclose(person["joints_cov_mm2"], true.covariance_mm2, atol=0.06)
    assert person["second_mode"]["joints_cam_mm"][12] == [None] * 3
    np.testing.assert_allclose(person["second_mode"]["joints_cam_mm"][13], true.second_mode_cam_mm[13], atol=0.006)
    assert "confidence" not in said["frames"][0]["people"][0]


def test_a_picture_and_nobody(image, nobody, tmp_path):
    assert len(written(image, tmp_path)["frames"][0]["people"]) == 2
    assert written(nobody, tmp_path)["frames"] == [{"index": 0, "time_s": 0.0, "people": []}]
    assert written(dataclasses.replace(nobody, frames=()), tmp_path)["frames"] == []


def test_the_schema_knows_every_root_depth_rule_and_refuses_what_is_not_there(image, tmp_path):
    CHECK.check_schema(SCHEMA)
    assert SCHEMA["properties"]["root_depth"]["properties"]["rule"]["enum"] == list(ROOT_DEPTH_RULES)
    good = written(image, tmp_path)
    spoilers = (
        lambda said: said["frames"][0]["people"][0]["joints_cam_mm"][0].pop(),
        lambda said: said.pop("camera"),
        lambda said: said["frames"][0]["people"][0].update(joints_mm=[]),
        lambda said: said["camera"].update(focal_from="guess"),
    )
    for spoil in spoilers:
        bad = copy.deepcopy(good)
        spoil(bad)
        with pytest.raises(jsonschema.ValidationError):
            CHECK.validate(bad)


def test_each_person_is_one_line(video, tmp_path):
    (path,) = output.write(video, None, tmp_path / "out.json")
    assert path.read_text().count('"joints_px"') == sum('"joints_px"' in line for line in path.open())


def test_a_failed_write_leaves_the_old_file(video, tmp_path):
    (path,) = output.write(video, None, tmp_path / "out.json")
    before = path.read_text()
    bad = dataclasses.replace(video.frames[0].people[0], root_depth_mm=float("inf"))
    with pytest.raises(ValueError):
        output.write(dataclasses.replace(video, frames=(*video.frames, Frame((bad,)))), None, path)
    assert path.read_text() == before and len(list(tmp_path.iterdir())) == 1
