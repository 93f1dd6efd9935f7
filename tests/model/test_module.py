"""Loss along the stacks, points out of images, BatchNorm modes, growing depth."""

import pytest
import torch

from c2fpose.config.model import ModelConfig, OptimizerConfig
from c2fpose.model.module import PoseModule, make_optimizer
from c2fpose.model.networks.batch_norm import batch_statistics, recalibrate
from c2fpose.model.networks.input import normalise
from c2fpose.model.volumes.points import mirror_points, to_points
from c2fpose.model.volumes.targets import target_profiles
from c2fpose.pose.protocol import DEPTH_MAX_MM, DEPTH_MIN_MM

NETWORK = dict(width=16, levels=2, residuals=1, image_size=32, heatmap_size=8, depth_bins=8, depths=(2, 8))


def make_module(network: dict | None = None, **model) -> PoseModule:
    torch.manual_seed(0)
    config = ModelConfig(network=NETWORK | (network or {}), **model)
    return PoseModule(config.model_dump(mode="json")).double()


def make_batch(size: int = 4, image: int = 32) -> dict:
    generator = torch.Generator().manual_seed(1)
    return {
        "image": torch.randint(0, 256, (size, 3, image, image), dtype=torch.uint8, generator=generator),
        "joints_box": torch.rand(size, 17, 2, generator=generator),
        "depth_rel_mm": torch.rand(size, 17, generator=generator) * 1000 - 500,
        "visible": torch.rand(size, 17, generator=generator) > 0.2,
    }


def test_losses_are_mean_squared_errors_by_stack():
    module, batch = make_module(), make_batch()
    points = to_points(batch["joints_box"], batch["depth_rel_mm"])
    volumes = [torch.rand(4, 17, depth, 8, 8) for depth in (2, 8)]
    for loss, volume in zip(module.losses(volumes, batch), volumes, strict=True):
        profiles = target_profiles(points, batch["visible"], tuple(volume.shape[2:]), module.config.target, 8)
        assert loss.item() == pytest.approx((volume - profiles.volume()).square().mean().item(), rel=1e-5)


def test_stack_weights_and_factor_scale_the_losses(monkeypatch):
    weighted = make_module(loss={"stack_weights": (0.5, 2.0), "factor": 3.0})
    batch, logged = make_batch(), {}
    monkeypatch.setattr(weighted, "log", lambda name, value, **_: logged.__setitem__(name, float(value)))
    total = float(weighted.training_step(batch, 0))
    first, second = logged["train/loss_stack1"], logged["train/loss_stack2"]
    assert total == pytest.approx(3 * (0.5 * first + 2 * second), rel=1e-6) and logged["train/loss"] == total


def test_coordinates_of_invisible_joints_do_not_count():
    module, batch = make_module(dict(head="coordinates", depths=(8,))), make_batch()
    outputs = torch.rand(4, 17, 3)
    before = module.losses(outputs, batch)[0]
    outputs[~batch["visible"]] += 10
    assert module.losses(outputs, batch)[0] == before
    outputs[batch["visible"]] += 10
    assert module.losses(outputs, batch)[0] > before


@pytest.mark.parametrize("relative_to", ["absolute", "root_relative", "parent_relative"])
def test_perfect_coordinates_have_no_loss(relative_to):
    module = make_module(dict(head="coordinates", depths=(8,), coordinates=relative_to))
    batch = make_batch()
    from c2fpose.model.networks.coordinates import to_relative

    perfect = to_relative(2 * to_points(batch["joints_box"], batch["depth_rel_mm"]) - 1, relative_to)
    assert module.losses(perfect, batch)[0] == 0


@pytest.mark.parametrize("network", [{}, dict(head="coordinates", depths=(8,))])
def test_flip_averaging_makes_prediction_equivariant(network):
    module, batch = make_module(network, decoding={"flip": True, "method": "expectation"}).eval(), make_batch()
    with torch.no_grad():
        points = module.predict_points(batch["image"])
        mirrored = module.predict_points(batch["image"].flip(-1))
    torch.testing.assert_close(mirror_points(mirrored), points, atol=1e-5, rtol=0)


def test_flip_averaging_averages_volumes_before_decoding():
    from c2fpose.model.volumes.decoding import decode, mirror_volume

    module, batch = make_module(decoding={"flip": True, "method": "argmax"}).eval(), make_batch()
    with torch.no_grad():
        images = normalise(batch["image"], module.network)
        straight, mirrored = (module.network(i)[-1] for i in (images, images.flip(-1)))
        torch.testing.assert_close(
            module.predict_points(batch["image"]), decode((straight + mirror_volume(mirrored)).float() / 2, "argmax")
        )


def test_recalibration_measures_the_data():
    """With one batch the running mean of the first layer is that of its inputs."""
    module, batch = make_module(), make_batch()
    stem = module.network.stem
    assert recalibrate(module.network, [batch["image"]]) == 1
    with torch.no_grad():
        expected = stem.conv(normalise(batch["image"], module.network)).mean((0, 2, 3))
    torch.testing.assert_close(stem.norm.running_mean, expected)
    assert stem.norm.momentum == 0.1


def test_recalibration_averages_batches_evenly():
    module, batch = make_module(), make_batch()
    halves = batch["image"].split(2)
    recalibrate(module.network, halves)
    with torch.no_grad():
        means = [module.network.stem.conv(normalise(half, module.network)).mean((0, 2, 3)) for half in halves]
    torch.testing.assert_close(module.network.stem.norm.running_mean, sum(means) / 2)


def test_batch_statistics_at_test_time_leave_the_running_ones():
    module, batch = make_module(batch_norm="batch", decoding={"flip": False}).eval(), make_batch()
    before = {k: v.clone() for k, v in module.network.state_dict().items() if "running" in k}
    images = normalise(batch["image"], module.network)
    with torch.no_grad():
        with batch_statistics(module.network, True):
            by_batch = module.network(images)[-1]
        running = module.network(images)[-1]
    after = module.network.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert not torch.allclose(by_batch, running)
    with torch.no_grad():
        torch.testing.assert_close(module.network.train()(images)[-1], by_batch)


class _Trainer:
    """As much of a trainer as growing depth reads."""

    estimated_stepping_batches = 100


@pytest.mark.parametrize(("step", "depth"), [(0, 2), (24, 2), (25, 4), (49, 4), (50, 8), (99, 8)])
def test_depth_grows(step, depth, monkeypatch):
    module = make_module(grow_depth=(0.25, 0.5))
    monkeypatch.setattr(type(module), "global_step", property(lambda _: step))
    monkeypatch.setattr(type(module), "trainer", property(lambda _: _Trainer))
    assert module.representation.grown_depth(module.done) == depth
    batch = make_batch()
    volume = torch.rand(4, 17, 8, 8, 8)
    points = to_points(batch["joints_box"], batch["depth_rel_mm"])
    target = target_profiles(points, batch["visible"], (depth, 8, 8), module.config.target, 8).volume()
    grouped = volume.unflatten(2, (depth, 8 // depth)).mean(3)
    expected = (grouped - target).square().mean().item()
    assert module.losses([volume[:, :, :2], volume], batch)[1].item() == pytest.approx(expected, rel=1e-5)
    assert module.eval().representation.grown_depth(module.done) == 8


@pytest.mark.parametrize(("step", "frozen"), [(0, False), (74, False), (75, True), (99, True)])
def test_batch_norm_is_frozen_at_the_end_of_training(step, frozen, monkeypatch):
    module, batch = make_module(batch_norm_frozen=0.25).train(), make_batch()
    monkeypatch.setattr(type(module), "global_step", property(lambda _: step))
    monkeypatch.setattr(type(module), "trainer", property(lambda _: _Trainer))
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    norm = module.network.stem.norm
    before, straight = norm.running_mean.clone(), normalise(batch["image"], module.network)
    module.on_train_batch_start(batch, 0)
    module.training_step(batch, 0).backward()
    assert torch.equal(norm.running_mean, before) == frozen
    assert module.network.training and norm.weight.grad is not None  # only statistics are at rest
    outputs = module.network(straight)[-1]
    assert torch.allclose(outputs, module.network.eval()(straight)[-1]) == frozen


def test_one_cycle_rises_to_the_learning_rate_and_falls_to_nothing(monkeypatch):
    config = {"learning_rate": 0.01, "schedule": "one_cycle", "warmup": 0.2}
    module = make_module(optimizer=config)
    monkeypatch.setattr(type(module), "trainer", property(lambda _: _Trainer))
    made = module.configure_optimizers()
    optimizer, scheduler = made["optimizer"], made["lr_scheduler"]["scheduler"]
    assert made["lr_scheduler"]["interval"] == "step"
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert max(rates) == pytest.approx(0.01, rel=1e-3) and rates.index(max(rates)) in (19, 20)
    assert rates[0] < 0.1 * max(rates) and rates[-1] < 1e-3 * max(rates)
    assert scheduler.total_steps == 101  # so a resumed training knows what was planned


def test_random_losses_draw_by_process_and_step(monkeypatch):
    """Two processes draw differently, two batches of a step too, and a resumed step what it would have drawn."""
    module, at = make_module(dict(head="metric", depths=(2, 8))), {"rank": 0, "step": 5}
    monkeypatch.setattr(type(module), "global_rank", property(lambda _: at["rank"]))
    monkeypatch.setattr(type(module), "global_step", property(lambda _: at["step"]))

    def drawn(rank: int, step: int, begin: bool = True) -> float:
        at.update(rank=rank, step=step)
        if begin:
            torch.manual_seed(11)
            module.on_fit_start()
        module.on_train_batch_start({}, 0)
        return float(torch.rand(1))

    first, second = drawn(0, 5), drawn(0, 5, begin=False)
    others = [drawn(1, 5), drawn(0, 6)]
    assert len({first, second, *others}) == 4
    assert (drawn(0, 5), drawn(0, 5, begin=False)) == (first, second)


def test_freezing_batch_norm_needs_running_statistics():
    with pytest.raises(ValueError, match=r"batch_norm_frozen=0\.1 is for running statistics"):
        ModelConfig(batch_norm="batch", batch_norm_frozen=0.1)


def test_rmsprop_is_the_written_formula():
    parameter = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    from c2fpose.config.model import OptimizerConfig

    optimizer = make_optimizer([parameter], OptimizerConfig(learning_rate=0.01))
    value, square = parameter.detach().clone(), torch.zeros(2, dtype=torch.float64)
    for gradient in (torch.tensor([0.3, 0.1]).double(), torch.tensor([-0.2, 0.5]).double()):
        parameter.grad = gradient
        optimizer.step()
        square = 0.99 * square + 0.01 * gradient**2
        value -= 0.01 * gradient / (square.sqrt() + 1e-8)
    torch.testing.assert_close(parameter.detach(), value)


def test_points_span_the_depth_range():
    from c2fpose.model.volumes.points import from_points

    _, depth = from_points(torch.tensor([[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]]))
    torch.testing.assert_close(depth[0], torch.tensor([DEPTH_MIN_MM, DEPTH_MAX_MM]))


@pytest.mark.parametrize(("name", "reference"), [("rmsprop", torch.optim.RMSprop), ("adamw", torch.optim.AdamW)])
def test_optimizers_in_few_calls_are_pytorchs_plain_ones(name, reference):
    config = OptimizerConfig(name=name, weight_decay=0.01)
    smoothing = {"alpha": config.alpha} if name == "rmsprop" else {"betas": (0.9, config.alpha)}
    plain = dict(lr=config.learning_rate, eps=config.epsilon, weight_decay=0.01, foreach=False, **smoothing)
    layers = []
    for make in (
        lambda parameters: make_optimizer(parameters, config),
        lambda parameters: reference(parameters, **plain),
    ):
        torch.manual_seed(0)
        layer = torch.nn.Conv2d(8, 16, 3).to(memory_format=torch.channels_last)
        optimizer = make(layer.parameters())
        for step in range(5):
            optimizer.zero_grad()
            (layer(torch.randn(2, 8, 5, 5)).square().mean() * 10.0**-step).backward()
            optimizer.step()
        layers.append(layer)
    torch.testing.assert_close(layers[0].weight, layers[1].weight, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(layers[0].bias, layers[1].bias, rtol=1e-6, atol=1e-8)
