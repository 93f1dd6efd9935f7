"""The figure shows everybody, from crops of the right places."""

from collections.abc import Sequence
from dataclasses import replace
from weakref import ref

import numpy as np
import pytest
from PIL import Image

from c2fpose.prediction.outputs import figure
from c2fpose.prediction.outputs.video import stage_of
from c2fpose.prediction.result import Frame


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, not its pixels: pictures/ tests those."""
    calls = []
    monkeypatch.setattr(figure, "save_png", lambda page, path: path)
    monkeypatch.setattr(figure, "pose_figure", lambda person: calls.append({"": [person]}))
    monkeypatch.setattr(figure, "sheet", calls.append)
    return calls


def test_everybody_in_a_picture(image, pictures, tmp_path, drawn):
    figure.write(image, pictures[3:4], tmp_path / "out.png")
    ((name, people),) = drawn[0].items()
    assert name == "walk.jpg" and len(people) == 2
    for person, pose in zip(people, image.frames[0].people, strict=True):
        assert person.image.shape == (figure.CROP_PX, figure.CROP_PX, 3)
        corner = [pose.box.left, pose.box.top]
        np.testing.assert_allclose(person.joints_box * pose.box.side + corner, pose.joints_px)
        assert person.caption.startswith(f"person {pose.id}, root at")


def test_a_found_person_is_shown_with_the_chance_that_it_is_one(image, pictures, tmp_path, drawn):
    found = replace(image.frames[0].people[0], box_from="found", box_score=0.314)
    for confidence, said in ((np.full(17, 0.5), " (31 % a person)"), (None, "")):  # not calibrated: no chance
        person = replace(found, confidence=confidence)
        result = replace(image, frames=(replace(image.frames[0], people=(person,)),))
        figure.write(result, pictures[3:4], tmp_path / "out.png")
        (shown,) = drawn[-1][""]
        assert shown.caption.startswith(f"person {found.id}{said}, root at")


def test_people_of_a_video_at_several_times(video, pictures, tmp_path, drawn):
    figure.write(video, pictures, tmp_path / "out.png")
    assert {name: len(people) for name, people in drawn[0].items()} == {"person 0": 5, "person 3": 5}
    assert drawn[0]["person 3"][0].caption.startswith("0.20 s")


def test_whoever_is_left_out_is_counted_in_a_heading(image, video, pictures, tmp_path, drawn):
    crowd = tuple(replace(image.frames[0].people[0], id=number) for number in range(figure.MOST_PEOPLE + 5))
    figure.write(replace(image, frames=(replace(image.frames[0], people=crowd),)), pictures[3:4], tmp_path / "out.png")
    assert {name: len(people) for name, people in drawn[0].items()} == {
        "walk.jpg": 6, "the first 12 of 17 people": 6,
    }  # fmt: skip
    frames = tuple(replace(frame, people=crowd[:4]) for frame in video.frames)
    figure.write(replace(video, frames=frames), pictures, tmp_path / "out.png")
    assert list(drawn[1]) == ["person 0, one of 4", "person 1", "person 2"]


def test_of_a_long_video_few_poses_are_held(video, tmp_path, drawn):
    """Frames that lie on disk are made anew at each look: those of an hour are never there at once."""
    frames, held = Anew(video.frames), []
    frames.look = lambda: held.append(len(frames.alive))
    for draw in (figure._chosen, stage_of):
        held.clear()
        assert draw(replace(video, frames=frames))
        assert len(held) >= 2000 and max(held) < 30


class Anew(Sequence):
    """Two thousand frames, each made when it is asked for."""

    def __init__(self, like) -> None:
        self.like, self.alive = like, []

    def __len__(self) -> int:
        return 2000

    def __getitem__(self, at: int) -> Frame:
        if not 0 <= at < len(self):
            raise IndexError
        self.alive = [each for each in self.alive if each() is not None]
        self.look()
        frame = replace(self.like[at % len(self.like)], index=at, time_s=at / 25)
        frame = replace(frame, people=tuple(replace(person) for person in frame.people))
        self.alive += map(ref, frame.people)
        return frame


def test_nobody_is_no_figure(nobody, pictures, tmp_path, drawn):
    assert figure.write(nobody, pictures[:1], tmp_path / "out.png") == [] and not drawn


def test_a_file(image, pictures, tmp_path):
    (path,) = figure.write(image, pictures[3:4], tmp_path / "out.png")
    with Image.open(path) as picture:
        assert picture.width > 800
