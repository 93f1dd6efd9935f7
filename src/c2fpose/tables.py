"""``python -m c2fpose.tables SWEEP_DIR...``: a sweep as tables and figures, at any time, of one machine or several."""

import sys
from pathlib import Path
from typing import Literal

from c2fpose.command_line import options
from c2fpose.config import Schema
from c2fpose.errors import ConfigError, exits_cleanly


class TablesSettings(Schema):
    """The keys of ``conf/tables.yaml``."""

    out: str | None = None
    root_depth: Literal["ground_truth", "own_limbs", "mean_limbs"] = "ground_truth"
    accept_code: bool = False


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Tables of one experiment from its sweep directories."""
    words = sys.argv[1:] if words is None else words
    names = [word for word in words if "=" not in word and not word.startswith("-")]
    settings = options(TablesSettings, "tables.yaml", [word for word in words if word not in names])
    if not names:
        raise ConfigError("give at least one sweep directory, such as runs/ablation_depth/laptop")
    from c2fpose.report import summarise

    directories = [Path(name) for name in names]
    out = Path(settings.out) if settings.out else directories[0] / "tables"
    summarise(directories, out, settings.root_depth, settings.accept_code)


if __name__ == "__main__":
    main()
