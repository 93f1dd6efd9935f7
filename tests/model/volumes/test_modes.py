"""Mass around peaks, against sums over every voxel in numpy and mixtures whose parts are known."""

import numpy as np
import pytest
import torch

from c2fpose.model.volumes.modes import covariance, mean_position, modes, softmax

SHAPE = (16, 20, 24)  # D, H, W


def centers() -> np.ndarray:
    """x, y, z of every voxel (D, H, W, 3)."""
    z, y, x = np.meshgrid(*((np.arange(n) + 0.5) / n for n in SHAPE), indexing="ij")
    return np.stack([x, y, z], -1)


def gaussian(mean: tuple[float, float, float], sigma: float) -> np.ndarray:
    return np.exp(-((centers() - np.array(mean)) ** 2).sum(-1) / (2 * sigma**2))


def as_volume(mass: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(mass)[None, None]


def test_mean_and_covariance_are_the_sums():
    mass = np.random.default_rng(0).random(SHAPE)
    weight = mass.ravel() / mass.sum()
    points = centers().reshape(-1, 3)
    mean = weight @ points
    torch.testing.assert_close(mean_position(as_volume(mass))[0, 0], torch.as_tensor(mean))
    about = np.array([0.3, 0.6, 0.5])
    offset = points - about
    expected = np.einsum("n,ni,nj->ij", weight, offset, offset) + np.diag([1 / (12 * n**2) for n in SHAPE[::-1]])
    found = covariance(as_volume(mass), torch.as_tensor(about)[None, None])
    torch.testing.assert_close(found[0, 0], torch.as_tensor(expected))


def test_a_tilted_gaussian_has_its_own_covariance():
    true = np.array([[0.010, 0.004, -0.002], [0.004, 0.008, 0.003], [-0.002, 0.003, 0.012]])
    offset = centers() - 0.5
    mass = np.exp(-0.5 * np.einsum("...i,ij,...j->...", offset, np.linalg.inv(true), offset))
    found = covariance(as_volume(mass), torch.full((1, 1, 3), 0.5, dtype=torch.float64))
    cells = np.diag([1 / (12 * n**2) for n in SHAPE[::-1]])
    np.testing.assert_allclose(found[0, 0].numpy() - cells, true, atol=4e-4)


def test_two_peaks_are_two_modes_with_their_shares():
    mass = 0.7 * gaussian((0.3, 0.3, 0.25), 0.03) + 0.3 * gaussian((0.7, 0.6, 0.75), 0.03)
    found = modes(as_volume(mass))
    torch.testing.assert_close(found.second[0, 0], torch.tensor([0.7, 0.6, 0.75]).double(), atol=0.01, rtol=0)
    assert abs(float(found.second_share) - 0.3) < 0.03 and abs(float(found.share) - 0.7) < 0.03
    assert float(found.height) == mass.max()


@pytest.mark.parametrize(("size", "within"), [(64, 6), (32, 3), (4, 1)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mode_is_as_wide_as_the_gaussian_of_the_released_code(size, within, axis):
    """Six of 64 cells on either side, and one at least: what lies one cell farther is a place of its own."""
    for apart in (within, within + 1):
        mass, at = np.zeros([size if each == axis else 5 for each in range(3)]), [2, 2, 2]
        mass[*at] = 1.0
        at[axis] = 2 + apart if 2 + apart < size else 2 - apart
        mass[*at] = 0.5
        found = modes(as_volume(mass))
        one = apart == within
        assert float(found.share) == pytest.approx(1 if one else 2 / 3)
        assert float(found.second_share) == pytest.approx(0 if one else 1 / 3)


def test_one_peak_has_no_second_mode():
    found = modes(as_volume(gaussian((0.5, 0.5, 0.5), 0.03)))
    assert found.second.isnan().all() and float(found.second_share) == 0 and float(found.share) > 0.95


def test_softmax_sums_to_one_and_scale_sharpens():
    logits = torch.randn(2, 3, 4, 5, 6)
    torch.testing.assert_close(softmax(logits).sum((2, 3, 4)), torch.ones(2, 3))
    assert (softmax(logits, 5.0).amax((2, 3, 4)) > softmax(logits).amax((2, 3, 4))).all()


def test_shares_and_spreads_are_the_same_where_networks_compute_in_bf16():
    """Confidences are fitted there: of 8 bits, all that are sure would be equally sure."""
    peaks = torch.linspace(3, 12, 50)
    logits = torch.zeros(50, 1, 8, 8, 8)
    logits[:, 0, 3, 4, 5] = peaks
    mass = softmax(logits)
    plain, spread = modes(mass), covariance(mass, mean_position(mass))
    with torch.autocast("cpu", torch.bfloat16):
        found, wide = modes(mass), covariance(mass, mean_position(mass))
    assert torch.equal(found.share, plain.share) and torch.equal(wide, spread)
    assert len(plain.share.unique()) == 50
