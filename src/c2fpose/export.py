"""``python -m c2fpose.export ckpt=... out=model.onnx``: a trained network for ONNX Runtime and OpenVINO."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from c2fpose.command_line import as_text, options
from c2fpose.config import Schema
from c2fpose.errors import ConfigError, UserError, exits_cleanly

if TYPE_CHECKING:
    from c2fpose.module import PoseModule

SUFFIXES = (".onnx", ".xml")


class ExportSettings(Schema):
    """The keys of ``conf/export.yaml``."""

    ckpt: str
    out: str


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """One checkpoint to one network file."""
    words = sys.argv[1:] if words is None else words
    settings = options(ExportSettings, "export.yaml", as_text(words, ("ckpt", "out")))
    out = Path(settings.out)
    if out.suffix not in SUFFIXES:
        raise ConfigError(f"out={out}: must end in {' or '.join(SUFFIXES)}")
    from c2fpose.checkpoint import load_module
    from c2fpose.provenance import code_version, file_hash

    module = load_module(settings.ckpt)
    origin = {
        "checkpoint": {"file": Path(settings.ckpt).name, "sha256": file_hash(Path(settings.ckpt))},
        "exported_by": code_version(),
    }
    for path in export(module, out, origin):
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def export(module: PoseModule, out: Path, origin: dict[str, object]) -> list[Path]:
    """Write the network, complete or not at all; returns the files. ``origin`` joins the metadata.

    Raises ``UserError`` where a package of the ``export`` extra is missing or the file cannot be written.
    """
    from c2fpose.engines import METADATA, header, imported, read_openvino, to_onnx

    metadata = header(module, origin)
    onnx = to_onnx(module, metadata)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial", dir=out.parent))
    except OSError as error:
        raise UserError(f"out={out}: cannot be written ({error})") from None
    try:
        if out.suffix == ".onnx":
            (folder / out.name).write_bytes(onnx)
        else:
            model = read_openvino(onnx)
            model.set_rt_info(metadata, [METADATA])
            imported("openvino").save_model(model, folder / out.name, compress_to_fp16=False)
        # the .bin first: the name that is asked for appears last
        written = [out.with_suffix(path.suffix) for path in sorted(folder.iterdir())]
        for path in written:
            os.replace(folder / path.name, path)
        return written[::-1]
    except OSError as error:
        raise UserError(f"out={out}: cannot be written ({error})") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
