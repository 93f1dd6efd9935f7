"""Time the rows of an experiment, each alone in a process on one thread: a training step, predictions, memory.

    python scripts/row_times.py EXPERIMENT --out FILE [--rows A,B] [--steps 20] [key=value of train.yaml ...]

``FILE``: a CSV, a line a row: milliseconds of a training step, images a second in training and in prediction (as at
evaluation, mirror images and decoding included), and the most memory held in training, GiB. Time is the processor's:
other work on the machine counts little, though cores that share caches slow each other. The smallest of ``--steps``
counts, data loading included. All rows are measured by one machine, in one go: ``FILE`` is written anew.
``scripts/seed_pictures.py --times FILE`` draws validation errors against training time by it.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir

from c2fpose.base.errors import ConfigError, exits_cleanly
from c2fpose.config.command_line import conf_dir
from c2fpose.sweeps.rows import planned, sweep_of

COLUMNS = ("row", "step_ms", "training_images_per_second", "predicted_images_per_second", "memory_gib", "processor")
WARM_UP = 3  # steps and predictions that do not count: memory is taken, expressions are compiled


def measured(experiment: str, row: str, steps: int, overrides: list[str]) -> dict[str, Any]:
    """Measure one row here, in this process."""
    import torch  # the process that asks for the rows does without

    from c2fpose.base.host_memory import process_peak_gib
    from c2fpose.bench.contestants import Engine, make_engine
    from c2fpose.bench.measure import Clock, hardware
    from c2fpose.prediction.engines import TORCH

    torch.set_num_threads(1)
    device = torch.device("cpu")
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        words = [f"+experiment={experiment}", f"job={row}/seed0", "data.workers=0", *overrides]
        settings = planned(compose("train", overrides=words)).settings
    engine = make_engine(Engine.name, settings, device)
    assert isinstance(engine, Engine)
    clock = Clock(device)
    step_s = _least(lambda: engine.step(clock), steps)
    held_gib = process_peak_gib()
    predictor = engine.predictor(TORCH)
    size, batch = settings.data.image_size, settings.data.eval_batch_size
    images = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
    predicted_s = _least(lambda: predictor.predict_points(images), max(2, steps // 4))
    return {
        "row": row, "step_ms": round(1000 * step_s, 1), "memory_gib": round(held_gib, 2),
        "training_images_per_second": round(settings.data.batch_size / step_s, 1),
        "predicted_images_per_second": round(batch / predicted_s, 1), "processor": hardware(device)["processor"],
    }  # fmt: skip


def _least(work: Any, times: int) -> float:
    """Take the smallest processor time of some calls, seconds."""
    found = []
    for _ in range(WARM_UP + times):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found[WARM_UP:])


def in_a_process(experiment: str, row: str, steps: int, overrides: list[str]) -> dict[str, Any]:
    """Measure one row in a process of its own; raises ``ConfigError`` with its last line where it fails."""
    words = [experiment, "--one", row, "--steps", str(steps), *overrides]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, __file__, *words], env=environment, text=True, capture_output=True)
    if done.returncode:
        raise ConfigError(f"{row}: {(done.stderr.strip().splitlines() or ['ended without a word'])[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Measure the rows one after another and write the file after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment")
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rows", type=lambda word: word.split(","))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_intermixed_args(words)
    if asked.one:
        print(json.dumps(measured(asked.experiment, asked.one, asked.steps, asked.overrides)))
        return
    if asked.out is None:
        raise ConfigError("--out is needed: the CSV to write")
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        sweep = sweep_of(compose("train", overrides=[f"+experiment={asked.experiment}", *asked.overrides]))
    trained = [name for name, row in sweep.rows.items() if row.of is None]
    if unknown := [name for name in asked.rows or [] if name not in trained]:
        raise ConfigError(f"--rows: {unknown[0]}: no row of {asked.experiment} that trains; {', '.join(trained)}")
    found = []
    for row in asked.rows or trained:
        found.append(in_a_process(asked.experiment, row, asked.steps, asked.overrides))
        print(", ".join(f"{key} {value}" for key, value in found[-1].items()), flush=True)
        with open(asked.out, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(found)


if __name__ == "__main__":
    main()
