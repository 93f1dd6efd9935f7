"""Python code as far as it decides what is computed: definitions, without docstrings, comments and imports."""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

# Fields of syntax nodes that decide nothing, or that only some versions of Python have
_UNREAD = ("kind", "type_comment", "type_params", "ctx")


def code_digest(files: Iterable[Path]) -> str:
    """Hash what some Python files define, wherever in them it stands: SHA-256.

    Imports, comments, docstrings, line breaks, and a move from one of these files to another do not enter it; a formula
    does. All versions of Python agree.
    """
    statements = [statement for path in files for statement in _statements(ast.parse(path.read_text("utf-8")))]
    return hashlib.sha256("\n".join(sorted(statements)).encode()).hexdigest()


def _statements(tree: ast.Module) -> list[str]:
    """Write out the top-level statements of a module, without docstrings and imports, which say where things stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, field, [each for each in value if not _imports(each)])
    return [_written(statement) for statement in tree.body]


def _imports(node: ast.AST) -> bool:
    """Whether a statement imports, or imports for types alone."""
    for_types = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return for_types or isinstance(node, ast.Import | ast.ImportFrom)


def _written(value: object) -> str:
    """Write out a node and all below it: ``ast.dump`` would do, but differs between versions of Python."""
    if isinstance(value, ast.AST):
        fields = [
            (name, each) for name, each in ast.iter_fields(value) if name not in _UNREAD and each not in ([], None)
        ]
        if isinstance(value, ast.Constant):
            fields = [("value", value.value)]
        if isinstance(value, ast.JoinedStr):  # Python 3.12.1 puts an empty text at the end of some
            texts = [each for each in value.values if not (isinstance(each, ast.Constant) and each.value == "")]
            fields = [("values", texts)] if texts else []
        return f"{type(value).__name__}({', '.join(f'{name}={_written(each)}' for name, each in fields)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return repr(value)
