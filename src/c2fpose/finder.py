"""``python -m c2fpose.finder out=finder.safetensors``: train the small network that finds people in a picture."""

from __future__ import annotations

import sys

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import as_text, options
from c2fpose.config.prediction import FinderSettings


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Train and measure one finder."""
    words = sys.argv[1:] if words is None else words
    settings = options(FinderSettings, "finder.yaml", as_text(words, ("out", "measure", "people", "test_people")))
    from c2fpose.prediction.finder.run import run

    run(settings)


if __name__ == "__main__":
    main()
