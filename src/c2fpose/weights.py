"""``python -m c2fpose.weights in.ckpt --out out.safetensors`` (and back): weights with their configuration inside.

Both formats hold the same: the weights as the module names them, the model's configuration, and where it comes from.
"""

import argparse
from pathlib import Path

from c2fpose.base.errors import exits_cleanly


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser(prog="python -m c2fpose.weights", description=__doc__.split("\n\n")[1])
    parser.add_argument("source", type=Path, help="a .ckpt or .safetensors file of c2fpose")
    parser.add_argument("--out", type=Path, required=True, help="the file to write; its suffix is the format")
    parser.add_argument("--half", action="store_true", help="weights in half precision: half the size (.safetensors)")
    arguments = parser.parse_args(words)
    from c2fpose.model.checkpoints.conversion import convert

    convert(arguments.source, arguments.out, half=arguments.half)
    print(f"{arguments.out}: written")


if __name__ == "__main__":
    main()
