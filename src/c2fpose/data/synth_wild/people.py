"""People of synth_wild: bodies and clothes. One dressed body serves a few images, each time in other colours."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.person.body import BONES, SOLE_MM, BodyShape, load_pack
from c2fpose.data.synth36.person.dressing import Appearance
from c2fpose.data.synth36.person.outfit import Look, Outfit, sequence_outfit, subject_look
from c2fpose.data.synth_wild.wardrobe import Cut, draw_cut, dressed, materials_of
from c2fpose.pose.protocol import TEST_SUBJECTS, TRAIN_SUBJECTS

# One in so many of the pack's bodies is for test people alone.
TEST_BODIES = 6
TALLEST_SD = 2.6  # no coefficient beyond
CHILDREN = 0.12  # share of people who are made small, with larger heads


class Child(BodyShape):
    """An adult's body made smaller, the head less so.

    ``size``: of the body, in the adult's; ``head``: of the head, in the small body's.
    """

    def __init__(
        self, betas: Float[np.ndarray, " K"], curl: Float[np.ndarray, "2 2"], size: float, head: float
    ) -> None:
        super().__init__(betas, curl)
        neck_mm = self.landmarks_mm["neck"].copy()
        # From the collar to the chin the head's size takes over.
        chin_z = self.landmarks_mm["head"][2]

        def smaller(places_mm: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
            above = np.clip((places_mm[:, 2:] - neck_mm[2]) / (chin_z - neck_mm[2]), 0, 1)
            grown = places_mm + (head - 1) * above * (places_mm - neck_mm)
            return grown * size + [0.0, 0.0, (1 - size) * SOLE_MM]

        names = list(self.landmarks_mm)
        marks_mm = smaller(np.stack([self.landmarks_mm[name] for name in names]))
        self.landmarks_mm = dict(zip(names, marks_mm, strict=True))
        self.rest_vertices_mm = smaller(self.rest_vertices_mm)
        self.rest_heads_mm = np.stack([self.landmarks_mm[bone] for bone in BONES])


@dataclass(frozen=True)
class Person:
    """A body, dressed."""

    shape: BodyShape
    cut: Cut
    appearance: Appearance


def draw_person(rng: np.random.Generator, test: bool, plain: bool = False) -> Person:
    """Any adult of the pack, moved away from it and made more of what it is, or made a child; any clothes.

    ``plain``: adults alone, in synth36's clothes, without hats and bags and with empty hands.
    """
    scores = load_pack().training_scores
    for_test = np.arange(len(scores)) % TEST_BODIES == 0
    start = scores[rng.choice(np.flatnonzero(for_test == test))]
    betas = np.clip(rng.uniform(0.85, 1.25) * start + 0.35 * rng.standard_normal(len(start)), -TALLEST_SD, TALLEST_SD)
    relaxed, grip = rng.uniform(0.0, 1.2, 2), np.maximum(rng.uniform(-0.6, 0.9, 2), 0.0)
    size = float(rng.uniform(0.52, 0.88)) if rng.random() < CHILDREN and not plain else 1.0
    maleness = BodyShape(betas).maleness
    look, outfit = _clothes(rng, test, maleness)
    cut = Cut(outfit) if plain else draw_cut(rng, outfit, maleness)
    grip = np.where([bool(held) for held in cut.held], 0.85, grip)
    curl = np.stack([relaxed, grip], axis=1)
    shape = BodyShape(betas, curl) if size == 1.0 else Child(betas, curl, size, 1 + 0.8 * (1 - size))
    return Person(shape, cut, dressed(rng, test, shape, look, cut))


def recoloured(person: Person, rng: np.random.Generator, test: bool) -> Appearance:
    """Dress the same body in the same cut of clothes, with other skin, hair and cloth."""
    look, outfit = _clothes(rng, test, person.shape.maleness)
    if person.cut.outfit.trousers is person.cut.outfit.top:  # a suit
        outfit = replace(outfit, trousers=outfit.top)
    materials = person.appearance.materials.copy()
    rows = materials_of(look, outfit, person.cut)
    materials[: len(rows)] = rows
    return replace(person.appearance, materials=materials)


def _clothes(rng: np.random.Generator, test: bool, maleness: float) -> tuple[Look, Outfit]:
    subject = (TEST_SUBJECTS if test else TRAIN_SUBJECTS)[0]  # says which half of the palettes
    seed = int(rng.integers(2**31))
    return subject_look(seed, subject, maleness), sequence_outfit(seed, subject, 0, 1)
