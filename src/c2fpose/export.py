"""``python -m c2fpose.export ckpt=... out=model.onnx``: write a trained network for ONNX Runtime or OpenVINO."""

from __future__ import annotations

from pathlib import Path

from c2fpose.base.errors import ConfigError, exits_cleanly
from c2fpose.config.command_line import options
from c2fpose.config.prediction import NETWORK_SUFFIXES
from c2fpose.config.schema import Schema


class ExportSettings(Schema):
    """The keys of ``conf/export.yaml``."""

    ckpt: str
    out: str


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """One checkpoint to one network file."""
    settings = options(ExportSettings, "export.yaml", words)
    out = Path(settings.out)
    if out.suffix not in NETWORK_SUFFIXES:
        raise ConfigError(f"out={out}: must end in {' or '.join(NETWORK_SUFFIXES)}")
    from c2fpose.base.provenance import code_version, file_hash
    from c2fpose.model.checkpoints.builtin import checkpoint_path
    from c2fpose.model.checkpoints.saved import load_network
    from c2fpose.prediction.export import export

    path = checkpoint_path(settings.ckpt)
    network = load_network(path)
    origin: dict[str, object] = {
        "checkpoint": {"file": path.name, "sha256": file_hash(path)},
        "exported_by": code_version(),
    }
    for written in export(network, out, origin):
        print(f"{written}: {written.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
