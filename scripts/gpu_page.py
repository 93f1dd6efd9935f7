"""On a machine with a GPU: run its tests, the benchmark at all scales and five minutes of training; one page of it.

python scripts/gpu_page.py [minutes=5] [scales=laptop,workstation,paper] [key=value of train.yaml ...]

Writes docs/gpu.md. The training is the hour's of experiments/one_hour with as many steps as the minutes allow (at most
its 20,000), beside the curve that processors had. A part that fails is said on the page, and the others go on.
"""

import csv
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from usage import say_how

from c2fpose.base.errors import ConfigError, exits_cleanly
from c2fpose.bench.report import section

ROOT = Path(__file__).parent.parent
PAGE, HOUR = ROOT / "docs" / "gpu.md", ROOT / "experiments" / "one_hour" / "curve.csv"
HOUR_STEPS = 20_000
HEAD = """# On a GPU

Made by `make gpu`; do not edit. MFU is the share of the rate of one large matrix product on the same GPU, in the
precision of the training step: "floor of the matrix products / network step" below.
"""


def python(*words: str) -> tuple[int, str]:
    """Run Python in the checkout, its output shown; returns the exit code and what it printed."""
    with subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines)


def tested() -> str:
    """Run the tests marked ``gpu``; returns pytest's last line."""
    _, shown = python("-m", "pytest", "-m", "gpu", "-q", "-rf")
    return shown.strip().splitlines()[-1]


def benched(scale: str, folder: Path, others: list[str]) -> dict[str, object] | str:
    """Run the benchmark of one scale; returns its figures, or the last line where it failed."""
    out = folder / f"bench_{scale}"
    code, shown = python("-m", "c2fpose.bench", f"scale={scale}", f"bench.out={out}", "logger=none", *others)
    if code:
        return shown.strip().splitlines()[-1]
    return json.loads((out / f"{scale}-cuda.json").read_text())[0]


def trained(minutes: float, step_ms: float, folder: Path, others: list[str]) -> list[dict[str, str]] | str:
    """Train as in the hour for the minutes; returns the rows of the curve, or the last line where it failed."""
    steps = steps_for(minutes, step_ms)
    code, shown = python(
        "-m", "c2fpose.train", "data.preset=small", f"trainer.max_steps={steps}", "trainer.accelerator=gpu",
        "trainer.devices=1", f"trainer.validate_every={max(1, steps // 10)}", "logger=none", f"run_dir={folder}/run",
        *others,
    )  # fmt: skip
    return shown.strip().splitlines()[-1] if code else read_curve(folder / "run" / "curve.csv")


def steps_for(minutes: float, step_ms: float) -> int:
    """Count the steps that the minutes allow, with a tenth for validation, up to the hour's."""
    return max(10, min(HOUR_STEPS, int(0.9 * 60_000 * minutes / step_ms)))


def read_curve(path: Path) -> list[dict[str, str]]:
    """Read a run's validation curve."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def page(
    tests: str,
    runs: dict[str, dict | str],
    curve: list[dict[str, str]] | str,
    hour: list[dict[str, str]],
    minutes: float = 5,
) -> str:
    """Put everything on one page."""
    parts = [HEAD, "## Tests\n", f"`pytest -m gpu`: {re.sub('=+', '', tests).strip()}\n"]
    for scale, run in runs.items():
        parts.append(f"## scale={scale}\n\nfailed: {run}\n" if isinstance(run, str) else section([run]))
    parts.append(f"## {minutes:g} minutes of training at scale=laptop, and an hour on two processor cores\n")
    if isinstance(curve, str):
        parts.append(f"failed: {curve}\n")
    else:
        parts.append("| | step | training minutes | validation error, mm |\n|---|---:|---:|---:|")
        for what, rows in (("GPU", curve), ("processor", hour)):
            for row in rows:
                minutes = float(row["training_seconds"]) / 60
                parts.append(f"| {what} | {row['step']} | {minutes:.1f} | {float(row['val_mpjpe_mm']):.1f} |")
    return "\n".join(parts) + "\n"


@exits_cleanly
def main(words: list[str]) -> None:
    """Run all parts and write the page. Raises ``ConfigError`` where there is no GPU."""
    if not torch.cuda.is_available():
        raise ConfigError("PyTorch finds no GPU here: make gpu is for a machine that has one")
    own = dict(word.split("=", 1) for word in words if word.split("=")[0] in ("minutes", "scales"))
    others = [word for word in words if word.split("=")[0] not in own]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tests = tested()
        scales = own.get("scales", "laptop,workstation,paper").split(",")
        runs = {scale: benched(scale, folder, others) for scale in scales}
        small = runs["laptop"] if "laptop" in runs else benched("laptop", folder, others)  # what is trained
        step_ms = 50.0 if isinstance(small, str) else small["training"]["c2fpose"]["step"]["median"]
        minutes = float(own.get("minutes", 5))
        curve = trained(minutes, step_ms, folder, others)
        PAGE.write_text(page(tests, runs, curve, read_curve(HOUR), minutes))
    print(f"written: {PAGE}")


if __name__ == "__main__":
    say_how(__doc__)
    main(sys.argv[1:])
