"""``python -m c2fpose.calibrate ckpt=... out=...``: make a trained network's confidences true on validation images."""

from __future__ import annotations

from pathlib import Path

from c2fpose.base.errors import ConfigError, exits_cleanly
from c2fpose.base.files import ready_directory
from c2fpose.config.command_line import options
from c2fpose.config.schema import Accelerator, Schema


class CalibrateSettings(Schema):
    """The keys of ``conf/calibrate.yaml``."""

    ckpt: str
    out: str
    train_file: str | None = None
    accelerator: Accelerator = "auto"


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """Calibrate one checkpoint on the validation images of its data."""
    settings = options(CalibrateSettings, "calibrate.yaml", words)
    from c2fpose.data.datamodule import PoseData
    from c2fpose.evaluation.certainty import calibrate
    from c2fpose.evaluation.checkpoint import check_joints, training_data
    from c2fpose.model.checkpoints.builtin import checkpoint_path
    from c2fpose.model.checkpoints.conversion import check_another_file, save_module
    from c2fpose.model.checkpoints.formats import check_suffix
    from c2fpose.model.checkpoints.load import load_module
    from c2fpose.model.device import device_for

    out = Path(settings.out)
    check_suffix(out)
    check_another_file(checkpoint_path(settings.ckpt), out)
    ready_directory(out.parent)
    module = load_module(settings.ckpt).to(device_for(settings.accelerator))
    data = PoseData(training_data(module, settings.train_file, workers=0, augmentation=None))
    data.setup("validate")
    check_joints(module, data.val.reader.info)
    calibration = calibrate(module, data, out.parent, "32-true")
    if calibration is None:
        raise ConfigError(
            f"{settings.ckpt}: nothing to calibrate: head={module.config.network.head} does not say how sure it is, "
            "by a confidence, or there are fewer than four validation images"
        )
    module.hparams["provenance"] = module.provenance | {"calibration": calibration.as_dict()}
    save_module(module.cpu(), out)
    print(f"{out}: written; figures: {out.parent / 'calibration.json'}, calibration.png")


if __name__ == "__main__":
    main()
