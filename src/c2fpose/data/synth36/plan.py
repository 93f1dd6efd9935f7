"""Which images a preset holds. A larger preset holds every image of a smaller one, unchanged.

The images of one subject and action are counted; a number stands for the same sequence, frame and camera in every
preset. Cameras alternate, sequences come in blocks, and the frames of a sequence lie far apart: pictures of
neighbouring frames teach little.
"""

from dataclasses import dataclass
from typing import NamedTuple

from c2fpose.data.synth36.cameras import CAMERAS
from c2fpose.pose.protocol import ACTIONS, TEST_SUBJECTS, TRAIN_SUBJECTS

# Frames that are used: 1, 6, 11, ..., as in the authors' set, in sequences of 30 s at 50 fps.
FRAME_STEP = 5
FRAMES_USED = 300
# From one image of a sequence to the next: the stride without common factor with FRAMES_USED that keeps the first 12,
# 24 and 48 images furthest apart.
FRAME_STRIDE = 17
TRIALS = 12  # sequences of one subject and action
BLOCK = 12  # images of a sequence before the next one's turn


@dataclass(frozen=True)
class Preset:
    """Images of each subject and action."""

    train: int
    test: int

    def images(self, split: str) -> int:
        """Images of a whole split."""
        return getattr(self, split) * len(SUBJECTS[split]) * len(ACTIONS)


SUBJECTS = {"train": TRAIN_SUBJECTS, "test": TEST_SUBJECTS}
PRESETS = {"few": Preset(3, 13), "tiny": Preset(27, 13), "small": Preset(133, 67), "full": Preset(533, 267)}


class Key(NamedTuple):
    """One image of a subject and action."""

    trial: int  # from 1
    camera: int
    frame: int  # from 1


@dataclass(frozen=True)
class Shard:
    """All images of one subject and action: what is made and kept, or made again, as a whole."""

    split: str
    subject: int
    action: int  # index into protocol.ACTIONS
    images: int

    @property
    def name(self) -> str:
        """Name of its file, ``train_S1_Eating``."""
        return f"{self.split}_S{self.subject}_{ACTIONS[self.action]}"

    @property
    def keys(self) -> list[Key]:
        """Its images, sequence by sequence, camera by camera."""
        return sorted(image_key(self.subject, self.action, number) for number in range(self.images))


def shards(preset: Preset, split: str) -> list[Shard]:
    """List a split's shards, in the order of its file."""
    return [
        Shard(split, subject, action, getattr(preset, split))
        for subject in SUBJECTS[split]
        for action in range(len(ACTIONS))
    ]


def image_key(subject: int, action: int, number: int) -> Key:
    """Image ``number`` of a subject and action. No two numbers below ``TRIALS * FRAMES_USED`` share a frame."""
    blocks, in_block = divmod(number, BLOCK)
    visit, trial = divmod(blocks, TRIALS)
    shown = visit * BLOCK + in_block  # images of this sequence so far
    slot = (37 * subject + 61 * action + 17 * trial + FRAME_STRIDE * shown) % FRAMES_USED
    # Subjects and actions begin with different cameras, so that no camera gets the odd images of all.
    return Key(trial + 1, (number + subject + action) % CAMERAS, 1 + FRAME_STEP * slot)
