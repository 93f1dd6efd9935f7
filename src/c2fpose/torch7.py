"""``python -m c2fpose.torch7 model.t7 out=model.ckpt``: make a checkpoint of a network saved by the authors' code."""

from pathlib import Path

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema


class Torch7Settings(Schema):
    """The keys of ``conf/torch7.yaml``."""

    model: Path
    out: Path


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Convert one file."""
    settings = options(Torch7Settings, "torch7.yaml", words, positional="model")
    from c2fpose.model.checkpoints.torch7_network import convert

    config = convert(settings.model, settings.out)
    print(
        f"{settings.out}: {config.family} family, width {config.width}, {len(config.depths)} stacks, "
        f"depths {list(config.depths)}, {config.joints} joints"
    )


if __name__ == "__main__":
    main()
