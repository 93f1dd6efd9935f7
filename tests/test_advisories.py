"""The pinned versions against the list of advisories in the repository (where pip-audit reaches none)."""

import copy
import datetime
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import pytest
import yaml
from packaging.utils import canonicalize_name
from packaging.version import Version
from script_modules import loaded

ROOT = Path(__file__).parents[1]
FIELDS = {
    "package",
    "library",
    "id",
    "affected_from",
    "fixed_in",
    "last_affected",
    "what",
    "source",
    "accepted",
    "unused",
}

check = loaded("check_advisories")


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "security" / "advisories.yaml").read_text())


@pytest.fixture(scope="module")
def pins() -> dict[str, Version]:
    return check.pinned_versions((ROOT / "constraints.txt").read_text())


def test_no_pinned_version_is_affected_unless_a_reason_accepts_it(listed, pins):
    affected = check.affected_entries(pins, listed)
    assert not [entry["id"] for entry in affected if "accepted" not in entry]
    accepted = {entry["id"] for entry in listed["entries"] if "accepted" in entry}
    assert accepted == {entry["id"] for entry in affected}, "a reason stays although nothing is affected any more"
    assert all(len(entry["accepted"]) > 40 for entry in affected)


def test_what_a_reason_calls_unused_is_unused(listed):
    unused = {name for entry in listed["entries"] for name in entry.get("unused", ())}
    sources = [path for folder in ("src", "scripts") for path in (ROOT / folder).rglob("*.py")]
    assert unused and sources
    assert not [(path.name, name) for path in sources for name in unused if name in path.read_text()]


def test_each_pinned_package_stands_in_exactly_one_place(listed, pins):
    entries = sorted({canonicalize_name(entry["package"]) for entry in listed["entries"]})
    places = entries + [canonicalize_name(name) for key in ("nothing_found", "not_searched") for name in listed[key]]
    assert sorted(places) == sorted(pins)


def test_entries_are_whole(listed):
    assert isinstance(listed["date"], datetime.date)
    ids = [entry["id"] for entry in listed["entries"]]
    assert len(set(ids)) == len(ids)
    for entry in listed["entries"]:
        assert set(entry) <= FIELDS, entry
        assert re.fullmatch(r"(CVE|GHSA|GHSL|PYSEC|SNYK|VU)[-#]\S+", entry["id"])
        assert entry["source"].startswith("https://")
        assert entry["what"].endswith(".") and "\n" not in entry["what"]
        assert not {"fixed_in", "last_affected"} <= set(entry), entry["id"]
        assert {"fixed_in", "last_affected", "accepted"} & set(entry), "no end is known: say why that is borne"
        for key in ("affected_from", "fixed_in", "last_affected"):
            assert isinstance(entry.get(key, ""), str), f"{entry['id']}: quote {key}"
            assert key not in entry or Version(entry[key])


def test_libraries_were_read_at_the_pinned_versions(listed, pins):
    for name, library in listed["libraries"].items():
        assert Version(library["read_in"]) == pins[library["package"]], f"{name}: read its version in the new wheel"
    assert {entry.get("library") for entry in listed["entries"]} <= {None, *listed["libraries"]}


def test_hdf5_is_the_version_that_is_listed(listed):
    library = listed["libraries"]["HDF5"]
    if h5py.__version__ != library["read_in"]:
        pytest.skip(f"h5py {h5py.__version__}, not the pinned one")
    assert h5py.version.hdf5_version == library["version"]


def test_older_versions_are_named_with_the_ids(listed, pins):
    """Entries that end: just before each ``fixed_in`` and at each ``last_affected``, the package is named."""
    for entry in listed["entries"]:
        end = entry.get("last_affected") or entry.get("affected_from") or "0.0.1"
        made_up, libraries = dict(pins), copy.deepcopy(listed["libraries"])
        if "library" in entry:
            libraries[entry["library"]]["version"] = end
        else:
            made_up[canonicalize_name(entry["package"])] = Version(end)
        found = check.affected_entries(made_up, {**listed, "libraries": libraries})
        assert entry["id"] in [each["id"] for each in found]


def test_a_fix_ends_the_fault():
    entry = {"affected_from": "2.0", "fixed_in": "2.3.1"}
    assert [check.is_affected(entry, Version(v)) for v in ("1.9", "2.0", "2.3.0", "2.3.1")] == [
        False,
        True,
        True,
        False,
    ]
    assert [check.is_affected({"last_affected": "2.0"}, Version(v)) for v in ("2.0", "2.0.1")] == [True, False]


def run(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, root / "scripts" / "check_advisories.py"], capture_output=True, text=True, check=False
    )


def test_the_command_says_so_in_one_line_and_names_an_older_version(tmp_path, pins):
    good = run(ROOT)
    assert good.returncode == 0 and good.stdout.count("\n") == 1
    for folder in ("scripts", "security"):
        (tmp_path / folder).mkdir()
    for name in ("scripts/check_advisories.py", "security/advisories.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    constraints = (ROOT / "constraints.txt").read_text()
    older = constraints.replace(f"urllib3=={pins['urllib3']}", "urllib3==2.6.2")
    assert older != constraints
    (tmp_path / "constraints.txt").write_text(older)
    bad = run(tmp_path)
    assert bad.returncode == 1
    (line,) = bad.stdout.splitlines()
    assert line.startswith("urllib3 2.6.2: ") and "CVE-2026-21441" in line


def test_the_security_page_gives_the_counts_of_the_list(listed):
    page = " ".join((ROOT / "SECURITY.md").read_text().split())
    packages = {canonicalize_name(entry["package"]) for entry in listed["entries"]}
    accepted = [entry for entry in listed["entries"] if "accepted" in entry]
    for said in (
        f"of {listed['date']}",
        f"{len(listed['entries'])} entries for {len(packages)} of the",
        f"for {len(listed['nothing_found'])} others none was found",
        f"remaining {len(listed['not_searched'])},",
        f"but for these {len(accepted)},",
    ):
        assert said in page
