import multiprocessing
import os
import pickle

import h5py
import numpy as np
import pytest
from fabricated import jpeg, people

from c2fpose.base.errors import DataError, UserError
from c2fpose.data.schema import FIELDS, SYNTHETIC, SplitReader, write_split
from c2fpose.data.synth36 import plan as synth36
from c2fpose.data.synth_wild import plan as synth_wild
from c2fpose.pose.skeleton import Skeleton


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


# Damage


def test_other_annotations_than_were_written_are_not_believed(make_split):
    """One bit of one number: plausible, and wrong."""

    def spoil(file):
        number = file["joints_cam_mm"][1, 4, 0]
        file["joints_cam_mm"][1, 4, 0] = np.nextafter(number, np.float32(9e9))

    path = make_split(records=3, spoil=spoil)
    with pytest.raises(DataError, match="annotations or header were changed after it was made; make or copy it again"):
        SplitReader(path)


@pytest.mark.parametrize("name", ["split", "dataset", "fingerprint", "provenance"])
def test_another_header_is_not_believed(make_split, name):
    def spoil(file):
        file.attrs[name] = str(file.attrs[name]).replace("0", "1").replace("train", "test").replace("synth", "h")

    if name == "fingerprint":
        assert "0" in SplitReader(make_split(records=2)).info.fingerprint
    with pytest.raises(DataError, match="annotations or header were changed"):
        SplitReader(make_split(records=2, spoil=spoil))


def test_files_of_version_1_are_read(make_split):
    def spoil(file):
        file.attrs["schema_version"] = 1
        del file.attrs["index_fingerprint"]

    assert len(SplitReader(make_split(records=2, spoil=spoil))) == 2


def _link(file, name, target):
    del file[name]
    file[name] = target


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: _link(file, "scale", h5py.ExternalLink("/etc/passwd", "/x")), "scale is no array of this file"),
        (lambda file: _link(file, "scale", h5py.SoftLink("/camera")), "scale is no array of this file"),
        (
            lambda file: file["scale"].attrs.update(x=1) or file.move("scale", "y") or file.create_group("scale"),
            "scale",
        ),
        (lambda file: file.attrs.__setitem__("provenance", "{not json"), "not a readable data file"),
        (lambda file: file.attrs.__setitem__("provenance", "3"), "not a readable data file"),
        (lambda file: file.attrs.__setitem__("schema_version", "two"), "schema two"),
        (lambda file: file["jpeg_offsets"].__setitem__(1, -5), "record 0: jpeg of -5 bytes"),
        (lambda file: file["jpeg_offsets"].__setitem__(3, 1 << 40), "record 2: jpeg of "),
        (lambda file: file["jpeg_bytes"].resize((10,)), "jpeg_bytes end at byte"),
        (lambda file: _link(file, "jpeg_offsets", np.zeros((2, 2))), "jpeg_offsets has shape"),
        (
            lambda file: _link(file, "jpeg_offsets", file["jpeg_offsets"][:3]),
            "2 images for 3 annotated records",
        ),
        (lambda file: _link(file, "frame", np.array([b"a", b"b", b"c"])), "frame cannot be read"),
    ],
)
def test_damage_that_the_library_trips_over_is_one_line(make_split, spoil, message):
    path = make_split(records=3, spoil=spoil)
    with pytest.raises(DataError) as refused:
        SplitReader(path)
    assert (
        str(refused.value).startswith(f"{path}: ") and message in str(refused.value) and "\n" not in str(refused.value)
    )


def test_a_claim_of_more_than_the_file_holds_is_not_allocated(make_split):
    """A data set that was never written takes no place in the file, and any amount of memory."""

    def spoil(file):
        records = 1 << 34
        for name, field in FIELDS.items():
            del file[name]
            file.create_dataset(name, shape=(records, *field.shape), dtype=field.dtype)

    with pytest.raises(DataError, match=r"claims .* values, more than the file holds"):
        SplitReader(make_split(records=3, spoil=spoil))


def test_image_bytes_that_cannot_be_read_name_the_record(make_split):
    path = make_split(records=3)
    reader = SplitReader(path)
    os.truncate(path, os.path.getsize(path) // 2)
    with pytest.raises(DataError, match=r"train\.h5: record 2: truncated; make or copy it again"):
        reader.jpeg(2)


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        ("data/synth36_small/train.h5", "python -m c2fpose.data.synth36 preset=small"),
        ("data/synth_wild_10k/train.h5", "python -m c2fpose.data.synth_wild preset=10k$"),
        ("data/h36m/train.h5", r"python -m c2fpose.data.prepare source=\.\.\. .*docs/human36m"),
        ("mine/train.h5", "synth36 by .* Human3.6M by .*, data of your own by .*docs/own_data.md"),
    ],
)
def test_missing_files_say_how_they_are_made(tmp_path, place, advice):
    with pytest.raises(DataError, match=f"no such file; make it first: .*{advice}"):
        SplitReader(tmp_path / place)


def test_no_preset_is_advised_that_there_is_not(tmp_path):
    made = {"synth36": synth36, "synth_wild": synth_wild}
    assert {name: tuple(plan.PRESETS) for name, plan in made.items()} == SYNTHETIC
    for place, why in [
        ("data/synth_wild_s12/test.h5", r"s12 is no preset of synth_wild \(tiny, small, 10k, medium, full\)"),
        ("data/synth_wild_small_2/test.h5", "small_2 is no preset of synth_wild"),
        ("data/synth36_tyni/train.h5", r"tyni is no preset of synth36 \(few, tiny, small, full\)"),
    ]:
        with pytest.raises(DataError, match=why) as refused:
            SplitReader(tmp_path / place)
        assert "preset=" not in str(refused.value)


def test_a_directory_is_named(tmp_path):
    with pytest.raises(DataError, match=r"is a directory; expected the HDF5 file of a split, such as train\.h5 in it"):
        SplitReader(tmp_path)


def _own(skeleton, **changes):
    """Annotations of other joints, of records as fabricated people's."""
    rows = people(6, 0, "train")
    rows |= {name: rows[name][:, : skeleton.joints].copy() for name in ("joints_cam_mm", "joints_px")}
    return rows | changes


FOUR = Skeleton.of(["a", "b", "c", "d"], {"a": "b", "c": "b", "d": "b"}, [("a", "c")])


def test_a_file_has_joints_of_its_own(tmp_path):
    path, rows = tmp_path / "a.h5", _own(FOUR)
    about = {"actions": ["Sleep", "Eat"], "subjects": {"1": "Rex"}}
    images = [jpeg(number) for number in range(6)]
    options = {"dataset": "dogs", "split": "train", "provenance": about}
    info = write_split(path, rows | {"action": np.arange(6) % 2}, images, skeleton=FOUR, **options)
    read = SplitReader(path)
    assert read.info == info and read.info.skeleton == FOUR and read.annotations["joints_px"].shape == (6, 4, 2)
    assert read.info.action_names == ("Sleep", "Eat") and read.info.subject_names == {1: "Rex"}
    assert read.name(1) == "S5_Eat_1.camera0_000001"
    renamed = Skeleton.of(["a", "b", "c", "e"], {"a": "b", "c": "b", "e": "b"}, [("a", "c")])
    other = write_split(path, rows | {"action": np.arange(6) % 2}, images, skeleton=renamed, **options)
    assert other.fingerprint != info.fingerprint  # the joints' names are part of what results come from
    with pytest.raises(DataError, match=r"joints_cam_mm has shape \(6, 4, 3\), expected \(6, 17, 3\)"):
        write_split(path, rows, images, **options)
    with h5py.File(path, "r+") as file:
        file.attrs["skeleton"] = file.attrs["skeleton"].replace('"e"', '"f"')
    with pytest.raises(DataError, match="were changed after it was made"):
        SplitReader(path)
    with h5py.File(path, "r+") as file:
        file.attrs["skeleton"] = "{}"
    with pytest.raises(UserError, match=r"a\.h5: skeleton: lacks joints"):
        SplitReader(path)


def test_files_of_the_papers_joints_are_as_they_were(tmp_path):
    info = write_split(
        tmp_path / "a.h5", people(5, 0, "train"), None, dataset="synth36", split="train", provenance={"seed": 0}
    )
    with h5py.File(tmp_path / "a.h5", "r") as file:
        assert "skeleton" not in file.attrs and file.attrs["joint_order"] == "c2f17"
    # by the version before skeletons could differ
    assert info.fingerprint == "ba5b18350254005d4502c0f4515fd2cd2c1d0fca41336c890dfe3f8d4936216c"


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ({"joints_cam_mm": np.s_[1]}, None),
        ({"joints_cam_mm": np.s_[1, 2:]}, None),
        ({"joints_px": np.s_[3, 0]}, None),
        ({"joints_px": np.s_[:], "joints_cam_mm": np.s_[:, 1]}, None),
        ({"joints_px": np.s_[4, 2, 1]}, "record 4: joints_px: a joint of which a part is missing"),
        ({"joints_px": np.s_[2], "joints_cam_mm": np.s_[2]}, "record 2: no joint has a label"),
    ],
)
def test_joints_without_labels(tmp_path, missing, message):
    rows = _own(FOUR)
    for name, where in missing.items():
        rows[name][where] = np.nan
    about = {"dataset": "dogs", "split": "train", "skeleton": FOUR}
    path = tmp_path / "a.h5"
    write_split(path, rows, None, provenance={"labels": "partial"}, **about)
    if message is None:
        reader = SplitReader(path)
        assert reader.info.partly_labelled
        for name in missing:
            np.testing.assert_array_equal(np.isnan(reader.annotations[name]), np.isnan(rows[name]))
    else:
        with pytest.raises(DataError, match=message):
            SplitReader(path)
    write_split(path, rows, None, provenance={}, **about)
    with pytest.raises(DataError, match="NaN or infinite joints"):  # nothing may be missing unless the file says so
        SplitReader(path)
