"""The test set through a network: predictions, tables and pictures of it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from c2fpose.base.errors import ConfigError
from c2fpose.config.data import DataConfig
from c2fpose.config.schema import parse

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

    from c2fpose.data.datamodule import PoseData
    from c2fpose.data.schema import SplitReader
    from c2fpose.evaluation.scores import Evaluation, Truth
    from c2fpose.model.module import PoseModule


PICTURE_SIZE = 256  # px: sharper than what a small network sees


def test_data(module: PoseModule, test_file: str | None, **loading: Any) -> DataConfig:
    """Find the data that a checkpoint was trained with, its test file replaced if another one is given.

    ``loading``: further keys of ``DataConfig``. Raises ``ConfigError`` where neither says what to evaluate on.
    """
    trained_with = (module.hparams.get("provenance") or {}).get("configuration", {}).get("data")
    values: dict[str, Any] = trained_with or {"train_file": "", "test_file": test_file}
    if not (test_file or values["test_file"]):
        raise ConfigError("the checkpoint does not say what data it belongs to; give test_file=...")
    values = values | {
        "test_file": test_file or values["test_file"],
        "image_size": module.config.network.image_size,
        "crop_mode": module.config.crop_mode,
        "cache": "none",
        **loading,
    }
    return parse(DataConfig, values, "data")


def own_folder(checkpoint: Path, changed: dict[str, Any]) -> Path:
    """Name the folder of a further evaluation by what it changes: in the run's ``evaluations/``, never its own one.

    Values of None and "auto" change nothing. A checkpoint outside a run's ``checkpoints/`` is evaluated in the current
    directory.
    """
    words = [
        f"{key}={Path(value).stem if key == 'test_file' else value}"
        for key, value in changed.items()
        if value not in (None, "auto")
    ]
    name = re.sub(r"[^\w.,=-]", "_", ",".join(words)) or "as_trained"
    directory = checkpoint.resolve().parent
    if directory.name == "checkpoints":
        return directory.parent / "evaluations" / name
    return Path("evaluations") / checkpoint.stem / name


def evaluate_module(
    module: PoseModule,
    data: PoseData,
    folder: Path,
    *,
    checkpoint: Path,
    provenance: dict[str, Any],
    precision: str,
    pictures: int,
    loggers: list[Logger] | None = None,
    print_tables: bool = True,
) -> Evaluation:
    """Predict the test set, write ``folder``, print the table, draw and log the sheet of pictures."""
    from rich.console import Console

    from c2fpose.base.provenance import file_hash
    from c2fpose.evaluation.scores import evaluate_predictions

    joints_box, depth_rel_mm, truth, seconds = predict_test_set(module, data, precision)
    network = module.config.network
    origin = provenance | {
        "checkpoint_sha256": file_hash(checkpoint),
        "evaluation_precision": precision,
        "evaluation_images_per_second": round(len(truth.record) / seconds, 1),
    }
    mean_pose = module.hparams.get("mean_training_pose_mm")
    evaluation = evaluate_predictions(
        joints_box, depth_rel_mm, truth, provenance=origin,
        mean_training_pose_mm=None if mean_pose is None else np.asarray(mean_pose),
        heatmap_size=network.heatmap_size, depth_bins=network.depth_bins,
    )  # fmt: skip
    evaluation.write(folder)
    picture = draw_sheet(evaluation, data, joints_box, depth_rel_mm, truth, folder, pictures)
    log_evaluation(evaluation, picture, loggers or [])
    if not print_tables:
        return evaluation
    console = Console()
    evaluation.print_table(console)
    console.print(
        f"tables:      {folder / 'evaluation.json'}, .csv, .npz", highlight=False, soft_wrap=True, markup=False
    )
    console.print(f"pictures:    {picture}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"checkpoint:  {checkpoint}", highlight=False, soft_wrap=True, markup=False)
    return evaluation


def predict_test_set(module: PoseModule, data: PoseData, precision: str) -> tuple[np.ndarray, np.ndarray, Truth, float]:
    """Positions across the crop, depths relative to the root, what to compare them with, and the seconds it took."""
    import torch

    from c2fpose.base.progress import track
    from c2fpose.evaluation.scores import Truth

    was_training = module.training
    module.eval()
    if precision == "64-true":
        module.double()
    loader = data.test_dataloader()
    kept: dict[str, list[np.ndarray]] = {}
    started = time.perf_counter()
    with torch.no_grad(), torch.autocast(module.device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
        for index, batch in enumerate(track(loader, "test images")):
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
    from c2fpose.evaluation.scores import NETWORK, predicted_poses_cam_mm
    from c2fpose.pictures.figure import save_png
    from c2fpose.pictures.people import Person, choose, sheet
    from c2fpose.pose.protocol import ACTIONS

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
    from c2fpose.data.crops import standard as crop

    row = {name: array[record] for name, array in reader.annotations.items()}
    to_crop = crop.frame_to_crop(left_top_px + side_px / 2, side_px, PICTURE_SIZE)
    left_top, step = row["stored_left_top_px"].astype(float), float(row["stored_step_px"])
    return crop.warp(crop.decode(reader.jpeg(record)), crop.stored_to_crop(to_crop, left_top, step), PICTURE_SIZE)


def log_evaluation(evaluation: Evaluation, picture: Path, loggers: list[Logger]) -> None:
    """The averages to every logger; the table by action and the sheet to W&B."""
    from pytorch_lightning.loggers import WandbLogger

    from c2fpose.evaluation.scores import NETWORK
    from c2fpose.pose.camera import ROOT_DEPTH_RULES
    from c2fpose.pose.protocol import ACTIONS

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
