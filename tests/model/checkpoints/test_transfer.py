"""Weights of another network as a start: the same answers for joints of the same name, wherever they stand."""

import pytest
import torch
from any_skeleton import DOG
from module_of import module_of, outputs, saved

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.data.synth36.person.joint_sets import JOINTS13
from c2fpose.model.checkpoints.transfer import begin_with
from c2fpose.pose.skeleton import C2F17


def test_the_same_network_takes_all_and_says_nothing():
    first, then = module_of(), module_of(seed=1)
    assert begin_with(then, saved(first), "init=a") is None
    for one, other in zip(outputs(first), outputs(then), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("head", ["volume", "simcc", "coordinates", "laplace"])
def test_joints_of_the_same_name_get_their_channels(head):
    """The first stack's maps are those of the other network, put in order by name."""
    depths = (16,) if head in ("coordinates", "laplace") else (1, 16)
    first, then = module_of(head=head, depths=depths), module_of(JOINTS13, seed=1, head=head, depths=depths)
    said = begin_with(then, saved(first), "init=a")
    assert said == "init=a: not needed: left_hip, right_hip, spine, nose"
    place = [C2F17.index(name) for name in JOINTS13.names]
    torch.testing.assert_close(outputs(then)[0], outputs(first)[0][:, place])


def test_what_reads_the_maps_reads_the_same_joints():
    """A network that lacks no joint of ours, with others' channels silent, says the same at its end."""
    more = {"left_ear": "head", "right_ear": "head"}
    larger = C2F17.of(
        [*C2F17.names[::-1], *more], C2F17.to_dict()["parents"] | more, C2F17.to_dict()["mirror"], "pelvis"
    )
    first, then = module_of(), module_of(larger, seed=1)
    said = begin_with(then, saved(first), "init=a")
    assert said == "init=a: 17 of 19 joints found in it by name, new: left_ear, right_ear"
    maps, link = then.network.stacks[0].heatmaps, then.network.links[0].from_heatmaps
    with torch.no_grad():
        maps.weight[17:], maps.bias[17:] = 0, 0
    assert link.weight.shape[1] == 19
    place = [larger.index(name) for name in C2F17.names]
    torch.testing.assert_close(outputs(then)[-1][:, place], outputs(first)[-1], atol=1e-5, rtol=1e-4)


def test_depth_bins_are_brought_to_another_range():
    """A volume's values stay at their depths in mm: a straight ramp along depth stays that ramp."""
    first, then = module_of(range_mm=(-800.0, 800.0)), module_of(range_mm=(-400.0, 600.0), seed=1)
    centres = torch.linspace(-750, 750, 16)
    maps = first.network.stacks[1].heatmaps
    with torch.no_grad():
        maps.weight.zero_()
        maps.bias.copy_(centres.repeat(17))
    said = begin_with(then, saved(first), "init=a")
    assert said == "init=a: depths from -800..800 mm brought to -400..600 mm"
    values = outputs(then)[-1][0, :, :, 0, 0]
    torch.testing.assert_close(values, (-400 + (torch.arange(16) + 0.5) * 62.5).expand(17, -1))


@pytest.mark.parametrize("head", ["volume", "coordinates"])
def test_depths_that_count_from_another_joint_are_told(head):
    """They are taken as they are: how far one root is from the other, no weight says."""
    depths = (16,) if head == "coordinates" else (1, 16)
    names = C2F17.names[1:]
    tree = {name: name_of for name, name_of in C2F17.to_dict()["parents"].items() if name in names}
    tree |= {name: "spine" for name, above in tree.items() if above == "pelvis" and name != "spine"}
    tree.pop("spine")
    ours = C2F17.of(names, tree, C2F17.to_dict()["mirror"], "spine")
    said = begin_with(
        module_of(ours, seed=1, head=head, depths=depths), saved(module_of(head=head, depths=depths)), "init=a"
    )
    assert said == (
        "init=a: not needed: pelvis; depths count from pelvis in it and from spine here, and begin as if these were one"
    )
    other = module_of(ours, seed=1, head="integral", depths=(16,))
    assert "depths count" not in begin_with(other, saved(module_of()), "init=a")  # its heads are new


def test_what_has_no_counterpart_is_named():
    first = module_of()
    said = begin_with(module_of(DOG, seed=1), saved(first), "init=a")
    assert said.startswith("init=a: 0 of 15 joints found in it by name, new: snout, left_ear, right_ear, neck, withers")
    assert "and 10 more" in said and "\n" not in said
    said = begin_with(module_of(head="coordinates", depths=(16,), seed=1), saved(first), "init=a")
    assert said.startswith("init=a: heads are new (head=volume in it, coordinates here)")
    said = begin_with(module_of(depths=(1, 4, 16), seed=1), saved(first), "init=a")
    assert "no weights in it for" in said and "stacks.2" in said


@pytest.mark.parametrize(("before", "now", "words"), [
    ({"head": "coordinates", "depths": (16,)}, {"head": "coordinates", "depths": (16,), "width": 16},
     "channels copied, width 8 to 16; no weights in it for coordinates"),
    ({"head": "coordinates", "depths": (16,)}, {"head": "coordinates", "depths": (16,), "coordinates": "root_relative"},
     "heads are new (coordinates=absolute in it, root_relative here)"),
    ({"supervision": "none"}, {"supervision": "separated"}, "stacks.0.heatmaps"),
    ({"head": "metric", "depths": (8,), "depth_bins": 8}, {"head": "metric", "depths": (16,)},
     "no weights in it for stacks.0.heatmaps"),
])  # fmt: skip
def test_what_keeps_its_random_start_is_named(before, now, words):
    module = module_of(seed=1, **now)
    start = {name: weight.clone() for name, weight in module.state_dict().items()}
    said = begin_with(module, saved(module_of(**before)), "init=a")
    assert words in said and "\n" not in said
    same = [name for name, weight in module.state_dict().items() if torch.equal(weight, start[name])]
    assert any("heatmaps" in name or "coordinates" in name for name in same)


def test_another_trunk_is_refused():
    with pytest.raises(ConfigError, match=r"init=a: a checkpoint of another network, model\.network\.width is 8 in it"):
        begin_with(module_of(width=12), saved(module_of()), "init=a")


def test_the_second_network_of_ordinal_depth_gets_its_joints_by_name():
    """As many joints in another order: their places in the pose that it reads and gives are other ones too."""
    turned = C2F17.of(C2F17.names[::-1], C2F17.to_dict()["parents"], C2F17.to_dict()["mirror"], "pelvis")
    first, then = (module_of(each, seed=turn, head="ordinal_reconstructed") for turn, each in ((0, C2F17), (1, turned)))
    assert begin_with(then, saved(first), "init=a") is None
    place = [C2F17.index(name) for name in turned.names]
    torch.testing.assert_close(outputs(then)[0], outputs(first)[0][:, place], atol=1e-5, rtol=1e-4)


def test_weights_that_are_no_numbers_are_refused():
    for name, value in (("network.stem.conv.bias", None), ("network.stem.conv.weight", torch.nan)):
        other = saved(module_of(seed=1))
        damaged = torch.full_like(other["state_dict"][name], value) if value is not None else "weights"
        other["state_dict"] = dict(other["state_dict"]) | {name: damaged}
        with pytest.raises(UserError, match=rf"init=a: {name} is no[t]? (plain tensor|finite)"):
            begin_with(module_of(), other, "init=a")
