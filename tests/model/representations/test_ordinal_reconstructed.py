"""The network that makes millimetres of an order: what it may see, and that it learns the poses it is given."""

import numpy as np
import pytest
import torch
from any_skeleton import DOG, DOG_SPACE
from torch.nn.modules.batchnorm import _BatchNorm
from toy_labels import batch_of, camera_of, config_of, labels_of

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.model.module import PoseModule
from c2fpose.model.networks.batch_norm import freeze
from c2fpose.model.networks.lifting import Lifter
from c2fpose.model.representations import network_of, representation_of
from c2fpose.model.representations.interface import Labels
from c2fpose.model.representations.ordinal_reconstructed import Reconstruction
from c2fpose.model.volumes.points import mirror_points, to_points

SMALL = {"width": 64, "draws": 2}


def config(**keys):
    return config_of("ordinal_reconstructed", representation=SMALL | keys)


def poses(images: int, seed: int) -> Labels:
    """Sticks of one length in all directions: how short one looks tells its depth, but for which end is nearer."""
    generator = torch.Generator().manual_seed(seed)
    turn, tilt = (torch.rand(2, images, 1, generator=generator) * 2 - 1) * torch.tensor([3.1, 1.5]).view(2, 1, 1)
    along = torch.linspace(0, 1, 17)[None]
    x, y = (0.5 + 0.45 * along * tilt.cos() * of(turn) for of in (torch.cos, torch.sin))
    depth_mm = 700 * along * tilt.sin()
    points = to_points(torch.stack([x, y], -1), depth_mm)
    return Labels(points, torch.ones(images, 17, dtype=torch.bool), **camera_of(points))


def test_it_learns_depths_in_mm_from_an_order_of_any_unit():
    torch.manual_seed(0)
    representation, lifter = representation_of(config(xy_noise=0.0, depth_noise=0.05, draws=1)), Lifter(17, 0, 64)
    optimizer = torch.optim.Adam(lifter.parameters(), 3e-3)
    for step in range(200):
        optimizer.zero_grad()
        representation.reconstruction_loss(lifter, poses(64, step)).backward()
        optimizer.step()
    held_out = poses(64, 1000)
    ordinal = held_out.points.clone()
    ordinal[..., 2] = 3.7 * ordinal[..., 2] - 20  # in order, in a unit that nobody knows
    truth = held_out.joints_mm - held_out.joints_mm[:, :1]
    with torch.no_grad():
        found = 1000 * lifter.eval()(ordinal)
    error, spread = ((found - truth).norm(dim=-1).mean(), (truth - truth.mean(0)).norm(dim=-1).mean())
    assert error < 0.5 * spread
    assert (found[:, 0] == 0).all()


def test_loss_is_the_mean_squared_error_in_metres_of_poses_that_have_all_joints(monkeypatch):
    representation, labels, lifter = representation_of(config()), labels_of(), Lifter(17, 0, 64).double().eval()
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    labels.joints_mm[1, 4] = torch.nan
    expected = []
    for image in (0, 2):
        truth = (labels.joints_mm[image] - labels.joints_mm[image, 0]).numpy() / 1000
        found = lifter(labels.points[image : image + 1])[0].detach().numpy()
        expected.append(np.square(found - truth).mean())
    assert float(representation.reconstruction_loss(lifter, labels).detach()) == pytest.approx(
        np.mean(expected), rel=1e-9
    )


def test_poses_count_from_the_root_whichever_joint_it_is():
    of_dogs = config().in_space(DOG_SPACE, "dogs.h5")
    points = 0.3 + 0.4 * torch.rand(3, DOG.joints, 3, dtype=torch.float64)
    labels = Labels(points, torch.ones(3, DOG.joints, dtype=torch.bool), **camera_of(points, DOG_SPACE))

    class Knows(Lifter):
        def forward(self, _):
            pose = labels.joints_mm.repeat_interleave(SMALL["draws"], 0) / 1000
            return pose - pose[:, [DOG.names.index("withers")]]

    knows = Knows(DOG.joints, DOG.root, 8).double()
    assert float(representation_of(of_dogs).reconstruction_loss(knows, labels)) < 1e-20
    lifter = network_of(of_dogs).after.lifter.eval()
    assert (lifter(points.float())[:, DOG.root] == 0).all()


def test_one_pose_a_step_is_refused_in_a_line():
    representation, lifter = representation_of(config(draws=1)), Lifter(17, 0, 64)
    with pytest.raises(ConfigError, match=r"one pose a step.*set data\.batch_size or model.representation.draws to 2"):
        representation.reconstruction_loss(lifter, labels_of(1))
    representation.reconstruction_loss(lifter.eval(), labels_of(1))


def test_frozen_statistics_are_those_of_the_second_network_too():
    network = network_of(config()).train()
    freeze(network)
    assert not any(isinstance(part, _BatchNorm) and part.training for part in network.modules())
    assert any(isinstance(part, torch.nn.BatchNorm1d) for part in network.modules())


def test_noise_is_in_sides_of_the_box_and_in_spreads_of_the_pose():
    torch.manual_seed(0)
    representation, points = representation_of(config(xy_noise=0.1, depth_noise=0.5)), labels_of(400).points
    points[:200, :, 2] *= 0.1
    off = representation.noisy(points) - points
    assert off[..., :2].std() == pytest.approx(0.1, rel=0.05)
    spread = points[..., 2].std(1, keepdim=True)
    for half in (slice(0, 200), slice(200, 400)):
        assert (off[..., 2] / spread)[half].std() == pytest.approx(0.5, rel=0.1)


def test_no_error_of_the_second_network_reaches_the_first():
    module, batch = PoseModule(config().model_dump(mode="json")), batch_of()
    outputs = module.network(batch["image"] / 255.0)
    labels = Labels(
        to_points(batch["joints_box"], batch["depth_rel_mm"]), batch["visible"], batch["joints_turned_mm"],
        batch["box_to_ray"],
    )  # fmt: skip
    module.representation.reconstruction_loss(module.network.after.lifter, labels).backward()
    theirs = [parameter.grad for name, parameter in module.network.named_parameters() if "after" not in name]
    assert all(grad is None for grad in theirs)
    assert [output.ndim for output in outputs] == [5, 5]


def test_the_network_says_the_second_ones_pose_once_trained():
    torch.manual_seed(0)
    network = network_of(config()).eval()
    image = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        output = network(image)
        network.train()
        for layer in network.modules():
            layer.training = layer is network
        volume = network(image)[-1]
    expected = network.after.eval()(volume)
    torch.testing.assert_close(output, expected)
    representation = representation_of(config())
    reading = representation.read(output)
    relative_mm, in_view = representation.metric(reading)
    assert in_view.all() and (relative_mm[:, 0] == 0).all()
    torch.testing.assert_close(representation.points(reading)[..., :2], output[..., :2])
    box, depth_mm = representation.points(reading)[..., :2], 1000 * output[..., 5]
    torch.testing.assert_close(representation.points(reading), to_points(box, depth_mm))


def test_mirrored_answers_are_averaged_as_poses():
    representation, output = representation_of(config()), torch.randn(2, 17, 6, dtype=torch.float64)
    output[..., :3] = output[..., :3].sigmoid()
    output[:, 0, 3:] = 0
    points, metres = output.chunk(2, -1)
    turned = mirror_points(metres + 0.5) - torch.tensor([0.5, 0.5, 0.5])
    mirrored = torch.cat([mirror_points(points), turned], -1)
    one, both = representation.read(output), representation.read(output, mirrored)
    torch.testing.assert_close(both.points, one.points)
    torch.testing.assert_close(both.pose.relative_mm, one.pose.relative_mm)


def test_its_own_depths_have_no_length():
    """Another unit of the volume's depths makes the same pose."""
    lifter = Reconstruction(17, 0, 32).eval().lifter
    points = labels_of().points.float()
    stretched = points * torch.tensor([1.0, 1.0, 8.0]) + torch.tensor([0.0, 0.0, 5.0])
    torch.testing.assert_close(lifter(points), lifter(stretched), atol=1e-5, rtol=1e-4)


def test_labels_without_poses_are_refused_in_a_line():
    module, batch = PoseModule(config().model_dump(mode="json")), batch_of()
    del batch["joints_turned_mm"]
    with pytest.raises(DataError, match=r"^labels without a camera: head=ordinal_reconstructed is trained by poses"):
        module.losses([], batch)
