"""The module takes away what a kind of label does not say, and heads that need all of it refuse in one line."""

import pytest
import torch

from c2fpose.base.errors import DataError
from c2fpose.config.data import LABELS
from c2fpose.config.model import ModelConfig
from c2fpose.model.module import PoseModule
from c2fpose.model.volumes.decoding import decode
from c2fpose.model.volumes.ranking import ranking_loss
from c2fpose.pose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM

NETWORK = {
    "image_size": 32,
    "heatmap_size": 8,
    "width": 8,
    "levels": 1,
    "residuals": 1,
    "depths": [1, 8],
    "depth_bins": 8,
}
FULL, FLAT, ORDINAL = range(3)


def module(head: str = "volume", **loss) -> PoseModule:
    network = NETWORK | {"head": head} | ({} if head == "volume" else {"family": "uniform", "depths": [8]})
    return PoseModule(ModelConfig(network=network, loss=loss).model_dump(mode="json"))


def batch(kinds: list[int] | None) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    made = {
        "joints_box": torch.rand(2, 17, 2, generator=random), "visible": torch.ones(2, 17, dtype=torch.bool),
        "depth_rel_mm": 400 * torch.randn(2, 17, generator=random),
    }  # fmt: skip
    return made if kinds is None else made | {"labelled": torch.tensor(kinds)}


def outputs() -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return [torch.rand(2, 17, bins, 8, 8, generator=random).requires_grad_() for bins in (1, 8)]


def test_kinds_are_the_configurations():
    assert LABELS == ("full", "2d", "ordinal")


def test_full_labels_of_a_mix_give_the_loss_of_plain_training():
    plain, mixed = (module().losses(outputs(), batch(kinds)) for kinds in (None, [FULL, FULL]))
    assert [float(loss.detach()) for loss in plain] == [float(loss.detach()) for loss in mixed]


@pytest.mark.parametrize("way", ["marginals", "mask", "one_bin"])
def test_depths_of_2d_labels_do_not_count_and_their_places_do(way):
    model, moved = module(without_depth=way), batch([FULL, FLAT])
    before = [float(loss.detach()) for loss in model.losses(outputs(), moved)]
    moved["depth_rel_mm"][1] += 300
    assert [float(loss.detach()) for loss in model.losses(outputs(), moved)] == before
    moved["joints_box"][1] = 1 - moved["joints_box"][1]
    after = [float(loss.detach()) for loss in model.losses(outputs(), moved)]
    assert after[0] != before[0] and (after[1] != before[1]) == (way != "one_bin")


@pytest.mark.parametrize(("depths", "way"), [([1, 8], "one_bin"), ([2, 8], "marginals"), ([8], "marginals")])
def test_by_default_the_schedule_says_what_they_teach(depths, way):
    made = [torch.rand(2, 17, bins, 8, 8, generator=torch.Generator().manual_seed(1)) for bins in depths]
    default, told = (
        PoseModule(ModelConfig(network=NETWORK | {"depths": depths}, loss=loss).model_dump(mode="json"))
        for loss in ({}, {"without_depth": way})
    )
    losses = [[float(loss) for loss in each.losses(made, batch([FULL, FLAT]))] for each in (default, told)]
    assert losses[0] == losses[1]


def test_of_ordinal_labels_the_order_alone_counts():
    model, labels = module(ordinal=1.0, ordinal_mm=1e-3), batch([FULL, ORDINAL])

    def losses() -> list[float]:
        return [float(loss.detach()) for loss in model.losses(outputs(), labels)]

    before = losses()
    labels["depth_rel_mm"][1] *= 0.5  # the same order
    assert losses() == before
    labels["depth_rel_mm"][1] *= -1
    assert losses()[1] != before[1] and losses()[0] == before[0]


def test_what_counts_as_equally_deep_is_in_mm():
    """Beside the rest of the loss: the ranking of expected depths, in units of the distance that counts as equal."""
    weight, equal_mm = 3.0, 150.0
    made, labels = outputs(), batch([FULL, ORDINAL])
    without, ranked = (
        module(ordinal=share, ordinal_mm=equal_mm).losses(made, labels)[1].item() for share in (0.0, weight)
    )
    depth = decode(made[1].detach(), "expectation", 2.0)[1:, :, 2]
    unit = equal_mm / (DEPTH_MAX_MM - DEPTH_MIN_MM)
    true = labels["depth_rel_mm"][1:] / equal_mm
    expected = ranking_loss(depth / unit, true, labels["visible"][1:], 1.0)
    assert ranked - without == pytest.approx(weight * float(expected), rel=1e-4)


def test_gradients_are_finite_with_labels_of_all_kinds():
    model, made, labels = module(expectation=0.1), outputs(), batch([FLAT, ORDINAL])
    labels["joints_box"][0, 3] = labels["depth_rel_mm"][0, 3] = float("nan")
    labels["visible"][0, 3] = False
    sum(model.losses(made, labels)).backward()
    assert all(output.grad.isfinite().all() and output.grad.any() for output in made)
    assert not made[1].grad[0, 3].any()


def test_what_cannot_learn_from_them_says_so():
    with pytest.raises(DataError, match="no stack has one bin"):
        model = module(without_depth="one_bin")
        config = model.config.model_copy(update={"network": model.config.network.model_copy(update={"depths": (8,)})})
        type(model.representation)(config).check(labels_of(model, [FULL, FLAT]))
    with pytest.raises(DataError, match="labels without depth"):
        module("integral").losses(outputs()[1:], batch([FULL, FLAT]))
    with pytest.raises(DataError, match="head=integral needs every joint's label"):
        module("integral").losses(outputs()[1:], batch([FULL, ORDINAL]))


def labels_of(model: PoseModule, kinds: list[int]):
    """The labels that a representation sees."""
    seen = []
    kind = type(model.representation)
    original = kind.check
    try:
        kind.check = lambda self, labels: seen.append(labels)
        model.losses(outputs(), batch(kinds))
    finally:
        kind.check = original
    return seen[0]
