import os
import warnings

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from fabricated import jpeg
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import nn

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.config.data import AugmentationConfig, DataConfig
from c2fpose.config.schema import parse
from c2fpose.data.crops.augmentation import Draw
from c2fpose.data.datamodule import PoseData, loader_workers, select
from c2fpose.data.dataset import EpochSampler
from c2fpose.data.schema import SplitReader
from c2fpose.pose.skeleton import MIRROR

STILL = {"augmentation": None}


@pytest.fixture
def make_data(make_split):
    files = {}

    def make(seed=0, train=None, test=None, **config) -> PoseData:
        files["train"] = train or files.get("train") or make_split("train", records=160)
        files["test"] = test or files.get("test") or make_split("test", records=40)
        defaults = {"image_size": 32, "batch_size": 8, "eval_batch_size": 16, "workers": 0}
        data = PoseData(
            DataConfig(train_file=files["train"], test_file=files["test"], **(defaults | config)), seed=seed
        )
        data.setup()
        return data

    return make


def epoch(loader, number=0):
    loader.load_state_dict({"batches_done": number * len(loader)})
    return list(loader)


def same(batches, others) -> bool:
    return len(batches) == len(others) and all(
        torch.equal(one[key], other[key]) for one, other in zip(batches, others, strict=True) for key in one
    )


def test_a_batch_by_its_definition(make_data):
    data = make_data(**STILL)
    batch = next(iter(data.test_dataloader()))
    rows = {name: array[:16] for name, array in SplitReader(data.config.test_file).annotations.items()}
    side = 200 * rows["scale"]
    assert batch["image"].shape == (16, 3, 32, 32) and batch["image"].dtype == torch.uint8
    np.testing.assert_allclose(batch["box_side_px"], side, rtol=1e-6)
    np.testing.assert_allclose(batch["box_left_top_px"], rows["center_px"] - side[:, None] / 2, rtol=1e-5)
    in_frame = batch["box_left_top_px"][:, None] + batch["joints_box"] * batch["box_side_px"][:, None, None]
    np.testing.assert_allclose(in_frame, rows["joints_px"], atol=1e-3)
    depth = rows["joints_cam_mm"][..., 2]
    np.testing.assert_allclose(batch["depth_rel_mm"], depth - depth[:, :1], atol=1e-3)
    assert batch["visible"].all() and not batch["flipped"].any()  # the box is made round all joints
    assert batch["record"].tolist() == list(range(16)) and batch["subject"].tolist() == [9, 11] * 8


def test_flip_exchanges_left_and_right(make_data):
    config = {"scale_spread": 0.0, "rotation_none_probability": 1.0, "channel_gain": 0.0}
    plain = make_data(augmentation=AugmentationConfig(flip_probability=0.0, **config))
    mirrored = make_data(augmentation=AugmentationConfig(flip_probability=1.0, **config))
    for one, other in zip(epoch(plain.train_dataloader()), epoch(mirrored.train_dataloader()), strict=True):
        assert torch.equal(one["record"], other["record"]) and other["flipped"].all()
        difference = (one["image"].int() - other["image"].flip(-1).int()).abs().float()
        assert difference.mean() < 1  # equal but for interpolation at mirrored positions
        expected = one["joints_box"][:, MIRROR] * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0])
        torch.testing.assert_close(other["joints_box"], expected, atol=1e-5, rtol=0)
        assert torch.equal(other["depth_rel_mm"], one["depth_rel_mm"][:, MIRROR])
        assert torch.equal(other["joints_cam_mm"], one["joints_cam_mm"])


def test_joints_left_of_the_frame_are_missing(make_split, make_data):
    def shift(rows):
        rows["joints_px"] -= (600, 0)
        rows["center_px"] -= (600, 0)
        rows["stored_left_top_px"] -= (600, 0)

    path = make_split("test", records=10, change=shift)
    batch = next(iter(make_data(test=path, **STILL).test_dataloader()))
    x = SplitReader(path).annotations["joints_px"][..., 0]
    assert 0 < (x <= 0).mean() < 1
    assert (batch["visible"].numpy() == (x > 0)).all()


def test_batches_do_not_depend_on_the_number_of_workers(make_data):
    rich = AugmentationConfig(brightness=0.3, noise_probability=0.5, occlusion_probability=0.5, blur_probability=0.5)
    alone = epoch(make_data(augmentation=rich).train_dataloader(), 2)
    assert same(alone, epoch(make_data(augmentation=rich, workers=2).train_dataloader(), 2))
    assert not same(alone, epoch(make_data(augmentation=rich, seed=1).train_dataloader(), 2))
    assert not same(alone, epoch(make_data(augmentation=rich).train_dataloader(), 3))


def test_workers_by_rule_leave_the_cores_to_what_trains():
    config = DataConfig(train_file="a", test_file="b", workers="auto")
    kept = config.model_copy(update={"cache": "memory"})
    assert [loader_workers(config, False, cores) for cores in (2, 64)] == [1, 1]
    assert loader_workers(kept, False, 64) == 0
    assert [loader_workers(kept, True, cores) for cores in (1, 4, 64)] == [1, 3, 8]
    assert loader_workers(config.model_copy(update={"workers": 5}), True, 64) == 5


@pytest.mark.slow
def test_spawned_workers_and_cache_give_the_same(make_data):
    alone = epoch(make_data().train_dataloader())
    assert same(alone, epoch(make_data(workers=1, start_method="spawn", cache="memory").train_dataloader()))


@pytest.mark.parametrize("mode", ["standard", "released_code"])
def test_cache_changes_no_bit(make_data, mode):
    train = make_data(crop_mode=mode).train
    reductions = {tuple(train.reductions(int(record))) for record in train.records}
    # Augmentation asks for one and the same image at several sizes.
    assert (mode == "standard") == any(len(each) > 1 for each in reductions)
    read = epoch(make_data(crop_mode=mode).train_dataloader())
    assert same(read, epoch(make_data(crop_mode=mode, cache="memory").train_dataloader()))


def test_a_cache_beyond_its_limit_is_refused(make_data):
    with pytest.raises(DataError, match=r"train\.h5: cache=memory needs more than cache_limit_gb=0\.001"):
        make_data(cache="memory", cache_limit_gb=0.001).train_dataloader()


def test_released_crop_mode(make_data):
    batch = next(iter(make_data(crop_mode="released_code", **STILL).test_dataloader()))
    standard = next(iter(make_data(**STILL).test_dataloader()))
    rows = SplitReader(make_data(**STILL).config.test_file).annotations
    for number in range(len(batch["record"])):
        corner = rows["center_px"][number].astype(float) - 100 * float(rows["scale"][number])
        # by hand: cut towards zero, a ten-thousandth of a pixel added
        assert batch["box_left_top_px"][number].tolist() == [int(x + 1e-4) for x in corner.tolist()]
    assert torch.equal(batch["joints_box"], standard["joints_box"])
    assert (batch["image"].float() - standard["image"].float()).abs().mean() < 12  # the same view, one px of box apart


def test_every_record_once_an_epoch(make_data):
    data = make_data()
    seen = torch.cat([batch["record"] for batch in epoch(data.train_dataloader())]).tolist()
    assert len(set(seen)) == len(seen) == len(data.train) // 8 * 8
    assert set(seen) <= set(data.train.records.tolist())


def test_several_processes_share_one_order():
    shares = [EpochSampler(21, 4, 0, replicas=2, rank=rank) for rank in (0, 1)]
    turns = [list(share) for share in shares]
    positions = [turn.position for share in turns for turn in share]
    assert [len(share) for share in turns] == [8, 8] and len(set(positions)) == 16
    assert {turn.batch for turn in turns[0]}.isdisjoint({turn.batch for turn in turns[1]})


@pytest.mark.parametrize("workers", [0, 2])
def test_a_pass_resumes_after_the_batches_handed_out(make_data, workers):
    loader = make_data(workers=workers).train_dataloader()
    undisturbed = list(loader) + list(loader)  # two epochs
    assert not same(undisturbed[: len(loader)], undisturbed[len(loader) :])
    loader = make_data(workers=workers).train_dataloader()
    running = iter(loader)
    first = [next(running) for _ in range(3)]
    assert loader.state_dict() == {"batches_done": 3}
    later = make_data(workers=workers).train_dataloader()
    later.load_state_dict(loader.state_dict())
    assert same(undisturbed[: 3 + len(loader)], first + list(later))


class Recorder(pl.LightningModule):
    """Learns nothing; notes which records it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.shown = []

    def training_step(self, batch, index):
        self.shown.append((tuple(batch["record"].tolist()), int(batch["image"].sum())))
        return self.weight**2

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def trainer(path, **options) -> pl.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return pl.Trainer(default_root_dir=path, limit_val_batches=0, **(quiet | {"enable_checkpointing": False} | options))


@pytest.mark.parametrize(
    "when", [{"every_n_train_steps": 7}, {"every_n_train_steps": 23}, {"every_n_epochs": 1, "save_top_k": -1}]
)
def test_lightning_resumes_within_an_epoch(make_data, tmp_path, when):
    checkpoints = ModelCheckpoint(dirpath=tmp_path, filename="{step}", **({"save_top_k": 1} | when))
    undisturbed = Recorder()
    trainer(tmp_path, max_steps=40, callbacks=[checkpoints], enable_checkpointing=True).fit(
        undisturbed, datamodule=make_data()
    )
    assert len(undisturbed.shown) == 40
    saved = sorted(tmp_path.glob("*.ckpt"))
    assert saved
    for path in saved:
        done = int(path.stem.removeprefix("step="))
        later = Recorder()
        trainer(tmp_path, max_steps=40).fit(later, datamodule=make_data(), ckpt_path=str(path))
        assert later.shown == undisturbed.shown[done:]


def test_splits_share_no_sequence(make_data):
    data = make_data(validation_records=None)
    rows = SplitReader(data.config.train_file).annotations
    keys = [
        {tuple(int(rows[name][record]) for name in ("subject", "action", "trial")) for record in part.records}
        for part in (data.train, data.val)
    ]
    assert keys[0].isdisjoint(keys[1]) and len(data.train) + len(data.val) == 160
    assert len({action for _, action, _ in keys[1]}) > 5
    assert set(data.fingerprints) == {"train", "test"} and len(data.fingerprints["test"]) == 64


def test_validation_by_test_subjects(make_data):
    data = make_data(validation="test_subjects", validation_records=10)
    assert len(data.val) == 10 and len(data.train) == 160 and set(data.val.records) <= set(data.test.records)


def test_subsets(make_data):
    data = make_data(
        train_subjects=(5, 7), actions=("Sitting", "SittingDown", "Walking", "Eating"), batch_size=2, validation_every=4
    )
    rows = SplitReader(data.config.train_file).annotations
    chosen = np.concatenate([data.train.records, data.val.records])
    assert set(rows["subject"][chosen]) == {5, 7} and set(rows["action"][chosen]) == {8, 9, 13, 2}
    wanted = np.isin(rows["subject"], (5, 7)) & np.isin(rows["action"], (8, 9, 13, 2))
    assert sorted(chosen) == np.flatnonzero(wanted).tolist()


def test_exclusions_by_name(make_split):
    def change(rows):
        rows["subject"][:] = 9
        rows["action"][:] = np.repeat([3, 9, 11, 0], 10)  # Greeting, SittingDown, Waiting, Directions
        rows["trial"][:] = np.tile([1, 2], 20)
        rows["subject"][30:] = 11
        rows["camera"][30:] = np.arange(10) % 4

    reader = SplitReader(make_split("test", records=40, change=change))
    config = DataConfig(train_file="", test_file="", exclude=("s9_drift", "s11_directions_corrupt"))
    left_out = sorted(set(range(40)) - set(select(reader, (9, 11), config).tolist()))
    greeting, sitting_down, waiting = [1, 3, 5, 7, 9], [11, 13, 15, 17, 19], [20, 22, 24, 26, 28]
    # Directions of S11: odd records are trial 2, cameras count 0 1 2 3 0 1 ...: none is trial 2 of camera 0.
    assert left_out == greeting + sitting_down + waiting
    reader.annotations["camera"][31] = 0
    assert 31 not in select(reader, (9, 11), config)


# Bad input: one line that names file and record


def test_an_unreadable_image_ends_the_run(make_split, make_data):
    train = make_split("train", records=160, jpegs={50: jpeg(50)[:3000], 51: b"not a picture"})
    for workers in (0, 2):
        with pytest.raises(DataError, match=r"train\.h5: record 5[01] \(S\w+\.camera0_000001\)") as caught:
            epoch(make_data(train=train, workers=workers, validation="test_subjects").train_dataloader())
        assert "\n" not in str(caught.value) and str(caught.value).endswith("the JPEG cannot be decoded")


@pytest.mark.parametrize("cache", ["none", "memory"])
def test_unreadable_images_are_counted_and_replaced(make_split, make_data, cache):
    train = make_split("train", records=160, jpegs={50: jpeg(50)[:3000], 51: b"not a picture"})
    data = make_data(train=train, on_corrupt="skip", validation="test_subjects", cache=cache)
    loader = data.train_dataloader()
    with pytest.warns(UserWarning, match=r"unreadable images skipped; the first: .*record 5[01] ") as caught:
        batches = epoch(loader)
    assert len(caught) == 1 and loader.skipped == 3  # 50 leads to 51, which is met again on its own turn
    records = torch.cat([batch["record"] for batch in batches]).tolist()
    assert len(records) == 160 and {50, 51}.isdisjoint(records) and records.count(52) == 3


def test_evaluation_leaves_unreadable_images_out(make_split, make_data):
    test = make_split("test", records=40, jpegs={3: b""" broken """})
    loader = make_data(test=test, on_corrupt="skip").test_dataloader()
    with pytest.warns(UserWarning, match="1 unreadable images skipped"):
        records = torch.cat([batch["record"] for batch in loader]).tolist()
    assert records == [record for record in range(40) if record != 3]


def test_nothing_is_said_when_all_is_well(make_data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        epoch(make_data(on_corrupt="skip").train_dataloader())


def test_a_cut_off_box_still_shows_its_joint(make_data):
    """Towards a joint all the way it lies in the middle; what is outside is not visible."""
    data = make_data(augmentation=AugmentationConfig())
    draw = Draw(scale=0.4, focus=16, towards=1.0)
    sample = data.train._result(3, draw).sample
    np.testing.assert_allclose(sample["joints_box"][16], 0.5, atol=1e-5)
    inside = ((sample["joints_box"] >= 0) & (sample["joints_box"] < 1)).all(1)
    assert sample["visible"].tolist() == inside.tolist() and not inside.all()
    moved = data.train._result(3, Draw(shift=(0.1, -0.2))).sample["joints_box"]
    np.testing.assert_allclose(
        moved - data.train._result(3, Draw()).sample["joints_box"], [[-0.1, 0.2]] * 17, atol=1e-5
    )


def test_borders(make_data):
    """Beyond the stored picture: black, or its last pixels."""
    data = make_data(augmentation=None)
    black, edge = (data.train._result(0, Draw(scale=2.0, border=kind)).sample["image"][:, 0] for kind in (0, 1))
    assert not black.any() and edge.any()


def test_several_files_make_one_training_set(make_data, make_split, tmp_path):
    further = make_split("train", records=40, seed=9)
    os.rename(further, tmp_path / "further.h5")
    alone = make_data(validation_every=4)
    sources = (alone.config.train_file, str(tmp_path / "further.h5"))
    data = make_data(
        validation_every=4, mix=tuple({"source": each, "share": "records", "held_out": False} for each in sources)
    )
    assert len(data.train) == len(alone.train) + 40 and len(data.val) == len(alone.val)
    assert set(data.fingerprints) == {"train", "mix[1]", "test"}
    last = data.train[len(data.train) - 1].sample
    reader = SplitReader(tmp_path / "further.h5")
    assert last["record"] == 39
    np.testing.assert_array_equal(last["joints_cam_mm"], reader.annotations["joints_cam_mm"][39])
    np.testing.assert_array_equal(data.train[5].sample["image"], alone.train[5].sample["image"])
    seen = np.concatenate([batch["joints_cam_mm"][:, 16, 0].numpy() for batch in epoch(data.train_dataloader())])
    assert len(np.unique(seen)) == len(seen) == len(data.train) // 8 * 8


def test_empty_choices_are_explained(make_data):
    with pytest.raises(DataError, match=r"train\.h5: no record left of 160; asked for subjects \[3\]"):
        make_data(train_subjects=(3,))
    with pytest.raises(
        DataError, match=r"train\.h5: data\.actions: no action 'Sit' in it; null for all of Directions, "
    ):
        make_data(actions=("Sit",))
    with pytest.raises(DataError, match="do not fill a batch of 500"):
        make_data(batch_size=500).train_dataloader()


def test_a_file_of_the_other_split_is_refused(make_data):
    data = make_data()
    with pytest.raises(DataError, match="holds the 'test' split; train_file was given"):
        make_data(train=data.config.test_file)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"crop_mode": "fancy"}, r"data\.crop_mode=fancy: .*'standard' or 'released_code'"),
        ({"batch_size": 0}, r"data\.batch_size=0"),
        ({"test_subjects": [1, 9]}, "subject 1 is in both train_subjects and test_subjects"),
        ({"colour": 1}, r"data\.colour: no such key"),
    ],
)
def test_bad_configuration_is_refused_in_one_line(values, message):
    with pytest.raises(ConfigError, match=message):
        parse(DataConfig, {"train_file": "a", "test_file": "b", **values}, "data")
