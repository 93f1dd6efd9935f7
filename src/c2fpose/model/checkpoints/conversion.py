"""From one file format of a checkpoint to the other."""

from pathlib import Path

from c2fpose.model.checkpoints.formats import check_suffix, save_checkpoint, save_safetensors


def convert(source: Path, out: Path) -> None:
    """From either format to either; the suffixes tell which. The weights are checked against their configuration."""
    from c2fpose.model.checkpoints.load import load_module

    for path in (source, out):
        check_suffix(path)
    module = load_module(source)
    save = save_checkpoint if out.suffix == ".ckpt" else save_safetensors
    model, provenance = module.config.model_dump(mode="json"), dict(module.hparams.get("provenance") or {})
    save(out, module.state_dict(), model, provenance, module.hparams.get("mean_training_pose_mm"))
