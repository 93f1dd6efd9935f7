"""Train the finder on scenes, and choose the score from which a peak is a person."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from c2fpose.base.errors import readable
from c2fpose.base.files import written_whole
from c2fpose.prediction.finder.cutouts import Cutout, Room
from c2fpose.prediction.finder.find import as_input
from c2fpose.prediction.finder.network import SIDE_UNIT, STRIDE, Finder
from c2fpose.prediction.finder.scenes import Scene, mirrored, scene

_SPREAD = 0.07  # standard deviation of a peak, as a share of the person's box ...
_LEAST_SPREAD = 0.7  # ... and at least so many cells
_BOX_WEIGHT = 2.0  # of the box's loss against the heatmap's
_GRADIENT_LIMIT = 5.0
_WARM_UP = 100  # steps until the full learning rate
_MEAN_DECAY = 0.998  # of the running mean of weights, a step
KEEP_EVERY = 250  # steps


@dataclass(frozen=True)
class Recipe:
    """How a finder is trained."""

    size: int = 192  # px, side of the frame
    steps: int = 3000
    batch: int = 16  # scenes a step, half of them new; even
    rate: float = 2e-3  # learning rate of AdamW ...
    fall: float = 0.4  # ... which falls to 0 over this share of the steps, the last ones
    seed: int = 0
    bf16: bool = True


def train(
    recipe: Recipe,
    cutouts: list[Cutout],
    rooms: list[Room],
    told: Callable[[int, float], None] = lambda step, loss: None,
    kept: Callable[[int, Finder], None] = lambda step, network: None,
    start_from: Finder | None = None,
    state: Path | None = None,
    origin: str = "",
) -> Finder:
    """Train a network, from nothing or from one that is trained already (it is changed).

    ``told`` hears each step and its loss, ``kept`` every 250th step's network: a running mean of the weights.
    ``state``: a file in which the training is kept as often; one of the same recipe and ``origin`` (whatever tells
    these people, rooms and first weights from others) is gone on with, to the same end.
    """
    torch.manual_seed(recipe.seed)
    network = (start_from or Finder()).train()
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not declared
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(_MEAN_DECAY), use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe))
    parts = {"network": network, "mean": mean, "optimizer": optimizer, "schedule": schedule}
    first = _gone_on(state, {"recipe": asdict(recipe), "origin": origin}, parts)

    def made(step: int) -> list[Scene]:
        numbers = range(step * recipe.batch // 2, (step + 1) * recipe.batch // 2)
        return [scene(recipe.seed, number, recipe.size, cutouts, rooms) for number in numbers]

    before = made(first - 1) if first else []
    for step in range(first, recipe.steps):
        new = made(step)
        # Making a scene takes as long as learning from it: each is seen twice, the second time mirrored
        scenes, before = new + [mirrored(sight) for sight in before or new], new
        loss = _loss(network, scenes, recipe.bf16)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _GRADIENT_LIMIT)
        optimizer.step()
        schedule.step()
        mean.update_parameters(network)
        told(step + 1, float(loss.detach()))
        if (step + 1) % KEEP_EVERY == 0:
            kept(step + 1, cast(Finder, mean.module).eval())
            if state is not None:
                with written_whole(state, foreign=(RuntimeError,)) as partial:  # torch's own, of a full disk
                    about = {"recipe": asdict(recipe), "origin": origin, "step": step + 1}
                    torch.save(about | {name: part.state_dict() for name, part in parts.items()}, partial)
    return cast(Finder, mean.module).eval()


def _rate(step: int, recipe: Recipe) -> float:
    """Share of the learning rate: a rise, a plain, and a fall to 0."""
    return min(1.0, (step + 1) / _WARM_UP, (recipe.steps - step) / max(1, recipe.fall * recipe.steps))


def _gone_on(state: Path | None, about: dict[str, Any], parts: dict[str, Any]) -> int:
    """Bring all parts to where a state was kept; returns the step to go on with, 0 without one of the same training."""
    if state is None or not state.is_file():
        return 0
    with readable(state, "no state of a training", "delete it to begin again"):
        saved = dict(torch.load(state, weights_only=True))
    if any(saved.get(name) != value for name, value in about.items()):
        return 0
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])


def _loss(network: Finder, scenes: list[Scene], bf16: bool) -> Float[Tensor, ""]:
    image = torch.from_numpy(as_input([each.image for each in scenes]))
    heat, box, weight = (torch.from_numpy(np.stack(part)) for part in zip(*map(targets, scenes), strict=True))
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        output = network(image.contiguous(memory_format=torch.channels_last))
    return loss_of(output.float(), heat, box, weight)


def targets(
    sight: Scene,
) -> tuple[Float[np.ndarray, "C C"], Float[np.ndarray, "3 C C"], Float[np.ndarray, "C C"]]:
    """Make a scene's heatmap, its boxes and how much each cell's box counts.

    The heatmap is the highest of the people's Gaussians, exactly 1 in the cell that holds a pelvis; a cell's box is
    that of the person whose Gaussian is the highest there.
    """
    cells = sight.image.shape[0] // STRIDE
    heat = np.zeros((cells, cells), np.float32)
    box = np.zeros((3, cells, cells), np.float32)
    places = (np.arange(cells) + 0.5) / cells
    for pelvis, center, side in zip(sight.pelvis, sight.center, sight.side, strict=True):
        column, row = np.clip(np.floor(pelvis * cells).astype(int), 0, cells - 1)
        spread = max(_LEAST_SPREAD, _SPREAD * side * cells) / cells
        x, y = places - places[column], places - places[row]
        mine = np.exp(-(x[None] ** 2 + y[:, None] ** 2) / (2 * spread**2)).astype(np.float32)
        nearest = mine > heat
        heat = np.maximum(heat, mine)
        across = np.broadcast_to((center[0] - places[None]) / side, heat.shape)
        down = np.broadcast_to((center[1] - places[:, None]) / side, heat.shape)
        box[0][nearest], box[1][nearest] = across[nearest], down[nearest]
        box[2][nearest] = np.log(side / SIDE_UNIT)
    return heat, box, np.where(heat > 0.3, heat, 0).astype(np.float32)


def loss_of(
    output: Float[Tensor, "B 4 C C"],
    heat: Float[Tensor, "B C C"],
    box: Float[Tensor, "B 3 C C"],
    weight: Float[Tensor, "B C C"],
) -> Float[Tensor, ""]:
    """Add the penalty-reduced focal loss of the heatmap (Zhou et al. 2019, Objects as Points) and the boxes' L1."""
    logit = output[:, 0]
    chance = logit.sigmoid()
    positive = heat == 1
    found = F.logsigmoid(logit) * (1 - chance) ** 2
    empty = F.logsigmoid(-logit) * chance**2 * (1 - heat) ** 4
    people = positive.sum().clamp(min=1)
    focal = -torch.where(positive, found, empty).sum() / people
    miss = (output[:, 1:] - box).abs().sum(1) * weight
    return focal + _BOX_WEIGHT * miss.sum() / weight.sum().clamp(min=1)
