import multiprocessing
import pickle

import h5py
import numpy as np
import pytest
from fabricated import jpeg, people

from c2fpose.base.errors import DataError
from c2fpose.data.schema import FIELDS, SplitReader, write_split


def test_what_is_written_is_read(make_split):
    path = make_split(records=7, seed=3)
    reader = SplitReader(path)
    expected = people(7, 3, "train")
    assert len(reader) == 7 and reader.info.split == "train" and reader.info.provenance == {"seed": 3}
    for name in FIELDS:
        np.testing.assert_allclose(reader.annotations[name], expected[name], rtol=1e-6)
    for record in (6, 0, 3):
        assert reader.jpeg(record).tobytes() == jpeg(3 + record)
    assert reader.name(1) == "S5_Directions_1.camera0_000001"


def test_fingerprint_sees_labels_and_pixels(make_split):
    def move(rows):
        rows["joints_cam_mm"][2, 3, 0] += 1

    prints = [
        SplitReader(make_split(records=5, **changes)).info.fingerprint
        for changes in ({}, {}, {"change": move}, {"jpegs": {4: jpeg(99)}})
    ]
    assert prints[0] == prints[1] and len(set(prints)) == 3


def test_nothing_unfinished_has_the_name(tmp_path):
    def images():
        yield jpeg(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_split(tmp_path / "a.h5", people(2, 0, "train"), images(), dataset="d", split="train", provenance={})
    assert not (tmp_path / "a.h5").exists()


def _first_bytes(reader, record, queue):
    queue.put(reader.jpeg(record).tobytes())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_reader_crosses_processes(make_split, method):
    reader = SplitReader(make_split(records=3))
    reader.jpeg(0)  # opens the handle here first
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=_first_bytes, args=(reader, 2, queue))
    process.start()
    assert queue.get(timeout=60) == jpeg(2)
    process.join()
    assert pickle.loads(pickle.dumps(reader)).jpeg(1).tobytes() == jpeg(1)


def test_missing_and_truncated_files(tmp_path, make_split):
    with pytest.raises(DataError, match=r"none\.h5: no such file"):
        SplitReader(tmp_path / "none.h5")
    whole = open(make_split(records=20), "rb").read()
    (tmp_path / "half.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"half\.h5: truncated"):
        SplitReader(tmp_path / "half.h5")
    (tmp_path / "text.h5").write_text("not data")
    with pytest.raises(DataError, match=r"text\.h5: not an HDF5 file"):
        SplitReader(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(DataError, match=r"other\.h5: not a c2fpose data file"):
        SplitReader(tmp_path / "other.h5")


def _set(name, index, value):
    def change(rows):
        rows[name][index] = value

    return change


def _to_metres(rows):
    rows["joints_cam_mm"] /= 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("joints_cam_mm", (4, 2, 1), np.nan), "record 4: NaN or infinite joints"),
        (_set("joints_cam_mm", (3, 2, 2), -100.0), "record 3: a joint behind the camera"),
        (_to_metres, "record 0: a person less than 200 mm in extent; lengths must be millimetres"),
        (_set("joints_px", (5, 1), 5000.0), "record 5: a joint far outside its box"),
        (_set("scale", 1, 0.0), "record 1: a box without size"),
        (_set("action", 2, 15), "record 2: an unknown action"),
    ],
)
def test_implausible_annotations_are_named(make_split, change, message):
    path = make_split(records=8, change=change)
    with pytest.raises(DataError, match=message) as caught:
        SplitReader(path)
    assert path in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("joint_order", "right_leg_first", "unknown joint order 'right_leg_first'"),
        ("units", "m", "lengths in 'm', expected 'mm'"),
        ("schema_version", 99, "schema 99"),
    ],
)
def test_foreign_headers_are_named(make_split, attribute, value, message):
    with pytest.raises(DataError, match=message):
        SplitReader(make_split(records=2, spoil=lambda file: file.attrs.__setitem__(attribute, value)))


def test_wrong_shape_is_named(make_split):
    def spoil(file):
        del file["joints_px"]
        file["joints_px"] = np.zeros((2, 16, 2), np.float32)

    with pytest.raises(DataError, match=r"joints_px has shape \(2, 16, 2\), expected \(2, 17, 2\)"):
        SplitReader(make_split(records=2, spoil=spoil))
