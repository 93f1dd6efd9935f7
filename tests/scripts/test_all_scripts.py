"""Every script finds what it imports: most are run by hand, months after the package has moved on."""

import ast
import importlib
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "scripts").glob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_script_takes_of_the_package_is_there(path):
    taken = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    for node in taken:
        if node.module and node.module.partition(".")[0] == "c2fpose":
            module = importlib.import_module(node.module)
            for name in (each.name for each in node.names):
                if not hasattr(module, name):
                    importlib.import_module(f"{node.module}.{name}")  # a module itself
