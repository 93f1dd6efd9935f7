"""Freed memory is kept for the next step."""

import subprocess
import sys

import pytest

from c2fpose.base.host_memory import keep_freed_memory

PAGE_FAULTS = """
import resource, sys, torch
from c2fpose.base.host_memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
torch.set_num_threads(1)
for _ in range(20):  # glibc leaves crumbs between aligned pieces until it has eight of them
    torch.ones(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    torch.ones(2**24)  # 64 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", PAGE_FAULTS, how], capture_output=True, check=True).stdout)


@pytest.mark.skipif(not keep_freed_memory(), reason="not glibc")
def test_tensors_of_a_known_size_cost_no_new_pages():
    assert page_faults("keep") < 1000 < 10_000 < page_faults("return")


def test_each_peak_is_its_own():
    """A large piece, freed, then nothing: the second peak does not remember the first."""
    code = """
from c2fpose.base.host_memory import process_peak_gib, reset_peak
piece = bytearray(2**29)
first = process_peak_gib()
del piece
if not reset_peak():
    print("cannot")
else:
    print(first, process_peak_gib())
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    if said == ["cannot"]:
        pytest.skip("the system does not reset peaks")
    first, second = map(float, said)
    assert first > 0.5 and second < first - 0.4
