"""Measure the rows of ablation_reality on test people of synth36, of synth_wild, and in photographs; write a table.

python scripts/reality_table.py [runs=runs/ablation_reality/laptop] [synth36=data/synth36_small/test.h5]
    [synth_wild=data/synth_wild_10k/test.h5] [photographs=FOLDER] [out=experiments/ablation_reality]
    [start=runs/first_run/checkpoints/final.ckpt]

``photographs``: a folder with ``people.json``, as for model_card.py, of which each person is looked at in fifteen boxes
(``model_card.BOXES``); without it those columns stay empty. Rows measured before (``out/figures.json``) are not
measured again unless their checkpoint, the test people or the photographs are others; they stand in the table also
where their runs are elsewhere.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from model_card import NEAR, Measured, distances_in_photographs, measure
from omegaconf import OmegaConf
from usage import say_how

from c2fpose.base.table import Table
from c2fpose.data.schema import SplitReader
from c2fpose.prediction.engines import load_predictor
from c2fpose.prediction.predictor import PosePredictor

FINAL = "seed*/checkpoints/final.ckpt"
ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = {
    "runs": "runs/ablation_reality/laptop", "synth36": "data/synth36_small/test.h5",
    "synth_wild": "data/synth_wild_10k/test.h5", "photographs": "", "out": "experiments/ablation_reality",
    "start": "runs/first_run/checkpoints/final.ckpt",
}  # fmt: skip
HEADER = (
    "trained on", "seeds", "synth36, mm", "reconstruction, mm", "synth_wild, mm", "reconstruction, mm", "near, %",
    "photographs: near, %", "median, %", "missed",
)  # fmt: skip


def figures(ckpt: Path, settings: dict[str, str]) -> dict[str, float]:
    """Measure one trained network: errors in mm with the root's depth given, shares of joints found in per cent."""
    predictor = load_predictor(str(ckpt), precision="32-true")
    found: dict[str, float] = {}
    for name in ("synth36", "synth_wild"):
        found |= {f"{name}_{key}": value for key, value in _errors(measure(predictor, settings[name])).items()}
    if settings["photographs"]:
        one_look = PosePredictor(ckpt, sizes=(1.0,), shift=0)
        off, missed = distances_in_photographs(one_look, Path(settings["photographs"]))
        near, median = 100 * (off < NEAR).mean(), 100 * np.median(off)
        found |= {"photographs_near": near, "photographs_median": median, "photographs_missed": missed.mean()}
    return {key: float(value) for key, value in found.items()}


def measured_on(settings: dict[str, str]) -> dict[str, str]:
    """Name what figures are of: fingerprints of both sets of test people, a digest of the labels in photographs."""
    files = {name: settings[name] for name in ("synth36", "synth_wild") if Path(settings[name]).is_file()}
    found = {name: SplitReader(file).info.fingerprint[:12] for name, file in files.items()}
    labels = Path(settings["photographs"]) / "people.json"
    return found | ({"photographs": _digest(labels)} if settings["photographs"] and labels.is_file() else {})


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _errors(measured: Measured) -> dict[str, float]:
    return {
        "mm": measured.errors_mm.mean(),
        "reconstruction_mm": measured.reconstruction_mm.mean(),
        "near": 100 * measured.near[measured.inside].mean(),
    }


def table(rows: dict[str, list[dict[str, float]]], labels: dict[str, str]) -> str:
    """Means over seeds, one line a row, in the order of the experiment."""
    columns = (
        ("synth36_mm", 1), ("synth36_reconstruction_mm", 1), ("synth_wild_mm", 1), ("synth_wild_reconstruction_mm", 1),
        ("synth_wild_near", 1), ("photographs_near", 1), ("photographs_median", 1), ("photographs_missed", 1),
    )  # fmt: skip
    lines = []
    for row, label in labels.items():
        seeds = rows.get(row, [])
        if seeds:
            cells = [_mean([seed[key] for seed in seeds if key in seed], digits) for key, digits in columns]
            lines.append((label, str(len(seeds)), *cells))
    return Table(HEADER, tuple(lines)).markdown()


def _mean(values: list[float], digits: int) -> str:
    if not values:
        return ""
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def main(words: list[str]) -> None:
    settings = DEFAULTS | dict(word.split("=", 1) for word in words)
    unknown = set(settings) - set(DEFAULTS)
    if unknown:
        raise SystemExit(f"error: {min(unknown)}: no such key; one of {', '.join(DEFAULTS)}")
    experiment = OmegaConf.load(ROOT / "conf" / "experiment" / "ablation_reality.yaml")
    labels = {"start": "(the network that all rows begin with)"}
    labels |= {str(name): row.label for name, row in experiment.sweep.rows.items()}
    out = Path(settings["out"])
    out.mkdir(parents=True, exist_ok=True)
    kept = out / "figures.json"
    known = json.loads(kept.read_text()) if kept.is_file() else {}
    found = [(row, path) for row in labels for path in sorted(Path(settings["runs"]).glob(f"{row}/{FINAL}"))]
    if not found:
        raise SystemExit(f"error: {settings['runs']}: no finished rows; train them: +experiment=ablation_reality")
    start, sources = Path(settings["start"]), measured_on(settings)
    if start.is_file():  # one network, whatever its run is called
        known = {
            key: value
            for key, value in known.items()
            if not key.startswith("start/") or key == f"start/{start.parents[1].name}"
        }
    for row, ckpt in [("start", start)] * start.is_file() + found:
        name = f"{row}/{ckpt.parents[1].name}"
        entry, digest = known.get(name, {}), _digest(ckpt)
        same = entry.get("checkpoint") == digest
        before = entry.get("measured_on", sources)  # early entries do not say
        if not same or sources.items() - before.items():
            old = entry if same else {}  # has figures of photographs, which may not be given now
            known[name] = {
                "checkpoint": digest, "measured_on": old.get("measured_on", {}) | sources,
                "figures": old.get("figures", {}) | figures(ckpt, settings),
            }  # fmt: skip
            kept.write_text(json.dumps(known, indent=1) + "\n")
            print(name, known[name]["figures"], flush=True)
    rows: dict[str, list[dict[str, float]]] = {}
    for name in sorted(known):
        if other := sources.keys() & {
            key for key, of in known[name].get("measured_on", {}).items() if of != sources.get(key)
        }:
            print(
                f"warning: {name}: measured on another {min(other)}, and not here to be measured again", file=sys.stderr
            )
        rows.setdefault(name.split("/")[0], []).append(known[name]["figures"])
    (out / "table.md").write_text(table(rows, labels))
    print(f"{out / 'table.md'}: written")


if __name__ == "__main__":
    say_how(__doc__)
    main(sys.argv[1:])
