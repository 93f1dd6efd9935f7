"""``python -m c2fpose.data.verify data.h5``: is it the Human3.6M that it should be?"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from c2fpose.command_line import options
from c2fpose.config import Count, Schema
from c2fpose.data import checks
from c2fpose.data.checks import FAIL, NOTE, PASS, Finding
from c2fpose.data.schema import FIELDS, SplitReader
from c2fpose.errors import DataError, exits_cleanly

GEOMETRY = (
    checks.counts,
    checks.action_counts,
    checks.sequences,
    checks.reprojection,
    checks.limbs,
    checks.handedness,
    checks.depth_range,
    checks.boxes,
)
STYLES = {PASS: "green", NOTE: "yellow", FAIL: "bold red"}


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
    """The command; exits with 1 where a check failed."""
    config = options(VerifyConfig, "verify.yaml", sys.argv[1:] if arguments is None else arguments, positional="data")
    console = Console()
    reader = SplitReader(config.data)
    findings = verify(reader, config, console)
    show(reader, findings, console)
    if config.json_path is not None:
        write_json(config.json_path, reader, findings)
    if config.sheet is not None:
        from c2fpose.data.contact_sheet import write_sheet

        write_sheet(config.sheet, reader, _draw(reader, config.sheet_images, config.seed + 1))
        console.print(f"Sheet of images: {config.sheet}")
    if any(finding.status == FAIL for finding in findings):
        sys.exit(1)


def verify(reader: SplitReader, config: VerifyConfig, console: Console) -> list[Finding]:
    """All checks of one file."""
    findings = [finding for check in GEOMETRY if (finding := check(reader)) is not None]
    records = np.arange(len(reader)) if config.images == "all" else _draw(reader, config.images, config.seed)
    columns = (TextColumn("decoding images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(records))
        findings.append(checks.images(reader, records, lambda: progress.advance(task)))
    if config.images == "all":
        findings.append(check_fingerprint(reader))
    return findings


def _draw(reader: SplitReader, count: int, seed: int) -> np.ndarray:
    """Records at random, sorted."""
    chosen = np.random.default_rng(seed).permutation(len(reader))[:count]
    return np.sort(chosen)


def check_fingerprint(reader: SplitReader) -> Finding:
    """The file's fingerprint, computed anew from annotations and images."""
    digest = hashlib.sha256()
    for name in FIELDS:
        digest.update(name.encode() + np.ascontiguousarray(reader.annotations[name]).tobytes())
    try:
        for record in range(len(reader) if reader.info.images != "none" else 0):
            digest.update(reader.jpeg(record))
        for record in range(len(reader) if reader.has_masks else 0):
            digest.update(reader.mask(record))
    except DataError as error:
        return Finding("fingerprint", FAIL, f"not computed: {error}")
    same = digest.hexdigest() == reader.info.fingerprint
    text = reader.info.fingerprint if same else f"{digest.hexdigest()}, the file says {reader.info.fingerprint}"
    return Finding("fingerprint", PASS if same else FAIL, text)


def show(reader: SplitReader, findings: list[Finding], console: Console) -> None:
    """The report, to read."""
    info = reader.info
    console.print(f"[bold]{info.path}[/]: {info.dataset}, {info.split}, {info.records:,} records, images {info.images}")
    made = {key: info.provenance[key] for key in ("source", "every", "crop", "calibration") if key in info.provenance}
    if made:
        console.print("made from " + ", ".join(f"{key} {value}" for key, value in made.items()))
    figures = findings[0].figures
    for title, key in (("subject", "by_subject"), ("camera", "by_camera"), ("action", "by_action")):
        present = {name: count for name, count in figures[key].items() if count}
        console.print(
            f"by {title}: " + ", ".join(f"{name} {count:,}" for name, count in present.items()), highlight=False
        )
    table = Table(show_header=True, header_style="bold")
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("found")
    for finding in findings:
        table.add_row(finding.check, f"[{STYLES[finding.status]}]{finding.status}[/]", finding.text)
    console.print(table)
    failed = [finding.check for finding in findings if finding.status == FAIL]
    console.print(f"[bold red]Failed: {', '.join(failed)}.[/]" if failed else "[bold green]Nothing wrong.[/]")


def report(reader: SplitReader, findings: list[Finding]) -> dict[str, Any]:
    """The report as plain values."""
    info = reader.info
    return {
        "path": info.path,
        "dataset": info.dataset,
        "split": info.split,
        "records": info.records,
        "images": info.images,
        "fingerprint": info.fingerprint,
        "provenance": info.provenance,
        "passed": all(finding.status != FAIL for finding in findings),
        "checks": {f.check: {"status": f.status, "text": f.text, "figures": f.figures} for f in findings},
    }


def write_json(path: Path, reader: SplitReader, findings: list[Finding]) -> None:
    """The report as a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(report(reader, findings), indent=2, sort_keys=True) + "\n")
    os.replace(partial, path)


if __name__ == "__main__":
    main()
