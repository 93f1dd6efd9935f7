"""``python -m c2fpose.tables SWEEP_DIR...``: the tables of an experiment from its sweep directories."""

from pathlib import Path
from typing import Literal

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import directories_and_options
from c2fpose.config.schema import Schema


class TablesSettings(Schema):
    """The keys of ``conf/tables.yaml``."""

    out: str | None = None
    root_depth: Literal["ground_truth", "own_limbs", "mean_limbs"] = "ground_truth"
    accept_code: bool = False


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Tables of one experiment from its sweep directories."""
    directories, settings = directories_and_options(TablesSettings, "tables.yaml", words)
    from c2fpose.reports.tables import summarise

    out = Path(settings.out) if settings.out else directories[0] / "tables"
    summarise(directories, out, settings.root_depth, settings.accept_code)


if __name__ == "__main__":
    main()
