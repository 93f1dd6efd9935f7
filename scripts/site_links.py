"""A hook of mkdocs.yml: links that leave docs/ become text in the site.

The repository has no public address that such a link could lead to. In the repository itself they work as they are.
"""

import posixpath
import re
from typing import Any

LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Replace each link to a file outside docs/ by its text and the file's path."""

    def as_text(link: re.Match[str]) -> str:
        text, target = link[1], link[2].partition("#")[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), target))
        if not path.startswith("../"):
            return link[0]
        path = path.removeprefix("../")
        return f"`{path}`" if text.strip("`/") in path else f"{text} (`{path}`)"

    return LINK.sub(as_text, markdown)
