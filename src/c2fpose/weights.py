"""``python -m c2fpose.weights in.ckpt out=out.safetensors``: convert a checkpoint to .safetensors, or back."""

from pathlib import Path

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema


class WeightsSettings(Schema):
    """The keys of ``conf/weights.yaml``."""

    source: Path
    out: Path
    half: bool


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Convert one file."""
    settings = options(WeightsSettings, "weights.yaml", words, positional="source")
    from c2fpose.model.checkpoints.conversion import convert

    convert(settings.source, settings.out, half=settings.half)
    print(f"{settings.out}: written")


if __name__ == "__main__":
    main()
