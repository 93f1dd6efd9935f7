"""What is watched while a network trains: its validation curve, speed and memory, and pictures of what it predicts."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor

from c2fpose.base.host_memory import process_peak_gib, reset_peak
from c2fpose.config.representations import schema_of
from c2fpose.data.datamodule import PoseData
from c2fpose.data.dataset import PoseDataset
from c2fpose.model.inference import poses_given_root_depth
from c2fpose.model.module import PoseModule
from c2fpose.model.networks.input import outputs_of
from c2fpose.model.precision import computing_in
from c2fpose.model.representations.interface import Labels, Shown
from c2fpose.model.volumes.points import from_points, to_points
from c2fpose.pictures.figure import save_png
from c2fpose.pictures.people import Person, sheet
from c2fpose.pictures.volumes import volume_slices
from c2fpose.pose.metrics import joint_errors_mm
from c2fpose.pose.space import PoseSpace
from c2fpose.training.averaging import running_mean
from c2fpose.training.curve import CURVE, CURVE_COLUMNS, read_curve, write_curve


class TrainingCurve(Callback):
    """Validation error against steps and training time, in ``curve.csv``; throughput and memory to the loggers.

    The clock stands still during validation, and goes on from where the checkpoint left it when training is resumed,
    so that a run that was killed has the curve of an undisturbed one.
    """

    def __init__(self, run_dir: Path, batch_size: int, log_every: int) -> None:
        self.path = run_dir / CURVE
        self.batch_size, self.log_every = batch_size, log_every
        self.before = 0.0  # seconds of training until the clock last stood still
        self.since: float | None = None
        self.rows: list[dict[str, float]] = []
        self.last = (0, 0.0)  # step and seconds of the last logged throughput

    @property
    def seconds(self) -> float:
        """Of training, validation not counted."""
        return self.before + (time.monotonic() - self.since if self.since is not None else 0.0)

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.before = state["seconds"]

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.rows = [row for row in read_curve(self.path) if row["step"] <= trainer.global_step]
        self.since, self.last = time.monotonic(), (trainer.global_step, self.before)

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._stop()

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        self._stop()

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.state.fn != "fit":
            return
        error = float(trainer.callback_metrics["val/mpjpe_mm"])
        row = {"step": trainer.global_step, "training_seconds": round(self.seconds, 3), "val_mpjpe_mm": round(error, 4)}
        row |= of_sources(trainer.callback_metrics)
        self.rows = [known for known in self.rows if known["step"] < trainer.global_step] + [row]
        if trainer.is_global_zero:
            write_curve(self.path, self.rows)
        self.since, self.last = time.monotonic(), (trainer.global_step, self.before)

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        step, seconds = trainer.global_step, self.seconds
        if step % self.log_every or step <= self.last[0]:
            return
        images = (step - self.last[0]) * self.batch_size * trainer.accumulate_grad_batches * trainer.world_size
        for logger in trainer.loggers:
            logger.log_metrics(
                {
                    "train/learning_rate": trainer.optimizers[0].param_groups[-1]["lr"],
                    "speed/images_per_second": images / max(seconds - self.last[1], 1e-9),
                    "memory/gib": memory_gib(),
                },
                step,
            )
        self.last = (step, seconds)

    def _stop(self) -> None:
        if self.since is not None:
            self.before, self.since = self.seconds, None


def of_sources(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Columns of the curve for the sources of a mix; without those of which nothing is labelled.

    >>> of_sources({"val/mpjpe_mm": 90.0, "val/off_percent_lab": 4.0, "val/mpjpe_mm_photos": float("nan")})
    {'val_off_percent_lab': 4.0}
    """
    values = {f"val_{name[4:]}": round(float(value), 4) for name, value in metrics.items() if name.startswith("val/")}
    return {name: value for name, value in values.items() if name not in CURVE_COLUMNS and value == value}


def reset_memory() -> None:
    """Begin a new peak: a sweep's jobs share a process, and each has its own."""
    reset_peak()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def memory_gib() -> float:
    """Measure the most memory held since ``reset_memory``: of the GPU if it was used, else of this process."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated() / 2**30
    return process_peak_gib()


class PredictionPictures(Callback):
    """Poses and, for volume networks, slices of the volumes of fixed validation images, as training goes on.

    Drawn at the first validation, at every ``every``-th one after it and at the last: as PNG into
    ``run_dir/pictures``, and to W&B as ``pictures/poses`` and ``pictures/volumes``. Depth is seen emerging along the
    stacks (paper, figure 5).
    """

    def __init__(self, run_dir: Path, every: int, validate_every: int = 1, people: int = 3) -> None:
        self.folder, self.every, self.people = run_dir / "pictures", every, people
        self.validate_every = validate_every
        self.validations = 0

    def state_dict(self) -> dict[str, Any]:
        return {"validations": self.validations}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.validations = state["validations"]

    @torch.no_grad()
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.validations += 1
        last = trainer.global_step + self.validate_every > trainer.max_steps
        due = (self.validations - 1) % self.every == 0 or last
        if trainer.state.fn != "fit" or not trainer.is_global_zero or not due:
            return
        mean = running_mean(trainer)
        module = cast(PoseModule, pl_module if mean is None else mean.validated(pl_module))
        data = cast(PoseData, cast(Any, trainer).datamodule)
        batch, images = self._batch(data.val, module)
        step = trainer.global_step
        was_training = module.training  # Lightning keeps the mean as if it were trained
        module.eval()
        with computing_in(str(trainer.precision), module.device):
            points = module.predict_points(batch["image"]).float()
            shown = shown_first(module, batch)
        module.train(was_training)
        pictures = {
            "poses": sheet({f"step {step}": people(points.cpu(), batch, images, data.val, module.config.pose_space)})
        }
        if shown is not None and shown.target is not None:
            stacks = [volume.numpy() for volume in shown.volumes]
            pictures["volumes"] = volume_slices(
                stacks, shown.target.numpy(), image=images[0], space=module.config.pose_space
            )
        for name, figure in pictures.items():
            path = save_png(figure, self.folder / f"step_{step:06d}_{name}.png", dots_per_inch=80)
            for logger in trainer.loggers:
                if isinstance(logger, WandbLogger):
                    logger.log_image(f"pictures/{name}", [str(path)], step=step)

    def _batch(self, dataset: PoseDataset, module: PoseModule) -> tuple[dict[str, Tensor], Any]:
        chosen = torch.linspace(0, len(dataset) - 1, min(self.people, len(dataset))).round().int().tolist()
        samples = [result.sample for result in (dataset[index] for index in chosen) if result.sample is not None]
        batch = {key: torch.stack([torch.as_tensor(sample[key]) for sample in samples]) for key in samples[0]}
        images = batch["image"].permute(0, 2, 3, 1).numpy()
        return {key: value.to(module.device) for key, value in batch.items()}, images


def shown_first(module: PoseModule, batch: dict[str, Tensor]) -> Shown | None:
    """Show each stack's volume of the first image, and the finest target; None where there are no volumes.

    As points are read from them: of some representations a softmax makes likelihoods of the output.
    """
    was_training = module.network.training
    module.network.eval()
    outputs = outputs_of(module.network, batch["image"][:1])
    module.network.train(was_training)
    labels = Labels(
        to_points(batch["joints_box"][:1], batch["depth_rel_mm"][:1], module.config.pose_space), batch["visible"][:1]
    )
    representation = module.representation
    if schema_of(module.config.network.head).volumetric:
        outputs = [representation.read(output) for output in outputs]
    return representation.shown(outputs, labels)


def people(points: Tensor, batch: dict[str, Tensor], images: Any, dataset: PoseDataset, space: PoseSpace) -> list[Any]:
    """Prepare what ``pictures.people`` draws, with the root depth given."""
    cpu = {key: value.cpu() for key, value in batch.items()}
    poses, truth = poses_given_root_depth(points, cpu, space).numpy(), cpu["joints_cam_mm"].numpy()
    joints_box = from_points(points, space)[0].numpy()
    actions = dataset.reader.info.action_names
    errors = joint_errors_mm(poses, truth, space.skeleton.root).mean(1)
    return [
        Person(
            images[i], joints_box[i], poses[i], truth[i],
            f"{dataset.reader.info.subject_name(int(cpu['subject'][i]))} {actions[int(cpu['action'][i])]}",
            float(errors[i]), skeleton=space.skeleton,
        )
        for i in range(len(poses))
    ]  # fmt: skip
