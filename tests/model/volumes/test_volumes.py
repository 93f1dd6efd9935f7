"""Targets against the original's own volumes, decoding and mirroring against their definitions."""

from pathlib import Path

import numpy as np
import pytest
import torch

from c2fpose.config.model import TargetConfig
from c2fpose.model.volumes.decoding import decode, highest_voxel, mean_with_mirrored, mirror_volume
from c2fpose.model.volumes.points import from_points, mirror_points, to_points, within_depth
from c2fpose.model.volumes.targets import Profiles, released_window, target_profiles, volume_loss
from c2fpose.pose.skeleton import C2F17
from c2fpose.pose.space import PoseSpace

# Made by the authors' published drawing routine (Torch7) for 17 points, some near or beyond the border.
ORIGINAL = np.load(Path(__file__).parents[2] / "fixtures" / "target_volumes.npz")
PAPER = TargetConfig(definition="paper", sigma=2.0)
EXACT = TargetConfig(definition="released_code", centers="exact")
RELEASED = TargetConfig(definition="released_code")


def _points(cells: np.ndarray, sizes=(64, 64, 64)) -> torch.Tensor:
    """Whole cells (x, y, z), 0-based, as points in the middle of those cells."""
    return torch.tensor((cells + 0.5) / np.array(sizes), dtype=torch.float32)[None]


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16, 32, 64])
def test_released_target_equals_the_original(depth):
    cells = ORIGINAL["points_xyz_1based"] - 1
    # The original shifts a Gaussian centred in the first 6 cells of x or y (a defect, not copied). All others compare,
    # centres beyond the right border and depths beyond the bins among them.
    comparable = (cells[:, :2] >= 6).all(1)
    assert comparable.sum() >= 10
    volume = target_profiles(_points(cells), torch.ones(1, 17, dtype=torch.bool), (depth, 64, 64), RELEASED).volume()[0]
    original = ORIGINAL[f"volume_d{depth}"].reshape(17, depth, 64, 64)
    assert np.abs(volume.numpy() - original)[comparable].max() < 1e-6


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_joint_on_a_cells_edge_is_in_the_upper_cell_of_the_released_labels(axis):
    """They add a ten-thousandth of a cell before they cut: products that should be whole may fall that short."""
    point = torch.full((1, 1, 3), 0.5, dtype=torch.float64)
    for short, cell in ((5e-5, 20), (2e-4, 19)):
        point[..., axis] = (20 - short) / 64
        found = target_profiles(point, torch.ones(1, 1, dtype=torch.bool), (64, 64, 64), RELEASED)
        assert int(found[2 - axis].argmax()) == cell
    point[..., axis] = (20 - 5e-5) / 64
    assert int(target_profiles(point, torch.ones(1, 1, dtype=torch.bool), (64, 64, 64), PAPER)[2 - axis].argmax()) == 19


def test_released_windows_are_the_published_ones():
    windows = {size: released_window(size) for size in (1, 2, 4, 8, 16, 32, 64)}
    # window (bins) and sigma (bins) as in the authors' drawing routine
    assert [2 * half + 1 for half, _ in windows.values()] == [1, 1, 1, 3, 5, 7, 13]
    assert [windows[size][1] for size in (8, 16, 32, 64)] == [0.75, 1.25, 1.75, 3.25]


def test_paper_target_is_the_formula_of_section_3_1():
    target = target_profiles(_points(np.array([[20, 30, 40]])), torch.ones(1, 1, dtype=torch.bool), (64, 64, 64), PAPER)
    z, y, x = np.mgrid[:64, :64, :64]
    formula = np.exp(-((x - 20) ** 2 + (y - 30) ** 2 + (z - 40) ** 2) / (2 * 2.0**2)) / (2 * np.pi * 2.0**2)
    assert np.abs(target.volume()[0, 0].numpy() - formula).max() < 1e-8


def test_a_missing_joint_has_an_empty_volume():
    target = target_profiles(_points(np.array([[20, 30, 40]])), torch.zeros(1, 1, dtype=torch.bool), (8, 64, 64), PAPER)
    assert target.volume().abs().max() == 0


def test_depth_beyond_the_bins_is_the_nearest_bin():
    points = within_depth(torch.tensor([[[0.5, 0.5, -0.2], [0.5, 0.5, 1.3]]]))
    target = target_profiles(points, torch.ones(1, 2, dtype=torch.bool), (64, 16, 16), RELEASED)
    assert target.z.argmax(-1).tolist() == [[0, 63]]


def test_points_and_back():
    joints_box, depth = torch.rand(5, 17, 2), torch.randn(5, 17) * 300
    again_box, again_depth = from_points(to_points(joints_box, depth))
    torch.testing.assert_close(again_box, joints_box)
    torch.testing.assert_close(again_depth, depth, atol=1e-3, rtol=0)


def test_points_of_another_space_lie_in_its_depths():
    space, depth = PoseSpace(C2F17, (-700.0, 600.0)), torch.tensor([-700.0, -50.0, 600.0])
    points = to_points(torch.zeros(3, 2), depth, space)
    torch.testing.assert_close(points[:, 2], torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(from_points(points, space)[1], depth)


def test_root_depth_0_is_in_bin_32():
    points = to_points(torch.full((1, 1, 2), 0.5), torch.zeros(1, 1))
    assert int(points[0, 0, 2] * 64) == 32


@pytest.mark.parametrize("definition", ["paper", "released_code"])
def test_argmax_returns_the_cell_of_the_target(definition):
    torch.manual_seed(0)
    cells = torch.randint(0, 16, (4, 17, 3))
    points = (cells + torch.rand(4, 17, 3) * 0.98 + 0.01) / 16
    target = target_profiles(
        points, torch.ones(4, 17, dtype=torch.bool), (16, 16, 16), TargetConfig(definition=definition), depth_bins=16
    )
    torch.testing.assert_close(decode(target.volume(), "argmax"), (cells + 0.5) / 16)


def test_argmax_takes_the_first_of_equal_voxels():
    volume = torch.zeros(1, 1, 4, 5, 6)
    volume[0, 0, 1, 2, 3] = volume[0, 0, 1, 2, 4] = volume[0, 0, 1, 3, 0] = volume[0, 0, 2, 0, 0] = 1
    torch.testing.assert_close(decode(volume, "argmax")[0, 0], torch.tensor([3.5 / 6, 2.5 / 5, 1.5 / 4]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_mean_with_the_mirrored_volume(dtype, memory_format):
    torch.manual_seed(0)
    straight, mirrored = (
        torch.randn(2, 17 * 4, 6, 5).to(dtype).contiguous(memory_format=memory_format).unflatten(1, (17, -1))
        for _ in range(2)
    )
    mean = mean_with_mirrored(straight, mirrored)
    expected = (straight.double() + mirror_volume(mirrored).double()) / 2
    torch.testing.assert_close(mean.double(), expected, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(mean_with_mirrored(straight, mirror_volume(straight)), straight.to(mean.dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("levels", [1, 3, 1000])
@pytest.mark.parametrize("last", [False, True])
def test_highest_voxel_is_the_first_of_the_flat_volume(dtype, levels, last):
    """Also where all voxels, or many, are equally high, and in the memory layout of a network's output."""
    torch.manual_seed(0)
    volume = (torch.randint(0, levels, (3, 17, 4, 6, 5)) / levels - 0.5).to(dtype)
    expected = volume.float().flatten(2).argmax(-1)
    if last:
        volume = volume.flatten(1, 2).contiguous(memory_format=torch.channels_last).unflatten(1, (17, -1))
    assert torch.equal(highest_voxel(volume), expected)


@pytest.mark.parametrize("config", [TargetConfig(definition="paper", centers="exact"), EXACT])
def test_subvoxel_decoding_finds_the_exact_centre(config):
    torch.manual_seed(0)
    points = torch.rand(3, 17, 3) * 0.8 + 0.1
    target = target_profiles(points, torch.ones(3, 17, dtype=torch.bool), (64, 16, 16), config)
    assert (decode(target.volume(), "subvoxel") - points).abs().max() < 2e-4


def test_expectation_is_the_centre_of_mass():
    weights = torch.rand(2, 3, 4, 5, 6)
    z, y, x = np.mgrid[:4, :5, :6]
    expected = [
        [[np.average((grid + 0.5) / n, weights=w.numpy()) for grid, n in ((x, 6), (y, 5), (z, 4))] for w in sample]
        for sample in weights
    ]
    np.testing.assert_allclose(decode(weights, "expectation").numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(decode(weights.sqrt(), "expectation", power=2.0).numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("method", ["argmax", "subvoxel", "expectation"])
def test_decoding_a_mirrored_volume_mirrors_the_points(method):
    torch.manual_seed(0)
    volume = torch.rand(2, 17, 8, 16, 16)
    torch.testing.assert_close(
        decode(mirror_volume(volume), method), mirror_points(decode(volume, method)), atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(mirror_volume(mirror_volume(volume)), volume)


@pytest.mark.parametrize("peak", [1.0, 0.05, 1e-4])
@pytest.mark.parametrize("power", [1, 2, 4, 16, 32])
def test_the_expectation_does_not_depend_on_how_high_a_volume_is(peak, power):
    """A joint that is hardly seen has a low peak, whose powers float32 does not hold: its place is the same."""
    volume = torch.zeros(1, 1, 8, 16, 16)
    heights = np.array([0.5, 1.0, 0.75])
    volume[0, 0, 5, 12, 3:6] = torch.from_numpy(peak * heights)
    x = np.average((np.arange(3, 6) + 0.5) / 16, weights=heights**power)
    found = decode(volume, "expectation", power)[0, 0].numpy()
    np.testing.assert_allclose(found, [x, 12.5 / 16, 5.5 / 8], atol=1e-6)


def test_loss_is_the_mean_over_all_voxels():
    torch.manual_seed(0)
    volume = torch.randn(2, 3, 4, 5, 6)
    target = Profiles(torch.rand(2, 3, 4), torch.rand(2, 3, 5), torch.rand(2, 3, 6))
    dense = np.einsum("bjz,bjy,bjx->bjzyx", *(axis.numpy() for axis in target))
    assert volume_loss(volume, target).item() == pytest.approx(((volume.numpy() - dense) ** 2).mean(), rel=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("depth", [1, 8, 64])
def test_gpu_and_cpu_make_the_same_targets(depth):
    generator = torch.Generator().manual_seed(depth)
    points, visible = torch.rand(4, 17, 3, generator=generator), torch.rand(4, 17, generator=generator) > 0.2
    for config in (TargetConfig(), TargetConfig(definition="paper"), TargetConfig(centers="exact")):
        cpu = target_profiles(points, visible, (depth, 16, 16), config, 64).volume()
        gpu = target_profiles(points.cuda(), visible.cuda(), (depth, 16, 16), config, 64).volume()
        torch.testing.assert_close(gpu.cpu(), cpu, rtol=1e-5, atol=1e-7)


@pytest.mark.gpu
@pytest.mark.parametrize("method", ["argmax", "subvoxel", "expectation"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gpu_and_cpu_decode_alike(method, dtype):
    generator = torch.Generator().manual_seed(1)
    volume = torch.rand(3, 17, 64, 16, 16, generator=generator).to(dtype)
    torch.testing.assert_close(decode(volume.cuda(), method, 2.0).cpu(), decode(volume, method, 2.0), rtol=0, atol=1e-5)
    mirrored = torch.rand(3, 17, 64, 16, 16, generator=generator).to(dtype)
    mean = mean_with_mirrored(volume.cuda(), mirrored.cuda()).cpu()
    torch.testing.assert_close(mean.float(), mean_with_mirrored(volume, mirrored).float(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("method", ["argmax", "subvoxel", "expectation"])
def test_a_voxel_that_is_no_number_gives_no_point(method):
    volume = torch.rand(2, 3, 4, 5, 6)
    volume[1, 2, 3, 0, 1] = torch.nan
    volume[0, 1] = torch.nan
    points = decode(volume, method)
    assert points[1, 2].isnan().all() and points[0, 1].isnan().all()
    assert points[0, [0, 2]].isfinite().all() and points[1, :2].isfinite().all()
