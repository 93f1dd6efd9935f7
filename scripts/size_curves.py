"""Validation error against training minutes for networks of several sizes; writes docs/sizes.md and its picture.

python scripts/size_curves.py [minutes=2,5] [only=NAME,NAME] [key=value of train.yaml ...]

A minute is one of processor time on one thread, so that other work on the machine hardly counts. Each run has a
schedule of its own, as long as its minutes: its number of steps is what they pay for, measured before. Results are
kept in docs/sizes.json; a run that is there already, with the same keys of train.yaml, is not repeated.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from usage import say_how

from c2fpose.pictures.figure import quiet
from c2fpose.pictures.palette import SERIES

ROOT = Path(__file__).parent.parent
FIGURES, PAGE = ROOT / "docs" / "sizes.json", ROOT / "docs" / "sizes.md"
PICTURE = ROOT / "docs" / "images" / "sizes.png"
HEAD = """# Error after a given time

Made by `scripts/size_curves.py` (`make curve`); do not edit. Validation error (held-out sequences, root given, mm)
of networks of several sizes after the same processor time on one thread. One seed each: another can move these by some
5 mm.
"""
SIZES = {
    "as scale=laptop": [],
    "width 32": ["model.network.width=32"],
    "width 96": ["model.network.width=96"],
    "levels 2": ["model.network.levels=2"],
    "depths 64": ["model.network.depths=[64]"],
    "depths 1, 2, 4, 64": ["model.network.depths=[1,2,4,64]"],
    "batch 8": ["data.batch_size=8"],
    "batch 32": ["data.batch_size=32"],
    "96 px": ["data.image_size=96", "model.network.image_size=96", "model.network.heatmap_size=24"],
    "128 px": ["data.image_size=128", "model.network.image_size=128", "model.network.heatmap_size=32"],
}
STEP_COST = """
import sys, time, torch
from hydra import compose, initialize_config_dir
from c2fpose.bench.contestants import Engine, make_engine
from c2fpose.bench.measure import Clock
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import train_settings
torch.set_num_threads(1)
with initialize_config_dir(conf_dir(), version_base="1.3"):
    settings = train_settings(compose("train", overrides=["run_dir=runs/sizes", "logger=none", *sys.argv[1:]]))
device = torch.device("cpu")
engine = make_engine(Engine.name, settings, device)
seconds = []
for _ in range(12):
    started = time.process_time()
    engine.step(Clock(device))
    seconds.append(time.process_time() - started)
print(min(seconds))
"""


def python(*words: str) -> str:
    """Run Python on one thread; returns what it prints."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, check=True, text=True, stdout=subprocess.PIPE
    ).stdout


def measured(overrides: list[str], minutes: float) -> dict[str, Any]:
    """Train for the minutes; returns steps, the cost of one in ms, and the error at the end."""
    cost_s = float(python("-c", STEP_COST, *overrides).split()[-1])
    steps = max(20, round(60 * minutes / cost_s))
    with tempfile.TemporaryDirectory() as folder:
        python(
            "-m", "c2fpose.train", *overrides, f"trainer.max_steps={steps}", f"trainer.validate_every={steps}",
            "trainer.progress=false", "logger=none", "pictures=3", f"run_dir={folder}/run",
        )  # fmt: skip
        last = (Path(folder) / "run" / "curve.csv").read_text().splitlines()[-1]
    return {"steps": steps, "step_ms": 1000 * cost_s, "error_mm": float(last.split(",")[2])}


def page(found: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Make the table: a row for each size, a column for each length."""
    lengths = sorted({length for runs in found.values() for length in runs}, key=float)
    head = ["size", "a step, ms", *(f"{length} min" for length in lengths)]
    rows = [
        [
            name,
            f"{min(run['step_ms'] for run in runs.values()):.0f}",
            *(f"{runs[n]['error_mm']:.1f} ({runs[n]['steps']:.0f})" if n in runs else "" for n in lengths),
        ]
        for name, runs in found.items()
    ]
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---", *["---:"] * (len(head) - 1)], *rows)]
    shown = ["![error of each size after each time](images/sizes.png)", "", *lines, "", "In brackets: steps."]
    keys = {" ".join(run.get("keys", [])) or "none" for runs in found.values() for run in runs.values()}
    if keys != {"none"}:
        shown += [
            "",
            f"Further keys of these runs, not the same in all where there are several: {'; '.join(sorted(keys))}.",
        ]
    return "\n".join([HEAD, *shown, ""])


def picture(found: dict[str, dict[str, dict[str, Any]]]) -> Figure:
    """Draw a row for each size and a dot for each length; nothing was measured between them, so no line."""
    lengths = sorted({length for runs in found.values() for length in runs}, key=float)
    figure = Figure(figsize=(7.5, 0.9 + 0.36 * len(found)), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    quiet(axes)
    for color, marker, length in zip(SERIES, "osD^v", lengths, strict=False):
        dots = [(runs[length]["error_mm"], row) for row, runs in enumerate(found.values()) if length in runs]
        axes.plot(*zip(*dots, strict=True), marker, color=color, ms=6, label=f"after {length} min of\nprocessor time")
        for error, row in dots:
            axes.annotate(f"{error:.1f}", (error, row), (6, 0), textcoords="offset points", va="center", fontsize=7.5)
    axes.set_yticks(range(len(found)), list(found), fontsize=9)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.margins(x=0.14)
    axes.set_xlabel("MPJPE of held-out sequences, root given, mm", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def main(words: list[str]) -> None:
    """Measure what is missing, shortest first, and write the page after each run."""
    own = dict(word.split("=", 1) for word in words if word.split("=")[0] in ("minutes", "only"))
    others = [word for word in words if word.split("=")[0] not in own]
    names = own["only"].split(",") if "only" in own else list(SIZES)
    if unknown := [name for name in names if name not in SIZES]:
        raise SystemExit(f"error: only={unknown[0]}: no such size; one of {', '.join(SIZES)}")
    found = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
    for minutes in own.get("minutes", "2,5").split(","):
        for name in names:
            run = found.get(name, {}).get(minutes)
            if run is not None and run.get("keys", []) == sorted(others):
                continue
            begun = time.perf_counter()
            run = measured([*SIZES[name], *others], float(minutes)) | {"keys": sorted(others)}
            found.setdefault(name, {})[minutes] = run
            print(f"{name}, {minutes} min: {found[name][minutes]}, {time.perf_counter() - begun:.0f} s", flush=True)
            FIGURES.write_text(json.dumps(found, indent=1) + "\n")
            PAGE.write_text(page(found))
            picture(found).savefig(PICTURE)


if __name__ == "__main__":
    say_how(__doc__)
    main(sys.argv[1:])
