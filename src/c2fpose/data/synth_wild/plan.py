"""What a preset holds. A larger preset holds every image of a smaller one, unchanged: images are made in shards, each a
pure function of (seed, split, its number)."""

from dataclasses import dataclass

from c2fpose.pose.protocol import TEST_SUBJECTS, TRAIN_SUBJECTS

SUBJECTS = {"train": TRAIN_SUBJECTS, "test": TEST_SUBJECTS}
IMAGES_OF_PERSON = 4
PEOPLE_OF_SHARD = 125


@dataclass(frozen=True)
class Preset:
    """Shards of each split, of ``IMAGES_OF_PERSON * PEOPLE_OF_SHARD`` images."""

    train: int
    test: int

    def images(self, split: str) -> int:
        """Images of a whole split."""
        return getattr(self, split) * IMAGES_OF_PERSON * PEOPLE_OF_SHARD


PRESETS = {
    "tiny": Preset(4, 1), "small": Preset(12, 2), "10k": Preset(20, 2), "medium": Preset(60, 3), "full": Preset(120, 4),
}  # fmt: skip

# What can be left as it is in plain pictures, to see what it is worth (``experiments/ablation_reality``)
INGREDIENTS = ("cameras", "boxes", "postures", "people", "light", "backgrounds", "others")


@dataclass(frozen=True)
class Shard:
    """Some people of a split: what is made and kept, or made again, as a whole."""

    split: str
    number: int
    images: int = 500

    @property
    def name(self) -> str:
        """Name of its file, ``train_0007``."""
        return f"{self.split}_{self.number:04d}"


def shards(preset: Preset, split: str) -> list[Shard]:
    """List a split's shards, in the order of its file."""
    return [Shard(split, number) for number in range(getattr(preset, split))]
