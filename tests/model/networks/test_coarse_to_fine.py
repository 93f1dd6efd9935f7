"""One schedule makes the network: sizes, channels and what each stack sees."""

import pytest
import torch

from c2fpose.config.model import NetworkConfig
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.networks.cost import count_parameters

SMALL = dict(width=16, levels=2, residuals=1, image_size=32, heatmap_size=8, depth_bins=8)


def small(**changes) -> NetworkConfig:
    return NetworkConfig(**(SMALL | {"depths": (2, 8)} | changes))


@pytest.mark.parametrize(
    ("family", "depths", "millions"),
    [
        # parameters of the authors' networks at full width, in millions
        ("stacked", (1, 64), 26.9),
        ("stacked", (64, 64), 27.6),
        ("stacked", (1, 2, 64), 40.2),
        ("stacked", (64, 64, 64), 41.7),
        ("stacked", (1, 2, 4, 64), 53.6),
        ("stacked", (64, 64, 64, 64), 55.9),
        ("uniform", (64,), 9.7),
    ],
)
def test_full_width_has_as_many_parameters_as_the_original(family, depths, millions):
    with torch.device("meta"):
        network = CoarseToFine(NetworkConfig(family=family, depths=depths))
    assert round(count_parameters(network) / 1e6, 1) == millions


@pytest.mark.parametrize("family", ["stacked", "uniform"])
@pytest.mark.parametrize("supervision", ["separated", "direct", "none"])
def test_volumes_follow_the_schedule(family, supervision):
    network = CoarseToFine(small(family=family, supervision=supervision, depths=(1, 4, 8)))
    volumes = network(torch.rand(2, 3, 32, 32))
    assert [tuple(v.shape) for v in volumes] == [(2, 17, d, 8, 8) for d in network.supervised_depths]
    assert network.supervised_depths == ((8,) if supervision == "none" else (1, 4, 8))


def test_all_parameters_are_trained():
    for supervision in ("separated", "direct", "none"):
        network = CoarseToFine(small(supervision=supervision))
        sum(v.square().sum() for v in network(torch.rand(2, 3, 32, 32))).backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters()), supervision


def _sensitivity(supervision: str, edit) -> tuple[float, float]:
    """How far the last volume moves when the first stack's heatmaps, or its features, are edited."""
    torch.manual_seed(0)
    network = CoarseToFine(small(supervision=supervision)).double().eval()
    image = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    before = network(image)[-1]
    network.stacks[0].register_forward_hook(lambda _, __, output: edit(*output))
    return (network(image)[-1] - before).abs().max().item()


def test_direct_sees_heatmaps_alone_and_separated_sees_features_too():
    def move_features(features, heatmaps):
        return features + 1, heatmaps

    def move_heatmaps(features, heatmaps):
        return features, None if heatmaps is None else heatmaps + 1

    assert _sensitivity("direct", move_features) == 0
    assert _sensitivity("direct", move_heatmaps) > 0
    assert _sensitivity("separated", move_features) > 0
    assert _sensitivity("separated", move_heatmaps) > 0
    assert _sensitivity("none", move_features) > 0


def test_half_resolution_stem():
    network = CoarseToFine(small(image_size=16))
    assert network(torch.rand(1, 3, 16, 16))[-1].shape == (1, 17, 8, 8, 8)


@pytest.mark.parametrize("norm", ["group", "batch"])
def test_recomputation_changes_no_gradient_and_no_statistics(norm):
    gradients, statistics = [], []
    for recompute in (False, True):
        torch.manual_seed(0)
        network = CoarseToFine(small(checkpoint_activations=recompute, norm=norm)).double()
        torch.manual_seed(1)
        sum(v.square().sum() for v in network(torch.rand(2, 3, 32, 32, dtype=torch.float64))).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
        statistics.append(torch.cat([buffer.flatten().double() for buffer in [torch.zeros(1), *network.buffers()]]))
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)
    assert torch.equal(*statistics)


def test_spread_of_the_last_convolution_by_depth():
    torch.manual_seed(0)
    config = NetworkConfig(**(SMALL | dict(width=64)), depths=(2, 8), head_std=0.01, head_std_by_depth={8: 0.001})
    network = CoarseToFine(config)
    assert network.stacks[0].heatmaps.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert network.stacks[1].heatmaps.weight.std().item() == pytest.approx(0.001, rel=0.1)
    assert network.stacks[1].heatmaps.bias.abs().max() == 0


def test_norm_modes():
    uniform = CoarseToFine(small(norm_init="uniform"))
    weights = torch.cat([m.weight for m in uniform.modules() if isinstance(m, torch.nn.BatchNorm2d)])
    assert weights.min() < 0.1 and weights.max() > 0.9 and weights.mean().item() == pytest.approx(0.5, abs=0.05)
    group = CoarseToFine(small(norm="group")).double()
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in group.modules())
    with torch.no_grad():  # no sample sees another one
        images = torch.rand(2, 3, 32, 32, dtype=torch.float64)
        torch.testing.assert_close(group(images)[-1][:1], group(images[:1])[-1])
