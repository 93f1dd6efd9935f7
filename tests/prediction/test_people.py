"""Boxes to poses through a network that knows the answer; a rough box comes to rest on the person."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from metric_output import RANGE_MM, output_of
from toy_labels import config_of

from c2fpose.model.volumes.points import to_points
from c2fpose.pose.camera import project
from c2fpose.pose.protocol import MEAN_LIMB_LENGTHS_MM
from c2fpose.pose.skeleton import EDGES, MIRROR, ROOT
from c2fpose.pose.space import PAPER
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.people import (
    LEAST_SHARE,
    Seen,
    box_of_pose,
    moved,
    poses_in,
    root_depth_rule,
    same_person,
    second_looks,
    without_doubles,
)
from c2fpose.prediction.person_box import square_box
from c2fpose.prediction.photo import Box

CAMERA = np.array([1100.0, 1100.0, 320.0, 240.0])
IMAGE = np.zeros((480, 640, 3), np.uint8)


def skeleton_mm(seed: int, x_mm: float) -> np.ndarray:
    """A person with exactly the mean limb lengths, 8 m away."""
    random = np.random.default_rng(seed)
    joints = np.zeros((17, 3))
    joints[ROOT] = (x_mm, -100, 8000)
    for (start, end), length in sorted(zip(EDGES, MEAN_LIMB_LENGTHS_MM, strict=True)):
        step = random.normal(size=3)
        joints[end] = joints[start] + length * step / np.linalg.norm(step)
    return joints


class Seer(Predictor):
    """Knows who is where, and sees from the colours of ``chart`` which part of it a crop shows."""

    def __init__(self, people: list[np.ndarray]) -> None:
        config = SimpleNamespace(
            network=SimpleNamespace(image_size=64, head="volume"), crop_mode="standard", pose_space=PAPER
        )
        for name, value in dict(people=people, batches=[], config=config, provenance={}).items():
            object.__setattr__(self, name, value)

    def predict_points(self, crops: torch.Tensor) -> torch.Tensor:
        assert crops.shape[1:] == (3, 64, 64) and crops.dtype == torch.uint8
        self.batches.append(len(crops))
        points = []
        for crop in crops:
            left_top, side = place_of(crop)
            px = [project(mm, CAMERA) for mm in self.people]
            nearest = int(np.argmin([np.linalg.norm(each.mean(0) - left_top - side / 2) for each in px]))
            across = (px[nearest] - left_top) / side
            depth = self.people[nearest][:, 2] - self.people[nearest][ROOT, 2]
            points.append(to_points(torch.from_numpy(across), torch.from_numpy(depth)))
        return torch.stack(points)


def test_poses_in_mm_are_placed_by_strong_perspective_joints_beyond_the_crop_too():
    person = skeleton_mm(3, 300.0)
    joint = int(np.argmax(person[:, 0] / person[:, 2]))
    px = project(person, CAMERA)
    left_top, side = px.min(0) - 20, float(np.ptp(px, 0).max() + 40)
    side = min(side, px[joint, 0] - 6 - left_top[0])  # its box ends before the outermost joint
    inside = ((px > left_top + 0.1 * side) & (px < left_top + 0.9 * side)).all(1)
    across = torch.from_numpy((px - left_top) / side)[None]
    output = output_of(across, torch.from_numpy(person - person[ROOT])[None] + RANGE_MM / 2, 64, 64)
    predictor = Predictor(config_of("metric", decoding={"flip": False}), {}, lambda _: output, "torch", "64-true")
    found = poses_in(predictor, IMAGE, [Seen(Box(*left_top, side), "given")], CAMERA)[0]
    assert root_depth_rule(predictor) == "strong_perspective"
    assert found.root_depth_mm == pytest.approx(8000, rel=0.02)
    np.testing.assert_allclose(found.joints_cam_mm - found.joints_cam_mm[ROOT], person - person[ROOT], atol=25)
    np.testing.assert_allclose(found.joints_px[inside], px[inside], atol=2)
    assert found.joints_px[joint, 0] > left_top[0] + side


def chart() -> np.ndarray:
    """A picture whose red is the column and whose green is the row, in steps of 4 px; blue is the inside."""
    y, x = np.mgrid[:480, :640]
    return np.stack([x // 4, y // 4, np.full_like(x, 255)], -1).astype(np.uint8)


def place_of(crop: torch.Tensor) -> tuple[np.ndarray, float]:
    """Left, top and side of the box that shows this much of the chart."""
    red, green, inside = (plane.double().numpy() for plane in crop)
    there = inside > 250
    y, x = np.nonzero(there)
    slope_x = np.polyfit(x + 0.5, red[there] * 4 + 2, 1)
    slope_y = np.polyfit(y + 0.5, green[there] * 4 + 2, 1)
    side = 64 * (slope_x[0] + slope_y[0]) / 2
    return np.array([slope_x[1], slope_y[1]]), side


def test_every_box_gives_its_person_in_one_frame_of_reference():
    people = [skeleton_mm(1, -1200), skeleton_mm(2, 1000)]
    boxes = []
    for mm in people:
        center, side = square_box(project(mm, CAMERA))
        boxes.append(Seen(Box(*(center - side / 2), float(side)), "given"))
    seer = Seer(people)
    found = poses_in(seer, chart(), boxes, CAMERA)
    assert [person.id for person in found] == [0, 1] and seer.batches == [2]
    for person, mm in zip(found, people, strict=True):
        np.testing.assert_allclose(person.joints_px, project(mm, CAMERA), atol=3)
        np.testing.assert_allclose(person.joints_cam_mm, mm, rtol=0.03, atol=60)


def test_many_boxes_go_in_batches():
    seer = Seer([skeleton_mm(1, 0)])
    boxes = [Seen(Box(100.0 + at, 50.0, 300.0), "given") for at in range(20)]
    assert len(poses_in(seer, chart(), boxes, CAMERA)) == 20 and seer.batches == [16, 4]
    assert poses_in(seer, chart(), [], CAMERA) == []


def test_a_rough_box_comes_to_rest_on_the_person():
    mm = skeleton_mm(3, 300)
    center, side = square_box(project(mm, CAMERA))
    rough = Seen(Box(float(center[0] - 0.55 * side), float(center[1] - 0.7 * side), float(1.2 * side)), "found", 0.7)
    seer = Seer([mm])
    (box,), (person,) = second_looks(seer, chart(), [rough], CAMERA, 4)
    expected = Box(*(center - side / 2), float(side))
    assert moved(box.box, expected) < 0.04 and box.score == 0.7
    assert person.box_from == "found" and len(seer.batches) <= 4
    wide = Seen(Box(float(center[0] - side), float(center[1] - side), float(2 * side)), "found")
    (bounded,), _ = second_looks(seer, chart(), [wide], CAMERA, 4)
    assert bounded.box.side == pytest.approx(LEAST_SHARE * 2 * side)  # joints that draw together must not shrink boxes
    (still,), _ = second_looks(seer, chart(), [Seen(box.box, "found")], CAMERA)
    assert moved(still.box, box.box) < 0.04


def test_a_square_box_by_hand():
    joints_px = np.full((17, 2), 50.0)
    joints_px[3], joints_px[9] = (10, 45), (130, 55)  # 120 wide, 10 high
    center, side = square_box(joints_px)
    assert center.tolist() == [70, 50] and side == pytest.approx(1.12 * 120)


def test_a_box_of_a_pose_stays_within_reach():
    (person,) = poses_in(Seer([skeleton_mm(1, 0)]), chart(), [Seen(Box(0.0, 0.0, 480.0), "whole")], CAMERA)
    far = replace(person, joints_px=person.joints_px * 100)
    box = box_of_pose(far, IMAGE)
    assert box.side <= 1280 and box.left < 640 and box.top < 480


def test_the_same_person_twice():
    (person,) = poses_in(Seer([skeleton_mm(1, 0)]), chart(), [Seen(Box(0.0, 0.0, 480.0), "whole")], CAMERA)
    assert same_person(person, replace(person, joints_px=person.joints_px + 3), MIRROR)
    assert not same_person(person, replace(person, joints_px=person.joints_px + 60), MIRROR)
    other_sides = replace(person, joints_px=person.joints_px[list(MIRROR)] + 3)
    assert same_person(person, other_sides, MIRROR)
    assert not same_person(person, other_sides, range(len(MIRROR)))
    assert len(without_doubles([person, other_sides], MIRROR)) == 1


def test_moved_is_by_the_largest_shift_of_an_edge():
    assert moved(Box(0.0, 0.0, 100.0), Box(0.0, 0.0, 100.0)) == 0
    assert moved(Box(10.0, 0.0, 100.0), Box(0.0, 0.0, 100.0)) == pytest.approx(0.1)
    assert moved(Box(0.0, 0.0, 110.0), Box(0.0, 0.0, 100.0)) == pytest.approx(0.1)
