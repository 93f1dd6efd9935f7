"""``python -m c2fpose.finder out=finder.safetensors``: train the small network that finds people in a picture."""

from __future__ import annotations

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.config.prediction import FinderSettings


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Train and measure one finder."""
    settings = options(FinderSettings, "finder.yaml", words)
    from c2fpose.prediction.finder.run import run

    run(settings)


if __name__ == "__main__":
    main()
