"""People of synth_wild: bodies and clothes. One dressed body serves a few images, each time in other colours."""

from dataclasses import dataclass, replace

import numpy as np

from c2fpose.data.synth36.person.body import BodyShape, load_pack
from c2fpose.data.synth36.person.dressing import Appearance, dressed
from c2fpose.data.synth36.person.outfit import Look, Outfit, sequence_outfit, subject_look
from c2fpose.data.synth36.render.materials import EXTRA
from c2fpose.pose.protocol import TEST_SUBJECTS, TRAIN_SUBJECTS

# One in so many of the pack's bodies is for test people alone.
TEST_BODIES = 6
TALLEST_SD = 2.6  # no coefficient beyond
SKIN, EYES = 0, 1  # rows of an appearance's materials, see ``dressing.dressed``


@dataclass(frozen=True)
class Person:
    """A body, dressed."""

    shape: BodyShape
    appearance: Appearance


def draw_person(rng: np.random.Generator, test: bool) -> Person:
    """Any adult of the pack, moved away from it and made more of what it is; any clothes."""
    scores = load_pack().training_scores
    for_test = np.arange(len(scores)) % TEST_BODIES == 0
    start = scores[rng.choice(np.flatnonzero(for_test == test))]
    betas = np.clip(rng.uniform(0.85, 1.25) * start + 0.35 * rng.standard_normal(len(start)), -TALLEST_SD, TALLEST_SD)
    relaxed, grip = rng.uniform(0.0, 1.2, 2), np.maximum(rng.uniform(-0.6, 0.9, 2), 0.0)
    shape = BodyShape(betas, np.stack([relaxed, grip], axis=1))
    look, outfit = _clothes(rng, test, shape)
    return Person(shape, dressed(shape, look, outfit))


def recoloured(person: Person, rng: np.random.Generator, test: bool) -> Appearance:
    """The same body and cut of clothes, with other skin, hair and cloth."""
    look, outfit = _clothes(rng, test, person.shape)
    before = person.appearance.materials
    parts = [look.skin, look.eyes, outfit.top, outfit.trousers, outfit.socks, outfit.shoes]
    parts += [look.hair] * (len(before) - len(parts))
    rows = np.stack([part.row() for part in parts])
    rows[SKIN, EXTRA + 3 :], rows[EYES, EXTRA:] = before[SKIN, EXTRA + 3 :], before[EYES, EXTRA:]
    return replace(person.appearance, materials=rows)


def _clothes(rng: np.random.Generator, test: bool, shape: BodyShape) -> tuple[Look, Outfit]:
    subject = (TEST_SUBJECTS if test else TRAIN_SUBJECTS)[0]  # says which half of the palettes
    seed = int(rng.integers(2**31))
    return subject_look(seed, subject, shape.maleness), sequence_outfit(seed, subject, 0, 1)
