"""``python -m c2fpose.data.synth_wild preset=tiny workers=2``: make a synth_wild data set."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from c2fpose.base.errors import exits_cleanly
from c2fpose.base.signals import GOES_ON, stops_in_one_line
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema


class SynthWildConfig(Schema):
    """Keys of ``conf/synth_wild.yaml``."""

    preset: Literal["tiny", "small", "medium", "full"]
    workers: Annotated[int, Field(ge=1, le=256)]
    out: Path
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    stored_px: Annotated[int, Field(ge=64, le=512, multiple_of=8)]
    backgrounds: str


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """The command."""
    config = options(SynthWildConfig, "synth_wild.yaml", arguments)
    with stops_in_one_line(GOES_ON, grace_s=1):
        make(config)


def make(config: SynthWildConfig) -> None:
    """Generate with a progress bar; says so if there is nothing left to do."""
    from rich.console import Console

    from c2fpose.base.progress import Progress
    from c2fpose.data.making import finished_splits
    from c2fpose.data.synth_wild.generate import Job, generate
    from c2fpose.data.synth_wild.plan import PRESETS, SUBJECTS

    console = Console(stderr=True)
    job = Job(
        config.preset,
        PRESETS[config.preset],
        config.seed,
        stored_px=config.stored_px,
        backgrounds=config.backgrounds,
    )
    infos = finished_splits(config.out, SUBJECTS, job.provenance)
    if infos is not None:
        console.print(f"{config.out}: already there, complete; nothing to do")
    else:
        with Progress(console=console) as progress:
            total = sum(job.preset.images(split) for split in SUBJECTS)
            task = progress.add_task(f"synth_wild {config.preset}", total=total)
            infos = generate(config.out, job, config.workers, partial(progress.advance, task))
    for info in infos:
        console.print(f"{info.path}: {info.records} images, fingerprint {info.fingerprint[:16]}")


if __name__ == "__main__":
    main()
