"""The table has a row for each joint, and columns only for what somebody has."""

import csv
from dataclasses import replace

import numpy as np

from c2fpose.pose.skeleton import JOINTS
from c2fpose.prediction.outputs import csv as output


def rows(result, tmp_path) -> list[dict[str, str]]:
    (path,) = output.write(result, None, tmp_path / "out.csv")
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_a_joint(video, tmp_path):
    said = rows(video, tmp_path)
    people = list(video.people())
    assert len(said) == 17 * len(people)
    frame, pose = people[3]  # person 3 in its first frame
    of_person = said[3 * 17 : 4 * 17]
    assert [row["joint"] for row in of_person] == list(JOINTS)
    assert {(row["frame"], row["person"], row["time_s"]) for row in of_person} == {(str(frame.index), "3", "0.2000")}
    found = [[float(row[f"{axis}_cam_mm"]) for axis in "xyz"] for row in of_person]
    np.testing.assert_allclose(found, pose.joints_cam_mm, atol=0.006)
    assert float(of_person[13]["cov_xz_mm2"]) == round(pose.covariance_mm2[13, 0, 2], 1)
    assert said[0]["confidence"] == "" and float(of_person[0]["confidence"]) == 0.98


def test_the_score_of_a_box_that_has_one(image, tmp_path):
    first, second = image.frames[0].people
    people = (replace(first, box_from="found", box_score=0.3142), second)
    said = rows(replace(image, frames=(replace(image.frames[0], people=people),)), tmp_path)
    assert {row["box_score"] for row in said[:17]} == {"0.3142"} and {row["box_score"] for row in said[17:]} == {""}


def test_nobody_is_the_columns_alone(nobody, tmp_path):
    assert rows(nobody, tmp_path) == []
    assert (tmp_path / "out.csv").read_text().strip() == ",".join(output.COLUMNS)
