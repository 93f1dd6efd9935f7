"""The three ways in which a split keeps its images, and the box rule."""

import pickle

import h5py
import numpy as np
import pytest

from c2fpose.base.errors import DataError
from c2fpose.data.schema import FIELDS, ImageFiles, SplitReader, write_split
from c2fpose.pose.box import person_box


@pytest.fixture
def annotations():
    rng = np.random.default_rng(3)
    arrays = {name: np.ones((5, *field.shape)) for name, field in FIELDS.items()}
    arrays["joints_cam_mm"] = rng.uniform(-600, 600, (5, 17, 3)) + np.array([0, 0, 5000])
    arrays["joints_px"] = rng.uniform(300, 700, (5, 17, 2))
    arrays["center_px"], arrays["scale"] = person_box(arrays["joints_px"])
    return arrays


@pytest.fixture
def jpegs():
    rng = np.random.default_rng(4)
    return [rng.bytes(50 + 7 * i) for i in range(5)]


def test_files_beside_the_hdf5_read_as_embedded_ones_do(tmp_path, annotations, jpegs):
    about = {"dataset": "h36m", "split": "train", "provenance": {}}
    names = [f"seq {i % 2}/img_{i:03d}.jpg" for i in range(5)]
    for name, jpeg in zip(names, jpegs, strict=True):
        (tmp_path / "shots" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "shots" / name).write_bytes(jpeg)
    (tmp_path / "out").mkdir()
    embedded = write_split(tmp_path / "out" / "a.h5", annotations, iter(jpegs), **about)
    files = ImageFiles(tmp_path / "shots", names)
    beside = write_split(tmp_path / "out" / "b.h5", annotations, iter(jpegs), image_files=files, **about)
    assert beside.fingerprint == embedded.fingerprint
    (tmp_path / "moved").mkdir()
    for folder in ("out", "shots"):  # the root is relative: both may move together
        (tmp_path / folder).rename(tmp_path / "moved" / folder)
    readers = [SplitReader(tmp_path / "moved" / "out" / name) for name in ("a.h5", "b.h5")]
    assert [reader.info.images for reader in readers] == ["embedded", "files"]
    for reader in [*readers, pickle.loads(pickle.dumps(readers[1]))]:
        assert [reader.jpeg(i).tobytes() for i in range(5)] == jpegs
    (tmp_path / "moved" / "shots" / names[3]).unlink()
    with pytest.raises(DataError, match=r"record 3: .*img_003.jpg: no such image file"):
        readers[1].jpeg(3)


def test_poses_alone_have_no_images(tmp_path, annotations):
    write_split(tmp_path / "a.h5", annotations, None, dataset="h36m", split="train", provenance={})
    reader = SplitReader(tmp_path / "a.h5")
    assert len(reader) == 5
    with pytest.raises(DataError, match="poses alone, no images"):
        reader.jpeg(0)


def test_a_name_too_few_is_refused(tmp_path, annotations, jpegs):
    files = ImageFiles(tmp_path, ["a.jpg"] * 4)
    with pytest.raises(DataError, match="4 images for 5 annotated records"):
        write_split(tmp_path / "a.h5", annotations, jpegs, dataset="h36m", split="t", provenance={}, image_files=files)
    assert not (tmp_path / "a.h5").exists()


def test_files_from_before_the_choice_are_embedded(tmp_path, annotations, jpegs):
    write_split(tmp_path / "a.h5", annotations, jpegs, dataset="h36m", split="train", provenance={})
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file.attrs["images"], file.attrs["index_fingerprint"]
        file.attrs["schema_version"] = 1
    assert SplitReader(tmp_path / "a.h5").jpeg(4).tobytes() == jpegs[4]


def test_box_by_hand():
    joints = np.full((2, 17, 2), 50.0)
    joints[0, 3] = [10, 45]
    joints[0, 9] = [130, 55]  # 120 wide, 10 high
    center, scale = person_box(joints)
    np.testing.assert_allclose(center[0], [70, 50])
    np.testing.assert_allclose(scale, [(120 + 40) / 200, 40 / 200])
