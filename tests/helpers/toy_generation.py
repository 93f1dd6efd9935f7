"""``python toy_generation.py OUT WORKERS``: a data set of dots, made as people are, in a second."""

from c2fpose.base.signals import GOES_ON, stop_while_importing, stops_in_one_line

if __name__ == "__main__":
    stop_while_importing()  # as python -m c2fpose.<command> does, whose imports take as long

import sys
from pathlib import Path

import numpy as np

from c2fpose.base.errors import exits_cleanly
from c2fpose.data.synth36.generate import SyntheticSet, generate
from c2fpose.data.synth36.plan import Preset

TOY = SyntheticSet("toy", Preset(train=2, test=2), seed=0)


class Dots:
    """A stand-in for a person: 17 places, and a picture of noise."""

    def __init__(self, seed, subject, action, trial, frames):
        draws = [np.random.default_rng([seed, subject, action, trial, int(frame)]) for frame in frames]
        self.joints_world_mm = np.stack([draw.uniform(-500, 500, (17, 3)) for draw in draws]) + np.array([0, 0, 900])

    def picture(self, index, camera, size, rng):
        return rng.integers(0, 255, (size, size, 3), dtype=np.uint8)


@exits_cleanly
def main() -> None:
    with stops_in_one_line(GOES_ON, grace_s=1):
        print(*(info.fingerprint for info in generate(Path(sys.argv[1]), TOY, Dots, int(sys.argv[2]))))


if __name__ == "__main__":
    main()
