"""The LightningModule: a network, the loss along its stacks, its optimiser, and points out of images.

Shapes: B batch, J joints, D depth bins, H rows, W columns, S image side.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torchmetrics import MeanMetric

from c2fpose.base.host_memory import keep_freed_memory
from c2fpose.config.data import LABELS, SOURCE_ERRORS
from c2fpose.config.model import ModelConfig, OptimizerConfig
from c2fpose.model.inference import (
    labelled_errors,
    points_and_metric_of,
    points_of,
    poses_given_root_depth,
    reading_of,
)
from c2fpose.model.networks.batch_norm import batch_statistics, freeze
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.networks.input import last_output, outputs_of
from c2fpose.model.networks.parts import HEADS, parts_of, weights_of
from c2fpose.model.representations import representation_of
from c2fpose.model.representations.interface import Certainty, Labels, MetricPose, Representation
from c2fpose.model.trained import Trained, parts_of_model
from c2fpose.model.volumes.points import from_points, to_points
from c2fpose.pose.running_errors import MeanPerJointError

FULL, ORDINAL = LABELS.index("full"), LABELS.index("ordinal")
Batch = dict[str, Any]  # data.dataset.Batch; the module needs no more of the data than that


class PoseModule(LightningModule, Trained):
    """Trains, validates and predicts; ``model`` is a ``ModelConfig`` as a plain dictionary, kept in checkpoints.

    ``provenance`` (data fingerprint, seed, code version) travels in the checkpoint, unread by anything that computes
    but for its ``calibration``, by which prediction says how sure it is; so does ``mean_training_pose_mm``, joints from
    the root, which evaluation shows for comparison.
    """

    def __init__(
        self,
        model: dict[str, Any],
        provenance: dict[str, Any] | None = None,
        mean_training_pose_mm: list[list[float]] | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network: CoarseToFine
        self.learned: nn.Module | None
        self.config, self.network, self.learned = parts_of_model(model)
        skeleton = self.config.pose_space.skeleton
        self.validation_error = MeanPerJointError(skeleton.joints, skeleton.root)
        self.sources: list[str] = []  # of a mix, each validated apart
        self.source_errors = nn.ModuleList()  # SOURCE_ERRORS of each, one after the other

    @property
    def representation(self) -> Representation:
        """What the outputs of the network mean."""
        return representation_of(self.config)

    @property
    def provenance(self) -> dict[str, Any]:
        """What the training said of itself; empty where nothing is known."""
        return self.hparams.get("provenance") or {}

    # --- training ---

    def setup(self, stage: str) -> None:
        if stage == "fit":
            for part in self.config.freeze:
                for weight in weights_of(parts_of(self.network)[part]):
                    weight.requires_grad_(False)

    def on_fit_start(self) -> None:
        if self.device.type == "cpu":
            keep_freed_memory()
        self._seed, self._drawn_at = torch.initial_seed(), (-1, 0)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        if self.representation.random_loss:
            self._draw_by_step()
        # At each batch: validation sets the network back to training
        for part in self.config.freeze:
            for module in parts_of(self.network)[part]:
                freeze(module)
        if self.config.batch_norm_frozen and self.done >= 1 - self.config.batch_norm_frozen:
            freeze(self.network)

    def _draw_by_step(self) -> None:
        """Seed PyTorch by run, process and step: a resumed training draws what the undisturbed one would have drawn."""
        step, part = self._drawn_at
        self._drawn_at = (self.global_step, part + 1 if step == self.global_step else 0)  # several batches a step
        entropy = [self._seed, self.global_rank, *self._drawn_at]
        torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> 1))

    def training_step(self, batch: Batch, _: int) -> Float[Tensor, ""]:
        losses = self.losses(outputs_of(self.network, batch["image"]), batch)
        weights = self.config.loss.stack_weights or [1.0] * len(losses)
        weighted = sum(weight * value for weight, value in zip(weights, losses, strict=True))
        loss = self.config.loss.factor * cast(Tensor, weighted)
        for index, value in enumerate(losses):
            self.log(f"train/loss_stack{index + 1}", value.detach(), sync_dist=True)
        self.log("train/loss", loss.detach(), prog_bar=True, sync_dist=True)
        return loss

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        if self.training and self.device.type != "cpu":  # there ``losses`` looks at no value
            self.representation.check(self.labels_of(batch))
        return batch

    def labels_of(self, batch: Batch) -> Labels:
        """Take what the representation is trained towards out of a batch."""
        points = to_points(batch["joints_box"], batch["depth_rel_mm"], self.config.pose_space)
        labels = Labels(points, batch["visible"], batch.get("joints_turned_mm"), batch.get("box_to_ray"))
        kind = batch.get("labelled")
        return labels if kind is None else _in_part(labels, kind)

    def losses(self, outputs: list[Tensor] | Tensor, batch: Batch) -> list[Float[Tensor, ""]]:
        """Compare the outputs with the labels: one loss for each supervised stack, or the one at the end."""
        every = outputs if isinstance(outputs, list) else [outputs]
        labels, representation = self.labels_of(batch), self.representation
        representation.check(labels)
        return representation.losses(every, labels, self.done, self.learned or self.network.after)

    @property
    def done(self) -> float:
        """The share of training that is behind; 1 where nothing is trained."""
        if not self.training:
            return 1.0
        try:
            return self.global_step / max(1, self.trainer.estimated_stepping_batches)
        except RuntimeError:  # Lightning: not attached to a trainer
            return 1.0

    def configure_optimizers(self) -> Any:
        config = self.config.optimizer
        optimizer = make_optimizer(self._trained(), config)
        if config.schedule == "constant":
            return {"optimizer": optimizer}
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=int(self.trainer.estimated_stepping_batches) + 1,
            pct_start=config.warmup,
            anneal_strategy="cos",
            cycle_momentum=False,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _trained(self) -> list[dict[str, Any]]:
        """List the weights that are trained, in groups where parts have rates of their own."""
        config = self.config.optimizer
        if config.rate_by_part == 1:
            return [{"params": [weight for weight in self.parameters() if weight.requires_grad]}]
        parts = {name: list(weights_of(modules)) for name, modules in parts_of(self.network).items()}
        beside = [] if self.learned is None else list(self.learned.parameters())
        parts = {name: [] if name in self.config.freeze else weights for name, weights in parts.items()}
        parts[HEADS] += beside  # no part of the network: trained where the heads are frozen too
        groups = []
        for after, (_, weights) in enumerate(reversed(parts.items())):
            if weights:
                groups.append({"params": weights, "lr": config.learning_rate * config.rate_by_part**after})
        return groups[::-1]

    # --- validation and prediction ---

    def predict_points(
        self, image: UInt8[Tensor, "B 3 S S"], read_as: ModelConfig | None = None
    ) -> Float[Tensor, "B J 3"]:
        """Find the points of a batch of crops, averaged with those of the mirror images if the decoding says so.

        ``read_as``: a configuration with another decoding or BatchNorm than the network was trained with.
        """
        config = read_as or self.config
        with batch_statistics(self.network, config.batch_norm == "batch"):
            return points_of(image, config, partial(last_output, self.network))

    def predict_with_metric(
        self, image: UInt8[Tensor, "B 3 S S"], read_as: ModelConfig | None = None
    ) -> tuple[Float[Tensor, "B J 3"], MetricPose | None]:
        """Find points as ``predict_points``, and poses in mm: None where the representation has none."""
        config = read_as or self.config
        with batch_statistics(self.network, config.batch_norm == "batch"):
            return points_and_metric_of(image, config, partial(last_output, self.network))

    def predict_with_certainty(
        self, image: UInt8[Tensor, "B 3 S S"]
    ) -> tuple[Float[Tensor, "B J 3"], Certainty | None]:
        """Find the points of crops, and how sure they are: None where the representation cannot say."""
        representation = self.representation
        with batch_statistics(self.network, self.config.batch_norm == "batch"):
            reading = reading_of(image, representation, partial(last_output, self.network))
        return representation.points(reading), representation.certainty(reading)

    def validate_apart(self, sources: Iterable[str]) -> None:
        """Name the sources of a mix whose loaders follow the validation's own, each with errors of its own."""
        self.sources = list(sources)
        self.source_errors = nn.ModuleList(
            MeanMetric(nan_strategy="ignore") for _ in self.sources for _ in SOURCE_ERRORS
        )

    def validation_step(self, batch: Batch, _: int, dataloader_idx: int = 0) -> None:
        points = self.predict_points(batch["image"])
        if dataloader_idx > 0:
            self._measure_source(points, batch, dataloader_idx - 1)
            return
        self.validation_error.update(
            poses_given_root_depth(points, batch, self.config.pose_space), batch["joints_cam_mm"]
        )
        # of one loader or the first of several: by the same name
        self.log("val/mpjpe_mm", self.validation_error, prog_bar=True, batch_size=len(points), add_dataloader_idx=False)

    def _measure_source(self, points: Float[Tensor, "B J 3"], batch: Batch, source: int) -> None:
        """Add a batch of one source of a mix; an error of which no joint has a label is NaN."""
        errors = labelled_errors(points, batch, self.config.pose_space)
        for place, (name, values) in enumerate(zip(SOURCE_ERRORS, errors, strict=True)):
            metric = cast(MeanMetric, self.source_errors[source * len(SOURCE_ERRORS) + place])
            metric.update(values.double())
            self.log(f"val/{name}_{self.sources[source]}", metric, batch_size=len(points), add_dataloader_idx=False)

    def predict_step(self, batch: Batch, _: int) -> dict[str, Tensor]:
        """Crop positions ``joints_box (B, J, 2)`` and depths ``depth_rel_mm (B, J)``, with the records' indices."""
        joints_box, depth_rel_mm = from_points(self.predict_points(batch["image"]).cpu(), self.config.pose_space)
        return {"joints_box": joints_box, "depth_rel_mm": depth_rel_mm, "record": batch["record"].cpu()}


def _in_part(labels: Labels, kind: Int[Tensor, "B"]) -> Labels:
    """Take away what labels of each image's kind do not say: depth, or all of depth but its order."""
    z = labels.points[..., 2]
    without = (kind != FULL)[:, None]
    points = torch.cat([labels.points[..., :2], torch.where(without, torch.nan, z)[..., None]], -1)
    ordinal = (kind == ORDINAL)[:, None]
    ranks = torch.where(ordinal, z, torch.nan) if ordinal.any() else None
    return labels._replace(points=points, ranks=ranks, in_part=bool(points.isnan().any()))


def make_optimizer(
    parameters: Iterable[torch.nn.Parameter] | list[dict[str, Any]], config: OptimizerConfig
) -> torch.optim.Optimizer:
    """RMSprop as Torch7's (equal to PyTorch's), or AdamW; all parameters in as few calls as PyTorch can."""
    common: dict[str, Any] = dict(lr=config.learning_rate, eps=config.epsilon, weight_decay=config.weight_decay)
    if config.name == "rmsprop":
        return torch.optim.RMSprop(parameters, alpha=config.alpha, foreach=True, **common)
    return torch.optim.AdamW(parameters, betas=(0.9, config.alpha), fused=True, **common)
