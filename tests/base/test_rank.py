"""Which process of several this is, whoever started them."""

import pytest

from c2fpose.base.rank import rank

NAMES = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "NODE_RANK", "GROUP_RANK")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, 0),
        ({"RANK": "0", "LOCAL_RANK": "0"}, 0),
        ({"RANK": "3", "LOCAL_RANK": "1", "GROUP_RANK": "1"}, 3),
        ({"RANK": "0", "LOCAL_RANK": "0", "NODE_RANK": "0"}, 0),
        ({"LOCAL_RANK": "1"}, 1),  # Lightning's own
        ({"SLURM_PROCID": "2"}, 2),
        ({"NODE_RANK": "1"}, 1),  # the second machine's first, started by hand
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, 1),
        ({"RANK": ""}, 0),
    ],
)
def test_the_first_process_alone_is_0(monkeypatch, said, expected):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert rank() == expected
