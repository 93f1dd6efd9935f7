"""The oldest versions that pyproject.toml admits, as pip's constraints."""

import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def lines(*keep: str) -> list[str]:
    script = ROOT / "scripts" / "oldest_versions.py"
    return subprocess.run([sys.executable, script, *keep], capture_output=True, text=True, check=True).stdout.split()


def test_each_is_the_oldest_admitted_and_what_is_kept_is_as_in_the_constraints():
    plain, kept = lines(), lines("torch")
    assert all(Requirement(line).specifier for line in plain)
    (oldest,) = (line for line in plain if line.startswith("torch=="))
    assert oldest == "torch==2.11.*"
    (torch,) = (line for line in kept if line.startswith("torch=="))
    assert torch in (ROOT / "constraints.txt").read_text().splitlines()
    assert set(plain) - {oldest} == set(kept) - {torch}
    assert "albumentations==2.0.8" in plain
