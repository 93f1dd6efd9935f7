"""Figures as tables in Markdown."""

from typing import Any

from c2fpose.base.table import Table

HEAD = """# Benchmark

Made by `make bench` (`python -m c2fpose.bench`); do not edit. Times are medians in milliseconds, quartiles in brackets.
The engines take turns in one process and one run, so that other work on the machine falls on all of them.
The plain port is the original rewritten in eager float32 PyTorch, with dense target volumes made sample by sample in
the loader; it exists in the benchmark alone. The floor is the time that the network's convolutions would take at the
rate of one large matrix product in the precision of the training step; it, and the figures of a volume alone, are
the best of the run. Prediction includes the mirror image and decoding; each engine computes in the precision that is
best on this machine. The original is the authors' Torch7 code on a machine of like speed (`bench/original.py`), twice
its forward pass for the mirror image.
"""


def with_like(run: dict[str, Any], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the run, then those before it that measured the same thing on the same machine."""

    def what(other: dict[str, Any]) -> list[Any]:
        machine = {key: value for key, value in other["hardware"].items() if key != "load_at_start"}
        return [machine, other["network"], other["batch"], other["precision"], other.get("mirrored")]

    return [run, *(other for other in before if what(other) == what(run))]


def page(scales: list[list[dict[str, Any]]]) -> str:
    """One section for each scale and device."""
    return "\n".join([HEAD, *map(section, scales)])


def section(runs: list[dict[str, Any]]) -> str:
    """List runs of one thing, newest first: what they ran on, their ratios, then the times of the newest."""
    run = runs[0]
    hardware, network = run["hardware"], run["network"]
    where = f"{hardware['processor']}, {hardware['threads']} threads of {hardware['cores']} cores"
    where = f"{hardware['gpu']}; {where}" if "gpu" in hardware else where
    load = f", load {hardware['load_at_start']} before the start" if "load_at_start" in hardware else ""
    lines = [
        f"## scale={run['scale']}",
        "",
        f"{where}, {hardware['memory_gib']} GiB{load}; torch {hardware['torch']}; {run['precision']}; "
        f"{network['image_size']} px, width {network['width']}, depths {network['depths']}, batch {run['batch']}; "
        f"code {run['code_version']}; {run['date']}.",
        "",
        _table(
            ["ratio", "the newest run", *(["before it"] * (len(runs) - 1))],
            [
                [name, *(f"{one['ratios'][name]:.2f}" if name in one["ratios"] else "" for one in runs)]
                for name in run["ratios"]
            ],
        ),
        _table(["training step", *_with_shares(run)], _training_rows(run)),
        _table(["prediction", *_engines(run)], _prediction_rows(run)),
        _table(
            ["the machine", ""],
            [
                *(
                    [f"{kind} matrix product, GFLOP/s", f"{run['machine'][kind]['most']:.0f}"]
                    for kind in ("float32", "bfloat16")
                    if kind in run["machine"]  # bf16 only where the hardware computes in it
                ),
                [
                    "one read and one write of the last volume, ms",
                    f"{run['machine']['read and write, ms']['least']:.1f}",
                ],
                ["loss and gradient of that volume, ms", f"{run['machine']['loss, ms']['least']:.1f}"],
                ["GFLOP of a training step", f"{run['training_gflop']:.1f}"],
                ["GFLOP of the prediction of one image", f"{run['inference_gflop_an_image']:.1f}"],
            ],
        ),
    ]
    return "\n".join(lines)


def _table(header: list[str], rows: list[list[str]]) -> str:
    return Table(tuple(header), tuple(map(tuple, rows))).markdown(aligned=True)


def _with_shares(run: dict[str, Any]) -> list[str]:
    return [title for name in run["training"] for title in (name, "share")]


def _training_rows(run: dict[str, Any]) -> list[list[str]]:
    engines = run["training"].values()
    rows = []
    for span in next(iter(engines))["spans"]:
        row = [span]
        for engine in engines:
            row += [_times(engine["spans"][span]), f"{engine['spans'][span]['median'] / engine['step']['median']:.1%}"]
        rows.append(row)
    rows.append(["all", *(cell for engine in engines for cell in (_times(engine["step"]), ""))])
    if run["loop_ms"]:
        rows.append(["whole loop, with trainer and loggers", _times(run["loop_ms"]), *[""] * (2 * len(engines) - 1)])
    if peaks := run.get("training_peak_gib"):
        rows.append(["peak memory, GiB", *(cell for peak in peaks.values() for cell in (f"{peak:.2f}", ""))])
    return rows


def _engines(run: dict[str, Any]) -> list[str]:
    """Names, with the numbers that each computes in."""
    return [
        f"{name}, {run['inference_precision'][name]}" if name in run["inference_precision"] else name
        for name in run["inference_ms"]
    ]


def _prediction_rows(run: dict[str, Any]) -> list[list[str]]:
    engines = list(run["inference_ms"].values())
    rows = [[f"batch {batch}", *(_times(engine[batch]) for engine in engines)] for batch in engines[0]]
    if peaks := run.get("inference_peak_gib"):
        rows.append([f"peak memory, batch {list(engines[0])[-1]}, GiB", *(f"{peak:.2f}" for peak in peaks.values())])
    return rows


def _times(value: dict[str, float], digits: int = 1) -> str:
    return f"{value['median']:.{digits}f} ({value['low']:.{digits}f} to {value['high']:.{digits}f})"
