"""``python -m c2fpose.tables SWEEP_DIR...``: a sweep as tables and figures, at any time, of one machine or several."""

from pathlib import Path
from typing import Literal

from c2fpose.command_line import directories_and_options
from c2fpose.config import Schema
from c2fpose.errors import exits_cleanly


class TablesSettings(Schema):
    """The keys of ``conf/tables.yaml``."""

    out: str | None = None
    root_depth: Literal["ground_truth", "own_limbs", "mean_limbs"] = "ground_truth"
    accept_code: bool = False


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Tables of one experiment from its sweep directories."""
    directories, settings = directories_and_options(TablesSettings, "tables.yaml", words)
    from c2fpose.report import summarise

    out = Path(settings.out) if settings.out else directories[0] / "tables"
    summarise(directories, out, settings.root_depth, settings.accept_code)


if __name__ == "__main__":
    main()
