"""Make a synth_wild data set: shard by shard in several processes, resumable, complete or not there at all.

``data.making`` makes them, as it does synth36's.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import c2fpose
from c2fpose.data import making
from c2fpose.data.making import joined_annotations, packed, save_shard, shard_path, unpacked
from c2fpose.data.schema import FIELDS, SplitInfo, write_split
from c2fpose.data.synth36 import generate as synth36
from c2fpose.data.synth_wild.drawing import STORED_BOXES, Shot, Studio
from c2fpose.data.synth_wild.photographs import MADE, folder_digest
from c2fpose.data.synth_wild.plan import IMAGES_OF_PERSON, PEOPLE_OF_SHARD, SUBJECTS, Preset, Shard, shards
from c2fpose.data.synth_wild.postures import FAMILIES
from c2fpose.pose.protocol import BOX_SCALE_UNIT_PX, CAMERA_SERIALS

_STREAM = 606  # key of this module in seed sequences


@dataclass(frozen=True)
class WildSet(synth36.SyntheticSet):
    """What is to be made."""

    preset: Preset  # type: ignore[assignment]  # its own, with other sizes
    stored_px: int = 256  # side of the stored images
    backgrounds: str = MADE  # or a folder of photographs
    without: tuple[str, ...] = ()  # left plain, of ``plan.INGREDIENTS``

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What decides every byte of the outcome; stands in the files. ``action`` counts in ``families``."""
        return {
            "preset": self.name, "shards": asdict(self.preset), "seed": self.seed, "generator": generator_digest(),
            "families": list(FAMILIES), "boxes": "visible", "trials": "people",
            "stored_px": self.stored_px, "backgrounds": folder_digest(self.backgrounds),
            **({"without": sorted(self.without)} if self.without else {}),
        }  # fmt: skip


def generate(
    out: Path, job: WildSet, workers: int = 1, done: Callable[[int], None] = lambda images: None
) -> list[SplitInfo]:
    """Make ``out/train.h5`` and ``out/test.h5``; ``done`` hears of each shard's number of images.

    A killed run is taken up after its last complete shard. Raises what ``making.make`` raises.
    """
    return making.make(out, recipe(job), workers, done)


def recipe(job: WildSet) -> making.Recipe[Shard]:
    """Say what the data set is made of, and how."""
    return making.Recipe(
        provenance=job.provenance,
        shards={split: shards(job.preset, split) for split in SUBJECTS},
        write=partial(write_shard, job=job),
        merge=partial(_merge, job=job),
    )


def _merge(unfinished: Path, split: str, job: WildSet) -> SplitInfo:
    return merge(unfinished, unfinished / f"{split}.h5", shards(job.preset, split), job)


def write_shard(unfinished: Path, shard: Shard, *, job: WildSet) -> Shard:
    """Make one shard's file."""
    annotations, images, masks = make_shard(shard, job)
    arrays = annotations | packed("jpeg", images) | packed("mask", masks)
    save_shard(shard_path(unfinished, shard), arrays)
    return shard


def make_shard(shard: Shard, job: WildSet) -> tuple[dict[str, np.ndarray], list[bytes], list[bytes]]:
    """Annotations (``schema.FIELDS``), encoded images and masks of some people."""
    cv2.setNumThreads(0)
    test = shard.split == "test"
    rng = np.random.default_rng(np.random.SeedSequence([job.seed, _STREAM, int(test), shard.number]))
    studio = Studio(rng, test, job.stored_px, job.backgrounds, job.without)
    rows: list[dict[str, Any]] = []
    images: list[bytes] = []
    masks: list[bytes] = []
    for place in range(shard.images // IMAGES_OF_PERSON):
        person = shard.number * PEOPLE_OF_SHARD + place
        for number, shot in enumerate(studio.shots(IMAGES_OF_PERSON)):
            rows.append(_row(shot, shard.split, person, number, job.stored_px))
            quality = [cv2.IMWRITE_JPEG_QUALITY, synth36.JPEG_QUALITY]
            images.append(cv2.imencode(".jpg", shot.photo.image[..., ::-1], quality)[1].tobytes())
            masks.append(cv2.imencode(".png", shot.photo.mask, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes())
    return {name: np.array([row[name] for row in rows], field.dtype) for name, field in FIELDS.items()}, images, masks


def _row(shot: Shot, split: str, person: int, number: int, stored_px: int) -> dict[str, Any]:
    """Annotations of one image. People are dealt out to the split's subjects; a trial is one person."""
    stored_side_px = STORED_BOXES * shot.box.side_px
    subjects = SUBJECTS[split]
    return {
        "joints_cam_mm": shot.camera.to_camera(shot.joints_world_mm),
        "joints_px": shot.camera.to_image(shot.joints_world_mm),
        "center_px": shot.box.center_px,
        "scale": shot.box.side_px / BOX_SCALE_UNIT_PX,
        "intrinsics_px": shot.camera.intrinsics_px,
        "stored_left_top_px": shot.box.center_px - stored_side_px / 2,
        "stored_step_px": stored_side_px / stored_px,
        "subject": subjects[person % len(subjects)],
        "action": shot.family,
        "trial": person // len(subjects) + 1,
        "camera": number % len(CAMERA_SERIALS),
        "frame": number + 1,
    }


def merge(unfinished: Path, path: Path, parts: list[Shard], job: WildSet) -> SplitInfo:
    """Write finished shards as one split."""
    paths = [shard_path(unfinished, shard) for shard in parts]
    return write_split(
        path,
        joined_annotations(paths),
        unpacked(paths, "jpeg"),
        dataset="synth_wild",
        split=parts[0].split,
        provenance=job.provenance | {"version": c2fpose.__version__},
        masks=unpacked(paths, "mask"),
    )


def generator_digest(here: Path = Path(__file__).parent) -> str:
    """Hash the code and the body pack that make images and labels, in few letters; docstrings do not count."""
    digest = synth36.generator_digest() + making.generator_code_digest(here)
    return hashlib.sha256(digest.encode()).hexdigest()[:12]
