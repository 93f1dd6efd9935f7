"""``python -m c2fpose.evaluate ckpt=...``: errors of a checkpoint on the test subjects, as tables and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from c2fpose.base.errors import exits_cleanly
from c2fpose.base.lock import alone_in
from c2fpose.config.command_line import options
from c2fpose.config.model import DecodingConfig
from c2fpose.config.schema import Count, Schema, parse
from c2fpose.evaluation.test_set import evaluate_module, own_folder, test_data


class EvaluateSettings(Schema):
    """The keys of ``conf/evaluate.yaml``; null takes what the checkpoint was trained with."""

    ckpt: str
    out: str | None = None
    decoding: Literal["argmax", "subvoxel", "expectation"] | None = None
    flip: bool | None = None
    batch_norm: Literal["running", "batch"] | None = None
    test_file: str | None = None
    precision: Literal["auto", "bf16-mixed", "32-true", "64-true"] = "auto"
    batch_size: Count = 32
    workers: int = 0
    pictures: Count = 12


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Evaluate one checkpoint."""
    settings = options(EvaluateSettings, "evaluate.yaml", words, positional="ckpt")
    from c2fpose.data.datamodule import PoseData
    from c2fpose.model.checkpoints.load import load_module
    from c2fpose.model.precision import resolve_precision

    path = Path(settings.ckpt)
    module = load_module(path)
    chosen = {"method": settings.decoding, "flip": settings.flip}
    decoding = module.config.decoding.model_dump() | {k: v for k, v in chosen.items() if v is not None}
    module.config = module.config.model_copy(update={"decoding": parse(DecodingConfig, decoding, "decoding")})
    if settings.batch_norm:
        module.config = module.config.model_copy(update={"batch_norm": settings.batch_norm})
    data = PoseData(
        test_data(module, settings.test_file, eval_batch_size=settings.batch_size, workers=settings.workers)
    )
    data.setup("test")
    changed = settings.model_dump(mode="json", include={"decoding", "flip", "batch_norm", "test_file", "precision"})
    if settings.batch_norm == "batch":  # errors depend on what stands in one batch
        changed["batch_size"] = settings.batch_size
    folder = Path(settings.out) / "evaluation" if settings.out else own_folder(path, changed)
    origin = (module.hparams.get("provenance") or {}) | {
        "data_fingerprints": data.fingerprints,
        "decoding": decoding,
        "batch_norm": module.config.batch_norm,
    }
    with alone_in(folder):
        evaluate_module(
            module, data, folder, checkpoint=path, provenance=origin, pictures=settings.pictures,
            precision=resolve_precision(settings.precision, "cpu" if module.device.type == "cpu" else "gpu"),
        )  # fmt: skip


if __name__ == "__main__":
    main()
