"""A training that begins with another network's weights: what stays, what learns, and how fast."""

import numpy as np
import pytest
import torch
from any_skeleton import TINY, settings_for
from fabricated import jpeg, people
from toy_sweeps import without_evaluation

from c2fpose.base.errors import ConfigError
from c2fpose.config.model import part_names
from c2fpose.data.schema import write_split
from c2fpose.data.synth36.person.joint_sets import JOINTS13
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.module import PoseModule
from c2fpose.model.networks.parts import parts_of, weights_of
from c2fpose.pose.skeleton import C2F17
from c2fpose.training.run import run


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Random people of 13 joints."""
    folder = tmp_path_factory.mktemp("files")
    place = [C2F17.index(name) for name in JOINTS13.names]
    for split, records in (("train", 16), ("test", 4)):
        rows = people(records, 0, split)
        rows |= {name: rows[name][:, place] for name in ("joints_cam_mm", "joints_px")}
        images = (jpeg(number) for number in range(records))
        write_split(
            folder / f"{split}.h5", rows, images, dataset="synth36", split=split, provenance={}, skeleton=JOINTS13
        )  # fmt: skip
    return [f"data.{split}_file={folder / split}.h5" for split in ("train", "test")]


@pytest.fixture(scope="module")
def start(files, tmp_path_factory):
    """Where a short training on them lies."""
    folder = tmp_path_factory.mktemp("start")
    with without_evaluation():
        run(settings_for([*TINY, *files], folder), folder)
    return folder


def test_the_packages_network_learns_other_joints(files, tmp_path, unevaluated, capsys):
    """One step at a rate of next to nothing: what it said of a joint it still says, where the joint now stands."""
    still = ["+experiment=finetune", "trainer.max_steps=1", "model.optimizer.learning_rate=1e-12"]
    tiny = [word for word in TINY if not word.startswith(("model.", "trainer.max_steps"))]
    run(settings_for([*tiny, *files, *still], tmp_path), tmp_path)
    said = capsys.readouterr().err
    assert "init=builtin: not needed: left_hip, right_hip, spine, nose; depths from -1005..981 mm brought to " in said
    then, first = load_module(tmp_path / "checkpoints" / "final.ckpt"), load_module("builtin")
    place = [C2F17.index(name) for name in JOINTS13.names]
    for name in ("weight", "bias"):  # of the stack of one bin, which knows no depth
        ours, theirs = (getattr(module.network.stacks[0].heatmaps, name) for module in (then, first))
        torch.testing.assert_close(ours, theirs[place].float(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("batch_norm", ["running", "recalibrated"])
def test_frozen_parts_stay_and_the_others_learn(files, start, tmp_path, unevaluated, batch_norm):
    then = tmp_path / "then"
    then.mkdir()
    more = [f"init={start}/checkpoints/final.ckpt", "model.freeze=[stem,stack1]", f"model.batch_norm={batch_norm}"]
    run(settings_for([*TINY, *files, *more], then), then)
    before, after = (
        torch.load(folder / "checkpoints" / "final.ckpt", weights_only=False)["state_dict"] for folder in (start, then)
    )
    kept = ("network.stem.", "network.stacks.0.hourglass.", "network.stacks.0.features.")
    for name, weight in before.items():  # statistics of BatchNorm among them
        assert torch.equal(after[name], weight) == name.startswith(kept) or "num_batches" in name, name


@pytest.mark.parametrize("head", ["volume", "coordinates"])
def test_every_weight_is_in_one_part_and_rates_fall_towards_the_image(head):
    depths = (64,) if head == "coordinates" else (1, 4, 64)
    network = {"head": head, "depths": depths, "width": 8, "levels": 1}
    optimizer = {"learning_rate": 0.1, "rate_by_part": 0.5}
    module = PoseModule({"network": network, "optimizer": optimizer, "decoding": {"flip": False}})
    parts = parts_of(module.network)
    found = [id(weight) for modules in parts.values() for weight in weights_of(modules)]
    assert sorted(found) == sorted(id(weight) for weight in module.network.parameters())
    groups = module.configure_optimizers()["optimizer"].param_groups
    assert tuple(parts) == part_names(module.config.network)
    np.testing.assert_allclose([group["lr"] for group in groups], 0.1 * 0.5 ** np.arange(len(parts))[::-1])
    assert sum(len(group["params"]) for group in groups) == len(found)


def test_what_a_loss_learns_is_trained_beside_frozen_heads():
    network = {"head": "rle", "depths": (64,), "width": 8, "levels": 1}
    optimizer = {"learning_rate": 0.1, "rate_by_part": 0.5}
    module = PoseModule({"network": network, "optimizer": optimizer, "freeze": ["heads"], "decoding": {"flip": False}})
    groups = module.configure_optimizers()["optimizer"].param_groups
    rate_of = {id(weight): group["lr"] for group in groups for weight in group["params"]}
    assert {rate_of.get(id(weight)) for weight in module.learned.parameters()} == {0.1}
    assert {rate_of.get(id(weight)) for weight in weights_of(parts_of(module.network)["heads"])} == {None}


def test_parts_that_are_none_are_refused(files, tmp_path):
    with pytest.raises(ConfigError, match=r"freeze=\['stack3'\]: no part is called stack3; some of stem, "):
        settings_for([*TINY, *files, "model.freeze=[stack3]"], tmp_path)
    with pytest.raises(ConfigError, match="every part is frozen"):
        settings_for([*TINY, *files, "model.freeze=[stem,stack1,link1,stack2,heads]"], tmp_path)
    with pytest.raises(ConfigError, match=r"init=nothing\.ckpt: no such checkpoint"):
        run(settings_for([*TINY, *files, "init=nothing.ckpt"], tmp_path), tmp_path)
