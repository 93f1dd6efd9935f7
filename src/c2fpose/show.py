"""``python -m c2fpose.show RUN_DIR``: make one page of a run: curves, tables, pictures, parts of its error."""

from __future__ import annotations

from pathlib import Path

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema


class ShowSettings(Schema):
    """The keys of ``conf/show.yaml``."""

    run: str
    out: str | None = None


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Write the page of one run."""
    settings = options(ShowSettings, "show.yaml", words, positional="run")
    from c2fpose.reports.run_page.content import read_run
    from c2fpose.reports.run_page.html import write_page

    run = read_run(settings.run)
    print(f"page: {write_page(run, Path(settings.out) if settings.out else run.directory / 'show.html')}")


if __name__ == "__main__":
    main()
