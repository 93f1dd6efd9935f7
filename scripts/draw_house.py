"""Draw the house from its imports: ``python scripts/draw_house.py``, or ``make house``, writes docs/house.md.

The columns of the table: before the move (commit 92f13e7) and now. The earlier figures were counted by this script in
a checkout of that commit.
"""

import argparse
import ast
import re
from itertools import chain
from pathlib import Path

import grimp
import networkx

from c2fpose.base.files import write_text

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "c2fpose"
# Stations from top to bottom, as pyproject.toml has them; the commands are one box
STATIONS = (
    "reports", "sweeps", "training", "prediction", "evaluation", "model", "data", "pictures", "config", "pose", "base",
)  # fmt: skip
BEFORE = {
    "files and folders at the top": 51,
    "levels": 11,
    "arrows": 209,
    "circles": 2,
    "imports inside functions": 150,
    "of them outside commands": 70,
    "renames by hand": 22,
}

COMMAND = re.compile(r"^if __name__ == .__main__.:$", re.MULTILINE)  # what a command ends with

PAGE = """# The house

Made from the imports by `make house`; do not edit. A dot: the folder of the row imports from the one whose number
the column has. Rows stand from the top of the house to its bottom, and every dot lies right of the dashes: nothing
imports from above itself. Everybody imports `base`, which is left out.

{drawing}

The commands, which nothing imports, are the folder `bench` and every file at the top of the package: {commands}.

| | before the move (92f13e7) | now |
|---|---:|---:|
{numbers}

Files and folders at the top are the boxes of the house; arrows are the pairs of them of which one imports the other,
levels the longest way along arrows (a circle counts as one box), circles the groups of modules that import each other,
all without imports for types alone. Imports inside functions are import statements in functions under `src/`: commands
import what they call late, so that `--help` is instant; elsewhere ruff (PLC0415) wants a reason beside each one.
Renames by hand are calls of `os.replace` and `Path.replace` outside `base/files`; those that are left name folders,
or files that belong together.

## Reading order

1. `pose/skeleton`, `pose/camera`: joints, projection, depth bins.
2. `model/volumes`: targets, loss, decoding. `model/networks`: the hourglasses. `model/representations`: ways to say
   a pose.
3. `model/module`, `data/schema`, `data/dataset`, `data/crops`.
4. `training/run`: the whole of a run. `evaluation/scores`, `pose/metrics`.
5. `prediction/run`, then `sweeps/rows`, `sweeps/runner`, `reports/tables`.

Each folder's `__init__.py` says what is in it.
"""


def main() -> None:
    """Write the page, or with ``--check`` say whether it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the page is out of date")
    check = parser.parse_args().check
    text, path = page(), ROOT / "docs" / "house.md"
    if check:
        if not path.is_file() or path.read_text("utf-8") != text:
            raise SystemExit(f"error: {path} is out of date; run make house")
        return
    write_text(path, text)


def page() -> str:
    """Make the page's text from the package as it is."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None, exclude_type_checking_imports=True)
    top = sorted(child.rpartition(".")[2] for child in graph.find_children(PACKAGE))
    arrows = {name: {other for other in top if other != name and _imports(graph, name, other)} for name in top}
    now = {
        "files and folders at the top": len(top),
        "levels": levels(arrows),
        "arrows": sum(map(len, arrows.values())),
        "circles": circles(graph),
        "imports inside functions": late_imports(ROOT / "src"),
        "of them outside commands": late_imports(ROOT / "src", outside_commands=True),
        "renames by hand": renames(ROOT / "src"),
    }
    numbers = "\n".join(f"| {name} | {BEFORE[name]} | {value} |" for name, value in now.items())
    commands = [name for name in arrows if name not in STATIONS and name != "__main__"]
    files = ", ".join(f"`{name}`" for name in commands if name != "bench")
    return PAGE.format(drawing=_drawing(arrows, commands), commands=files, numbers=numbers)


def _imports(graph: grimp.ImportGraph, importer: str, imported: str) -> bool:
    return graph.direct_import_exists(
        importer=f"{PACKAGE}.{importer}", imported=f"{PACKAGE}.{imported}", as_packages=True
    )


def circles(graph: grimp.ImportGraph) -> int:
    """Count the groups of modules that import each other round in a circle."""
    arrows = [(name, other) for name in graph.modules for other in graph.find_modules_directly_imported_by(name)]
    return sum(len(group) > 1 for group in networkx.strongly_connected_components(networkx.DiGraph(arrows)))


def levels(arrows: dict[str, set[str]]) -> int:
    """Measure the longest way along arrows; boxes in a circle count as one."""
    graph = networkx.DiGraph([(name, other) for name, others in arrows.items() for other in others])
    return len(networkx.dag_longest_path(networkx.condensation(graph)))


def _drawing(arrows: dict[str, set[str]], commands: list[str]) -> str:
    """Draw the imports as a table: a dot where the row's folder imports from the column's."""
    of_row = {"commands": set(chain.from_iterable(arrows[name] for name in commands))}
    columns = [name for name in STATIONS if name != "base"]
    of_row |= {name: arrows[name] for name in columns}
    numbers = [str(number) for number in range(1, len(columns) + 1)]
    lines = ["| | " + " | ".join(numbers) + " |", "|---|" + ":---:|" * len(columns)]
    for name, others in of_row.items():
        cells = ["●" if other in others else "-" if other == name else "" for other in columns]
        number = f"{columns.index(name) + 1} " if name in columns else ""
        lines.append(f"| {number}{name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def late_imports(folder: Path, outside_commands: bool = False) -> int:
    """Count the import statements that stand inside functions."""
    found = set()
    for path in folder.rglob("*.py"):
        if outside_commands and COMMAND.search(path.read_text("utf-8")):
            continue
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = (node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom))
                found |= {(path, node.lineno) for node in inside}
    return len(found)


def renames(folder: Path) -> int:
    """Count the calls that give a finished file its name, outside ``base/files``."""
    count = 0
    for path in folder.rglob("*.py"):
        if path.parts[-2:] == ("base", "files.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "replace":
                of_os = isinstance(node.func.value, ast.Name) and node.func.value.id == "os"
                count += of_os or (len(node.args) == 1 and not node.keywords)
    return count


if __name__ == "__main__":
    main()
