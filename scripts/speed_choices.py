"""Which choices of the training step pay: each one undone, or added, alone. Writes docs/speed_choices.md.

python scripts/speed_choices.py [scale=laptop] [rounds=3] [steps=8] [key=value of train.yaml ...]

Every variant runs in a process of its own (allocators and compilers keep state), all of them in turn, round by round.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from torch.nn import functional as F
from usage import say_how

from c2fpose.base.host_memory import process_peak_gib
from c2fpose.base.table import Table
from c2fpose.bench import contestants as engines
from c2fpose.bench.contestants import Engine, make_engine
from c2fpose.bench.measure import Clock, hardware, in_a_process
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import TrainSettings, train_settings
from c2fpose.model.networks import input as input_code
from c2fpose.model.representations import volume as volume_code
from c2fpose.model.volumes.targets import Profiles

PAGE = Path(__file__).parent.parent / "docs" / "speed_choices.md"
HEAD = """# What pays on a CPU

Made by `scripts/speed_choices.py`; do not edit. One training step (forward, loss, backward, optimiser, no loader) as it
is, and with one choice undone or added. Milliseconds, best of the rounds' medians and the worst in brackets; a share
over 100 % is slower than what the package does. Peak memory is the whole process's.
"""


def as_it_is(make: Callable[[], Engine]) -> Engine:
    return make()


def channels_first(make: Callable[[], Engine]) -> Engine:
    engine = make()
    engine.module.network.to(memory_format=torch.contiguous_format)
    input_code.normalise = lambda image, network: image.float().div_(255)
    return engine


def memory_returned(make: Callable[[], Engine]) -> Engine:
    engines.keep_freed_memory = lambda: False
    return make()


def dense_targets(make: Callable[[], Engine]) -> Engine:
    def dense(volume: torch.Tensor, targets: Profiles) -> torch.Tensor:
        return F.mse_loss(volume.float(), targets.volume().float())

    volume_code.volume_loss = dense
    return make()


def one_by_one(make: Callable[[], Engine]) -> Engine:
    engine = make()
    for group in engine.optimizer.param_groups:
        group["foreach"] = group["fused"] = False
    return engine


def compiled(make: Callable[[], Engine]) -> Engine:
    engine = make()
    engine.module.network.compile()
    return engine


def one_thread(make: Callable[[], Engine]) -> Engine:
    torch.set_num_threads(1)
    return make()


VARIANTS: dict[str, tuple[Callable[..., Engine], list[str]]] = {
    "as it is": (as_it_is, []),
    "float32 throughout": (as_it_is, ["trainer.precision=32-true"]),
    "channels first": (channels_first, []),
    "freed memory returned to the system": (memory_returned, []),
    "dense target volumes": (dense_targets, []),
    "optimiser one parameter at a time": (one_by_one, []),
    "torch.compile of the network": (compiled, []),
    "activations computed anew": (as_it_is, ["model.network.checkpoint_activations=true"]),
    "one thread": (one_thread, []),
}


def settings_of(overrides: list[str]) -> TrainSettings:
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        return train_settings(compose("train", overrides=["run_dir=runs/speed_choices", "logger=none", *overrides]))


def measure(name: str, overrides: list[str], steps: int) -> dict[str, float]:
    """Median step of one variant, and the process's peak memory."""
    change, own = VARIANTS[name]
    settings, device = settings_of([*overrides, *own]), torch.device("cpu")
    engine = change(lambda: make_engine(Engine.name, settings, device))
    clock = Clock(device)
    for _ in range(2):
        engine.step(Clock(device))
    for _ in range(steps):
        engine.step(clock)
    spans = [clock.spans_ms[span] for span in ("forward", "targets and loss", "backward", "optimiser")]
    return {"ms": float(np.median(np.sum(spans, 0))), "gib": process_peak_gib()}


def main(arguments: list[str]) -> None:
    own = {"rounds": 3, "steps": 8}
    for key in own:
        own[key] = next((int(word.split("=")[1]) for word in arguments if word.startswith(f"{key}=")), own[key])
    overrides = [word for word in arguments if word.split("=")[0] not in own]
    settings, facts = settings_of(overrides), hardware(torch.device("cpu"))
    found: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for number in range(own["rounds"]):
        for name in VARIANTS:
            begun = time.perf_counter()
            try:
                found[name].append(in_a_process(measure, name, overrides, own["steps"]))
            except RuntimeError as error:  # no compiler on this machine, or no memory
                print(f"round {number + 1}, {name}: {error}")
                continue
            print(f"round {number + 1}, {name}: {found[name][-1]}, {time.perf_counter() - begun:.0f} s", flush=True)
    section = {"settings": _facts(settings), "hardware": facts, "found": {k: v for k, v in found.items() if v}}
    figures = PAGE.with_suffix("")
    figures.mkdir(exist_ok=True)
    (figures / f"{settings.scale}.json").write_text(json.dumps(section, indent=1) + "\n")
    sections = [json.loads(path.read_text()) for path in sorted(figures.glob("*.json"))]
    PAGE.write_text("\n".join([HEAD, *map(_section, sections)]))
    print(_section(section))


def _facts(settings: TrainSettings) -> dict[str, Any]:
    network = settings.model.network
    return {
        "scale": settings.scale, "batch": settings.data.batch_size, "date": time.strftime("%Y-%m-%d"),
        "image_size": network.image_size, "width": network.width, "depths": list(network.depths),
    }  # fmt: skip


def _section(section: dict[str, Any]) -> str:
    facts, machine = section["settings"], section["hardware"]
    base = min(run["ms"] for run in section["found"]["as it is"])
    rows = []
    for name, runs in section["found"].items():
        times = [run["ms"] for run in runs]
        best, worst = min(times), max(times)
        memory = max(run["gib"] for run in runs)
        rows.append([name, f"{best:.1f} ({worst:.1f})", f"{best / base:.0%}", f"{memory:.2f}"])
    return "\n".join(
        [
            f"## scale={facts['scale']}",
            "",
            f"{machine['processor']}, {machine['threads']} threads, load {machine.get('load_at_start', '?')} before; "
            f"torch {machine['torch']}; {facts['image_size']} px, width {facts['width']}, depths {facts['depths']}, "
            f"batch {facts['batch']}; {facts['date']}.",
            "",
            Table(("a training step", "ms", "share", "GiB"), tuple(map(tuple, rows))).markdown(),
        ]
    )


if __name__ == "__main__":
    say_how(__doc__)
    main(sys.argv[1:])
