"""No file over 400 lines and no function over 60 without a reason beside it: a comment ``# long: why``."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = [path for folder in ("src", "tests", "scripts") for path in sorted((ROOT / folder).rglob("*.py"))]
FILE_LINES, FUNCTION_LINES = 400, 60


def too_long(text: str) -> list[str]:
    """Name what is too long and has no reason in the two lines above it (a file: in its first ten)."""
    lines = text.splitlines()
    found = []
    if len(lines) > FILE_LINES and not any(line.startswith("# long: ") for line in lines[:10]):
        found.append(f"{len(lines)} lines")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            start = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            length = node.end_lineno - node.lineno + 1
            above = lines[max(0, start - 3) : start]
            if length > FUNCTION_LINES and not any(line.strip().startswith("# long: ") for line in above):
                found.append(f"{node.name}: {length} lines")
    return found


def test_files_and_functions_are_short_or_say_why():
    found = {str(path.relative_to(ROOT)): too_long(path.read_text("utf-8")) for path in FILES}
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize(("before", "expected"), [("", ["f: 71 lines"]), ("# long: a table\n", [])])
def test_a_long_function_is_found_unless_a_reason_stands_above_it(before, expected):
    assert too_long(before + "def f():\n" + "    x = 1\n" * 70) == expected
    assert too_long("x = 1\n" * 401) == ["401 lines"]
