"""Threads: affinity, quotas of containers, other work, and what the user says."""

import os
from pathlib import Path

import pytest
import torch

from c2fpose.base import cores
from c2fpose.base.cores import Cores, OtherWork, cgroup_quota, free_threads, settle_threads


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_quota_is_the_smallest_of_the_groups_a_process_lies_in(tmp_path):
    own = write(tmp_path / "own", "0::/slice/unit\n")
    write(tmp_path / "cg" / "cpu.max", "max 100000\n")
    write(tmp_path / "cg" / "slice" / "cpu.max", "150000 100000\n")
    write(tmp_path / "cg" / "slice" / "unit" / "cpu.max", "400000 100000\n")
    assert cgroup_quota(tmp_path / "cg", own) == 1.5


@pytest.mark.parametrize(("quota", "expected"), [("50000", 0.5), ("-1", None)])
def test_quota_of_version_1(tmp_path, quota, expected):
    own = write(tmp_path / "own", "4:memory:/\n3:cpu,cpuacct:/docker/x\n")
    write(tmp_path / "cg" / "cpu" / "cpu.cfs_quota_us", quota)
    write(tmp_path / "cg" / "cpu" / "cpu.cfs_period_us", "100000")
    assert cgroup_quota(tmp_path / "cg", own) == expected


def test_no_groups_no_quota(tmp_path):
    assert cgroup_quota(tmp_path / "none", tmp_path / "none") is None


@pytest.mark.parametrize(("quota", "expected"), [(None, 4), (2.0, 2), (2.6, 3), (0.2, 1), (9.0, 4)])
def test_open_cores(quota, expected):
    assert Cores(4, quota).open == expected


@pytest.mark.parametrize(("others", "expected"), [(None, 2), (0.0, 2), (0.4, 2), (1.0, 1), (1.4, 1), (5.0, 1)])
def test_free_threads(others, expected):
    assert free_threads(Cores(2), others) == expected


def test_other_work_is_what_is_busy_less_our_own(tmp_path, monkeypatch):
    ticks = os.sysconf("SC_CLK_TCK")
    clock, own = [100.0], [10.0]
    monkeypatch.setattr(cores.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(cores.time, "process_time", lambda: own[0])
    monkeypatch.setattr(cores, "_affinity", lambda: {0, 2})

    def stat(*seconds: float) -> None:
        lines = [f"cpu{i} {int(s * ticks)} 0 0 999 0 0 0 0 0 0" for i, s in enumerate(seconds)]
        write(tmp_path / "stat", "\n".join(["cpu 1 1 1 1 1 1 1 1", *lines]))

    stat(50, 70, 0)
    others = OtherWork(tmp_path)
    clock[0], own[0] = 104.0, 13.0
    stat(54, 74, 2)  # 6 s of the cores 0 and 2 in 4 s, of which 3 are ours
    assert others.since() == pytest.approx(0.75)
    assert others.since() is None  # no time has passed


def test_nothing_is_seen_without_proc(tmp_path):
    assert OtherWork(tmp_path).since() is None


def test_user_decides_up_to_the_cores(monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: Cores(2))
    monkeypatch.setenv(cores.VARIABLE, "1")
    assert settle_threads() == "threads: 1 for 2 cores; OMP_NUM_THREADS=1"
    monkeypatch.setenv(cores.VARIABLE, "64")
    assert settle_threads() == "threads: 2 for 2 cores; OMP_NUM_THREADS=64, more would wait for each other"
    assert torch.get_num_threads() == 2


def test_other_work_leaves_fewer_threads(monkeypatch):
    monkeypatch.delenv(cores.VARIABLE, raising=False)
    monkeypatch.setattr(cores, "cores", lambda: Cores(4, 2.0))
    monkeypatch.setattr(cores, "SAMPLE_S", 0)
    monkeypatch.setattr(OtherWork, "since", lambda self: 1.1)
    assert settle_threads() == "threads: 1 for 2 cores (a quota of 2 on 4); other work keeps 1.1 busy"
    assert torch.get_num_threads() == 1


def test_without_affinity_all_cores_count(monkeypatch):
    """As on macOS and Windows."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(cores, "cgroup_quota", lambda: None)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cores.cores() == Cores(6)
