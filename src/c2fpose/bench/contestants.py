"""What is timed: this package's training step and prediction, and a plain port of the original to compare with.

Shapes: B batch, J joints, D depth bins, H rows, W columns, S image side.
"""

from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from c2fpose.base.cores import cores
from c2fpose.base.host_memory import keep_freed_memory
from c2fpose.bench.measure import Clock, endless
from c2fpose.config.model import ModelConfig
from c2fpose.config.run import TrainSettings
from c2fpose.data.datamodule import PoseData, loader_workers
from c2fpose.model.module import PoseModule, make_optimizer
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.networks.input import outputs_of
from c2fpose.model.precision import computing_in, denormals_flushed, resolve_precision
from c2fpose.model.volumes.decoding import unravel
from c2fpose.model.volumes.points import to_points
from c2fpose.model.volumes.targets import target_profiles
from c2fpose.prediction.engines import TORCH, Predictor, engine_names, installed, make_predictor
from c2fpose.training.run import following

SPANS = ("data", "transfer", "forward", "targets and loss", "backward", "optimiser")
NETWORK_SPANS = ("forward", "backward", "optimiser")


class Engine:
    """This package's network, loss and optimiser, one step at a time and without a trainer."""

    name = "c2fpose"

    def __init__(self, settings: TrainSettings, data: PoseData, device: torch.device) -> None:
        if device.type == "cpu":
            keep_freed_memory()
        torch.manual_seed(settings.seed)
        self.device = device
        self.module = PoseModule(settings.model.model_dump(mode="json")).to(device)
        self.optimizer = make_optimizer(self.module.parameters(), settings.model.optimizer)
        accelerator = "cpu" if device.type == "cpu" else "gpu"
        self.precision = resolve_precision(settings.trainer.precision, accelerator)
        self.batches: Iterator[Any] = endless(data.train_dataloader())

    def autocast(self) -> torch.autocast:
        """Compute in bfloat16 where the contestant's precision is that."""
        return computing_in(self.precision, self.device)

    def step(self, clock: Clock) -> None:
        """Take one training step; the gradient of the loss counts as loss, not as backward pass."""
        with denormals_flushed():  # as in training
            self._step(clock)

    def _step(self, clock: Clock) -> None:
        self.module.train()
        clock.start()
        batch = next(self.batches)
        clock.mark("data")
        batch = {name: value.to(self.device) for name, value in batch.items()}
        clock.mark("transfer")
        with self.autocast():
            outputs = outputs_of(self.module.network, batch["image"])
        clock.mark("forward")
        leaves = [output.detach().requires_grad_() for output in outputs]
        with self.autocast():
            cast(Tensor, sum(self.module.losses(leaves, batch))).backward()
        clock.mark("targets and loss")
        torch.autograd.backward(outputs, [leaf.grad for leaf in leaves])
        clock.mark("backward")
        self.optimizer.step()
        self.optimizer.zero_grad()
        clock.mark("optimiser")

    def predictor(self, name: str) -> Predictor:
        """Put the network as it is now in one of ``prediction.engines``."""
        return make_predictor(self.module, name, "auto" if self.precision == "bf16-mixed" else "32-true")


class PlainPort:
    """The original rewritten line by line: eager float32, dense targets made sample by sample in the loader."""

    name = "plain port"

    def __init__(self, settings: TrainSettings, data: PoseData, device: torch.device) -> None:
        torch.manual_seed(settings.seed)
        self.device, self.config = device, settings.model
        self.network = CoarseToFine(self.config.network).to(device)
        self.optimizer = torch.optim.RMSprop(self.network.parameters(), lr=2.5e-4, alpha=0.99, foreach=False)
        workers = loader_workers(settings.data, device.type == "cuda", cores().open)
        samples = DenseTargets(data.train, self.config, self.network.supervised_depths)
        self.batches: Iterator[Any] = endless(
            DataLoader(samples, settings.data.batch_size, shuffle=True, drop_last=True, num_workers=workers)
        )

    def step(self, clock: Clock) -> None:
        """One training step."""
        self.network.train()
        clock.start()
        image, targets = next(self.batches)
        clock.mark("data")
        image, targets = image.to(self.device), [target.to(self.device) for target in targets]
        clock.mark("transfer")
        outputs = self.network(image)
        clock.mark("forward")
        leaves = [output.detach().requires_grad_() for output in outputs]
        criterion = nn.MSELoss()
        sum(criterion(leaf, target) for leaf, target in zip(leaves, targets, strict=True)).backward()
        clock.mark("targets and loss")
        torch.autograd.backward(outputs, [leaf.grad for leaf in leaves])
        clock.mark("backward")
        self.optimizer.step()
        self.optimizer.zero_grad()
        clock.mark("optimiser")

    @torch.inference_mode()
    def predict(self, image: Tensor) -> Tensor:
        """Two passes, the volumes averaged, the highest voxel."""
        self.network.eval()
        image = image.float() / 255
        volume = self.network(image)[-1]
        if self.config.decoding.flip:
            mirror = list(self.config.pose_space.skeleton.mirror)
            volume = (volume + self.network(image.flip(-1))[-1][:, mirror].flip(-1)) / 2
        shape = tuple(volume.shape[2:])
        index = unravel(volume.flatten(2).argmax(-1), shape)
        return ((index + 0.5) / torch.tensor(shape, device=index.device)).flip(-1)


class DenseTargets(Dataset):
    """Float images, and whole target volumes for each stack."""

    def __init__(self, samples: Any, config: ModelConfig, depths: tuple[int, ...]) -> None:
        samples.prepare()
        self.samples, self.config, self.depths = samples, config, depths

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, position: int) -> tuple[Tensor, list[Tensor]]:
        sample = self.samples[position].sample
        joints, depth = torch.as_tensor(sample["joints_box"]), torch.as_tensor(sample["depth_rel_mm"])
        points, visible = (
            to_points(joints, depth.float(), self.config.pose_space)[None],
            torch.as_tensor(sample["visible"])[None],
        )
        size, bins = self.config.network.heatmap_size, self.config.network.depth_bins
        targets = [
            target_profiles(points, visible, (depth, size, size), self.config.target, bins).volume()[0]
            for depth in self.depths
        ]
        return torch.as_tensor(sample["image"]).float() / 255, targets


TRAINED = {engine.name: engine for engine in (Engine, PlainPort)}


def make_engine(name: str, settings: TrainSettings, device: torch.device) -> Engine | PlainPort:
    """Make an engine with data of its own."""
    data = PoseData(settings.data, seed=settings.seed)
    data.setup()
    return TRAINED[name](following(settings, data), data, device)


def predicting(settings: TrainSettings, device: torch.device) -> list[str]:
    """Choose the engines that can predict with this configuration, here and now."""
    if device.type != "cpu" or settings.model.batch_norm == "batch":
        return [TORCH]
    return [name for name in engine_names() if installed(name)]


def train_a_little(name: str, settings: TrainSettings, device: torch.device) -> None:
    """Three training steps, for their memory."""
    engine = make_engine(name, settings, device)
    clock = Clock(device)
    for _ in range(3):
        engine.step(clock)


def predict_a_little(name: str, settings: TrainSettings, device: torch.device, batch: int) -> None:
    """Two predictions, for their memory."""
    if name == PlainPort.name:
        predict = cast(PlainPort, make_engine(name, settings, device)).predict
    else:
        predict = cast(Engine, make_engine(Engine.name, settings, device)).predictor(name).predict_points
    size = settings.data.image_size
    for _ in range(2):
        predict(torch.zeros(batch, 3, size, size, dtype=torch.uint8, device=device))
