"""One classification an axis, against PyTorch's own divergence and a plain reading of the bins."""

import numpy as np
import pytest
import torch
from toy_labels import config_of, labels_of

from c2fpose.model.representations import network_of, representation_of


@pytest.mark.parametrize("form", ["simcc", "rtmpose"])
def test_loss_is_the_divergence_of_each_axis(form):
    simcc, labels = representation_of(config_of("simcc", representation={"form": form})), labels_of()
    outputs = [torch.randn(3, 17, 32 + 32 + depth, dtype=torch.float64) for depth in (1, 8)]
    beta = 10 if form == "rtmpose" else 1
    for output, loss in zip(outputs, simcc.losses(outputs, labels), strict=True):
        total, start = 0.0, 0
        for axis, bins in enumerate((32, 32, output.shape[-1] - 64)):
            centers = (torch.arange(bins) + 0.5) / bins
            sigma = max(0.5 / bins, 0.0117)
            target = torch.exp(-((centers - labels.points[..., axis, None]) ** 2) / (2 * sigma**2))
            target = (10 * target).softmax(-1) if form == "rtmpose" else target / (sigma * bins * (2 * torch.pi) ** 0.5)
            log = (beta * output[..., start : start + bins]).log_softmax(-1)
            each = torch.nn.KLDivLoss(reduction="none")(log, target).mean(-1)
            total, start = total + float(each[labels.visible].mean()), start + bins
        assert float(loss) == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("method", ["argmax", "expectation"])
def test_points_are_read_where_the_targets_were_drawn(method):
    simcc = representation_of(config_of("simcc", decoding={"method": method}, representation={"sigma": 0.03}))
    labels = labels_of()
    axes = [simcc.target(position, bins) for position, bins in zip(labels.points.unbind(-1), (32, 32, 8), strict=True)]
    output = torch.cat([axis.clamp_min(1e-30).log() for axis in axes], -1)
    points = simcc.points(simcc.read(output))
    half_bin = 0.5 / torch.tensor([32, 32, 8])
    assert ((points - labels.points).abs() <= (half_bin if method == "argmax" else 0.2 * half_bin) + 1e-9).all()
    assert (simcc.certainty(simcc.read(output)).confidence > 0.9).all()


def test_certainty_is_of_all_axes_together():
    """Chances and variances by hand: all three axes must be right, and a bin has a width."""
    simcc, output = representation_of(config_of("simcc")), torch.randn(2, 17, 32 + 32 + 8)
    found = simcc.certainty(simcc.read(output))
    share, variances = np.ones((2, 17)), []
    for part in (slice(0, 32), slice(32, 64), slice(64, None)):
        chance = np.exp(output[..., part].double().numpy())
        chance /= chance.sum(-1, keepdims=True)
        places = (np.arange(chance.shape[-1]) + 0.5) / chance.shape[-1]
        top = places[chance.argmax(-1)]
        share *= (chance * (np.abs(places - top[..., None]) <= max(0.1, 1 / len(places)) + 1e-6)).sum(-1)
        variances.append((chance * (places - top[..., None]) ** 2).sum(-1) + 1 / (12 * len(places) ** 2))
    np.testing.assert_allclose(found.confidence.numpy(), share, rtol=1e-5)
    diagonal = found.covariance.diagonal(dim1=-2, dim2=-1).numpy()
    np.testing.assert_allclose(diagonal, np.stack(variances, -1), rtol=1e-4)


def test_depths_beyond_the_bins_are_taught_as_the_nearest_bin():
    simcc, labels, output = representation_of(config_of("simcc")), labels_of(), torch.randn(3, 17, 32 + 32 + 8)
    losses = []
    for far, near in ((1.3, -0.4), (15 / 16, 0.0)):
        points = labels.points.clone()
        points[0, :, 2], points[1, :, 2] = far, near
        losses += [float(loss) for loss in simcc.losses([output], labels._replace(points=points))]
    assert losses[0] == losses[1] != float(simcc.losses([output], labels)[0])


def test_a_power_draws_the_mean_towards_the_peak():
    decoding = {"method": "expectation", "power": 3.0}
    simcc, output = representation_of(config_of("simcc", decoding=decoding)), torch.randn(2, 17, 32 + 32 + 8)
    points = simcc.points(simcc.read(output))
    for axis, part in enumerate((slice(0, 32), slice(32, 64), slice(64, None))):
        chance = np.exp(output[..., part].double().numpy())
        places = (np.arange(chance.shape[-1]) + 0.5) / chance.shape[-1]
        expected = (chance**3 * places).sum(-1) / (chance**3).sum(-1)
        np.testing.assert_allclose(points[..., axis].numpy(), expected, rtol=1e-5)


def test_bins_of_depth_follow_the_schedule():
    outputs = network_of(config_of("simcc"))(torch.rand(2, 3, 16, 16))
    assert [tuple(output.shape) for output in outputs] == [(2, 17, 32 + 32 + depth) for depth in (2, 8)]
