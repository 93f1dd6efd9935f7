"""A folded network is the same function."""

import pytest
import torch

from c2fpose.config.model import ModelConfig
from c2fpose.model.networks.batch_norm import normalisations
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.networks.folding import fold
from c2fpose.model.representations import network_of

SMALL = dict(width=16, levels=2, residuals=1, image_size=32, heatmap_size=8, depth_bins=8, depths=(2, 8))


def trained(**options) -> CoarseToFine:
    """A network whose statistics, gains and offsets are not the initial ones, in evaluation mode."""
    torch.manual_seed(0)
    network = network_of(ModelConfig(network=SMALL | options)).double().eval()
    for norm in normalisations(network):
        for tensor in (norm.running_mean, norm.weight.data, norm.bias.data):
            tensor.normal_()
        norm.running_var.uniform_(0.2, 3)
    return network


@pytest.mark.parametrize("options", [{}, {"family": "uniform"}, {"supervision": "none"}, {"norm": "group"}])
def test_outputs_are_the_same(options):
    network, image = trained(**options), torch.rand(2, 3, 32, 32, dtype=torch.float64)
    for plain, folded in zip(network(image), fold(network)(image), strict=True):
        assert plain.std() > 0.01
        torch.testing.assert_close(folded, plain, rtol=1e-9, atol=1e-9)


def test_coordinates_too():
    network, image = trained(head="coordinates", depths=(8,)), torch.rand(2, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(fold(network)(image), network(image), rtol=1e-9, atol=1e-9)


def test_the_network_given_stays_and_only_norms_after_sums_are_left():
    network = trained()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    folded = fold(network.train())
    assert network.training and not folded.training
    assert before.keys() == network.state_dict().keys()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    left = [name for name, module in folded.named_modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert left and all(name.endswith("norm1") for name in left)
    assert len(left) < 0.4 * len(list(normalisations(network)))
