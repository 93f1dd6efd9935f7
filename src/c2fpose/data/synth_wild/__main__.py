"""``python -m c2fpose.data.synth_wild preset=tiny workers=2``: make a synth_wild data set."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from c2fpose.base.errors import UserError, exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema


class SynthWildConfig(Schema):
    """Keys of ``conf/synth_wild.yaml``."""

    preset: Literal["tiny", "small", "medium", "full"]
    workers: Annotated[int, Field(ge=1, le=256)]
    out: Path
    seed: Annotated[int, Field(ge=0, lt=2**32)]


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """The command."""
    make(options(SynthWildConfig, "synth_wild.yaml", arguments))


def make(config: SynthWildConfig) -> None:
    """Generate with a progress bar; says so if there is nothing left to do."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from c2fpose.data.synth36.generate import finished_splits
    from c2fpose.data.synth_wild.generate import Job, generate
    from c2fpose.data.synth_wild.plan import PRESETS, SUBJECTS

    console = Console(stderr=True)
    job = Job(config.preset, PRESETS[config.preset], config.seed)
    infos = finished_splits(config.out, job)
    if infos is not None:
        console.print(f"{config.out}: already there, complete; nothing to do")
    else:
        columns = (TextColumn("synth_wild {task.description}"), BarColumn(), MofNCompleteColumn(),
                   TextColumn("{task.fields[rate]}"), TimeRemainingColumn())  # fmt: skip
        with Progress(*columns, console=console) as progress:
            total = sum(job.preset.images(split) for split in SUBJECTS)
            task = progress.add_task(config.preset, total=total, rate="")

            def done(images: int) -> None:
                progress.advance(task, images)
                speed = progress.tasks[0].speed
                progress.update(task, rate=f"{speed:.0f} images/s" if speed else "")

            try:
                infos = generate(config.out, job, config.workers, done)
            except KeyboardInterrupt:
                raise UserError(f"{config.out}: interrupted; the same command goes on from here") from None
    for info in infos:
        console.print(f"{info.path}: {info.records} images, fingerprint {info.fingerprint[:16]}")


if __name__ == "__main__":
    main()
