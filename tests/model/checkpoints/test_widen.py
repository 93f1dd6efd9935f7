"""A wider network begins as the same function, and does not stay the narrow one in disguise."""

import pytest
import torch
from module_of import module_of, outputs, saved

from c2fpose.base.errors import ConfigError
from c2fpose.data.synth36.person.joint_sets import JOINTS13
from c2fpose.model.checkpoints.transfer import begin_with
from c2fpose.pose.skeleton import C2F17


def trained(**network):
    """A network whose normalisation is not that of the start."""
    module = module_of(**network)
    torch.manual_seed(3)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if "norm" in name and tensor.ndim:
                tensor.copy_(torch.rand(tensor.shape) + 0.5)
            if "heatmaps" in name:
                tensor.copy_(torch.randn(tensor.shape) / 4)
    return module


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("supervision", ["separated", "direct", "none"])
@pytest.mark.parametrize("family", ["stacked", "uniform"])
def test_the_same_function(family, supervision, times):
    first = trained(family=family, supervision=supervision)
    wide = module_of(seed=1, family=family, supervision=supervision, width=8 * times)
    assert begin_with(wide, saved(first), "init=a") == f"init=a: channels copied, width 8 to {8 * times}"
    for one, other in zip(outputs(first), outputs(wide), strict=True):
        assert one.std() > 1e-3
        torch.testing.assert_close(other, one, atol=1e-4, rtol=1e-4)


def test_copies_learn_apart():
    """Gradients of a channel's two copies differ by as much as those of two channels do."""
    wide = module_of(seed=1, width=16)
    begin_with(wide, saved(trained()), "init=a")
    torch.manual_seed(0)
    image, goal = torch.rand(2, 3, 32, 32), torch.randn(2, 17, 16, 8, 8)
    (wide.network(image)[-1] * goal).sum().backward()
    gradient = wide.network.stacks[1].hourglass.before[0].conv2.weight.grad
    copies = (gradient[0::2] - gradient[1::2]).norm()
    channels = (gradient[0::2] - gradient[0::2].roll(1, 0)).norm()
    assert copies > 0.3 * channels


def test_joints_of_another_skeleton_still_find_their_channels():
    first, wide = trained(), module_of(JOINTS13, seed=1, width=16)
    begin_with(wide, saved(first), "init=a")
    place = [C2F17.index(name) for name in JOINTS13.names]
    torch.testing.assert_close(outputs(wide)[0], outputs(first)[0][:, place], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("theirs", "ours", "norm"), [(8, 12, "batch"), (16, 8, "batch"), (8, 16, "group")])
def test_other_widths_are_refused(theirs, ours, norm):
    first, then = module_of(width=theirs, norm=norm), module_of(seed=1, width=ours, norm=norm)
    with pytest.raises(ConfigError, match=rf"network\.width is {theirs} in it and {ours} here"):
        begin_with(then, saved(first), "init=a")
