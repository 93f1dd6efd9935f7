"""``python -m c2fpose.predict INPUT... [key=value]``: the 3D poses of the people in pictures and videos."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import as_text, options
from c2fpose.config.prediction import PredictSettings

_TEXTS = ("ckpt", "out", "box", "boxes", "finder")


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Predict everything that the command line names."""
    settings = read_words(sys.argv[1:] if words is None else words)
    from c2fpose.prediction.run import run

    if failed := run(settings):
        raise SystemExit(failed)


def read_words(words: list[str]) -> PredictSettings:
    """Read a command line: words that are files, or hold no "=", are inputs; so is what follows ``input=``; the two
    words ``person=box=...`` and ``person=boxes=...`` are ``box=...`` and ``boxes=...``."""
    inputs, rest = [], []
    for word in words:
        if word.startswith("input="):
            inputs.append(word.removeprefix("input="))
        elif not word.startswith("-") and ("=" not in word or Path(word).exists()):
            inputs.append(word)
        else:
            given = word.removeprefix("person=")
            rest.append(given if given.startswith(("box=", "boxes=")) else word)
    named = [f"input={json.dumps(inputs, ensure_ascii=False)}"] if inputs else []
    return options(PredictSettings, "predict.yaml", named + as_text(rest, _TEXTS))


if __name__ == "__main__":
    main()
