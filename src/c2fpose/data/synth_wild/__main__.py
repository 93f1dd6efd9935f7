"""``python -m c2fpose.data.synth_wild preset=tiny workers=2``: make synth_wild, people as photographs show them."""

import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import Field, model_validator

from c2fpose.base.errors import exits_cleanly
from c2fpose.base.signals import GOES_ON, stops_in_one_line
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema

ShardT = TypeVar("ShardT")
FIRST_LOOK = 64  # photographs of a folder of backgrounds: one at least must be readable


class SynthWildConfig(Schema):
    """Keys of ``conf/synth_wild.yaml``."""

    preset: Literal["tiny", "small", "10k", "medium", "full"]
    workers: Annotated[int, Field(ge=1, le=256)]
    out: Path
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    stored_px: Annotated[int, Field(ge=64, le=512, multiple_of=8)]
    backgrounds: str
    without: tuple[Literal["cameras", "boxes", "postures", "people", "light", "backgrounds", "others"], ...]

    @model_validator(mode="after")
    def _consistent(self) -> "SynthWildConfig":
        if self.backgrounds != "made" and "backgrounds" in self.without:
            raise ValueError("backgrounds: none of the folder's would be used: without=[backgrounds] leaves them plain")
        return self


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    config = options(SynthWildConfig, "synth_wild.yaml", arguments)
    with stops_in_one_line(GOES_ON, grace_s=1):
        make(config)


def make(config: SynthWildConfig) -> None:
    """Generate with a progress bar; says so if there is nothing left to do."""
    from c2fpose.data.making import make_with_bar
    from c2fpose.data.synth_wild.generate import WildSet, recipe
    from c2fpose.data.synth_wild.photographs import MADE, read_photographs
    from c2fpose.data.synth_wild.plan import PRESETS

    warnings.showwarning = _in_one_line
    preset, pictures = PRESETS[config.preset], config.backgrounds
    if pictures != MADE:  # some are read before anything is left behind; workers read the rest, and name what is none
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_photographs(Path(pictures), 16, np.random.default_rng(0), FIRST_LOOK)
    job = WildSet(config.preset, preset, config.seed, stored_px=config.stored_px, backgrounds=pictures,
                  without=config.without)  # fmt: skip
    whole = recipe(job)
    make_with_bar(
        config.out, f"synth_wild {config.preset}", replace(whole, write=partial(_written, whole.write)), config.workers
    )


def _written(write: Callable[[Path, ShardT], ShardT], unfinished: Path, shard: ShardT) -> ShardT:
    """Make a shard; what is to be said of its photographs is one line in a worker process too."""
    warnings.showwarning = _in_one_line
    return write(unfinished, shard)


def _in_one_line(message: Warning | str, *_: object, **__: object) -> None:
    print(f"warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    main()
