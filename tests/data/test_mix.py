"""Sources come in their shares, with their kind of labels, joints by name; one full source is plain training."""

from collections import Counter

import numpy as np
import pytest
import torch
from fabricated import jpeg, people

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.config.data import LABELS, DataConfig
from c2fpose.config.schema import parse
from c2fpose.data.datamodule import PoseData
from c2fpose.data.dataset import Turn
from c2fpose.data.schema import write_split
from c2fpose.pose.skeleton import C2F17, JOINTS, Skeleton


@pytest.fixture
def make_mix(make_split):
    train, test = make_split("train", records=160), make_split("test", records=40)

    def make(*sources, seed=0, **options) -> PoseData:
        common = {"image_size": 32, "batch_size": 8, "eval_batch_size": 16, "workers": 0}
        mix = [{"source": train} | source for source in sources]
        config = parse(DataConfig, common | {"train_file": train, "test_file": test, "mix": mix} | options, "data")
        data = PoseData(config, seed=seed)
        data.setup()
        return data

    make.train = train
    return make


def write_joints(path, skeleton, rows, places) -> None:
    """Write records whose joints are those at these places of the paper's."""
    own = {name: rows[name][:, places] for name in ("joints_cam_mm", "joints_px")}
    provenance = {"actions": [f"a{n}" for n in range(15)]}
    images = map(jpeg, range(len(rows["frame"])))
    write_split(path, rows | own, images, dataset="custom", split="train", provenance=provenance, skeleton=skeleton)


def epoch(loader, number=0):
    loader.load_state_dict({"batches_done": number * len(loader)})
    return list(loader)


def test_one_full_source_is_plain_training_to_the_bit(make_mix):
    for plain, mixed in zip(epoch(make_mix().train_dataloader()), epoch(make_mix({}).train_dataloader()), strict=True):
        assert plain.keys() == mixed.keys() and all(torch.equal(plain[key], mixed[key]) for key in plain)


def test_records_as_shares_are_all_records_one_source_after_another(make_mix):
    data = make_mix({"subjects": [1], "share": "records"}, {"subjects": [5, 6], "share": "records", "every": 2})
    first, second = (len(part) for part in data.train.parts)
    expected = [(0, record) for record in range(first)] + [(1, record) for record in range(second)]
    for number in (0, 3):
        assert [data.train.source_and_record(position, number) for position in range(len(data.train))] == expected
    assert all("labelled" not in batch for batch in epoch(data.train_dataloader()))


def test_also_of_earlier_configurations_is_such_a_mix(make_mix, make_split):
    """Its draws are those of its time: ``train_file`` under the seed itself, each further file one 1009 higher."""
    plain = make_mix(seed=3, frame_stride=2)
    data = make_mix(seed=3, frame_stride=2, also=[{"file": make_mix.train, "every": 3}, {"file": make_mix.train}])
    assert [each.share for each in data.config.mix] == ["records"] * 3
    assert [(each.every, each.held_out) for each in data.config.mix] == [(2, True), (3, False), (1, False)]
    assert data.val_sources == {}
    assert [part.seed for part in data.train.parts] == [3, 3 + 1009, 3 + 2 * 1009]
    np.testing.assert_array_equal(data.train.parts[0].records, plain.train.records)
    for name, value in plain.train[4].sample.items():
        np.testing.assert_array_equal(data.train[4].sample[name], value)
    assert make_mix(also=[]).config == make_mix().config


def test_shares_are_exact_and_every_record_has_its_turn(make_mix):
    data = make_mix({"subjects": [1], "share": 0.25}, {"subjects": [5, 6, 7, 8], "share": 0.75, "labels": "2d"})
    length = len(data.train)
    few, many = (len(part) for part in data.train.parts)
    counts = Counter()
    for number in range(8):
        turns = [data.train.source_and_record(position, number) for position in range(length)]
        assert sum(place == 0 for place, _ in turns) == round(length / 4)
        counts.update(turns)
    for place, records in ((0, few), (1, many)):
        seen = [counts[place, record] for record in range(records)]
        assert min(seen) >= 1 and max(seen) - min(seen) <= 1


def test_order_is_seeded_and_resumes(make_mix):
    sources = ({"subjects": [1], "share": 1}, {"subjects": [5, 6], "share": 1, "labels": "2d"})
    first, again, other = (make_mix(*sources, seed=seed) for seed in (3, 3, 4))
    for number in (0, 2):
        records = [
            [batch["record"].tolist() for batch in epoch(data.train_dataloader(), number)]
            for data in (first, again, other)
        ]
        assert records[0] == records[1] != records[2]


def test_kinds_of_labels_are_named(make_mix):
    data = make_mix({"subjects": [1]}, {"subjects": [5], "labels": "2d"}, {"subjects": [6], "labels": "ordinal"})
    for batch in epoch(data.train_dataloader()):
        for subject, kind in zip(batch["subject"].tolist(), batch["labelled"].tolist(), strict=True):
            assert LABELS[kind] == {1: "full", 5: "2d", 6: "ordinal"}[subject]


def test_sequences_of_the_validation_are_held_out_of_the_same_file(make_mix):
    data = make_mix({}, {"labels": "2d", "subjects": [5, 6]})
    for part in data.train.parts:
        held, table = set(), part.reader.annotations
        for row in data.val.records:
            held.add(tuple(table[name][row] for name in ("subject", "action", "trial")))
        for row in part.records:
            assert tuple(table[name][row] for name in ("subject", "action", "trial")) not in held


def test_joints_are_mapped_by_name_and_depths_count_from_the_trained_root(make_mix, tmp_path):
    names = ["left_wrist", "spine", "right_knee", "tail"]
    other = Skeleton.of(names, {"left_wrist": "spine", "right_knee": "spine", "tail": "spine"})
    annotations, path = people(80, 5, "train"), tmp_path / "other.h5"
    write_joints(path, other, annotations, [JOINTS.index(name) for name in names[:3]] + [0])
    still = {"augmentation": None, "actions": None}
    data = make_mix({"source": str(path)}, **still)
    sample = data.train[0].sample
    record = int(sample["record"])
    known = [JOINTS.index(name) for name in names[:3]]
    missing = [joint for joint in range(17) if joint not in known]
    assert sample["joints_box"].shape == (17, 2) and not sample["visible"][missing].any()
    assert np.isnan(sample["joints_box"][missing]).all() and np.isfinite(sample["joints_box"][known]).all()
    assert np.isnan(sample["depth_rel_mm"]).all()  # the pelvis, from which depths count, is not among its joints
    np.testing.assert_allclose(sample["joints_cam_mm"][known], annotations["joints_cam_mm"][record][known])


def test_labels_of_joints_in_another_order_are_those_of_their_names(make_mix, tmp_path):
    names = ["left_wrist", "spine", "pelvis", "right_knee"]
    other = Skeleton.of(names, {"left_wrist": "spine", "right_knee": "spine", "pelvis": "spine"})
    rows, places, path = people(80, 5, "train"), [JOINTS.index(name) for name in names], tmp_path / "other.h5"
    write_joints(path, other, rows, places)
    sample = make_mix({"source": str(path)}, augmentation=None, actions=None).train[-1].sample
    record = int(sample["record"])
    joints_mm = rows["joints_cam_mm"][record]
    assert sample["subject"] == rows["subject"][record]
    np.testing.assert_allclose(sample["joints_cam_mm"][places], joints_mm[places], rtol=1e-6)
    np.testing.assert_allclose(sample["joints_turned_mm"][places], joints_mm[places], rtol=1e-5, atol=0.01)
    np.testing.assert_allclose(sample["depth_rel_mm"][places], joints_mm[places, 2] - joints_mm[0, 2], atol=0.01)
    box = (rows["joints_px"][record] - sample["box_left_top_px"]) / sample["box_side_px"]
    np.testing.assert_allclose(sample["joints_box"][places], box[places], atol=1e-4)


def sequences(reader, records) -> set[tuple[int, ...]]:
    return {tuple(int(reader.annotations[name][row]) for name in ("subject", "action", "trial")) for row in records}


def test_each_source_has_sequences_of_its_own_held_out(make_mix, tmp_path):
    other = tmp_path / "photos.h5"
    write_split(other, people(120, 7, "train"), map(jpeg, range(120)), dataset="synth36", split="train", provenance={})
    sources = {"name": "lab"}, {"source": str(other), "labels": "2d", "subjects": [1, 5]}, {"source": str(other)}
    data = make_mix(*sources, validation_records=6)
    assert list(data.val_sources) == ["lab", "mix1", "mix2"]
    for name, part in zip(data.val_sources, data.train.parts, strict=True):
        apart = data.val_sources[name].parts[0]
        assert apart.seed is None and 0 < len(apart) <= 6  # as they are, and no more than of the validation
        assert apart.reader.path == part.reader.path
        assert sequences(apart.reader, apart.records).isdisjoint(sequences(part.reader, part.records))
    first = data.train.parts[1]  # of one file: what is held out of the one is not trained on by the other
    assert sequences(first.reader, data.val_sources["mix2"].parts[0].records).isdisjoint(
        sequences(first.reader, first.records)
    )
    assert set(data.val_sources["mix1"].parts[0].reader.annotations["subject"][first.records]) == {1, 5}
    loaders = data.val_dataloader()
    assert [len(loader.dataset) for loader in loaders[1:]] == [len(each) for each in data.val_sources.values()]
    assert loaders[0].dataset is data.val


def test_one_source_that_is_the_file_of_the_validation_is_not_measured_twice(make_mix):
    assert make_mix({}).val_sources == {} and make_mix().val_sources == {}
    assert make_mix({"subjects": [1]}, {"subjects": [5]}, validation="test_subjects").val_sources == {}


def test_choices_are_those_of_the_data_set_that_they_name(make_mix, tmp_path):
    """A file of another data set has other subjects and actions by the same numbers."""
    annotations = people(40, 7, "train")
    annotations["subject"] = np.full(40, 3)
    other = tmp_path / "photos.h5"
    actions = [f"a{n}" for n in range(15)]
    write_split(
        other, annotations, map(jpeg, range(40)), dataset="custom", split="train", provenance={"actions": actions}
    )
    data = make_mix({}, {"source": str(other), "labels": "2d"}, validation_every=4)
    both = len(data.train.parts[1]) + len(data.val_sources["mix1"])
    assert both == 40 and set(data.val.reader.annotations["subject"][data.val.records]) <= {1, 5, 6, 7, 8}
    assert len(make_mix({}, {"source": make_mix.train, "subjects": [5]}, actions=["Eating"]).train.parts[1]) < 5


@pytest.mark.parametrize("same", [True, False])
def test_two_sets_of_ones_own_are_one_if_their_names_are(make_mix, tmp_path, same):
    files = {}
    for name, people_of in (("a", ["anna", "ben"]), ("b", ["anna", "ben"] if same else ["wu", "xi"])):
        rows = people(48, seed=3, split="train")
        rows["subject"][:] = 1 + np.arange(48) % 2
        rows["action"][:] = 0
        rows["trial"][:] = 1 + np.arange(48) // 2 % 4
        told = {"subjects": dict(zip("12", people_of, strict=True)), "actions": ["walk"], "cameras": list("cdef")}
        files[name] = str(tmp_path / f"{name}.h5")
        images = (jpeg(number) for number in range(48))
        write_split(files[name], rows, images, dataset="custom", split="train", provenance=told)
    free = dict.fromkeys(("actions", "cameras", "test_subjects"))
    data = make_mix({"source": files["b"]}, train_file=files["a"], train_subjects=[1], validation_every=2, **free)
    other = data.train.parts[-1]
    assert set(other.reader.annotations["subject"][other.records]) == ({1} if same else {1, 2})


def test_a_source_of_which_nothing_would_be_left_is_trained_on(make_mix, tmp_path):
    annotations = people(40, 7, "train")
    for name, value in (("subject", [1] * 20 + [5] * 20), ("action", 0), ("trial", 1), ("camera", 0)):
        annotations[name][:] = value
    annotations["frame"] = np.arange(1, 41)
    other = tmp_path / "walk.h5"
    write_split(other, annotations, map(jpeg, range(40)), dataset="synth36", split="train", provenance={})
    data = make_mix({}, {"source": str(other), "subjects": [5]}, validation_every=2)  # his one sequence is the second
    assert len(data.train.parts[1]) == 20 and "mix1" not in data.val_sources


def test_test_people_of_a_source_have_the_joints_that_are_trained(make_mix, make_split):
    data = make_mix({"name": "lab", "test_file": make_split("test", records=40)}, {"labels": "2d"})
    assert list(data.test_sources) == ["lab"] and len(data.test_sources["lab"]) == 40
    assert data.test_sources["lab"][0].sample["joints_box"].shape == (17, 2)
    with pytest.raises(DataError, match=r"mix\[0\]\.test_file was given"):
        make_mix({"test_file": make_mix.train})


def test_what_cannot_be_mixed_is_refused(make_mix, tmp_path):
    with pytest.raises(ConfigError, match="mix and also"):
        make_mix({}, also=[{"file": make_mix.train}])
    with pytest.raises(DataError, match=r"data\.mix\[1\]: a share so small"):
        make_mix({}, {"share": 1e-6})
    with pytest.raises(ConfigError, match="two sources are called mix1"):
        make_mix({"name": "mix1"}, {})
    with pytest.raises(ConfigError, match="labels"):
        make_mix({"labels": "half"})
    with pytest.raises(ConfigError, match="share: records is for all sources or for none"):
        make_mix({"share": "records"}, {"share": 2})
    strange = Skeleton.of(["a", "b"], {"b": "a"})
    path = tmp_path / "strange.h5"
    write_joints(path, strange, people(20, 1, "train"), [0, 1])
    with pytest.raises(DataError, match=r"none of its joints \(a, b\)"):
        make_mix({"source": str(path)}, actions=None)


def test_a_record_that_an_epoch_repeats_is_changed_otherwise_each_time(make_mix):
    data = make_mix({"subjects": [1], "share": 3}, {"subjects": [5, 6, 7, 8], "share": 1})
    records = len(data.train.parts[0])
    first, again, then = (data.train[Turn(at, 2, at // 8)].sample for at in (0, records, 2 * records))
    assert first["record"] == again["record"] == then["record"]
    assert len({sample["joints_box"].tobytes() for sample in (first, again, then)}) == 3
    alone = data.train.parts[0][Turn(int(np.flatnonzero(data.train.parts[0].records == first["record"])[0]), 2, 0)]
    np.testing.assert_array_equal(first["image"], alone.sample["image"])  # the first time: as without a mix
    whole = make_mix({"subjects": [1], "share": 3}, {"subjects": [5, 6, 7, 8]}, augmentation={"flip_whole_batch": True})
    for batch in range(8):
        flips = [
            bool(whole.train[Turn(at, 2, batch)].sample["flipped"])
            for at in (0, records, 2 * records, -1 % len(whole.train))
        ]
        assert len(set(flips)) == 1


def test_train_file_says_which_joints_are_trained_whatever_comes_first(make_mix, tmp_path):
    names = ["spine", "left_wrist", "right_knee"]
    other = Skeleton.of(names, {"left_wrist": "spine", "right_knee": "spine"})
    path, train = tmp_path / "other.h5", make_mix.train
    write_joints(path, other, people(80, 5, "train"), [JOINTS.index(name) for name in names])
    data = make_mix(mix=[{"source": str(path), "labels": "2d"}, {"source": train}], actions=None)
    assert data.train.reader.info.skeleton == other and data.train[0].sample["joints_box"].shape == (17, 2)
    assert data.trained.skeleton == C2F17 and data.trained.path == train
    assert data.training_poses_mm().shape[1:] == (17, 3)
