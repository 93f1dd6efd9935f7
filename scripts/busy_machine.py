"""A training step while other work keeps cores busy: fixed threads, ways of waiting, and threads that are settled.

python scripts/busy_machine.py [loops=1] [seconds=8] [key=value of train.yaml ...]

Starts ``loops`` processes that do nothing but count, one after another the ways to train beside them, and prints the
median step of each. The settled way is what training does: ``c2fpose.base.cores``.
"""

import os
import subprocess
import sys
import time

from usage import say_how

STEP = """
import sys, time, numpy, torch
from hydra import compose, initialize_config_dir
from c2fpose.base.cores import settle_threads
from c2fpose.bench.contestants import Engine, make_engine
from c2fpose.bench.measure import Clock
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import train_settings
seconds, threads, *overrides = sys.argv[1:]
with initialize_config_dir(conf_dir(), version_base="1.3"):
    settings = train_settings(compose("train", overrides=["run_dir=runs/busy", "logger=none", *overrides]))
device = torch.device("cpu")
engine = make_engine(Engine.name, settings, device)
if threads == "settled":
    print(settle_threads(), file=sys.stderr)
else:
    torch.set_num_threads(int(threads))
engine.step(Clock(device))
steps, end = [], time.perf_counter() + float(seconds)
while time.perf_counter() < end or len(steps) < 2:
    started = time.perf_counter()
    engine.step(Clock(device))
    steps.append(1000 * (time.perf_counter() - started))
print(f"{numpy.median(steps):.0f} ms, {min(steps):.0f} to {max(steps):.0f}, {len(steps)} steps")
"""
WAYS = {
    "settled": ("settled", {}),
    "1 thread": ("1", {}),
    "2 threads": ("2", {}),
    "2 threads, GOMP_SPINCOUNT=20000": ("2", {"GOMP_SPINCOUNT": "20000"}),
    "2 threads, OMP_WAIT_POLICY=passive": ("2", {"OMP_WAIT_POLICY": "passive"}),
}


def main(words: list[str]) -> None:
    """Start the loops, time each way, and stop the loops whatever happens."""
    own = dict(word.split("=", 1) for word in words if word.split("=")[0] in ("loops", "seconds"))
    others = [word for word in words if word.split("=")[0] not in own]
    count = int(own.get("loops", 1))
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    time.sleep(1)
    print(f"{count} busy loops, load {os.getloadavg()[0]:.1f}")
    try:
        for name, (threads, variables) in WAYS.items():
            environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"} | variables
            command = [sys.executable, "-c", STEP, own.get("seconds", "8"), threads, *others]
            found = subprocess.run(command, env=environment, capture_output=True, text=True)
            print(f"{name}: {(found.stdout or found.stderr).strip().splitlines()[-1]}", flush=True)
    finally:
        for loop in loops:
            loop.kill()


if __name__ == "__main__":
    say_how(__doc__)
    main(sys.argv[1:])
