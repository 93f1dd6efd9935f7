"""Random changes of a training image: drawn first, as plain numbers, then applied.

Every draw depends on (seed, epoch, record) alone, or (seed, epoch, batch) for a whole-batch flip, and on how often an
epoch has shown the record already: not on the number of loader processes, nor on what was drawn before. So a resumed
run sees what an undisturbed one would have seen.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from c2fpose.config.data import AugmentationConfig
from c2fpose.pose.skeleton import NUM_JOINTS

# One independent stream of random numbers for each purpose.
_RECORD, _BATCH, _ORDER, _BOX = 0, 1, 2, 3

# Beyond the edge of a stored picture: black (twice as often), its last pixels, its mirror image.
_BORDERS = (cv2.BORDER_CONSTANT, cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101)


@dataclass(frozen=True)
class Draw:
    """One training image's changes. The default changes nothing."""

    scale: float = 1.0  # times the box's side: above 1 the person looks smaller
    rotation_deg: float = 0.0  # clockwise on the screen
    flip: bool = False
    gains: tuple[float, float, float] | None = None  # times R, G, B
    photometric_seed: int = 0
    shift: tuple[float, float] = (0.0, 0.0)  # of the box, in sides of the unaugmented one
    focus: int = 0  # the joint towards which the box's centre moves ...
    towards: float = 0.0  # ... by this share of the way
    border: int = cv2.BORDER_CONSTANT  # beyond the stored picture: OpenCV's constant


def draw(
    config: AugmentationConfig,
    seed: int,
    epoch: int,
    record: int,
    batch: int,
    joints: int = NUM_JOINTS,
    again: int = 0,
    batch_seed: int | None = None,
) -> Draw:
    """Draw the changes of one record in one epoch; ``batch`` counts only where whole batches are flipped together.

    ``again``: how often this epoch has shown the record already; ``batch_seed``: of what a batch shares (None:
    ``seed``), which is one for all sources that a batch is mixed from.
    """
    random = _generator(seed, _RECORD, epoch, record, again)
    scale, turn = random.normal(size=2)
    unturned, flipped = random.random(2)
    gains = random.uniform(1 - config.channel_gain, 1 + config.channel_gain, 3)
    if config.flip_whole_batch:
        flipped = _generator(seed if batch_seed is None else batch_seed, _BATCH, epoch, batch).random()
    limit = config.rotation_limit_deg
    times, focus, towards, shift, border = _box_changes(config, _generator(seed, _BOX, epoch, record, again), joints)
    return Draw(
        scale=float(1 + np.clip(config.scale_spread * scale, -config.scale_limit, config.scale_limit)) * times,
        rotation_deg=(
            0.0
            if unturned < config.rotation_none_probability
            else float(np.clip(config.rotation_spread_deg * turn, -limit, limit))
        ),
        flip=bool(flipped < config.flip_probability),
        gains=tuple(gains.tolist()) if config.channel_gain else None,
        photometric_seed=int(random.integers(1 << 31)),
        shift=shift,
        focus=focus,
        towards=towards,
        border=border,
    )


def _box_changes(
    config: AugmentationConfig, random: np.random.Generator, joints: int
) -> tuple[float, int, float, tuple[float, float], int]:
    """Draw a box that is loose, or cuts parts of the person off; its shift; and what lies beyond the stored picture."""
    loose, cut, share, towards = random.random(4)
    focus, border = int(random.integers(joints)), int(random.integers(len(_BORDERS)))
    shift = config.shift_spread * np.clip(random.normal(size=2), -2, 2)
    times = 1.0
    if loose < config.loose_probability:
        times, towards = config.loose_limit**share, 0.0
        shift = shift * times
    elif cut < config.cut_probability:
        times = config.cut_smallest + (1 - config.cut_smallest) * share
    else:
        towards = 0.0
    if config.border == "black":
        border = 0
    return float(times), focus, float(towards), (float(shift[0]), float(shift[1])), _BORDERS[border]


def shuffled(records: int, seed: int, epoch: int) -> np.ndarray:
    """Shuffle the order of the records in one epoch."""
    return _generator(seed, _ORDER, epoch, 0).permutation(records)


def _generator(seed: int, stream: int, epoch: int, number: int, again: int = 0) -> np.random.Generator:
    key = np.random.SeedSequence(seed, spawn_key=(stream, epoch, number, *([again] if again else [])))
    return np.random.Generator(np.random.Philox(key))


def apply_gains(
    planes: UInt8[np.ndarray, "3 rows columns"], gains: tuple[float, float, float]
) -> UInt8[np.ndarray, "3 rows columns"]:
    """Each colour times its gain, rounded and held within the range of a byte."""
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
        """Change an image; the same image and seed always give the same one."""
        self.prepare()
        assert self._steps is not None
        # Not albumentations.Compose: it would hand every step the same seed, and so blur just those it makes noisy.
        for number, step in enumerate(self._steps):
            step.set_random_seed(seed + number)
            image = step(image=image)["image"]
        return image


def _steps(config: AugmentationConfig, image_size: int) -> list[Any]:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # no look-up of newer versions over the network
    import albumentations  # noqa: PLC0415  # takes seconds, and few trainings ask for it

    jitter = {"brightness": config.brightness, "contrast": config.contrast, "saturation": config.saturation}
    steps: list[Any] = []
    if any(jitter.values()) or config.hue:
        ranges = {name: (1 - half, 1 + half) for name, half in jitter.items()}
        steps.append(albumentations.ColorJitter(**ranges, hue=(-config.hue, config.hue), p=1.0))
    odd = max(3, round(image_size * config.motion_length) // 2 * 2 + 1)
    sides = (0.25 * config.occlusion_size, config.occlusion_size)
    # Light first, then what stands in front, then the camera, and the file at last: each sees what came before it.
    chances: list[tuple[float, Callable[[float], Any]]] = [
        (config.gamma_probability, lambda p: albumentations.RandomGamma((60, 170), p=p)),
        (config.tone_probability, lambda p: albumentations.RandomToneCurve(scale=0.2, p=p)),
        (config.temperature_probability, lambda p: albumentations.PlanckianJitter(p=p)),
        (config.grey_probability, lambda p: albumentations.ToGray(p=p)),
        (config.light_probability, lambda p: albumentations.Illumination(intensity_range=(0.05, 0.2), p=p)),
        (
            config.shadow_probability,
            lambda p: albumentations.RandomShadow((0, 0, 1, 1), (1, 2), shadow_intensity_range=(0.3, 0.6), p=p),
        ),
        (
            config.occlusion_probability,
            lambda p: albumentations.CoarseDropout((1, 3), sides, sides, fill="random_uniform", p=p),
        ),
        (
            config.blur_probability,
            lambda p: albumentations.GaussianBlur(0, sigma_limit=(0.1, max(0.5, image_size / 80)), p=p),
        ),
        (config.defocus_probability, lambda p: albumentations.Defocus((1, max(1, image_size // 40)), p=p)),
        (config.motion_probability, lambda p: albumentations.MotionBlur((3, odd), p=p)),
        (
            config.downscale_probability,
            lambda p: albumentations.Downscale(
                (config.downscale_smallest, 0.9), {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}, p=p
            ),
        ),
        (config.noise_probability, lambda p: albumentations.GaussNoise(std_range=(0.02, 0.08), p=p)),
        (
            config.jpeg_probability,
            lambda p: albumentations.ImageCompression(quality_range=(config.jpeg_worst, 95), p=p),
        ),
    ]
    return steps + [make(chance) for chance, make in chances if chance]
