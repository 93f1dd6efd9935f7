"""Links out of docs/ as the site shows them."""

from types import SimpleNamespace

import pytest
from script_modules import loaded


@pytest.mark.parametrize(
    ("source", "markdown", "shown"),
    [
        ("speed.md", "([table\n3](../experiments/a/README.md#found), x)", "(table\n3 (`experiments/a/README.md`), x)"),
        ("mixing.md", "[experiments/a](../experiments/a/README.md)", "`experiments/a/README.md`"),
        ("mixing.md", "[`pose/camera.py`](../src/c2fpose/pose/camera.py)", "`src/c2fpose/pose/camera.py`"),
        ("speed.md", "`seeds=[0]` [table](../experiments/a)", "`seeds=[0]` table (`experiments/a`)"),
        ("api/pose.md", "[house](../house.md), [code](../../src/a.py)", "[house](../house.md), code (`src/a.py`)"),
        ("index.md", "[pages](sizes.md#a), [paper](https://arxiv.org/abs/1611.07828)", None),
    ],
)
def test_what_leaves_docs_becomes_text_and_the_rest_stays(source, markdown, shown):
    page = SimpleNamespace(file=SimpleNamespace(src_uri=source))
    assert loaded("site_links").on_page_markdown(markdown, page=page) == (shown or markdown)
