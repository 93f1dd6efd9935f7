"""``python -m c2fpose.evaluate ckpt=...``: errors of a checkpoint on the test subjects, as tables and pictures."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from c2fpose.command_line import options
from c2fpose.config import Count, DecodingConfig, Schema, parse
from c2fpose.data.config import DataConfig
from c2fpose.errors import ConfigError, exits_cleanly

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

    from c2fpose.data.datamodule import PoseData
    from c2fpose.data.schema import SplitReader
    from c2fpose.evaluation import Evaluation, Truth
    from c2fpose.module import PoseModule


PICTURE_SIZE = 256  # px: sharper than what a small network sees


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
    settings = options(EvaluateSettings, "evaluate.yaml", sys.argv[1:] if words is None else words, positional="ckpt")
    from c2fpose.checkpoint import load_module
    from c2fpose.data.datamodule import PoseData
    from c2fpose.precision import resolve_precision

    path = Path(settings.ckpt)
    module = load_module(path)
    chosen = {"method": settings.decoding, "flip": settings.flip}
    decoding = module.config.decoding.model_dump() | {k: v for k, v in chosen.items() if v is not None}
    module.config = module.config.model_copy(update={"decoding": parse(DecodingConfig, decoding, "decoding")})
    if settings.batch_norm:
        module.config = module.config.model_copy(update={"batch_norm": settings.batch_norm})
    data = PoseData(data_config(module, settings))
    data.setup("test")
    out = Path(settings.out) if settings.out else path.resolve().parent.parent
    origin = (module.hparams.get("provenance") or {}) | {
        "data_fingerprints": data.fingerprints,
        "decoding": decoding,
        "batch_norm": module.config.batch_norm,
    }
    evaluate_module(
        module, data, out, checkpoint=path, provenance=origin, pictures=settings.pictures,
        precision=resolve_precision(settings.precision, "cpu" if module.device.type == "cpu" else "gpu"),
    )  # fmt: skip


def data_config(module: PoseModule, settings: EvaluateSettings) -> DataConfig:
    """The data that the checkpoint was trained with, its test file replaced if another one is given."""
    trained_with = (module.hparams.get("provenance") or {}).get("configuration", {}).get("data")
    values: dict[str, Any] = trained_with or {"train_file": "", "test_file": settings.test_file}
    if not (settings.test_file or values["test_file"]):
        raise ConfigError(f"{settings.ckpt} does not say what data it belongs to; give test_file=...")
    values = values | {
        "test_file": settings.test_file or values["test_file"],
        "image_size": module.config.network.image_size,
        "eval_batch_size": settings.batch_size,
        "workers": settings.workers,
        "cache": "none",
    }
    return parse(DataConfig, values, "data")


def evaluate_module(
    module: PoseModule,
    data: PoseData,
    out: Path,
    *,
    checkpoint: Path,
    provenance: dict[str, Any],
    precision: str,
    pictures: int,
    loggers: list[Logger] | None = None,
    print_tables: bool = True,
) -> Evaluation:
    """Predict the test set, write ``out/evaluation/``, print the table, draw and log the sheet of pictures."""
    from rich.console import Console

    from c2fpose.evaluation import evaluate_predictions
    from c2fpose.provenance import file_hash

    joints_box, depth_rel_mm, truth, seconds = predict_test_set(module, data, precision)
    network = module.config.network
    origin = provenance | {
        "checkpoint_sha256": file_hash(checkpoint),
        "evaluation_precision": precision,
        "evaluation_images_per_second": round(len(truth.record) / seconds, 1),
    }
    mean_pose = origin.pop("mean_training_pose_mm", None)
    evaluation = evaluate_predictions(
        joints_box, depth_rel_mm, truth, provenance=origin,
        mean_training_pose_mm=None if mean_pose is None else np.asarray(mean_pose),
        heatmap_size=network.heatmap_size, depth_bins=network.depth_bins,
    )  # fmt: skip
    folder = out / "evaluation"
    evaluation.write(folder)
    picture = draw_sheet(evaluation, data, joints_box, depth_rel_mm, truth, folder, pictures)
    log_evaluation(evaluation, picture, loggers or [])
    if not print_tables:
        return evaluation
    console = Console()
    evaluation.print_table(console)
    console.print(f"tables:      {folder / 'evaluation.json'}, .csv, .npz", highlight=False, soft_wrap=True)
    console.print(f"pictures:    {picture}", highlight=False, soft_wrap=True)
    console.print(f"checkpoint:  {checkpoint}", highlight=False, soft_wrap=True)
    return evaluation


def predict_test_set(module: PoseModule, data: PoseData, precision: str) -> tuple[np.ndarray, np.ndarray, Truth, float]:
    """Positions across the crop, depths relative to the root, what to compare them with, and the seconds it took."""
    import torch
    from rich.progress import track

    from c2fpose.evaluation import Truth

    was_training = module.training
    module.eval()
    if precision == "64-true":
        module.double()
    loader = data.test_dataloader()
    kept: dict[str, list[np.ndarray]] = {}
    started = time.perf_counter()
    with torch.no_grad(), torch.autocast(module.device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
        for index, batch in enumerate(track(loader, "test images", transient=True)):
            on_device = batch | {"image": batch["image"].to(module.device)}
            output = module.predict_step(on_device, index)
            rows = {key: batch[key] for key in Truth.__dataclass_fields__} | {
                "predicted_box": output["joints_box"], "predicted_depth": output["depth_rel_mm"],
            }  # fmt: skip
            for key, value in rows.items():
                kept.setdefault(key, []).append(value.double().numpy() if value.is_floating_point() else value.numpy())
    seconds = time.perf_counter() - started
    module.train(was_training)
    arrays = {key: np.concatenate(values) for key, values in kept.items()}
    return arrays.pop("predicted_box"), arrays.pop("predicted_depth"), Truth.of(arrays), seconds


def draw_sheet(
    evaluation: Evaluation,
    data: PoseData,
    joints_box: np.ndarray,
    depth_rel_mm: np.ndarray,
    truth: Truth,
    folder: Path,
    count: int,
) -> Path:
    """Best, median and worst test images by MPJPE with the root depth given, as ``sheet.png``."""
    from c2fpose.evaluation import NETWORK, predicted_poses_cam_mm
    from c2fpose.protocol import ACTIONS
    from c2fpose.show import Person, choose, save_png, sheet

    errors = evaluation.row(NETWORK, "ground_truth").per_image_mm
    poses = predicted_poses_cam_mm(joints_box, depth_rel_mm, truth, "ground_truth")

    def person(index: int) -> Person:
        box = (truth.box_left_top_px[index], float(truth.box_side_px[index]))
        return Person(
            image=picture_of(data.test.reader, int(truth.record[index]), *box),
            joints_box=joints_box[index],
            pose_cam_mm=poses[index],
            true_cam_mm=truth.joints_cam_mm[index],
            caption=f"S{truth.subject[index]} {ACTIONS[truth.action[index]]}",
            error_mm=float(errors[index]),
        )

    groups = {name: [person(int(i)) for i in chosen] for name, chosen in choose(errors, count).items() if len(chosen)}
    return save_png(sheet(groups), folder / "sheet.png")


def picture_of(reader: SplitReader, record: int, left_top_px: np.ndarray, side_px: float) -> np.ndarray:
    """A person's box for people to look at, ``(PICTURE_SIZE, PICTURE_SIZE, 3)`` RGB."""
    from c2fpose.data import crop

    row = {name: array[record] for name, array in reader.annotations.items()}
    to_crop = crop.frame_to_crop(left_top_px + side_px / 2, side_px, PICTURE_SIZE)
    left_top, step = row["stored_left_top_px"].astype(float), float(row["stored_step_px"])
    return crop.warp(crop.decode(reader.jpeg(record)), crop.stored_to_crop(to_crop, left_top, step), PICTURE_SIZE)


def log_evaluation(evaluation: Evaluation, picture: Path, loggers: list[Logger]) -> None:
    """The averages to every logger; the table by action and the sheet to W&B."""
    from pytorch_lightning.loggers import WandbLogger

    from c2fpose.camera import ROOT_DEPTH_RULES
    from c2fpose.evaluation import NETWORK
    from c2fpose.protocol import ACTIONS

    values = {f"test/mpjpe_mm_{rule}": evaluation.mpjpe_mm(rule) for rule in ROOT_DEPTH_RULES}
    values |= {f"test/reconstruction_mm_{rule}": evaluation.reconstruction_mm(rule) for rule in ROOT_DEPTH_RULES}
    for logger in loggers:
        logger.log_metrics(values)
        if isinstance(logger, WandbLogger):
            rows = [evaluation.row(NETWORK, rule).table for rule in ROOT_DEPTH_RULES]
            by_action = [[a, *(float(t.by_action()[i]) for t in rows)] for i, a in enumerate(ACTIONS)]
            for average in ("frame_weighted", "mean_over_actions"):
                by_action.append([average, *(getattr(table, average)() for table in rows)])
            logger.log_table("test/by_action", columns=["action", *ROOT_DEPTH_RULES], data=by_action)
            logger.log_image("test/sheet", [str(picture)])


if __name__ == "__main__":
    main()
