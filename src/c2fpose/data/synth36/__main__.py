"""``python -m c2fpose.data.synth36 preset=tiny workers=2``: make synth36, rendered people in terms of Human3.6M."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from c2fpose.base.errors import exits_cleanly
from c2fpose.base.signals import GOES_ON, stops_in_one_line
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema


class Synth36Config(Schema):
    """Keys of ``conf/synth36.yaml``."""

    preset: Literal["few", "tiny", "small", "full"]
    workers: Annotated[int, Field(ge=1, le=256)]
    skeleton: Literal["c2f17", "joints13", "joints15", "joints25"]
    out: Path | None
    seed: Annotated[int, Field(ge=0, lt=2**32)]


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    config = options(Synth36Config, "synth36.yaml", arguments)
    with stops_in_one_line(GOES_ON, grace_s=1):
        make(config)


def make(config: Synth36Config) -> None:
    """Generate with a progress bar; says so if there is nothing left to do."""
    from c2fpose.data.making import make_with_bar
    from c2fpose.data.synth36.generate import SyntheticSet, recipe
    from c2fpose.data.synth36.person.joint_sets import JOINT_SETS
    from c2fpose.data.synth36.plan import PRESETS
    from c2fpose.data.synth36.sequence import open_sequence

    job = SyntheticSet(config.preset, PRESETS[config.preset], config.seed, config.skeleton)
    named = config.preset if config.skeleton == "c2f17" else f"{config.preset}_{config.skeleton}"
    out = config.out or Path("data") / f"synth36_{named}"
    sequences = partial(open_sequence, skeleton=JOINT_SETS[job.skeleton])
    make_with_bar(out, f"synth36 {config.preset}", recipe(job, sequences), config.workers)


if __name__ == "__main__":
    main()
