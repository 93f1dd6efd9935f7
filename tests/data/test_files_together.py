"""Files that are trained and tested on together: what is chosen is there, joints are the same, no record is in both."""

import re

import numpy as np
import pytest
from fabricated import jpeg, people

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.config.data import DataConfig
from c2fpose.config.schema import parse
from c2fpose.data.datamodule import PoseData
from c2fpose.data.schema import write_split
from c2fpose.pose.skeleton import C2F17

NAMES = {"subjects": {"1": "anna", "2": "ben", "3": "cleo"}, "actions": ["walk", "sit"], "cameras": ["left", "right"]}
FREE = dict.fromkeys(("train_subjects", "test_subjects", "actions", "cameras"))
S9_DRIFT = {"subject": 9, "action": 3, "trial": 2}  # of Human3.6M: Greeting


@pytest.fixture
def write(tmp_path):
    """Write a file of one's own: 24 records of anna and ben to train on, 12 of cleo to test on."""

    def made(split, dataset="custom", provenance=NAMES, skeleton=C2F17, seed=None, **columns):
        count = 24 if split == "train" else 12
        rows = people(count, len(split) if seed is None else seed, "train")
        number = np.arange(count)
        rows |= {"subject": 1 + number % 2 if split == "train" else np.full(count, 3), "action": number // 2 % 2}
        rows |= {"trial": 1 + number // 4 % 3, "camera": number // 12 % 2, "frame": 1 + number}
        rows |= {name: np.broadcast_to(value, rows[name].shape) for name, value in columns.items()}
        path = tmp_path / f"{split}_{len(list(tmp_path.iterdir()))}.h5"
        images = map(jpeg, range(count))
        write_split(path, rows, images, dataset=dataset, split=split, provenance=provenance, skeleton=skeleton)
        return str(path)

    return made


def data_of(train, test, stage=None, **options) -> PoseData:
    common = {"image_size": 32, "batch_size": 4, "workers": 0, "validation_every": 2, "augmentation": None}
    data = PoseData(parse(DataConfig, FREE | common | {"train_file": train, "test_file": test} | options, "data"))
    data.setup(stage)
    return data


@pytest.mark.parametrize(("choice", "message"), [
    ({"train_subjects": [1, 3]}, r"train_\d\.h5: data\.train_subjects: no subject 3 in it; it has 1 \(anna\), 2 \(b"),
    ({"test_subjects": [3, 9, 11]}, r"test_\d\.h5: data\.test_subjects: no subject 9 in it; it has 3 \(cleo\)$"),
    ({"mix": [{"source": "train", "subjects": [2, 7]}]}, r"data\.mix\[0\]\.subjects: no subject 7 in it; it has 1 "),
    ({"cameras": [0, 4]}, r"data\.cameras: no record of 4 in .*train_\d\.h5 or .*; null for all of 0 \(left\), 1 \("),
    ({"train_subjects": [1, 5, 6, 7, 8]}, r"no subject 5 in it"),  # the published lists are of Human3.6M alone
    ({"cameras": [0, 1, 2, 3]}, r"no record of 2 in"),
    ({"actions": ["Directions", "walk"]}, r"no action 'Directions' in it; null, as with data=custom, for all of w"),
])  # fmt: skip
def test_a_choice_names_what_is_there(write, choice, message):
    """What is not would be left out without a word."""
    train, test = write("train"), write("test")
    choice = {key: [each | {"source": train} for each in value] if key == "mix" else value
              for key, value in choice.items()}  # fmt: skip
    with pytest.raises((ConfigError, DataError), match=message) as error:
        data_of(train, test, **choice)
    assert "\n" not in str(error.value)


def test_an_action_of_one_of_the_files_is_enough(write):
    """Trained without and tested with: a choice is one for both files."""
    train, test = write("train", action=0), write("test")
    assert len(data_of(train, test, actions=["walk", "sit"]).test) == 12
    with pytest.raises(ConfigError, match=r"data\.actions: no record of sit in .*; null for all of walk$"):
        data_of(train, write("test", action=0), actions=["walk", "sit"])


def test_of_human36ms_whole_lists_a_file_may_have_a_part(make_split):
    def alone(rows):
        rows["subject"][:], rows["camera"][:] = rows["subject"][0], 2
        rows["action"][:] = np.arange(len(rows["action"])) % 3

    files = [make_split(split, records=24, change=alone) for split in ("train", "test")]
    defaults = {"train_subjects": (1, 5, 6, 7, 8), "test_subjects": (9, 11), "cameras": (0, 1, 2, 3)}
    defaults["actions"] = DataConfig.model_fields["actions"].default
    assert len(data_of(*files, **defaults).test) == 24
    with pytest.raises(DataError, match=r"data\.train_subjects: no subject 5 in it; it has 1$"):
        data_of(*files, train_subjects=[1, 5])


def test_exclusions_are_of_human36m(write, make_split):
    """The numbers of its damaged sequences are others' in other data: with it they stay, without it that is said."""
    train, test = write("train"), write("test", provenance=NAMES | {"actions": list("abcd")}, **S9_DRIFT)
    with pytest.raises(
        ConfigError, match=r"data\.exclude=\['s9_drift'\]: sequences of Human3\.6M, and .*train_0\.h5 is"
    ):
        data_of(train, test, exclude=["s9_drift"])
    assert len(data_of(make_split("train", records=160), test, exclude=["s9_drift"]).test) == 12


def test_exclusions_hold_in_human36ms_part_of_a_mix(write, make_split):
    """Whatever the first source is."""

    def drifted(rows):
        for name, value in S9_DRIFT.items():
            rows[name][:5] = value

    other = make_split("test", records=20, change=drifted)
    mix = [{"source": (train := write("train"))}, {"source": train, "labels": "2d", "test_file": other, "name": "b"}]
    data = data_of(train, write("test"), mix=mix, exclude=["s9_drift"])
    assert len(data.test_sources["b"]) == 15


def test_a_test_file_of_other_joints_is_refused(write):
    """As many, in another order: errors would be of one joint from another."""
    turned = C2F17.of(C2F17.names[::-1], C2F17.to_dict()["parents"], C2F17.to_dict()["mirror"], "pelvis")
    with pytest.raises(DataError, match=r"test_\d\.h5: has other joints than .*train_\d\.h5: .*in this order"):
        data_of(write("train"), write("test", skeleton=turned))


def test_records_to_test_on_are_not_trained_on(write):
    """As of two runs of prepare with other test subjects, one file of each."""
    train = write("train")
    other = write("test", seed=len("train"), frame=1 + np.arange(12))
    with pytest.raises(DataError, match=r"test_1\.h5: 12 of its records are in .*train_0\.h5 too"):
        data_of(train, write("test"), mix=[{"source": train, "test_file": other}], validation="test_subjects")
    for mix in ([], [{"source": train}]):
        with pytest.raises(DataError, match=r"test_\d\.h5: 12 of its records are in .*train_0\.h5 too"):
            data_of(
                train, write("test", seed=len("train"), frame=1 + np.arange(12)), mix=mix, validation="test_subjects"
            )


def test_records_to_validate_on_that_are_trained_on_are_told(write, capsys):
    """Of one set of pictures, made to files twice, other sequences are held out of each; or of copies in one file."""
    train, test = write("train"), write("test")
    data_of(train, test, mix=[{"source": train}, {"source": train, "labels": "2d"}])
    data_of(train, test)
    assert capsys.readouterr().err == ""
    again = write("train", trial=1 + np.arange(24) // 8)  # the same records in the same rows
    mix = [{"source": train, "name": "once"}, {"source": again, "name": "again"}]
    data = data_of(train, test, mix=mix)
    held_out = {name: set(source.parts[0].records) for name, source in data.val_sources.items()}
    trained = dict(zip(data.config.mix_names, (set(part.records) for part in data.train.parts), strict=True))
    found = re.findall(r"warning: (.*): (\d+) records of the validation .* from (.*): its", capsys.readouterr().err)
    shared = (len(held_out["once"] & trained["again"]), len(held_out["again"] & trained["once"]))
    assert min(shared) > 0
    assert set(found) == {(train, str(shared[0]), again), (again, str(shared[1]), train)}
    copies, rows = np.arange(24) // 2, people(24, 5, "train")
    joints = {name: values[copies] for name, values in rows.items() if name.startswith("joints")}
    twice = write("train", frame=1 + copies, action=np.arange(24) % 2, **joints)
    data_of(twice, test)
    assert "records of the validation are trained on too" in capsys.readouterr().err


def test_records_without_an_error_are_counted(write, capsys):
    """Errors are measured on whole poses: of how many, nothing else would say."""

    def in_part(rows, count):
        joints = rows["joints_cam_mm"].copy()
        joints[:count, 4] = np.nan
        return joints

    rows, partial = people(12, 4, "train"), NAMES | {"labels": "partial"}
    train, test = write("train"), write("test", provenance=partial, joints_cam_mm=in_part(rows, 5))
    assert len(data_of(train, test).test) == 7
    assert f"note: {test}: 5 of 12 records lack a joint in px or in mm, and no error is" in capsys.readouterr().err
    data_of(train, write("test"))
    assert capsys.readouterr().err == ""
