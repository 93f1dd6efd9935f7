"""Make a synth36 data set: what its shards hold. ``data.making`` makes them, resumable after a kill."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float, UInt8

import c2fpose
from c2fpose.base.provenance import file_hash
from c2fpose.data import making
from c2fpose.data.making import joined_annotations, packed, save_shard, shard_path, unpacked
from c2fpose.data.schema import FIELDS, SplitInfo, write_split
from c2fpose.data.synth36.cameras import Camera, subject_cameras
from c2fpose.data.synth36.person.joint_sets import JOINT_SETS
from c2fpose.data.synth36.plan import SUBJECTS, Preset, Shard, shards
from c2fpose.pose.box import person_box
from c2fpose.pose.protocol import BOX_SCALE_UNIT_PX

STORED_PX = 256  # side of the stored image ...
STORED_BOXES = 1.2  # ... in which the box's side goes so many times: the margin is for augmentation
JPEG_QUALITY = 85
_STREAM = 505  # key of this module in seed sequences


@runtime_checkable
class Sequence(Protocol):
    """Some frames of one sequence, ready to be looked at."""

    joints_world_mm: Float[np.ndarray, "F J 3"]

    def picture(self, index: int, camera: Camera, size: int, rng: np.random.Generator) -> UInt8[np.ndarray, "S S 3"]:
        """Draw what a camera sees in one of the frames, RGB; ``rng`` is for the sensor's noise."""


# (seed, subject, action's index, trial, frames from 1) to a sequence. Each frame depends on its own number alone.
OpenSequence = Callable[[int, int, int, int, Float[np.ndarray, "F"]], Sequence]


@dataclass(frozen=True)
class SyntheticSet:
    """What is to be made."""

    name: str  # of the preset
    preset: Preset
    seed: int
    skeleton: str = "c2f17"  # of ``JOINT_SETS``

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What decides every byte of the outcome, as it was when first asked for; stands in the files."""
        sizes = asdict(self.preset)
        other = {} if self.skeleton == "c2f17" else {"skeleton": self.skeleton}
        return {
            "preset": self.name, "images_per_action": sizes, "seed": self.seed, "generator": generator_digest(), **other
        }  # fmt: skip


def generate(
    out: Path,
    job: SyntheticSet,
    open_sequence: OpenSequence,
    workers: int = 1,
    done: Callable[[int], None] = lambda images: None,
) -> list[SplitInfo]:
    """Make ``out/train.h5`` and ``out/test.h5``; ``done`` hears of each shard's number of images.

    A killed run is taken up after its last complete shard. Raises what ``making.make`` raises.
    """
    return making.make(out, recipe(job, open_sequence), workers, done)


def recipe(job: SyntheticSet, open_sequence: OpenSequence) -> making.Recipe[Shard]:
    """Say what the data set is made of, and how."""
    return making.Recipe(
        provenance=job.provenance,
        shards={split: shards(job.preset, split) for split in SUBJECTS},
        write=partial(write_shard, seed=job.seed, open_sequence=open_sequence),
        merge=partial(_merge, job=job),
    )


def write_shard(unfinished: Path, shard: Shard, *, seed: int, open_sequence: OpenSequence) -> Shard:
    """Make one shard's file."""
    annotations, jpegs = make_shard(shard, seed, open_sequence)
    save_shard(shard_path(unfinished, shard), annotations | packed("jpeg", jpegs))
    return shard


def make_shard(shard: Shard, seed: int, open_sequence: OpenSequence) -> tuple[dict[str, np.ndarray], list[bytes]]:
    """Annotations (``schema.FIELDS``) and encoded images of one subject and action."""
    cv2.setNumThreads(0)
    cameras = subject_cameras(seed, shard.subject)
    rows: list[dict[str, Any]] = []
    jpegs: list[bytes] = []
    for trial, group in groupby(shard.keys, key=lambda key: key.trial):
        keys = list(group)
        frames = np.array([float(key.frame) for key in keys])
        sequence = open_sequence(seed, shard.subject, shard.action, trial, frames)
        for index, key in enumerate(keys):
            row = geometry(sequence.joints_world_mm[index], cameras[key.camera])
            view = cameras[key.camera].cut(np.asarray(row["stored_left_top_px"]), float(row["stored_step_px"]))
            seeds = [seed, _STREAM, shard.subject, shard.action, trial, key.frame, key.camera]
            image = sequence.picture(index, view, STORED_PX, np.random.default_rng(np.random.SeedSequence(seeds)))
            encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
            jpegs.append(encoded.tobytes())
            rows.append(row | key._asdict() | {"subject": shard.subject, "action": shard.action})
    return {name: np.array([row[name] for row in rows], field.dtype) for name, field in FIELDS.items()}, jpegs


def geometry(joints_world_mm: Float[np.ndarray, "J 3"], camera: Camera) -> dict[str, np.ndarray | float]:
    """Joints in camera and image, the box by the released data's rule, and where the stored image lies."""
    joints_px = camera.to_image(joints_world_mm)
    center_px, scale = person_box(joints_px)
    stored_side_px = STORED_BOXES * BOX_SCALE_UNIT_PX * scale
    return {
        "joints_cam_mm": camera.to_camera(joints_world_mm),
        "joints_px": joints_px,
        "center_px": center_px,
        "scale": scale,
        "intrinsics_px": camera.intrinsics_px,
        "stored_left_top_px": center_px - stored_side_px / 2,
        "stored_step_px": stored_side_px / STORED_PX,
    }


def _merge(unfinished: Path, split: str, job: SyntheticSet) -> SplitInfo:
    paths = [shard_path(unfinished, shard) for shard in shards(job.preset, split)]
    return write_split(
        unfinished / f"{split}.h5",
        joined_annotations(paths),
        unpacked(paths, "jpeg"),
        dataset="synth36",
        split=split,
        provenance=job.provenance | {"version": c2fpose.__version__},
        skeleton=JOINT_SETS[job.skeleton],
    )


def generator_digest(here: Path = Path(__file__).parent) -> str:
    """Hash the code and the body pack that make images and labels, in few letters; docstrings do not count."""
    digest = making.generator_code_digest(here) + file_hash(here / "assets" / "body_pack.npz")
    return hashlib.sha256(digest.encode()).hexdigest()[:12]
