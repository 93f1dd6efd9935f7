"""Threads follow the free cores in training, once two looks agree."""

import pytest
import torch

from c2fpose.base import cores
from c2fpose.training.threads import FollowFreeCores


@pytest.fixture
def follower(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setattr(cores, "cores", lambda: cores.Cores(2))
    torch.set_num_threads(2)
    yield FollowFreeCores(every_s=0)
    torch.set_num_threads(before)


def test_threads_follow_after_two_looks_and_come_back(follower, monkeypatch):
    busy = iter([0.0, 1.0, 0.1, 1.2, 1.1, 1.0, 0.0, 0.0])
    monkeypatch.setattr(follower.others, "since", lambda: next(busy))
    lines = [follower.follow() for _ in range(8)]
    assert lines == [None] * 4 + ["threads: 1 for 2 cores; other work keeps 1.1 busy"] + [None] * 2 + [
        "threads: 2 for 2 cores; other work keeps 0.0 busy"
    ]
    assert torch.get_num_threads() == 2


def test_nothing_changes_where_nothing_is_seen(follower, monkeypatch):
    monkeypatch.setattr(follower.others, "since", lambda: None)
    torch.set_num_threads(1)
    assert [follower.follow() for _ in range(3)] == [None] * 3
    assert torch.get_num_threads() == 1
