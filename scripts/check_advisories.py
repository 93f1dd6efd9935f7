"""Compare the versions in constraints.txt with security/advisories.yaml and name each package that is affected.

python scripts/check_advisories.py

The exit code is 1 when an entry without a reason to accept it affects a pinned version, else 0.
"""

import sys
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent


def pinned_versions(constraints: str) -> dict[str, Version]:
    """Read the version of each package, by its normal name, from lines such as ``torch==2.13.0``."""
    pins = {}
    for line in constraints.splitlines():
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(line)
            (specifier,) = requirement.specifier
            pins[canonicalize_name(requirement.name)] = Version(specifier.version)
    return pins


def is_affected(entry: dict[str, Any], version: Version) -> bool:
    """Compare one version with an entry; without ``fixed_in`` and ``last_affected`` no end of the fault is known."""
    if "affected_from" in entry and version < Version(entry["affected_from"]):
        return False
    if "fixed_in" in entry:
        return version < Version(entry["fixed_in"])
    return "last_affected" not in entry or version <= Version(entry["last_affected"])


def affected_entries(pins: dict[str, Version], listed: dict[str, Any]) -> list[dict[str, Any]]:
    """Choose the entries that affect a pinned package, or the C library that its wheel brings along."""
    found = []
    for entry in listed["entries"]:
        library = entry.get("library")
        version = Version(listed["libraries"][library]["version"]) if library else None
        version = version or pins.get(canonicalize_name(entry["package"]))
        if version is not None and is_affected(entry, version):
            found.append(entry)
    return found


def main() -> int:
    """Print one line a package that is affected, else one line in all."""
    listed = yaml.safe_load((ROOT / "security" / "advisories.yaml").read_text())
    pins = pinned_versions((ROOT / "constraints.txt").read_text())
    affected = affected_entries(pins, listed)
    accepted = [entry["id"] for entry in affected if "accepted" in entry]
    open_ids: dict[str, list[str]] = {}
    for entry in affected:
        if "accepted" not in entry:
            open_ids.setdefault(entry["package"], []).append(entry["id"])
    for package, ids in open_ids.items():
        print(f"{package} {pins[canonicalize_name(package)]}: {', '.join(ids)}")
    if not open_ids:
        print(
            f"{len(pins)} packages, {len(listed['entries'])} entries of {listed['date']}: none affects a pinned version"
            + (f", except, with a reason, {', '.join(accepted)}" if accepted else "")
        )
    return 1 if open_ids else 0


if __name__ == "__main__":
    sys.exit(main())
