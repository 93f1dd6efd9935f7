"""Freed memory is kept for the next step."""

import subprocess
import sys

import pytest

from c2fpose.base.host_memory import keep_freed_memory

PAGE_FAULTS = """
import resource, torch
from c2fpose.base.host_memory import keep_freed_memory
torch.set_num_threads(1)

def page_faults(warming):
    for _ in range(warming):
        torch.ones(2**24)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(3):
        torch.ones(2**24)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

returned = page_faults(1)
assert keep_freed_memory()
print(returned, page_faults(12))  # glibc leaves crumbs between aligned pieces until it has eight of them
"""


@pytest.mark.skipif(not keep_freed_memory(), reason="not glibc")
def test_tensors_of_a_known_size_cost_no_new_pages():
    said = subprocess.run([sys.executable, "-c", PAGE_FAULTS], capture_output=True, check=True).stdout
    returned, kept = map(int, said.split())
    assert kept < 1000 < 10_000 < returned


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
