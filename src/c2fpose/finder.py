"""``python -m c2fpose.finder``: train the small network that finds people in a picture."""

from __future__ import annotations

import sys

from pydantic import Field

from c2fpose.command_line import as_text, options
from c2fpose.config import Count, Positive, Schema
from c2fpose.errors import exits_cleanly


class FinderSettings(Schema):
    """The keys of ``conf/finder.yaml``."""

    out: str
    seed: int = Field(0, ge=0)
    cutouts: Count = 2000
    people: str | None = None
    people_count: Count = 2000
    test_people: str | None = None
    size: int = Field(192, ge=64, le=1024, multiple_of=64)
    steps: int = Field(3000, ge=1)
    batch: int = Field(16, ge=2, multiple_of=2)
    rate: Positive = 2e-3
    bf16: bool = True
    threads: Count = 1
    test_scenes: Count = 500


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Train and measure one finder."""
    words = sys.argv[1:] if words is None else words
    settings = options(FinderSettings, "finder.yaml", as_text(words, ("out", "people", "test_people")))
    from c2fpose.prediction.finder.run import run

    run(settings.out, **settings.model_dump(exclude={"out"}))


if __name__ == "__main__":
    main()
