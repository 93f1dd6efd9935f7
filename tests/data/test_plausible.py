"""Every field of a data file has its range; what lies outside is refused when the file is opened, by record."""

import numpy as np
import pytest
from fabricated import jpeg
from hypothesis import given
from hypothesis import strategies as st

from c2fpose.base.errors import DataError
from c2fpose.config.data import DataConfig
from c2fpose.data.crops.standard import decode, size_px
from c2fpose.data.dataset import PoseDataset
from c2fpose.data.plausible import RANGES, out_of_range
from c2fpose.data.schema import FIELDS, SplitReader
from c2fpose.data.verification.checks import image_fault


def test_every_field_has_a_range():
    assert RANGES.keys() == FIELDS.keys()
    for name, field in FIELDS.items():
        low, high = (np.broadcast_to(limit, field.shape) for limit in RANGES[name])
        assert (low < high).all()
        if field.dtype.startswith("int"):  # a larger number would not fit the file
            assert np.iinfo(field.dtype).min <= low and high <= np.iinfo(field.dtype).max


@given(st.sampled_from(sorted(FIELDS)), st.integers(0, 4), st.data())
def test_the_record_at_fault_is_found(name, record, data):
    field = FIELDS[name]
    low, high = (np.broadcast_to(np.asarray(limit, float), field.shape) for limit in RANGES[name])
    values = np.tile(((low + high) / 2).astype(field.dtype), (5, *[1] * len(field.shape)))
    assert not out_of_range(name, values).any()
    wrong = [np.nan, np.inf, -np.inf] if field.dtype == "float32" else [np.iinfo(field.dtype).min]
    at = tuple(data.draw(st.integers(0, size - 1)) for size in field.shape)
    values[(record, *at)] = data.draw(st.sampled_from(wrong))
    assert np.flatnonzero(out_of_range(name, values)).tolist() == [record]


def put(name, index, value):
    def change(rows):
        rows[name][index] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("intrinsics_px", (3, 0), np.nan), "record 3: intrinsics_px is nan, expected 1 to 1e+06"),
        (put("intrinsics_px", (3, 1), 0), "record 3: intrinsics_px is 0, expected 1 to 1e+06"),
        (put("center_px", (2, 1), np.nan), "record 2: center_px is nan"),
        (put("scale", 4, np.inf), "record 4: "),
        (put("stored_step_px", 5, np.nan), "record 5: stored_step_px is nan, expected 0.001 to 1000"),
        (put("stored_step_px", 5, 0), "record 5: stored_step_px is 0"),
        (put("stored_step_px", 5, -1.0), "record 5: stored_step_px is -1"),
        (put("stored_left_top_px", (6, 0), np.nan), "record 6: stored_left_top_px is nan"),
        (put("stored_left_top_px", (6, 0), -1e8), "record 6: stored_left_top_px is -1e+08"),
        (put("stored_left_top_px", (6, 0), 9e4), "record 6: the stored image lies beside the person's box"),
        (put("camera", 1, 9), "record 1: a camera that synth36 does not have"),
        (put("subject", 1, 77), "record 1: a subject that synth36 does not have"),
        (put("frame", 0, -5), "record 0: frame is -5, expected 1 to"),
        (put("trial", 7, 0), "record 7: trial is 0, expected 1 to"),
    ],
)
def test_what_evaluation_or_verify_stumbled_over(make_split, change, message):
    path = make_split(records=8, change=change)
    with pytest.raises(DataError) as refused:
        SplitReader(path)
    said = str(refused.value)
    assert said.startswith(f"{path}: {message}") and said.endswith("(1 such records)") and "\n" not in said


def test_an_image_that_does_not_show_the_person_is_no_sample(make_split):
    path = make_split(records=8, change=put("stored_left_top_px", (6, 1), -5e4))
    dataset = PoseDataset(SplitReader(path), np.arange(8), DataConfig(train_file=path, test_file=path))
    assert dataset[5].sample is not None
    assert "record 6 " in dataset[6].faults[0] and "lies beside the person's box" in dataset[6].faults[0]


def test_images_of_more_than_100_megapixels_are_not_decoded(make_split):
    """A header may claim 20,000 pixels a side; decoding six of them took longer than 100 seconds."""
    whole = bytearray(jpeg(0))
    at = whole.index(b"\xff\xc0") + 5
    whole[at : at + 4] = (20_000).to_bytes(2) * 2
    path = make_split(records=3, jpegs={1: bytes(whole)})
    reader = SplitReader(path)
    assert size_px(reader.jpeg(1)) == (20_000, 20_000) and size_px(reader.jpeg(0)) == (256, 256)
    assert decode(reader.jpeg(1)) is None and decode(reader.jpeg(0)) is not None
    assert image_fault(reader, 1) == "20000 x 20000 px, more than 100 megapixels"
