"""All checks of one file, run and reported."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.table import Table
from rich.text import Text

from c2fpose.base.console import PlainConsole
from c2fpose.base.errors import DataError
from c2fpose.base.files import write_text
from c2fpose.base.progress import Progress
from c2fpose.data.schema import FIELDS, SplitReader
from c2fpose.data.verification import checks
from c2fpose.data.verification.checks import FAIL, NOTE, PASS, Finding
from c2fpose.pose.skeleton import C2F17

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


def verify(reader: SplitReader, images: int | Literal["all"], seed: int) -> list[Finding]:
    """Run all checks of one file; ``images``: how many are decoded, drawn with ``seed``."""
    findings = [finding for check in GEOMETRY if (finding := check(reader)) is not None]
    records = np.arange(len(reader)) if images == "all" else draw_records(reader, images, seed)
    with Progress(transient=True) as progress:
        task = progress.add_task("decoding images", total=len(records))
        findings.append(checks.images(reader, records, lambda: progress.advance(task)))
    if images == "all":
        findings.append(check_fingerprint(reader))
    return findings


def draw_records(reader: SplitReader, count: int, seed: int) -> np.ndarray:
    """Draw records at random, sorted."""
    chosen = np.random.default_rng(seed).permutation(len(reader))[:count]
    return np.sort(chosen)


def check_fingerprint(reader: SplitReader) -> Finding:
    """Compute the file's fingerprint again from annotations and images."""
    digest = hashlib.sha256()
    if reader.info.skeleton != C2F17:
        digest.update(reader.info.skeleton.to_json().encode())
    for name in FIELDS:
        digest.update(name.encode() + np.ascontiguousarray(reader.annotations[name]).tobytes())
    try:
        for record in range(len(reader) if reader.info.images != "none" else 0):
            digest.update(reader.jpeg(record).tobytes())
        for record in range(len(reader)):
            if (mask := reader.mask(record)) is not None:
                digest.update(mask.tobytes())
    except DataError as error:
        return Finding("fingerprint", FAIL, f"not computed: {error}")
    same = digest.hexdigest() == reader.info.fingerprint
    text = reader.info.fingerprint if same else f"{digest.hexdigest()}, the file says {reader.info.fingerprint}"
    return Finding("fingerprint", PASS if same else FAIL, text)


def show(reader: SplitReader, findings: list[Finding], console: PlainConsole) -> None:
    """Print the report."""
    info = reader.info
    facts = f": {info.dataset}, {info.split}, {info.records:,} records, images {info.images}"
    console.print(Text.assemble((str(info.path), "bold"), facts))
    made = {key: info.provenance[key] for key in ("source", "every", "crop", "calibration") if key in info.provenance}
    if made:
        console.print("made from " + ", ".join(f"{key} {value}" for key, value in made.items()))
    figures = findings[0].figures
    for title, key in (("subject", "by_subject"), ("camera", "by_camera"), ("action", "by_action")):
        present = {name: count for name, count in figures[key].items() if count}
        console.print(f"by {title}: " + ", ".join(f"{name} {count:,}" for name, count in present.items()))
    table = Table(show_header=True, header_style="bold")
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("found")
    for finding in findings:
        table.add_row(finding.check, Text(finding.status, STYLES[finding.status]), finding.text)
    console.print(table)
    failed = [finding.check for finding in findings if finding.status == FAIL]
    said = ("Failed: " + ", ".join(failed) + ".", "bold red") if failed else ("Nothing wrong.", "bold green")
    console.print(Text(*said))


def report(reader: SplitReader, findings: list[Finding]) -> dict[str, Any]:
    """Give the report as plain values."""
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
    """Write the report as a JSON file. Raises ``OutputError``."""
    write_text(path, json.dumps(report(reader, findings), indent=2, sort_keys=True) + "\n")
