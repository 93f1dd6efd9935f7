"""Smoothing along time, against the dense Gaussian posterior and on tracks whose truth is known."""

from dataclasses import replace
from itertools import zip_longest

import numpy as np
import pytest
from reordered import ORDER, REORDERED

from c2fpose.pose.camera import project
from c2fpose.prediction import smoothing
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import Frame, PersonPose
from c2fpose.prediction.smoothing import can_smooth, rts, smoothed

CAMERA = np.array([1000.0, 1000.0, 500.0, 500.0])


def test_equals_the_posterior_of_the_whole_series():
    """All frames at once as one Gaussian: prior covariance of the motion, conditioned on what was seen."""
    random = np.random.default_rng(0)
    length, rate = 20, 0.3
    steps = np.concatenate([[0.0], random.uniform(0.5, 2, length - 1)])
    seen, noise = random.normal(size=(length, 1)), random.uniform(0.5, 2, (length, 1))
    seen[7] = np.nan
    found = smoothing._Filter(seen, noise, steps, rate)
    move = [np.array([[1, step], [0, 1]]) for step in steps]
    wander = [rate * np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]]) for step in steps]
    covariance = np.zeros((2 * length, 2 * length))
    own = np.diag([100.0, 100.0])
    for i in range(length):
        own = own if i == 0 else move[i] @ own @ move[i].T + wander[i]
        through = own
        for j in range(i, length):
            through = through if j == i else move[j] @ through
            covariance[2 * j : 2 * j + 2, 2 * i : 2 * i + 2] = through
            covariance[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = through.T
    there = np.flatnonzero(np.isfinite(seen[:, 0]))
    rows = covariance[2 * there]
    total = rows[:, 2 * there] + np.diag(noise[there, 0])
    start = seen[0, 0]  # positions are held to begin there, at rest
    mean = start + rows[:, ::2].T @ np.linalg.solve(total, seen[there, 0] - start)
    variance = np.diag(covariance)[::2] - np.einsum("ij,ij->j", rows[:, ::2], np.linalg.solve(total, rows[:, ::2]))
    answer = found.smooth()
    np.testing.assert_allclose(answer.mean[:, 0], mean, atol=1e-9)
    np.testing.assert_allclose(answer.variance[:, 0], variance * found.scale, atol=1e-9)


def test_noise_falls_and_outliers_and_gaps_do_no_harm():
    random = np.random.default_rng(1)
    times = np.arange(150) / 50
    true = 100 * np.sin(2 * np.pi * np.stack([0.5 * times, 0.8 * times + 0.3], 1))
    seen = true + random.normal(0, 10, true.shape)
    seen[50:55], seen[100] = np.nan, seen[100] + 300
    answer = rts(seen, np.ones_like(seen), times)
    assert np.std(answer.mean - true) < 4.5
    assert np.abs(answer.mean[100] - true[100]).max() < 15


def test_a_straight_line_stays_and_has_no_lag():
    times = np.cumsum(np.random.default_rng(2).uniform(0.01, 0.08, 40))
    line = np.stack([3 + 40 * times, -7 * times], 1)
    np.testing.assert_allclose(rts(line, np.ones_like(line), times).mean, line, atol=1e-3)


def track(random, frames=60, noise_px=3.0, covariance=False):
    """A person who walks to the right while turning; what is seen of her is noisy."""
    pose = random.normal(0, 250, (17, 3))
    pose[0] = 0
    truth, seen = [], []
    for number in range(frames):
        turn = 0.05 * number
        rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        mm = pose @ rotation.T + [-500 + 15 * number, 0, 4000]
        truth.append(mm)
        worse = 8.0 if covariance and number % 2 else 1.0
        px = project(mm, CAMERA) + random.normal(0, noise_px * worse, (17, 2))
        depth = mm[:, 2] + random.normal(0, 30, 17) + random.normal(0, 150)
        cam = np.concatenate([(px - CAMERA[2:]) / CAMERA[:2] * depth[:, None], depth[:, None]], 1)
        spread = np.diag([(noise_px * worse * 4) ** 2] * 2 + [30.0**2])
        known = np.broadcast_to(spread, (17, 3, 3)) if covariance else None
        person = PersonPose(0, Box(0.0, 0.0, 100.0), px, cam, float(depth[0]), covariance_mm2=known)
        seen.append(Frame((person,), number, number / 25))
    return np.array(truth), seen


def film(*tracks) -> list[Frame]:
    """Frames of people who come with the first; None: away for a frame."""
    together = enumerate(zip_longest(*tracks))
    return [Frame(tuple(each for each in people if each is not None), at, at / 25) for at, people in together]


def without_covariances(frames) -> list[Frame]:
    return film([replace(frame.people[0], covariance_mm2=None) for frame in frames])


def jitter(poses_mm) -> float:
    return float(np.linalg.norm(np.diff(poses_mm, 2, axis=0), axis=-1).mean())


def test_a_track_is_closer_to_the_truth_and_shakes_less():
    truth, seen = track(np.random.default_rng(3))
    found = list(smoothed(seen, CAMERA))
    before, after = (np.array([frame.people[0].joints_cam_mm for frame in frames]) for frames in (seen, found))
    relative = [poses - poses[:, :1] for poses in (truth, before, after)]
    errors = [np.linalg.norm(poses - relative[0], axis=-1).mean() for poses in relative[1:]]
    assert errors[1] < 0.75 * errors[0]
    assert jitter(after) < 0.2 * jitter(before)
    for frame in found:
        person = frame.people[0]
        np.testing.assert_allclose(project(person.joints_cam_mm, CAMERA), person.joints_px, atol=1e-6)
        assert person.root_depth_mm == pytest.approx(person.joints_cam_mm[0, 2])


def test_people_are_smoothed_each_for_himself():
    """Also where one is seen worse than the other, is away for a frame, or stays too briefly to be smoothed."""
    random = np.random.default_rng(2)
    one, two, brief = (
        [replace(frame.people[0], id=id) for frame in track(np.random.default_rng(id), frames)[1]]
        for id, frames in ((0, 40), (1, 40), (2, 3))
    )
    one[20] = None
    two = [replace(person, joints_px=person.joints_px + random.normal(0, 25, (17, 2))) for person in two]
    together = list(smoothed(film(one, two, brief), CAMERA))
    for people in (one, two):
        for frame, alone in zip(together, smoothed(film(people), CAMERA), strict=True):
            (expected,) = alone.people
            (found,) = [each for each in frame.people if each.id == expected.id]
            np.testing.assert_allclose(found.joints_cam_mm, expected.joints_cam_mm, atol=1e-6)
    assert [person.id for person in together[1].people] == [0, 1, 2] and together[1].people[2] is brief[1]


def test_depths_count_from_the_root_whichever_joint_it_is():
    _, frames = track(np.random.default_rng(1), frames=30)
    people = [frame.people[0] for frame in frames]
    reordered = [
        replace(each, joints_px=each.joints_px[ORDER], joints_cam_mm=each.joints_cam_mm[ORDER]) for each in people
    ]
    for one, two in zip(smoothed(frames, CAMERA), smoothed(film(reordered), CAMERA, REORDERED.root), strict=True):
        np.testing.assert_allclose(two.people[0].joints_cam_mm, one.people[0].joints_cam_mm[ORDER], atol=1e-6)


def test_blocks_of_a_long_video_leave_no_seam(monkeypatch):
    _, seen = track(np.random.default_rng(7), frames=300)
    seen[150:156] = [Frame((), frame.index, frame.time_s) for frame in seen[150:156]]
    whole = list(smoothed(seen, CAMERA))
    monkeypatch.setattr(smoothing, "_BLOCK", 120)
    monkeypatch.setattr(smoothing, "_BESIDE", 80)
    parts = list(smoothed(seen, CAMERA))
    assert [frame.index for frame in parts] == list(range(300))
    for one, other in zip(whole, parts, strict=True):
        (first,), (second,) = one.people, other.people
        assert first.observed == second.observed
        np.testing.assert_allclose(first.joints_px, second.joints_px, atol=0.05)  # noise is 3 px


def test_covariances_weigh_the_frames():
    truth, seen = track(np.random.default_rng(4), covariance=True)
    errors = []
    for frames in (seen, without_covariances(seen)):
        found = np.array([frame.people[0].joints_px for frame in smoothed(frames, CAMERA)])
        errors.append(np.linalg.norm(found - project(truth, CAMERA), axis=-1).mean())
    assert errors[0] < 0.7 * errors[1]


def test_the_same_doubt_in_pixels_weighs_the_same_at_any_distance():
    """Somebody who walks away: in mm across the view the doubt grows with the distance."""
    random, people = np.random.default_rng(0), []
    mm = random.normal(0, 250, (17, 3))
    for number in range(40):
        mm[:, 2] = depth = 2500.0 + 150 * number
        px = project(mm, CAMERA) + random.normal(0, 3, (17, 2))
        cam = np.column_stack([(px - CAMERA[2:]) / CAMERA[:2] * depth, mm[:, 2]])
        spread = np.broadcast_to(np.diag([(3 * depth / 1000) ** 2] * 2 + [900.0]), (17, 3, 3))
        people.append(PersonPose(0, Box(0.0, 0.0, 1.0), px, cam, depth, covariance_mm2=spread))
    known, blind = (list(smoothed(frames, CAMERA)) for frames in (film(people), without_covariances(film(people))))
    for one, other in zip(known, blind, strict=True):
        np.testing.assert_allclose(one.people[0].joints_px, other.people[0].joints_px, atol=1e-6)


def test_second_places_move_with_the_root():
    """They stay where they are in the picture, and as far behind the root as they were."""
    _, frames = track(np.random.default_rng(5), frames=12)
    before = [frame.people[0] for frame in frames]
    seconds = [np.where(np.arange(17)[:, None] % 3, np.nan, each.joints_cam_mm * 1.1) for each in before]
    given = [replace(each, second_mode_cam_mm=second) for each, second in zip(before, seconds, strict=True)]
    for frame, old, second in zip(smoothed(film(given), CAMERA), before, seconds, strict=True):
        (new,) = frame.people
        assert abs(new.root_depth_mm - old.root_depth_mm) > 1  # there is something to follow
        found = new.second_mode_cam_mm
        np.testing.assert_allclose(project(found, CAMERA), project(second, CAMERA), atol=1e-6)
        np.testing.assert_allclose(found[:, 2] - new.root_depth_mm, second[:, 2] - old.root_depth_mm, atol=1e-6)


def test_short_gaps_are_filled_and_long_ones_are_not():
    truth, seen = track(np.random.default_rng(5), frames=70)
    empty = [Frame((), frame.index, frame.time_s) for frame in seen]
    gaps = [empty[n] if n in (20, 21, 22) or 40 <= n < 60 else frame for n, frame in enumerate(seen)]
    found = list(smoothed(gaps, CAMERA))
    filled = found[21].people[0]
    assert not filled.observed and filled.box_from == "tracked"
    middle = (filled.joints_px.min(0) + filled.joints_px.max(0)) / 2
    np.testing.assert_allclose([filled.box.left + filled.box.side / 2, filled.box.top + filled.box.side / 2], middle)
    assert np.linalg.norm(filled.joints_px - project(truth[21], CAMERA), axis=-1).mean() < 6
    assert all(not frame.people for frame in found[40:60])
    assert len(found) == len(gaps) and found[10].people[0].observed


def test_what_is_too_short_or_too_far_apart_is_left_as_it_was():
    _, frames = track(np.random.default_rng(3))
    few, sparse = frames[: smoothing.FEWEST - 1], frames[:: round(0.6 / (frames[1].time_s - frames[0].time_s))]
    for kept in (few, sparse):
        assert not can_smooth(kept)
        for before, after in zip(kept, smoothed(kept, CAMERA), strict=True):
            np.testing.assert_array_equal(after.people[0].joints_cam_mm, before.people[0].joints_cam_mm)
    assert can_smooth(frames[: smoothing.FEWEST])
