"""Print the oldest versions that pyproject.toml admits, as constraints for pip; KEEP names packages to leave out.

python scripts/oldest_versions.py [torch ...] > constraints-oldest.txt

Packages that are left out, and those that only others ask for, keep to constraints.txt as far as the oldest allow it.
"""

import re
import sys
import tomllib
from pathlib import Path

from usage import say_how

ROOT = Path(__file__).parent.parent
EXTRAS = ("sweep", "export", "dashboard", "h36m", "test")


def lower_bounds(project: dict[str, object], keep: set[str]) -> dict[str, str]:
    """Read the smallest version of each direct dependency, with its bug fixes: ``>=2.0`` becomes ``2.0.*``."""
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(line for name in EXTRAS for line in extras[name])]
    found = {}
    for line in wanted:
        if match := re.match(r"([A-Za-z0-9_.-]+)\s*(>=|==)\s*([0-9.]+)", line):
            if match[1] not in keep:
                found[match[1]] = match[3] + (".*" if match[2] == ">=" else "")
    return found


def main(keep: set[str]) -> None:
    """Print one line a package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name, version in sorted(lower_bounds(project, keep).items()):
        print(f"{name}=={version}")
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line.partition("==")[0] in keep:
            print(line)


if __name__ == "__main__":
    say_how(__doc__)
    main(set(sys.argv[1:]))
