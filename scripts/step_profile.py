"""Where the time of a training step goes: a profile by operator; writes docs/step_profile.md.

python scripts/step_profile.py [threads=1] [key=value of train.yaml ...]

ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 in front of it imitate a processor without AVX-512 and bf16.
"""

import os
import sys
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from torch.profiler import ProfilerActivity, profile
from usage import say_how

from c2fpose.bench.contestants import Engine, make_engine
from c2fpose.bench.measure import Clock
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import TrainSettings, train_settings

PAGE = Path(__file__).parent.parent / "docs" / "step_profile.md"
STEPS, ROWS = 10, 14
HEAD = """# Where the time of a training step goes

Made by `scripts/step_profile.py` (one section for each kind of processor); do not edit. Time in the operator itself,
without those that it calls. PyTorch's profiler makes the loss's
backward pass (`_MeanSquaredErrorBackward`, a numba loop) look ten times as long as it is: by the clock of
[the benchmark](benchmark.md), targets, loss and its gradient take 4 ms of a step.
"""


def operators(settings: TrainSettings) -> list[tuple[str, float, float]]:
    """Profile some steps; returns each operator's name, ms and calls in a step, the longest first."""
    engine, device = make_engine(Engine.name, settings, torch.device("cpu")), torch.device("cpu")
    for _ in range(3):
        engine.step(Clock(device))
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(STEPS):
            engine.step(Clock(device))
    found = [(row.key, row.self_cpu_time_total / 1000 / STEPS, row.count / STEPS) for row in profiled.key_averages()]
    return sorted(found, key=lambda row: -row[1])


def section(settings: TrainSettings, threads: int) -> list[str]:
    """Say on what, and list the operators that take most."""
    rows = operators(settings)
    total = sum(row[1] for row in rows)
    imitated = os.environ.get("ONEDNN_MAX_CPU_ISA")
    kind = f"{imitated}, imitated" if imitated else "as it is"
    lines = [f"## {kind}: scale={settings.scale}, {threads} thread{'s' * (threads > 1)}", ""]
    lines += ["| operator | ms | share | calls |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {name[:48]} | {ms:.1f} | {ms / total:.0%} | {calls:.0f} |" for name, ms, calls in rows[:ROWS]]
    rest = sum(row[1] for row in rows[ROWS:])
    return [*lines, f"| all others | {rest:.1f} | {rest / total:.0%} | |", f"| all | {total:.1f} | | |", ""]


def main(words: list[str]) -> None:
    """Profile, and put the section on the page in place of the one before with its title."""
    threads = next((int(word.split("=")[1]) for word in words if word.startswith("threads=")), 1)
    torch.set_num_threads(threads)
    overrides = [word for word in words if not word.startswith("threads=")]
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        settings = train_settings(compose("train", overrides=["run_dir=runs/profile", "logger=none", *overrides]))
    own = section(settings, threads)
    parts = PAGE.read_text().split("\n## ")[1:] if PAGE.is_file() else []
    others = [f"## {part}".rstrip() + "\n" for part in parts if f"## {part}".splitlines()[0] != own[0]]
    PAGE.write_text("\n".join([HEAD, *others, *own]))
    print("\n".join(own))


if __name__ == "__main__":
    say_how(__doc__)
    main(sys.argv[1:])
