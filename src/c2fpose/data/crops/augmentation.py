"""Random changes of a training image: drawn first, as plain numbers, then applied.

Every draw depends on (seed, epoch, record) alone, or (seed, epoch, batch) for a whole-batch flip: not on the number of
loader processes, nor on what was drawn before. So a resumed run sees what an undisturbed one would have seen.
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

from c2fpose.config.data import AugmentationConfig

# One independent stream of random numbers for each purpose.
_RECORD, _BATCH, _ORDER = 0, 1, 2


@dataclass(frozen=True)
class Draw:
    """One training image's changes. The default changes nothing."""

    scale: float = 1.0  # times the box's side: above 1 the person looks smaller
    rotation_deg: float = 0.0  # clockwise on the screen
    flip: bool = False
    gains: tuple[float, float, float] | None = None  # times R, G, B
    photometric_seed: int = 0


def draw(config: AugmentationConfig, seed: int, epoch: int, record: int, batch: int) -> Draw:
    """The changes of one record in one epoch; ``batch`` counts only where whole batches are flipped together."""
    random = _generator(seed, _RECORD, epoch, record)
    scale, turn = random.normal(size=2)
    unturned, flipped = random.random(2)
    gains = random.uniform(1 - config.channel_gain, 1 + config.channel_gain, 3)
    if config.flip_whole_batch:
        flipped = _generator(seed, _BATCH, epoch, batch).random()
    limit = config.rotation_limit_deg
    return Draw(
        scale=float(1 + np.clip(config.scale_spread * scale, -config.scale_limit, config.scale_limit)),
        rotation_deg=(
            0.0
            if unturned < config.rotation_none_probability
            else float(np.clip(config.rotation_spread_deg * turn, -limit, limit))
        ),
        flip=bool(flipped < config.flip_probability),
        gains=tuple(gains.tolist()) if config.channel_gain else None,
        photometric_seed=int(random.integers(1 << 31)),
    )


def shuffled(records: int, seed: int, epoch: int) -> np.ndarray:
    """The order of the records in one epoch."""
    return _generator(seed, _ORDER, epoch, 0).permutation(records)


def _generator(seed: int, stream: int, epoch: int, number: int) -> np.random.Generator:
    key = np.random.SeedSequence(seed, spawn_key=(stream, epoch, number))
    return np.random.Generator(np.random.Philox(key))


def apply_gains(
    planes: UInt8[np.ndarray, "3 rows columns"], gains: tuple[float, float, float]
) -> UInt8[np.ndarray, "3 rows columns"]:
    """Each colour times its gain, rounded and held within the range of a byte."""
    import cv2

    gained = np.empty_like(planes)
    for plane, gain, target in zip(planes, gains, gained, strict=True):
        cv2.convertScaleAbs(plane, dst=target, alpha=gain)
    return gained


class Photometric:
    """Colour jitter, blur, noise and occlusion by albumentations, which is imported on first use (3 to 5 s)."""

    def __init__(self, config: AugmentationConfig, image_size: int) -> None:
        self.config = config
        self.image_size = image_size
        self._steps: list[Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_steps": None}

    def prepare(self) -> None:
        """Import and build now, so that loader processes that are forked afterwards need not."""
        if self._steps is None:
            self._steps = _steps(self.config, self.image_size)

    def __call__(self, image: UInt8[np.ndarray, "rows columns 3"], seed: int) -> UInt8[np.ndarray, "rows columns 3"]:
        """The changed image; the same image and seed always give the same one."""
        self.prepare()
        # Not albumentations.Compose: it would hand every step the same seed, and so blur just those it makes noisy.
        for number, step in enumerate(self._steps):
            step.set_random_seed(seed + number)
            image = step(image=image)["image"]
        return image


def _steps(config: AugmentationConfig, image_size: int) -> list[Any]:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # no look-up of newer versions over the network
    import albumentations

    steps: list[Any] = []
    jitter = {"brightness": config.brightness, "contrast": config.contrast, "saturation": config.saturation}
    if any(jitter.values()) or config.hue:
        ranges = {name: (1 - half, 1 + half) for name, half in jitter.items()}
        steps.append(albumentations.ColorJitter(**ranges, hue=(-config.hue, config.hue), p=1.0))
    if config.blur_probability:
        sigmas = (0.1, max(0.5, image_size / 80))
        steps.append(albumentations.GaussianBlur(blur_limit=0, sigma_limit=sigmas, p=config.blur_probability))
    if config.noise_probability:
        steps.append(albumentations.GaussNoise(std_range=(0.02, 0.08), p=config.noise_probability))
    if config.occlusion_probability:
        sides = (0.25 * config.occlusion_size, config.occlusion_size)
        steps.append(
            albumentations.CoarseDropout(
                num_holes_range=(1, 3),
                hole_height_range=sides,
                hole_width_range=sides,
                fill="random_uniform",
                p=config.occlusion_probability,
            )
        )
    return steps
