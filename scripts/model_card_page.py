"""Draw the page of the network in the package from its figures and the text around them; nothing is measured here.

python scripts/model_card_page.py [FOLDER]

``FOLDER`` (docs) holds the figures, ``model_card.json``, as ``model_card.py`` writes it, and gets the page. The text is
``scripts/model_card.md``, whose ``$names`` are the values below.
"""

import json
import sys
from pathlib import Path
from string import Template
from typing import Any

from usage import say_how

from c2fpose.base.files import written_whole
from c2fpose.base.table import Table

TEXT = Path(__file__).with_name("model_card.md")
MEASURED = "as measured, all digits"  # what ``figures["digits"]`` says of a run of model_card.py
HEADER = ("", "people", "MPJPE, mm", "reconstruction, mm", "within a tenth of the box, %")
WAYS = {
    "one_look": "one look",
    "moved": "**the box moved to four sides too** (the default for a box that is given)",
    "surest_moved": "the surest of four sizes, moved to four sides (the default for people found)",
}
# Groups of people, each a table of the page; "test_sets" are the two sets as a whole
GROUPS = ("test_sets", "actions", "postures", "facing", "lean", "joints_shown", "sizes")
NOT_MEASURED = "(not measured)"


def write_figures(figures: dict[str, Any], out: Path) -> None:
    """Write all digits, so that the page can be drawn again without measuring."""
    with written_whole(out / "model_card.json") as temporary:
        text = json.dumps(figures, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", "utf-8")


def write_page(out: Path) -> Path:
    """Write the page from the figures in its folder."""
    file = out / "model_card.json"
    if not file.is_file():
        raise SystemExit(f"error: {file}: no such file; measure first: python scripts/model_card.py out={out}")
    with written_whole(out / "model_card.md") as temporary:
        temporary.write_text(page(json.loads(file.read_text("utf-8"))), "utf-8")
    return out / "model_card.md"


def page(figures: dict[str, Any]) -> str:
    """Put figures into the text."""
    values = {name: groups(figures[name]) for name in GROUPS} | {"joints": joints(figures["joints"])}
    values |= network(figures["network"]) | photographs(figures["photographs"]) | {"digits": figures["digits"]}
    for each in figures["test_sets"]:
        values |= {f"{each['name']}_{key}": cell(each[key], 1) for key in ("mpjpe_mm", "reconstruction_mm")}
        values[f"{each['name']}_near"] = cell(each["near_percent"], 0)
    return Template(TEXT.read_text("utf-8")).substitute(values)


def groups(rows: list[dict[str, Any]]) -> str:
    """Make a table of groups of people."""
    digits = {"mpjpe_mm": 1, "reconstruction_mm": 1, "near_percent": 0}
    cells = [(row["name"], str(row["people"]), *(cell(row[key], digits[key]) for key in digits)) for row in rows]
    return Table(HEADER, tuple(cells)).markdown().rstrip()


def joints(rows: list[dict[str, Any]]) -> str:
    """Make the table of joints."""
    sets = ("synth36", "synth_wild")
    keys = [f"{name}_{what}" for what in ("mpjpe_mm", "near_percent") for name in sets]
    cells = [(row["name"].replace("_", " "), *(cell(row[key], 0) for key in keys)) for row in rows]
    header = ("", "synth36, mm", "synth_wild, mm", "synth36, %", "synth_wild, %")
    return Table(header, tuple(cells)).markdown().rstrip()


def photographs(figures: dict[str, Any] | None) -> dict[str, str]:
    """Make the table of photographs, and those of its figures that sentences name; without any, say so."""
    names = ("near_boxes", "near_labelled", "median_labelled", "missed_labelled")
    if figures is None:
        return {"photographs": "Not measured."} | dict.fromkeys(names, NOT_MEASURED)
    rows = []
    for way, label in WAYS.items():
        near, median, missed = (figures[way][key] for key in ("near_percent", "median_percent", "missed"))
        span = f"{cell(near['boxes'], 1)} ({cell(near['worst'], 0)} to {cell(near['best'], 0)})"
        rows.append((label, cell(near["labelled"], 1), span, cell(median["labelled"], 1), cell(median["boxes"], 1),
                     cell(missed["labelled"], 0), cell(missed["boxes"], 1)))  # fmt: skip
    header = ("", "near, the box as labelled, %", "near, 15 boxes, %", "median", "15 boxes", "missed", "15 boxes")
    _, near, near_boxes, median, _, missed, _ = rows[list(WAYS).index("moved")]
    spoken = zip(names, (near_boxes.partition(" ")[0], near, median, missed), strict=True)
    return {"photographs": Table(header, tuple(rows)).markdown().rstrip()} | dict(spoken)


def network(facts: dict[str, Any]) -> dict[str, str]:
    """Say what the file holds."""
    return {
        "megabytes": f"{facts['file_bytes'] / 1e6:.1f}",
        "image": f"{facts['image_px']}",
        "cells": f"{facts['cells']}",
        "bins": f"{facts['depth_bins']}",
        "depths": ", ".join(map(str, facts["depths"])),
        "parameters": f"{facts['parameters'] / 1e6:.2f}",
        "gflop": f"{facts['flops'] / 1e9:.2f}",
        "code": str(facts["code_version"]),
        "fingerprints": "; ".join(f"{name} `{value[:12]}`" for name, value in facts["data_fingerprints"].items()),
    }


def cell(value: float | None, digits: int) -> str:
    """Print a figure; a dash for what nobody was there to measure on."""
    return "-" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    say_how(__doc__)
    folder = sys.argv[1] if len(sys.argv) > 1 else "docs"
    print(f"{write_page(Path(folder))}: written")
