"""Pickles of arrays: read of every protocol; what would fill the memory or run code is refused."""

import pickle

import numpy as np
import pytest

from c2fpose.base.errors import DataError
from c2fpose.data.pickled import load_arrays_only

TABLE = {"S1": {"Walking 1": np.arange(12.0).reshape(2, 2, 3), "größe": [1, (2.5, None)]}, 5: np.float32(0.5)}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_tables_of_every_protocol_are_read(protocol):
    read = load_arrays_only(pickle.dumps(TABLE, protocol), "a.pkl")
    assert repr(read) == repr(TABLE)


@pytest.mark.parametrize("put", [b"r\xff\xff\xff\x0f", b"p268435455\n"], ids=["binary", "text"])
def test_a_place_far_beyond_the_others_is_refused(put):
    """Python's reader makes room for 268 million objects: 2 GB."""
    whole = b"\x80\x02}" + b"q\x00" + b"."
    assert load_arrays_only(whole, "a.pkl") == {}
    with pytest.raises(DataError, match=r"^a\.pkl: pickle refused \(object 268435455 of some 3\)"):
        load_arrays_only(whole.replace(b"q\x00", put), "a.pkl")


def test_code_is_not_run():
    with pytest.raises(DataError, match=r"a\.pkl: pickle refused \(it names os\.system, which is no array\)"):
        load_arrays_only(b"cos\nsystem\n(S'true'\ntR.", "a.pkl")
