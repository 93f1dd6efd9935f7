"""The metric head against plain numpy, and what it is for: joints beyond the crop, and the place of the root."""

import numpy as np
import pytest
import torch
from any_skeleton import DOG, DOG_SPACE
from metric_output import RANGE_MM, output_of
from toy_labels import batch_of, camera_of, config_of, labels_of

from c2fpose.base.errors import DataError
from c2fpose.model.module import PoseModule
from c2fpose.model.representations import representation_of
from c2fpose.model.representations.interface import Labels
from c2fpose.model.volumes.points import from_points, mirror_points, to_points
from c2fpose.pose.strong_perspective import placed_mm, strong_perspective_mm, weak_perspective_mm


def soft(logits: np.ndarray) -> np.ndarray:
    """x, y, z in 0..1 of one joint's (D, H, W)."""
    mass = np.exp(logits - logits.max())
    grids = np.meshgrid(*((np.arange(n) + 0.5) / n for n in logits.shape), indexing="ij")
    return np.array([(grid * mass).sum() / mass.sum() for grid in grids[::-1]])


def expected_loss(output, labels, mix, place, place_weight) -> float:
    total = []
    for image in range(len(output)):
        picture = np.array([soft(joint[:1])[:2] for joint in output[image]])
        pose = np.array([soft(joint[1:]) for joint in output[image]]) * RANGE_MM
        border = 0.75 / output.shape[-1]
        in_view = ((picture >= border) & (picture <= 1 - border)).all(1).astype(float)
        to_ray, truth = labels.box_to_ray[image].numpy(), labels.joints_mm[image].numpy()
        ray = np.column_stack([picture @ to_ray[:, :2].T + to_ray[:, 2], np.ones(17)])
        placed = placed_mm(ray, pose, in_view, place(ray, pose, in_view), mix[image])
        seen = np.linalg.solve(to_ray[:, :2], (placed[:, :2] / placed[:, 2:] - to_ray[:, 2]).T).T
        far = truth[:, 2] > 300  # mm: nearer ones have no say in picture and place
        shown = ((seen >= border) & (seen <= 1 - border)).all(1) & labels.visible[image].numpy() & far
        known = np.isfinite(truth).all(1)
        about = [each - each[known].mean(0) for each in (placed, truth)]
        total.append(
            [
                np.where(known, np.abs(about[0] - about[1]).mean(1), np.nan),
                np.where(shown, np.abs(seen - labels.points[image, :, :2].numpy()).mean(1), np.nan),
                np.where(far, np.abs(placed - truth).mean(1), np.nan),
            ]
        )
    pose, picture, place_error = np.nanmean(np.array(total), (0, 2))
    return pose / 1000 + picture * RANGE_MM / 1000 + place_weight * place_error / 1000


@pytest.mark.parametrize(
    ("done", "place", "weight"),
    [(0.0, weak_perspective_mm, 0), (0.35, strong_perspective_mm, 0), (0.5, strong_perspective_mm, 0.1)],
)
def test_loss_is_that_of_the_pose_that_picture_and_cube_make(done, place, weight, monkeypatch):
    labels, mix = labels_of(), np.array([0.2, 0.5, 0.9])
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor(mix)[:, None])
    random = torch.Generator().manual_seed(0)
    noisy = labels.joints_mm - labels.joints_mm[:, :1] + 1100
    noisy = noisy + 80 * torch.randn(noisy.shape, generator=random, dtype=torch.float64)
    output = output_of(labels.points + 0.02 * torch.randn(labels.points.shape, generator=random), noisy)
    labels.joints_mm[0, labels.visible[0].nonzero()[1], 2] = 200.0  # too near
    labels.joints_mm[2, (~labels.visible[2]).nonzero()[0]] = torch.nan  # not labelled
    (found,) = representation_of(config_of("metric")).losses([output], labels, done)
    assert float(found) == pytest.approx(expected_loss(output.numpy(), labels, mix, place, weight), rel=1e-6)


def test_the_truth_has_next_to_no_loss_and_says_where_the_root_is():
    labels = labels_of()
    output = output_of(labels.points, labels.joints_mm - labels.joints_mm[:, :1] + 1100)
    metric = representation_of(config_of("metric"))
    assert float(metric.losses([output], labels)[0]) < 0.01
    reading = metric.read(output)
    relative_mm, in_view = metric.metric(reading)
    assert in_view.all()
    torch.testing.assert_close(relative_mm, labels.joints_mm - labels.joints_mm[:, :1], atol=10.0, rtol=0)
    expected = labels.points.clone()
    expected[..., 2] += to_points(torch.zeros(1, 2), torch.zeros(1))[0, 2] - expected[:, :1, 2]  # toy roots have depths
    torch.testing.assert_close(metric.points(reading), expected, atol=6e-3, rtol=0)


def test_the_place_of_people_far_away_counts_less():
    """An error of 16 m in depth alone, of people who stand beyond 10 m, counts in shares of that distance."""
    labels, losses = labels_of(), []
    output = output_of(labels.points, labels.joints_mm - labels.joints_mm[:, :1] + 1100)
    labels.joints_mm[..., 2] += 16_000
    for weight in (0.0, 1.0):
        metric = representation_of(config_of("metric", representation={"place_weight": weight}))
        losses.append(float(metric.losses([output], labels, 1.0)[0]))
    expected = (16_000 * 10_000 / labels.joints_mm[..., 2]).mean() / 3 / 1000  # x and y are right
    assert losses[1] - losses[0] == pytest.approx(float(expected), rel=0.02)


def test_rays_are_computed_in_full_where_the_network_is_not():
    single = Labels(*(part.float() if part.is_floating_point() else part for part in labels_of()[:4]))
    output = output_of(single.points, single.joints_mm - single.joints_mm[:, :1] + 1100).float()
    losses = []
    for autocast in (False, True):
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            losses += representation_of(config_of("metric")).losses([output], single)
    assert losses[0] == losses[1]


def test_joints_beyond_the_crop_lie_where_the_pose_says():
    labels = labels_of()
    points = labels.points.clone()
    points[:, 3, 0] = 1.3
    depth_mm = from_points(points)[1] * 0 + 4000  # equally far: weak perspective is exact
    points[..., 2] = 0.5061
    ray = points[..., :2] @ labels.box_to_ray[..., :2].mT + labels.box_to_ray[:, None, :, 2]
    joints_mm = torch.cat([ray * depth_mm[..., None], depth_mm[..., None]], -1)
    output = output_of(points, (joints_mm - joints_mm[:, :1]) * 0.5 + 1100)
    metric = representation_of(config_of("metric"))
    found = metric.points(metric.read(output))
    assert not metric.metric(metric.read(output)).in_view[:, 3].any()
    torch.testing.assert_close(found[:, 3, :2], points[:, 3, :2], atol=0.01, rtol=0)


def test_poses_and_depths_count_from_the_root_whichever_joint_it_is():
    """A dog's is none of the first."""
    metric = representation_of(config_of("metric").in_space(DOG_SPACE, "dogs.h5"))
    generator = torch.Generator().manual_seed(4)
    points = 0.3 + 0.4 * torch.rand(3, DOG.joints, 3, dtype=torch.float64, generator=generator)
    joints_mm = camera_of(points, DOG_SPACE)["joints_mm"]
    expected = joints_mm - joints_mm[:, [DOG.root]]
    reading = metric.read(output_of(points, joints_mm - joints_mm.mean(1, keepdim=True) + RANGE_MM / 2))
    torch.testing.assert_close(metric.metric(reading).relative_mm, expected, atol=10.0, rtol=0)
    assert DOG.root > 0 and (metric.metric(reading).relative_mm[:, DOG.root] == 0).all()
    _, depth_mm = from_points(metric.points(reading), DOG_SPACE)
    torch.testing.assert_close(depth_mm, expected[..., 2], atol=10.0, rtol=0)


def test_mirrored_truth_read_together_is_the_truth():
    labels = labels_of()
    relative = labels.joints_mm - labels.joints_mm[:, :1]
    output = output_of(labels.points, relative + 1100)
    mirrored = output_of(mirror_points(labels.points), mirror_points((relative + 1100) / RANGE_MM) * RANGE_MM)
    metric = representation_of(config_of("metric"))
    both, one = metric.read(output, mirrored), metric.read(output)
    torch.testing.assert_close(metric.points(both), metric.points(one), atol=1e-6, rtol=0)
    torch.testing.assert_close(both.pose.relative_mm, one.pose.relative_mm, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("weak_until", "finds"), [(0.3, True), (0.0, False)])
def test_both_heads_find_their_joints_from_the_middle(weak_until, finds):
    """By strong perspective from the first step, joints draw together in the picture though the loss falls."""
    labels, metric = labels_of(), representation_of(config_of("metric", representation={"weak_until": weak_until}))
    random = torch.Generator().manual_seed(0)
    output = (0.01 * torch.randn(len(labels.points), 17, 17, 12, 12, generator=random)).requires_grad_()
    optimizer = torch.optim.Adam([output], lr=0.05)
    for _ in range(50):
        optimizer.zero_grad()
        (loss,) = metric.losses([output], labels, done=0.1)
        loss.backward()
        optimizer.step()
    points = metric.points(metric.read(output.detach()))[..., :2]
    assert (float((points - labels.points[..., :2]).abs().mean()) < 0.05) == finds


def test_labels_without_a_camera_are_refused_in_a_line():
    module, batch = PoseModule(config_of("metric").model_dump(mode="json")), batch_of()
    del batch["box_to_ray"]
    with pytest.raises(DataError, match=r"^labels without a camera: head=metric is trained by poses in mm$"):
        module.losses([], batch)
