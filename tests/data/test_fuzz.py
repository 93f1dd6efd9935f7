"""Damaged and hostile files of every kind that the package reads as data: read, or refused in one line.

``make test`` tries a few changes of each, ``make torture`` 10,000; what was found stands in the tests beside.
"""

import shutil
from pathlib import Path
from types import ModuleType

import fabricate_human36m as fabricate
import fabricated
import numpy as np
import pytest
from torture import fuzz

from c2fpose.base.errors import DataError
from c2fpose.data import pickled
from c2fpose.data.crops.standard import decode
from c2fpose.data.human36m.calibration import from_metadata, from_pickle, published, read_calibration
from c2fpose.data.human36m.sources import c2f, h36m_fetch, mmpose, posenet_json, raw, videopose3d
from c2fpose.data.making import load_shard
from c2fpose.data.schema import SplitReader, write_split
from c2fpose.data.verification.report import verify

pytestmark = pytest.mark.filterwarnings("ignore")


def read_split(path: Path) -> None:
    """Open a data file and look at every image, as verify and the loader do."""
    reader = SplitReader(path)
    for record in range(len(reader)):
        decode(reader.jpeg(record))
    verify(reader, "all", 0)


# A parser: the file that is damaged, below the directory that is read, and how it is read; a source as a whole
PARSERS = {
    "data file (HDF5)": ("train.h5", read_split),
    "c2f HDF5": ("c2f/annot/valid.h5", c2f),
    "c2f MAT 5": ("c2f/annot/valid.mat", c2f),
    "c2f MAT 7.3": ("c2f73/annot/valid.mat", c2f),
    "c2f names": ("c2f/annot/valid_images.txt", c2f),
    "h36m_fetch HDF5": ("h36m_fetch/S9/SittingDown-1/annot.h5", h36m_fetch),
    "mmpose NPZ": ("mmpose/annotation_body3d/fps10/h36m_test.npz", mmpose),
    "mmpose cameras.pkl": ("mmpose/annotation_body3d/cameras.pkl", from_pickle),
    "videopose3d NPZ": ("videopose3d/data_3d_h36m.npz", videopose3d),
    "posenet_json data": ("posenet_json/annotations/Human36M_subject9_data.json", posenet_json),
    "posenet_json cameras": ("posenet_json/annotations/Human36M_subject9_camera.json", posenet_json),
    "posenet_json poses": ("posenet_json/annotations/Human36M_subject9_joint_3d.json", posenet_json),
    "raw CDF": ("raw/pose.cdf", lambda path: raw.read_cdf(path, 3)),
    "metadata.xml": ("raw/metadata.xml", from_metadata),
    "shard NPZ": ("shard.npz", lambda path: load_shard(path, ("jpeg_bytes", "scale"))),
}


# Changes with which SciPy and HDF5 ended the whole process, or never came back, or gave numbers of 128 bits; a pickle
# took gigabytes, and a CDF file: data/matlab.py, data/hdf5.py, data/pickled.py, data/child.py
FOUND = {
    "c2f MAT 5": (16, 36), "data file (HDF5)": (2929, 3051), "c2f HDF5": (656,), "h36m_fetch HDF5": (1441,),
    "mmpose cameras.pkl": (5163,), "videopose3d NPZ": (9229,), "raw CDF": (1103,),
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(people, tmp_path_factory) -> Path:
    """A small whole file of each kind."""
    root = tmp_path_factory.mktemp("fuzz")
    few = fabricate.People(people.cameras, [take for take in people.of(9) if take.action == "SittingDown"])
    fabricate.write_c2f(root / "c2f", few, full=False)
    fabricate.write_c2f(root / "c2f73", few, full=False, matlab="7.3")
    fabricate.write_h36m_fetch(root / "h36m_fetch", few)
    fabricate.write_mmpose(root / "mmpose", fabricate.People(people.cameras, people.takes[::8]))
    fabricate.write_videopose3d(root / "videopose3d", few)
    fabricate.write_posenet_json(root / "posenet_json", few)
    fabricate.write_metadata(root / "raw" / "metadata.xml", people)
    fabricate._write_cdf(root / "raw" / "pose.cdf", fabricate.in_32(few.takes[0].cam_mm))
    annotations = fabricated.people(2, 0, "train")
    jpegs = [fabricated.jpeg(number, 32) for number in range(2)]
    write_split(root / "train.h5", annotations, jpegs, dataset="synth36", split="train", provenance={})
    np.savez(root / "shard.npz", jpeg_bytes=np.frombuffer(jpegs[0], np.uint8), scale=np.ones(3))
    return root


@pytest.mark.torture
@pytest.mark.parametrize("parser", PARSERS)
def test_damaged_files_are_read_or_refused_in_one_line(parser, whole, tmp_path):
    place, read = PARSERS[parser]
    directory, _, name = place.rpartition("/")
    root = directory.partition("/")[0]
    shutil.copytree(whole / root, tmp_path / root) if root else shutil.copy(whole / name, tmp_path / name)
    target = tmp_path / place
    calibration = read_calibration(whole / "raw" / "metadata.xml")

    def reading() -> None:
        if isinstance(read, ModuleType):
            list(read.read(tmp_path / root, calibration, 1, lambda sequence: True))
        else:
            read(target)

    reading()  # undamaged, it is read
    refused = fuzz(target, reading, str(tmp_path), found=FOUND.get(parser, ()))
    assert refused  # the changes reach what is checked


@pytest.mark.parametrize(
    "entity",
    [
        '<!DOCTYPE a [<!ENTITY e "1 1 1 1"><!ENTITY g "&e;&e;&e;&e;&e;&e;"><!ENTITY f "&g;&g;&g;&g;&g;&g;">]>',
        '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
    ],
    ids=["unfolding", "another file"],
)
def test_entities_are_not_unfolded(whole, tmp_path, entity):
    text = (whole / "raw" / "metadata.xml").read_text()
    (tmp_path / "metadata.xml").write_text(entity + text.replace("<w0>[", "<w0>[&f; "))
    with pytest.raises(DataError, match=r"metadata\.xml: not readable as XML \(it declares entities"):
        from_metadata(tmp_path / "metadata.xml")


def test_an_archive_that_would_fill_the_memory_is_refused(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(pickled, "MOST_UNPACKED", 1000)
    with pytest.raises(DataError, match=r"h36m_train\.npz: claims .* when unpacked, more than Human3\.6M has"):
        list(mmpose.read(whole / "mmpose", published(), 1, lambda sequence: True))
    with pytest.raises(DataError, match=r"data_3d_h36m\.npz: claims"):
        list(videopose3d.read(whole / "videopose3d", published(), 1, lambda sequence: True))
