"""``python -m c2fpose.predict INPUT... [key=value]``: find the people in pictures and videos, and their 3D poses."""

from __future__ import annotations

import sys

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.config.prediction import PredictSettings


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Predict everything that the command line names."""
    settings = read_words(sys.argv[1:] if words is None else words)
    from c2fpose.prediction.run import run

    if failed := run(settings):
        raise SystemExit(failed)


def read_words(words: list[str]) -> PredictSettings:
    """Read a command line, in which ``person=box=...`` and ``person=boxes=...`` are ways to name a person too."""
    words = [word.removeprefix("person=") if word.startswith("person=box") else word for word in words]
    return options(PredictSettings, "predict.yaml", words, positional="input")


if __name__ == "__main__":
    main()
