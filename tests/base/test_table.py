"""Tables as text: cells are escaped for what reads them, and columns line up where they should."""

import pytest

from c2fpose.base.table import Table


def test_latex_and_markdown_are_escaped():
    table = Table(("", "a_b"), (("5 % & more", "1 ± 2"), ("a|b", "-")))
    assert r"5 \% \& more & 1 $\pm$ 2 \\" in table.latex("x")
    assert "| 5 % & more | 1 ± 2 |" in table.markdown()
    assert r"| a\|b | - |" in table.markdown()


@pytest.mark.parametrize(
    ("sign", "escaped"),
    [("$", r"\$"), ("{", r"\{"), ("}", r"\}"), ("#", r"\#"), ("~", r"\textasciitilde{}"), ("^", r"\textasciicircum{}"),
     ("[2mm]", "{[}2mm{]}"), ("*", "{*}"), ("\\", r"\textbackslash{}"), ("\\{", r"\textbackslash{}\{"),
     ("<$>", r"$<$\$$>$")],
)  # fmt: skip
def test_every_sign_that_latex_reads_as_a_command_is_escaped(sign, escaped):
    assert f"a{escaped}b & 1" in Table(("", "n"), ((f"a{sign}b", "1"),)).latex("caption")


def test_an_aligned_table_lines_up():
    table = Table(("a", "b"), (("one", "1.0"), ("three", "10.0")))
    lines = table.markdown(aligned=True).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1] == "| ----- | ---: |" and lines[2] == "| one   |  1.0 |"
