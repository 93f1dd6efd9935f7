from pathlib import Path

import pytest

from c2fpose.base.source_code import code_digest

CODE = '''"""What it is."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = {"low": -1.5, **{}}


class Circle:
    """Round."""

    radius: float = 1.0  # mm

    @property
    def area(self) -> float:
        """Its area."""
        return math.pi * self.radius**2


def called(name: str, *more: int, end: str = "\\n") -> str:
    """Say a name."""
    return f"{name:>{len(name)}}!r{end!r}" if not more else name[0]
'''


@pytest.fixture
def digest_of(tmp_path):
    def digest(*texts: str) -> str:
        paths: list[Path] = []
        for number, text in enumerate(texts):
            paths.append(tmp_path / f"{number}.py")
            paths[-1].write_text(text)
        return code_digest(paths)

    return digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Round."""', '"""As round as it gets."""'),
        ('        """Its area."""\n', ""),
        ("  # mm", "  # millimetres, of course"),
        ("import math\n", "import math\nimport os\n"),
        ("LIMITS = {", "LIMITS = {\n    "),
    ],
)
def test_what_computes_the_same_has_one_digest(digest_of, old, new):
    assert old in CODE
    assert digest_of(CODE.replace(old, new)) == digest_of(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("**2", "**3"), ("-1.5", "1.5"), ("not more", "more"), ("radius: float", "radius: int"), ("!r{", "{")],
)
def test_other_code_has_another_digest(digest_of, old, new):
    assert old in CODE
    assert digest_of(CODE.replace(old, new)) != digest_of(CODE)


def test_a_move_to_another_file_keeps_the_digest(digest_of):
    start = CODE.index("def called")
    assert digest_of(CODE[:start], CODE[start:]) == digest_of(CODE)


def test_all_versions_of_python_have_one_digest(digest_of):
    """The number is from Python 3.11; ``ast.dump`` of later ones leaves out other fields."""
    assert digest_of(CODE)[:16] == "ce2f37da816fe584"
