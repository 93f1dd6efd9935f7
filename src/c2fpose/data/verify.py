"""``python -m c2fpose.data.verify data.h5``: check a data file, and draw its people."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from c2fpose.base.console import PlainConsole
from c2fpose.base.errors import exits_cleanly
from c2fpose.base.files import ready_directory
from c2fpose.config.command_line import options
from c2fpose.config.schema import Count, Schema


class VerifyConfig(Schema):
    """The keys of ``conf/verify.yaml``."""

    data: Path
    images: Annotated[int, Field(ge=0)] | Literal["all"] = 500
    seed: Annotated[int, Field(ge=0)] = 0
    json_path: Path | None = Field(None, alias="json")
    sheet: Path | None = None
    sheet_images: Count = 24


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Verify a file; exits with 1 where a check failed."""
    config = options(VerifyConfig, "verify.yaml", arguments, positional="data")
    from c2fpose.data.schema import SplitReader
    from c2fpose.data.verification.checks import FAIL
    from c2fpose.data.verification.contact_sheet import write_sheet
    from c2fpose.data.verification.report import draw_records, show, verify, write_json

    console = PlainConsole()
    for file in (config.json_path, config.sheet):
        if file is not None:
            ready_directory(file.parent)  # before the work
    reader = SplitReader(config.data)
    findings = verify(reader, config.images, config.seed)
    show(reader, findings, console)
    if config.json_path is not None:
        write_json(config.json_path, reader, findings)
    if config.sheet is not None:
        write_sheet(config.sheet, reader, draw_records(reader, config.sheet_images, config.seed + 1))
        console.print(f"Sheet of images: {config.sheet}")
    if any(finding.status == FAIL for finding in findings):
        sys.exit(1)


if __name__ == "__main__":
    main()
