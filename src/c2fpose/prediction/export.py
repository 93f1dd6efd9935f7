"""``python -m c2fpose.export ckpt=... out=model.onnx``: a trained network for ONNX Runtime and OpenVINO."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from c2fpose.base.errors import UserError
from c2fpose.base.files import reason
from c2fpose.prediction.engines import METADATA, header, imported, read_openvino, to_onnx

if TYPE_CHECKING:
    from c2fpose.model.trained import Trained


def export(module: Trained, out: Path, origin: dict[str, object]) -> list[Path]:
    """Write the network, complete or not at all; returns the files. ``origin`` joins the metadata.

    Raises ``UserError`` where a package of the ``export`` extra is missing or the file cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.is_dir():  # said before the work
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise UserError(f"out={out}: cannot be written ({reason(error)})") from None
    metadata = header(module, origin)
    onnx = to_onnx(module, metadata)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial", dir=out.parent))
    except OSError as error:
        raise UserError(f"out={out}: cannot be written ({reason(error)})") from None
    try:
        if out.suffix == ".onnx":
            (folder / out.name).write_bytes(onnx)
        else:
            model = read_openvino(onnx)
            model.set_rt_info(metadata, [METADATA])
            imported("openvino").save_model(model, folder / out.name, compress_to_fp16=False)
        # the .bin first: the name that is asked for appears last
        written = [out.with_suffix(path.suffix) for path in sorted(folder.iterdir())]
        if len(written) > 1:
            out.unlink(missing_ok=True)  # a command killed between the two leaves no old .xml beside a new .bin
        for path in written:
            os.replace(folder / path.name, path)
        return written[::-1]
    except OSError as error:
        raise UserError(f"out={out}: cannot be written ({reason(error)})") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
