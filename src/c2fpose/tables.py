"""``python -m c2fpose.tables SWEEP_DIR...``: make the tables and figures of one sweep or several."""

from pathlib import Path

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema
from c2fpose.config.sweep import RootDepth, SweepDirectories


class TablesSettings(Schema):
    """The keys of ``conf/tables.yaml``."""

    sweeps: SweepDirectories
    out: str | None = None
    root_depth: RootDepth = "ground_truth"
    accept_code: bool = False
    rows: tuple[str, ...] | None = None
    times: bool = True


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Write the tables of one experiment from its sweep directories."""
    settings = options(TablesSettings, "tables.yaml", words, positional="sweeps")
    from c2fpose.reports.tables import summarise

    out = Path(settings.out) if settings.out else settings.sweeps[0] / "tables"
    summarise(settings.sweeps, out, settings.root_depth, settings.accept_code, settings.rows, settings.times)


if __name__ == "__main__":
    main()
