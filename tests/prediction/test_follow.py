"""People through a video: found, followed, lost; what later frames show to be nobody is taken back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from c2fpose.config.model import ModelConfig
from c2fpose.prediction import follow
from c2fpose.prediction.boxes import read_boxes
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.follow import BRIEF_S, LOOK_EVERY_S, LOST_AFTER_S, FollowFile, FollowFound, tidied
from c2fpose.prediction.person_box import square_box
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import Frame, PersonPose
from c2fpose.prediction.video import VideoFrame

CAMERA = np.array([1000.0, 1000.0, 500.0, 500.0])
IMAGE = np.zeros((1000, 1000, 3), np.uint8)
FPS = 25
PREDICTOR = Predictor(ModelConfig(), {}, lambda _: None, "none", "32-true")


def pose(seed: int, x_mm: float) -> PersonPose:
    """Somebody of an own shape, 4 m away."""
    mm = np.random.default_rng(seed).normal(0, 250, (17, 3))
    mm[0] = 0
    mm += (x_mm, 0, 4000)
    px = mm[:, :2] / mm[:, 2:] * 1000 + 500
    return PersonPose(0, Box(0.0, 0.0, 1.0), px, mm, float(mm[0, 2]))


class World:
    """Who is where at each time; stands for the finder and for the network."""

    def __init__(self, monkeypatch, people) -> None:
        self.people, self.time_s, self.looks = people, 0.0, 0
        monkeypatch.setattr(follow, "poses_in", self.poses_in)
        monkeypatch.setattr(follow, "second_looks", lambda _, image, boxes, camera: (boxes, []))

    def now(self) -> list[PersonPose]:
        return [pose(seed, place(self.time_s)) for seed, (place, when) in self.people.items() if when(self.time_s)]

    def find(self, image) -> list[tuple[Box, float]]:
        self.looks += 1
        found = []
        for person in self.now():
            center, side = square_box(person.joints_px)
            found.append((Box(float(center[0] - side / 2), float(center[1] - side / 2), float(side)), 0.9))
        return found

    def poses_in(self, predictor, image, boxes, camera, volumes=None) -> list[PersonPose]:
        """The nearest person's pose; of nobody, a heap in the middle of the box."""
        found = []
        for at, each in enumerate(boxes):
            middle = np.array([each.box.left, each.box.top]) + each.box.side / 2
            near = min(self.now(), key=lambda who: np.linalg.norm(who.joints_px.mean(0) - middle), default=None)
            if near is None or np.linalg.norm(near.joints_px.mean(0) - middle) > each.box.side:
                near = pose(99, 0)
                near = replace(near, joints_px=near.joints_px - near.joints_px.mean(0) + middle)
            found.append(replace(near, id=at, box=each.box, box_from=each.source, box_score=each.score))
        return found

    def film(self, seconds: float, **asked) -> list[Frame]:
        follower = FollowFound(PREDICTOR, CAMERA, self.find, **asked)
        frames = []
        for index in range(round(seconds * FPS)):
            self.time_s = index / FPS
            frames.append(follower(VideoFrame(index, self.time_s, IMAGE)))
        return list(tidied(frames))


def always(time_s: float) -> bool:
    return True


def test_two_who_cross_keep_their_ids(monkeypatch):
    world = World(monkeypatch, {1: (lambda t: -900 + 700 * t, always), 2: (lambda t: 900 - 700 * t, always)})
    frames = world.film(2.6)
    assert all(len(frame.people) == 2 for frame in (frames[0], frames[-1]))
    first = {person.id: person.joints_cam_mm[0, 0] for person in frames[0].people}
    last = {person.id: person.joints_cam_mm[0, 0] for person in frames[-1].people}
    assert set(first) == set(last) == {0, 1}
    for id in (0, 1):
        assert np.sign(first[id]) == -np.sign(last[id])
    assert world.looks == pytest.approx(2.6 / LOOK_EVERY_S, abs=2)


def test_who_leaves_is_not_followed_on_and_who_comes_is_found(monkeypatch):
    world = World(monkeypatch, {1: (lambda t: -800.0, lambda t: t < 2), 2: (lambda t: 800.0, lambda t: t > 1)})
    frames = world.film(2 + LOST_AFTER_S + 1)
    assert [person.id for person in frames[0].people] == [0]
    assert sorted(person.id for person in frames[int(1.5 * FPS)].people) == [0, 1]
    gone = [frame for frame in frames if frame.time_s > 2 + LOOK_EVERY_S]
    assert all([person.id for person in frame.people] == [1] for frame in gone)


def test_the_largest_alone(monkeypatch):
    world = World(monkeypatch, {1: (lambda t: -800.0, always), 2: (lambda t: 800.0, always)})
    sides = [square_box(pose(seed, 0).joints_px)[1] for seed in (1, 2)]
    frames = world.film(1, everybody=False)
    assert all(len(frame.people) == 1 for frame in frames)
    assert np.sign(frames[0].people[0].joints_cam_mm[0, 0]) == (1 if sides[1] > sides[0] else -1)


def test_of_a_files_boxes_the_largest_alone(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("frame,left,top,side\n0,0,0,50\n0,10,10,90\n0,60,0,70\n")
    monkeypatch.setattr(follow, "poses_in", lambda *given: [replace(pose(1, 0), box=each.box) for each in given[2]])
    follower = FollowFile(PREDICTOR, CAMERA, read_boxes(tmp_path / "a.csv"), Path("a.mp4"), everybody=False)
    (person,) = follower(VideoFrame(0, 0.0, IMAGE)).people
    assert person.box.side == 90


def test_a_box_of_the_first_frame_is_followed(monkeypatch):
    world = World(monkeypatch, {1: (lambda t: -400 + 300 * t, always)})
    center, side = square_box(pose(1, -400).joints_px)
    frames = world.film(2, start=Box(float(center[0] - side / 2), float(center[1] - side / 2), float(side)))
    assert all(len(frame.people) == 1 and frame.people[0].observed for frame in frames)
    assert frames[-1].people[0].joints_cam_mm[0, 0] > 150


def test_in_a_box_that_was_given_there_is_one_person_also_behind_a_cut(monkeypatch):
    """Another pose in every tenth of a second, as behind cuts; the first look is at the box itself."""
    world = World(monkeypatch, {})
    shown = []

    def changing(predictor, image, boxes, camera, volumes=None):
        shown.extend(each.box for each in boxes)
        person = pose(round(world.time_s * 10), 0)
        return [replace(person, box=each.box, box_from=each.source) for each in boxes]

    monkeypatch.setattr(follow, "poses_in", changing)
    monkeypatch.setattr(follow, "second_looks", lambda *_: pytest.fail("a box that was given needs no second look"))
    start = Box(300.0, 300.0, 400.0)
    frames = world.film(2, start=start, looks=2)
    assert [[person.id for person in frame.people] for frame in frames] == [[0]] * len(frames)
    assert shown[0] == start and len(shown) == len(frames)


def test_boxes_do_not_shrink_with_joints_that_draw_together(monkeypatch):
    """A network that sees everybody half as large as the box."""
    world = World(monkeypatch, {1: (lambda t: 0.0, always)})
    shown = []

    def shrinking(predictor, image, boxes, camera, volumes=None):
        shown.extend(each.box.side for each in boxes)
        people = []
        for each in boxes:
            person = pose(1, 0)
            _, side = square_box(person.joints_px)
            middle = np.array([each.box.left, each.box.top]) + each.box.side / 2
            joints_px = middle + (person.joints_px - person.joints_px.mean(0)) * (0.5 * each.box.side / side)
            people.append(replace(person, box=each.box, joints_px=joints_px))
        return people

    monkeypatch.setattr(follow, "poses_in", shrinking)
    world.film(3, start=Box(300.0, 300.0, 400.0))
    assert min(shown) > 0.75 * 400


def test_nobody_is_an_answer(monkeypatch):
    assert all(not frame.people for frame in World(monkeypatch, {}).film(0.5))


def test_what_was_seen_for_a_moment_was_nobody():
    def frame(index, *ids):
        people = tuple(replace(pose(id, 0), id=id) for id in ids)
        return Frame(people, index, index / FPS)

    brief = int(BRIEF_S * FPS) - 2
    frames = [frame(n, 4, *((9,) if 5 <= n < 5 + brief else ())) for n in range(50)]
    assert all([person.id for person in each.people] == [0] for each in tidied(frames))
    assert list(tidied([])) == []
