"""``c2fpose COMMAND ...`` is ``python -m c2fpose.COMMAND ...``; ``c2fpose`` alone lists the commands."""

import ast
import re
import runpy
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent
_PURPOSE = re.compile(r"``python -m c2fpose\.(?P<name>[\w.]+).*?``[^:]*: (?P<purpose>.*)")


def main() -> None:
    """Run a command of the package by its name, or list them all."""
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help", "help"):
        print("usage: c2fpose COMMAND ..., the same as python -m c2fpose.COMMAND ...; --help lists a command's keys\n")
        for name, purpose in commands().items():
            print(f"  {name:<16} {purpose}")
        return
    name = words[0]
    if name not in commands():
        print(f"error: {name}: no such command; one of {', '.join(commands())}", file=sys.stderr)
        raise SystemExit(2)
    sys.argv = [f"c2fpose {name}", *words[1:]]
    runpy.run_module(f"c2fpose.{name}", run_name="__main__", alter_sys=True)


def commands() -> dict[str, str]:
    """Find the commands: files whose first line says ``python -m c2fpose.NAME``, read and not imported."""
    places = [*PACKAGE.glob("*.py"), *PACKAGE.glob("*/__main__.py"), *PACKAGE.glob("data/*.py")]
    found = {}
    for path in sorted([*places, *PACKAGE.glob("data/*/__main__.py")]):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        if line := _PURPOSE.match(docstring.partition("\n")[0]):
            found[line["name"]] = line["purpose"]
    return dict(sorted(found.items(), key=lambda item: ("." in item[0], item[0])))


if __name__ == "__main__":
    main()
