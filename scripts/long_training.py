"""Whether the memory of a long training grows: a network of toy size under a sampler, and a line through its samples.

python scripts/long_training.py [minutes=60] [key=value of train.yaml ...]

Memory is what the training's process and its children hold (resident, Linux alone), once a validation of 200 steps. The
first quarter is left out of the line: caches fill. Needs the tiny data set (`make data`), or data.train_file= and
data.test_file=. Samples are printed as a table, and kept in the run directory if out= names one.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from usage import say_how

from c2fpose.training.curve import CURVE, read_curve

TOY = [
    "model.network.width=8", "model.network.levels=1", "model.optimizer.schedule=constant", "data.batch_size=4",
    "data.validation_records=32", "trainer.max_steps=100000000", "trainer.validate_every=200",
    "trainer.precision=32-true",
    "trainer.progress=false", "logger=none",
]  # fmt: skip


def resident_mb(pid: int) -> float:
    """Memory of a process and of those that it has started, MB."""
    total = 0.0
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) / 1024
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(resident_mb(int(child)) for child in (task / "children").read_text().split())
    except FileNotFoundError:
        pass
    return total


def sample(run_dir: Path, words: list[str], minutes: float) -> np.ndarray:
    """Train for so long; rows of steps and MB, one a validation."""
    command = [sys.executable, "-m", "c2fpose.train", *TOY, f"run_dir={run_dir}", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    ends, samples = time.monotonic() + 60 * minutes, [(0, 0.0)]
    while time.monotonic() < ends:
        if (code := process.poll()) is not None:
            sys.exit(f"error: the training ended with exit code {code}")
        time.sleep(1)
        curve = read_curve(run_dir / CURVE)
        if curve and curve[-1]["step"] > samples[-1][0]:
            samples.append((int(curve[-1]["step"]), resident_mb(process.pid)))
            print(f"{samples[-1][0]:9d} steps  {samples[-1][1]:7.1f} MB", flush=True)
    os.kill(process.pid, signal.SIGTERM)
    code = process.wait()
    print(f"stopped by SIGTERM: exit code {code}")
    return np.array(samples[1:])


def main() -> None:
    """Sample, and say how much a thousand steps add."""
    given = dict(word.split("=", 1) for word in sys.argv[1:] if word.startswith(("minutes=", "out=")))
    words = [word for word in sys.argv[1:] if not word.startswith(("minutes=", "out="))]
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(given.get("out", folder)) / "long"
        samples = sample(run_dir, words, float(given.get("minutes", 60)))
    steps, mb = samples[len(samples) // 4 :].T
    if len(steps) < 4:
        sys.exit("error: fewer than four samples; give it more minutes=")
    slope, _ = np.polyfit(steps / 1000, mb, 1)
    print(f"{steps[-1]:.0f} steps, {mb[0]:.1f} MB after {steps[0]:.0f} of them and {mb[-1]:.1f} MB at the end, "
          f"at most {mb.max():.1f} MB: {slope:+.3f} MB a thousand steps")  # fmt: skip


if __name__ == "__main__":
    say_how(__doc__)
    main()
