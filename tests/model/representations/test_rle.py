"""The flow is a density, and both forms of the loss are what they say."""

import math

import pytest
import scipy.stats
import torch
from toy_labels import config_of, labels_of

from c2fpose.model.representations import representation_of
from c2fpose.model.representations.rle import Flow


def bent_flow() -> Flow:
    """A flow that is not the identity any more."""
    torch.manual_seed(0)
    flow = Flow().double()
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return flow


def test_a_new_flow_is_the_standard_normal():
    points = torch.randn(5, 3, dtype=torch.float64)
    expected = scipy.stats.multivariate_normal(mean=[0, 0, 0]).logpdf(points.numpy())
    torch.testing.assert_close(Flow().double().log_density(points).detach(), torch.as_tensor(expected))


def test_the_density_is_that_of_the_change_of_variables():
    """Normal density at z times the determinant of dz/dx, by automatic differentiation of the couplings."""
    flow = bent_flow()

    def back(x: torch.Tensor) -> torch.Tensor:
        z = x
        for mask, scale, shift in reversed(list(zip(flow.masks.double(), flow.scales, flow.shifts, strict=True))):
            kept = mask * z
            z = torch.where(mask.bool(), z, (z - shift(kept)) * torch.exp(-scale(kept)))
        return z

    for x in torch.randn(4, 3, dtype=torch.float64):
        jacobian = torch.autograd.functional.jacobian(back, x)
        normal = scipy.stats.multivariate_normal(mean=[0, 0, 0]).logpdf(back(x).detach().numpy())
        expected = normal + float(torch.linalg.slogdet(jacobian)[1])
        assert float(flow.log_density(x[None])) == pytest.approx(expected, rel=1e-9)


def test_draws_come_from_the_density():
    """The density where a draw is moved to: the normal one of the draw, less how the way there stretches."""
    flow = bent_flow()
    z = torch.randn(7, 3, dtype=torch.float64)
    x = flow.moved(z)
    normal = scipy.stats.multivariate_normal(mean=[0, 0, 0]).logpdf(z.numpy())
    determinants = [
        torch.linalg.slogdet(torch.autograd.functional.jacobian(lambda one: flow.moved(one[None])[0], each))[1]
        for each in z
    ]
    torch.testing.assert_close(flow.log_density(x), torch.as_tensor(normal) - torch.stack(determinants))


@pytest.mark.parametrize("far", [0.0, 3.0, 20.0])
def test_the_mass_of_a_flow_that_went_elsewhere_is_found(far):
    """A narrow normal distribution at (far, 0, 0): one integral an axis, by SciPy."""
    flow = Flow().double()
    for scale in flow.scales:
        torch.nn.init.constant_(scale[-2].bias, -0.25)
    for shift, mask in zip(flow.shifts, flow.masks, strict=True):
        if not mask[0]:
            torch.nn.init.constant_(shift[-1].bias[:1], far / 3)
    with torch.no_grad():
        draws = flow.moved(torch.randn(100_000, 3, dtype=torch.float64, generator=torch.manual_seed(0)))
    mass = 1.0
    for mean, deviation in zip(draws.mean(0).tolist(), draws.std(0).tolist(), strict=True):
        normal = scipy.stats.norm(mean, deviation)
        places = torch.linspace(mean - 8 * deviation, mean + 8 * deviation, 4001, dtype=torch.float64)
        product = torch.as_tensor(normal.pdf(places)) * torch.exp(-places.abs()) / 2
        mass *= float(torch.trapezoid(product, places))
    rle = representation_of(config_of("rle", representation={"samples": 20_000}))
    assert float(rle._log_mass(flow)) == pytest.approx(math.log(mass), abs=0.06)


def test_the_papers_form_is_a_density_and_the_released_one_is_not():
    """The likelihood of an error, integrated over all errors on a grid: 1, and nothing like it."""
    rle = representation_of(config_of("rle", representation={"samples": 20_000}))
    flow, visible = bent_flow(), torch.ones(1, 1, dtype=torch.bool)
    side = torch.linspace(-5.85, 5.85, 40, dtype=torch.float64)  # the middles of cells, 0.3 wide
    grid = torch.cartesian_prod(side, side, side)[None]
    spread = torch.full_like(grid, 0.7)
    torch.manual_seed(1)
    with torch.no_grad():
        loss = rle.negative_log_likelihood(grid * 0.7, spread, visible.expand(1, grid.shape[1]), flow)
        mass = float(torch.exp(-loss).sum()) * (0.7 * 0.3) ** 3
        released = representation_of(config_of("rle", representation={"form": "released"}))
        other = released.negative_log_likelihood(grid * 0.7, spread, visible.expand(1, grid.shape[1]), flow)
    assert mass == pytest.approx(1, abs=0.05)
    assert abs(float(torch.exp(-other).sum()) * (0.7 * 0.3) ** 3 - 1) > 0.5


def test_the_released_form_counts_the_flow_once_a_coordinate():
    labels, output = labels_of(), torch.randn(3, 17, 6)
    flow = bent_flow().float()
    released = representation_of(config_of("rle", representation={"form": "released"}))
    (found,) = released.losses([output], labels, learned=flow)
    mean, spread = output[..., :3], output[..., 3:].sigmoid() + 1e-9
    terms = []
    for image, joint in labels.visible.nonzero().tolist():
        error = (2 * labels.points[image, joint].float() - 1) - mean[image, joint]
        sigma = spread[image, joint]
        log_phi = float(flow.log_density((error / sigma)[None]))
        for d, s in zip(error.tolist(), sigma.tolist(), strict=True):
            laplace = math.log(s * math.sqrt(2 * math.pi)) + abs(d) / (math.sqrt(2) * s)
            terms.append(laplace + math.log(s) - log_phi)
    assert float(found) == pytest.approx(sum(terms) / int(labels.visible.sum()), rel=1e-4)
