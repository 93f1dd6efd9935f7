"""What the power by which joints are read brings in photographs and on synthetic people, as the table of the card.

    python scripts/reading_powers.py CKPT SYNTH36.h5 SYNTH_WILD.h5 PHOTOGRAPHS

Photographs in fifteen boxes, as ``model_card.py`` takes them; of the data files every fourth person.
"""

import sys
from dataclasses import replace
from pathlib import Path

from model_card import NEAR, distances_in_photographs, measure
from usage import say_how

from c2fpose.base.table import Table
from c2fpose.config.prediction import SHIFT
from c2fpose.prediction.predictor import PosePredictor

POWERS = (1.5, 2, 3, 4, 6, 8, None)  # None: the highest voxel instead
WHOLE = 10**4  # px: no detail is taken away
HEADER = (
    "power", "photographs, one look: near, %", "five looks: near, %", "five looks: mean distance, %",
    "synth36: MPJPE, mm", "reconstruction, mm", "near, %", "synth_wild: MPJPE, mm", "reconstruction, mm", "near, %",
)  # fmt: skip


def read_by(ckpt: str, power: float | None, shift: float) -> PosePredictor:
    """Make a predictor of given boxes that reads joints so."""
    predict = PosePredictor(ckpt, sizes=[1], shift=shift, power=power)
    if power is None:
        config = predict.predictor.config
        decoding = config.decoding.model_copy(update={"method": "argmax"})
        predict.predictor = replace(predict.predictor, config=config.model_copy(update={"decoding": decoding}))
    return predict


def row(ckpt: str, power: float | None, files: list[str], photographs: Path) -> tuple[str, ...]:
    """Measure one way of reading."""
    one, five = (distances_in_photographs(read_by(ckpt, power, shift), photographs)[0] for shift in (0.0, SHIFT))
    cells = [f"{100 * (one < NEAR).mean():.1f}", f"{100 * (five < NEAR).mean():.1f}", f"{100 * five.mean():.1f}"]
    for file in files:
        found = measure(read_by(ckpt, power, 0.0).predictor, file, shrink_to=WHOLE)
        cells += [f"{errors.mean():.1f}" for errors in (found.errors_mm, found.reconstruction_mm)]
        cells.append(f"{100 * found.near[found.inside].mean():.1f}")
    return ("highest voxel" if power is None else f"{power:g}", *cells)


def main(ckpt: str, synth36: str, synth_wild: str, photographs: str) -> None:
    """Print the table."""
    rows = tuple(row(ckpt, power, [synth36, synth_wild], Path(photographs)) for power in POWERS)
    print(Table(HEADER, rows).markdown())


if __name__ == "__main__":
    say_how(__doc__, 4)
    main(*sys.argv[1:5])
