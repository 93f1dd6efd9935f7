"""``python -m c2fpose.data.synth_wild preset=tiny workers=2``: make a synth_wild data set."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from c2fpose.base.errors import exits_cleanly
from c2fpose.base.signals import GOES_ON, stops_in_one_line
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema


class SynthWildConfig(Schema):
    """Keys of ``conf/synth_wild.yaml``."""

    preset: Literal["tiny", "small", "10k", "medium", "full"]
    workers: Annotated[int, Field(ge=1, le=256)]
    out: Path
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    stored_px: Annotated[int, Field(ge=64, le=512, multiple_of=8)]
    backgrounds: str
    without: tuple[Literal["cameras", "boxes", "postures", "people", "light", "backgrounds", "others"], ...]


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
    from c2fpose.data.synth_wild.plan import PRESETS

    preset, pictures = PRESETS[config.preset], config.backgrounds
    job = WildSet(config.preset, preset, config.seed, stored_px=config.stored_px, backgrounds=pictures,
                  without=config.without)  # fmt: skip
    make_with_bar(config.out, f"synth_wild {config.preset}", recipe(job), config.workers)


if __name__ == "__main__":
    main()
