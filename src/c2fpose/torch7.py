"""``python -m c2fpose.torch7 model.t7 --out model.ckpt``: a network that the authors' code has saved, as a checkpoint.

Read a .t7 file of the authors' training code, find its configuration from its layers, and write a checkpoint.
"""

import argparse
from pathlib import Path

from c2fpose.base.errors import exits_cleanly


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser(prog="python -m c2fpose.torch7", description=__doc__.split("\n\n")[1])
    parser.add_argument("model", type=Path, help="a .t7 file saved by the authors' training code")
    parser.add_argument("--out", type=Path, required=True, help="the file to write (.ckpt or .safetensors)")
    arguments = parser.parse_args(words)
    from c2fpose.model.checkpoints.torch7_network import convert

    config = convert(arguments.model, arguments.out)
    print(
        f"{arguments.out}: {config.family} family, width {config.width}, {len(config.depths)} stacks, "
        f"depths {list(config.depths)}, {config.joints} joints"
    )


if __name__ == "__main__":
    main()
