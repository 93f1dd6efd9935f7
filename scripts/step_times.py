"""Time the training step of this version, or of another whose tree lies elsewhere, without a trainer.

python scripts/step_times.py [tree=FOLDER] [seconds=6] [threads=2] [key=value of train.yaml ...]

``tree``: a checkout with data/synth36_tiny in it, this one if not given; versions before the layout of today have the
same parts elsewhere. Prints median and best in ms, and the rate of a large matrix product beside it.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

from usage import say_how

PARTS = {
    "make_engine": ("c2fpose.bench.contestants", "c2fpose.bench.engines"),
    "Engine": ("c2fpose.bench.contestants", "c2fpose.bench.engines"),
    "Clock": ("c2fpose.bench.measure",),
    "matrix_rate": ("c2fpose.bench.measure",),
    "conf_dir": ("c2fpose.config.command_line", "c2fpose.settings"),
    "train_settings": ("c2fpose.config.run", "c2fpose.settings"),
}


def part(name: str) -> object:
    """Find a part of the package where its version has it."""
    for module in PARTS[name]:
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
    sys.exit(f"error: this version has no {name} in {' or '.join(PARTS[name])}")


def main(words: list[str]) -> None:
    own = dict(word.split("=", 1) for word in words if word.split("=")[0] in ("tree", "seconds", "threads"))
    others = [word for word in words if word.split("=")[0] not in own]
    tree = Path(own.get("tree", Path(__file__).parent.parent)).resolve()
    for needed in (tree / "src" / "c2fpose", tree / "data" / "synth36_tiny"):
        if not needed.is_dir():
            sys.exit(f"error: {needed}: no such folder; tree= names a checkout in which make data was run")
    sys.path.insert(0, str(tree / "src"))
    os.chdir(tree)
    import numpy as np
    import torch
    from hydra import compose, initialize_config_dir

    torch.set_num_threads(int(own.get("threads", 2)))
    with initialize_config_dir(part("conf_dir")(), version_base="1.3"):
        settings = part("train_settings")(compose("train", overrides=["run_dir=runs/x", "logger=none", *others]))
    device = torch.device("cpu")
    engine, clock = part("make_engine")(part("Engine").name, settings, device), part("Clock")
    for _ in range(3):
        engine.step(clock(device))
    steps, ends = [], time.perf_counter() + float(own.get("seconds", 6))
    while time.perf_counter() < ends:
        begun = time.perf_counter()
        engine.step(clock(device))
        steps.append(1000 * (time.perf_counter() - begun))
    kind = torch.bfloat16 if engine.precision == "bf16-mixed" else torch.float32
    rate = part("matrix_rate")(kind, device)
    found = {"median_ms": round(float(np.median(steps)), 1), "best_ms": round(min(steps), 1), "steps": len(steps)}
    print(json.dumps(found | {"precision": engine.precision, "gflop_a_second": round(rate)}))


if __name__ == "__main__":
    say_how(__doc__)
    main(sys.argv[1:])
