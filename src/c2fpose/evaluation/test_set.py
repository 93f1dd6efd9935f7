"""The test set through a network: predictions, tables and pictures of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from jaxtyping import Float
from pytorch_lightning.loggers import Logger, WandbLogger
from torch import Tensor

from c2fpose.base.console import PlainConsole
from c2fpose.base.errors import DataError
from c2fpose.base.progress import track
from c2fpose.base.provenance import file_hash
from c2fpose.config.model import ModelConfig
from c2fpose.data.crops import standard as crop
from c2fpose.data.datamodule import PoseData
from c2fpose.data.schema import SplitReader
from c2fpose.evaluation.scores import NETWORK, Evaluation, Truth, evaluate_predictions, predicted_poses_cam_mm
from c2fpose.evaluation.sources import as_lines, evaluate_sources, logged
from c2fpose.model.module import PoseModule
from c2fpose.model.precision import computing_in
from c2fpose.model.volumes.points import from_points
from c2fpose.pictures.figure import save_png
from c2fpose.pictures.people import Person, choose, sheet
from c2fpose.pose.space import PAPER, PoseSpace
from c2fpose.pose.strong_perspective import SizedPoses

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_SIZE = 256  # px: sharper than what a small network sees


@dataclass(frozen=True)
class Evaluating:
    """How a test set is asked, and where what it says goes."""

    folder: Path
    checkpoint: Path  # the network's file, for its hash
    provenance: dict[str, Any]
    precision: str
    pictures: int  # on the sheet
    read_as: ModelConfig | None = None  # another decoding or BatchNorm than the network was trained with
    print_tables: bool = True


@dataclass(frozen=True)
class Answers:
    """What a network said of the test set, beside the truth."""

    joints_box: Float[np.ndarray, "N J 2"]  # across the crop, 0..1
    depth_rel_mm: Float[np.ndarray, "N J"]
    truth: Truth
    seconds: float  # of all images
    sized: SizedPoses | None = None  # the same poses in mm, where the network knows lengths across the view


def evaluate_module(module: PoseModule, data: PoseData, how: Evaluating, loggers: Sequence[Logger] = ()) -> Evaluation:
    """Predict the test set, write ``how.folder``, print the table, draw and log the sheet of pictures."""
    answers = predict_test_set(module, data, how)
    network = module.config.network
    origin = how.provenance | {
        "checkpoint_sha256": file_hash(how.checkpoint),
        "evaluation_precision": how.precision,
        "evaluation_images_per_second": round(len(answers.truth.record) / answers.seconds, 1),
    }
    mean_pose = module.hparams.get("mean_training_pose_mm")
    evaluation = evaluate_predictions(
        answers.joints_box, answers.depth_rel_mm, answers.truth, provenance=origin,
        mean_training_pose_mm=None if mean_pose is None else np.asarray(mean_pose),
        heatmap_size=network.heatmap_size, depth_bins=network.depth_bins,
        space=module.config.pose_space, actions=data.test.reader.info.action_names, sized=answers.sized,
        subject_names=data.test.reader.info.subject_names,
    )  # fmt: skip
    evaluation.write(how.folder)
    picture = save_png(
        draw_sheet(evaluation, answers, data.test.reader, how.pictures, module.config.pose_space),
        how.folder / "sheet.png",
    )
    log_evaluation(evaluation, picture, loggers)
    sources = evaluate_sources(module, data, how.folder, how.read_as, how.precision)
    for logger in loggers:
        if sources:
            logger.log_metrics(logged(sources))
    if not how.print_tables:
        return evaluation
    console = PlainConsole()
    evaluation.print_table(console)
    console.print(f"tables:      {how.folder / 'evaluation.json'}, .csv, .npz")
    for line in as_lines(sources):
        console.print(f"source       {line}")
    console.print(f"pictures:    {picture}")
    console.print(f"checkpoint:  {how.checkpoint}")
    return evaluation


def predict_test_set(module: PoseModule, data: PoseData, how: Evaluating) -> Answers:
    """Ask a network for the poses of all test images."""
    was_training = module.training
    module.eval()
    if how.precision == "64-true":
        module.double()
    loader = data.test_dataloader()
    kept: dict[str, list[np.ndarray]] = {}
    started = time.perf_counter()
    with torch.no_grad(), computing_in(how.precision, module.device):
        for batch in track(loader, "test images"):
            points, metric = module.predict_with_metric(batch["image"].to(module.device), how.read_as)
            joints_box, depth_rel_mm = from_points(points.cpu(), module.config.pose_space)
            rows = {key: cast(dict[str, Tensor], batch)[key] for key in Truth.__dataclass_fields__}
            rows |= {"predicted_box": joints_box, "predicted_depth": depth_rel_mm}
            rows |= {} if metric is None else {name: part.cpu() for name, part in metric._asdict().items()}
            for key, value in rows.items():
                kept.setdefault(key, []).append(value.double().numpy() if value.is_floating_point() else value.numpy())
    seconds = time.perf_counter() - started
    module.train(was_training)
    arrays = {key: np.concatenate(values) for key, values in kept.items()}
    sized = SizedPoses(arrays["relative_mm"], arrays["in_view"]) if "in_view" in arrays else None
    return Answers(arrays.pop("predicted_box"), arrays.pop("predicted_depth"), Truth.of(arrays), seconds, sized)


def draw_sheet(
    evaluation: Evaluation, answers: Answers, reader: SplitReader, count: int, space: PoseSpace = PAPER
) -> Figure:
    """Draw the best, median and worst test images by MPJPE with the root depth given."""
    truth = answers.truth
    errors = evaluation.row(NETWORK, "ground_truth").per_image_mm
    poses = predicted_poses_cam_mm(answers.joints_box, answers.depth_rel_mm, truth, "ground_truth", space)

    def person(index: int) -> Person:
        box = (truth.box_left_top_px[index], float(truth.box_side_px[index]))
        return Person(
            image=picture_of(reader, int(truth.record[index]), *box),
            joints_box=answers.joints_box[index],
            pose_cam_mm=poses[index],
            true_cam_mm=truth.joints_cam_mm[index],
            skeleton=space.skeleton,
            caption=f"{evaluation.subject_name(index)} {evaluation.actions[truth.action[index]]}",
            error_mm=float(errors[index]),
        )

    groups = {name: [person(int(i)) for i in chosen] for name, chosen in choose(errors, count).items() if len(chosen)}
    return sheet(groups)


def picture_of(reader: SplitReader, record: int, left_top_px: np.ndarray, side_px: float) -> np.ndarray:
    """Cut a person's box for people to look at, ``(PICTURE_SIZE, PICTURE_SIZE, 3)`` RGB."""
    row = {name: array[record] for name, array in reader.annotations.items()}
    to_crop = crop.frame_to_crop(left_top_px + side_px / 2, side_px, PICTURE_SIZE)
    left_top, step = row["stored_left_top_px"].astype(float), float(row["stored_step_px"])
    stored = crop.decode(reader.jpeg(record))
    if stored is None:
        raise DataError(f"{reader.path}: record {record} ({reader.name(record)}): the image cannot be decoded")
    return crop.warp(stored, crop.stored_to_crop(to_crop, left_top, step), PICTURE_SIZE)


def log_evaluation(evaluation: Evaluation, picture: Path, loggers: Sequence[Logger]) -> None:
    """Hand the averages to every logger; the table by action and the sheet to W&B."""
    values = {f"test/mpjpe_mm_{rule}": evaluation.mpjpe_mm(rule) for rule in evaluation.rules}
    values |= {f"test/reconstruction_mm_{rule}": evaluation.reconstruction_mm(rule) for rule in evaluation.rules}
    for logger in loggers:
        logger.log_metrics(values)
        if isinstance(logger, WandbLogger):
            rows = [evaluation.row(NETWORK, rule).table for rule in evaluation.rules]
            by_action = [[a, *(float(t.by_action()[i]) for t in rows)] for i, a in enumerate(evaluation.actions)]
            for average in ("frame_weighted", "mean_over_actions"):
                by_action.append([average, *(getattr(table, average)() for table in rows)])
            logger.log_table("test/by_action", columns=["action", *evaluation.rules], data=by_action)
            logger.log_image("test/sheet", [str(picture)])
