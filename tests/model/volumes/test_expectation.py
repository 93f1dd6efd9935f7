"""The expectation as a loss: the decoder's points, autograd's gradient, and nothing from joints that are not seen."""

import pytest
import torch

from c2fpose.model.volumes.decoding import decode
from c2fpose.model.volumes.expectation import Expectation, expectation_error


def random_volume(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """As networks put it out: depth bins side by side in memory."""
    generator = torch.Generator().manual_seed(0)
    batch, joints, depth, rows, columns = shape
    memory = torch.randn(batch, rows, columns, joints, depth, generator=generator).to(dtype)
    return memory.permute(0, 3, 4, 1, 2).requires_grad_()


@pytest.mark.parametrize("depth", [1, 6])
def test_the_decoders_points_with_autograds_gradient(depth):
    volume = random_volume(2, 3, depth, 4, 5)
    ours, reference = Expectation.apply(volume), decode(volume, "expectation", power=2.0)
    torch.testing.assert_close(ours, reference)
    weights = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((ours * weights).sum(), volume)
    (expected,) = torch.autograd.grad((reference * weights).sum(), volume)
    torch.testing.assert_close(gradient, expected)


def test_bfloat16_is_nearly_the_same():
    volume = random_volume(2, 3, 6, 4, 5, dtype=torch.bfloat16)
    points = torch.full((2, 3, 3), 0.3)
    visible = torch.ones(2, 3, dtype=torch.bool)
    error = expectation_error(volume, points, visible)
    (gradient,) = torch.autograd.grad(error, volume)
    exact = volume.detach().float().requires_grad_()
    (expected,) = torch.autograd.grad(expectation_error(exact, points, visible), exact)
    assert gradient.dtype == torch.bfloat16
    torch.testing.assert_close(gradient.float(), expected, atol=1e-4, rtol=0.03)


def test_only_joints_that_are_seen_count_and_depth_only_where_there_are_bins():
    volume = torch.zeros(1, 2, 4, 4, 4)
    volume[0, :, 3, 0, 1] = 1.0  # z 0.875, y 0.125, x 0.375
    points = torch.tensor([[[0.375, 0.125, 0.575], [0.0, 0.0, 0.0]]])
    seen = torch.tensor([[True, False]])
    torch.testing.assert_close(expectation_error(volume, points, seen), torch.tensor(0.1))
    torch.testing.assert_close(expectation_error(volume.mean(2, keepdim=True), points, seen), torch.tensor(0.0))
    assert expectation_error(volume, points, ~seen & False) == 0


def test_what_has_no_label_does_not_count_and_what_has_counts_in_full():
    volume = torch.zeros(1, 2, 4, 4, 4)
    volume[0, :, 3, 0, 1] = 1.0
    points = torch.tensor([[[0.375 + 0.2, 0.125 + 0.4, torch.nan], [torch.nan] * 3]])
    seen = torch.ones(1, 2, dtype=torch.bool)
    torch.testing.assert_close(expectation_error(volume, points, seen), torch.tensor(0.3))  # of one joint, two axes
    flat = volume.sum(2, keepdim=True)
    torch.testing.assert_close(expectation_error(flat, points, seen), torch.tensor(0.3))


def test_an_empty_volume_gets_no_gradient():
    volume = torch.full((1, 1, 4, 4, 4), -1.0, requires_grad=True)
    expectation_error(volume, torch.full((1, 1, 3), 0.5), torch.ones(1, 1, dtype=torch.bool)).backward()
    assert not volume.grad.any()
