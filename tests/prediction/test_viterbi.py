"""Paths through volumes: against all paths, and on a joint whose false peak is sometimes the higher one."""

import itertools

import numpy as np
import torch

from c2fpose.model.volumes.decoding import decode
from c2fpose.model.volumes.points import to_points
from c2fpose.pose.camera import project
from c2fpose.prediction import viterbi
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import Frame, PersonPose
from c2fpose.prediction.viterbi import JITTER_MM, SPEED_MM_S, Peaks, best_path, collector, follow_volumes, peaks_of


def test_the_path_is_the_best_of_all():
    random = np.random.default_rng(0)
    places, weight = random.normal(0, 100, (6, 3, 3)), random.uniform(0.1, 1, (6, 3))
    times = np.cumsum(random.uniform(0.02, 0.1, 6))

    def score(path) -> float:
        chosen = places[np.arange(6), path]
        spread = 2 * JITTER_MM**2 + (SPEED_MM_S * np.diff(times)) ** 2
        return (
            np.log(weight[np.arange(6), path]).sum() - (np.square(np.diff(chosen, axis=0)).sum(-1) / spread).sum() / 2
        )

    best = max(itertools.product(range(3), repeat=6), key=lambda path: score(np.array(path)))
    np.testing.assert_array_equal(best_path(places, weight, times), best)


def blob(points, heights, shape=(16, 16, 16)):
    """Volumes (1, J, D, H, W) with Gaussians of sigma 1.2 at points (J, K, 3)."""
    axes = [(torch.arange(n) + 0.5) / n for n in shape]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    volume = torch.zeros(len(points), *shape)
    for joint, (places, tops) in enumerate(zip(points, heights, strict=True)):
        for place, top in zip(places, tops, strict=True):
            squares = sum(((axis - at) * n) ** 2 for axis, at, n in zip((x, y, z), place, shape[::-1], strict=True))
            volume[joint] += top * torch.exp(-squares / (2 * 1.2**2))
    return volume[None]


def test_a_frame_without_a_peak_is_stepped_over():
    """Behind it the path goes on as before: the wrong peak of frame 8, the higher one there, is not taken."""
    places, weight = np.zeros((11, 2, 3)), np.tile([1.0, 0.8], (11, 1))
    places[:, 1] = 500.0
    places[8] = places[8, ::-1]
    places[3], weight[3] = 900.0, 0.0
    assert best_path(places, weight, np.arange(11) / 25).tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert best_path(places, np.zeros_like(weight), np.arange(11) / 25).tolist() == [0] * 11


def test_peaks_are_where_the_blobs_are():
    places = torch.tensor([[[0.31, 0.42, 0.55], [0.77, 0.2, 0.2]], [[0.5, 0.5, 0.5], [0.1, 0.9, 0.9]]]).double()
    points, weight = peaks_of(blob(places, [(1.0, 0.6), (0.3, 0.15)]).float())
    np.testing.assert_allclose(points[0, :, :2], places.numpy(), atol=0.02)  # voxels are 0.0625 wide
    np.testing.assert_allclose(weight[0, :, :2], [[1, 0.6], [1, 0.5]], atol=0.15)
    assert (weight[0, :, 2:] == 0).all()
    np.testing.assert_allclose(
        points[0, :, 0], decode(blob(places, [(1, 0.6), (1, 0)]), "argmax")[0].numpy(), atol=0.06
    )


def test_an_empty_volume_has_no_peak():
    _, weight = peaks_of(torch.zeros(1, 2, 8, 8, 8))
    assert np.isfinite(weight).all()


def person(joints_px, depth_mm, box):
    camera = np.array([1000.0, 1000.0, 500.0, 500.0])
    mm = np.concatenate([(joints_px - 500) / 1000 * depth_mm[:, None], depth_mm[:, None]], 1)
    return PersonPose(0, box, joints_px, mm, float(depth_mm[0])), camera


def test_a_joint_that_jumps_is_held_on_its_path():
    """Joint 6 has a second peak where joint 3 is; in three frames of twelve that one is the higher."""
    random = np.random.default_rng(1)
    true_box = random.uniform(0.2, 0.8, (17, 2))
    true_depth = random.uniform(-300, 300, 17)
    true_depth[0] = 0
    true_box[3], true_box[6] = (0.3, 0.8), (0.7, 0.8)
    frames, peaks = [], {}
    for number in range(12):
        box = Box(100.0 + 5 * number, 80.0, 400.0)
        point = to_points(torch.from_numpy(true_box), torch.from_numpy(true_depth)).numpy()
        points = np.repeat(point[:, None], viterbi.PEAKS, 1)
        weight = np.zeros((17, viterbi.PEAKS))
        weight[:, 0] = 1
        false = number in (4, 5, 9)
        points[6, 1] = point[3]
        weight[6, :2] = 1.0, 0.8
        if false:
            points[6, [0, 1]] = points[6, [1, 0]]
        seen = true_box.copy()
        seen[6] = points[6, 0, :2]
        someone, camera = person(seen * 400 + [box.left, box.top], true_depth + 4000, box)
        frames.append(Frame((someone,), number, number / 25))
        peaks[number] = {box: Peaks(points, weight)}
    found = follow_volumes(frames, peaks, camera)
    for frame in found:
        (someone,) = frame.people
        expected = true_box * 400 + [someone.box.left, someone.box.top]
        np.testing.assert_allclose(someone.joints_px, expected, atol=1e-6)
        np.testing.assert_allclose(project(someone.joints_cam_mm, camera), someone.joints_px, atol=1e-6)


def test_volumes_are_kept_by_box():
    kept: dict = {}
    volume = blob(torch.rand(17, 1, 3, generator=torch.manual_seed(0)), [(1.0,)] * 17, (8, 8, 8))
    collector(kept)(volume, [Box(1.0, 2.0, 3.0)])
    assert kept[Box(1.0, 2.0, 3.0)].points.shape == (17, viterbi.PEAKS, 3)
