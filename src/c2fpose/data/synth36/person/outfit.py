"""Who wears what: skin, face and hair by subject, clothes by sequence, all drawn from seeded palettes.

Training and test subjects draw from palettes without a common colour (``palette_colour``), so nobody in the test split
wears anything seen in training.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from c2fpose.data.synth36.render.materials import Colour, Material, palette_colour, shade
from c2fpose.pose.protocol import TEST_SUBJECTS

_SUBJECT_STREAM, _SEQUENCE_STREAM = 102, 103
HAIR_STYLES = ("buzz", "short", "medium", "long")


@dataclass(frozen=True)
class Look:
    """What stays with a subject."""

    skin: Material
    eyes: Material
    hair: Material
    hair_style: str
    hair_length_mm: float  # of long hair, below the eyes
    hair_volume_mm: float


@dataclass(frozen=True)
class Outfit:
    """What a subject wears in one sequence; lengths are millimetres on the mean body."""

    top: Material
    trousers: Material
    shoes: Material
    socks: Material
    sleeve_mm: float  # along the arm from the shoulder
    shirt_hem_mm: float  # height above the soles
    collar: tuple[float, float]  # how far the neckline falls in front, and how much of it is a V
    top_ease_mm: float  # how far the cloth stands off
    trouser_hem_mm: float
    trouser_ease_mm: float
    shoe_top_mm: float
    sock_top_mm: float


@lru_cache(maxsize=8)
def subject_look(seed: int, subject: int, maleness: float) -> Look:
    """Draw a subject's skin, eyes and hair; ``maleness`` 0 to 1 decides on beards and lengths."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, _SUBJECT_STREAM, subject]))
    tone = rng.uniform(0, 1)
    light, mid, dark = np.array([0.90, 0.73, 0.64]), np.array([0.76, 0.56, 0.44]), np.array([0.42, 0.28, 0.21])
    skin = light + (mid - light) * min(2 * tone, 1) + (dark - mid) * max(2 * tone - 1, 0) * 0.9
    skin = np.clip(skin + rng.normal(0, 0.015, 3), 0, 1)
    male = maleness > 0.5
    hair_tones = [(0.09, 0.07, 0.06), (0.16, 0.10, 0.07), (0.28, 0.18, 0.11), (0.45, 0.32, 0.18), (0.66, 0.52, 0.33),
                  (0.42, 0.20, 0.10), (0.46, 0.45, 0.44)]  # fmt: skip
    weights = np.array([3, 3, 2.5, 1.5, 1.2, 0.7, 1.0]) * (
        np.array([1, 0.8, 0.4, 0.1, 0.05, 0.1, 0.6]) if tone > 0.6 else 1
    )
    hair = np.array(hair_tones[rng.choice(len(hair_tones), p=weights / weights.sum())]) * rng.uniform(0.85, 1.15)
    beard = float(rng.choice([0.0, 0.15, 0.3, 0.8], p=[0.35, 0.3, 0.2, 0.15])) if male else 0.0
    style = rng.choice(HAIR_STYLES, p=[0.22, 0.5, 0.23, 0.05] if male else [0.02, 0.13, 0.25, 0.6])
    iris = [(0.20, 0.12, 0.07), (0.30, 0.40, 0.50), (0.30, 0.34, 0.20)][rng.choice(3, p=[0.6, 0.25, 0.15])]
    offset = tuple(rng.uniform(0, 32, 3))
    return Look(
        skin=Material("skin", tuple(skin), second=tuple(np.clip(skin * [0.98, 0.66, 0.60], 0, 1)),
                      third=tuple(np.clip(skin * [0.82, 0.52, 0.50], 0, 1)), specular=0.022, gloss=14.0, bump=0.06,
                      bump_wave_mm=(14.0, 14.0, 14.0), noise_offset=offset,
                      extra=(0.9 if hair.mean() < 0.4 else 0.55, beard, float(rng.random() < 0.25))),
        eyes=Material("eye", (0.86, 0.84, 0.82), iris, (0.02, 0.02, 0.02), specular=0.10, gloss=60.0),
        hair=Material("hair", tuple(0.75 * hair), tuple(np.clip(1.25 * hair + 0.01, 0, 1)), specular=0.012, gloss=9.0,
                      bump=0.12, bump_wave_mm=(9.0, 9.0, 60.0), noise_offset=offset),
        hair_style=str(style),
        hair_length_mm=float(rng.uniform(120, 330)),
        hair_volume_mm=float({"buzz": 4, "short": 13, "medium": 24, "long": 18}[str(style)] * rng.uniform(0.8, 1.25)),
    )  # fmt: skip


def sequence_outfit(seed: int, subject: int, action: int, trial: int) -> Outfit:
    """Draw what a subject wears in one sequence; test subjects have colours and patterns of their own."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, _SEQUENCE_STREAM, subject, action, trial]))
    test = subject in TEST_SUBJECTS
    kind = rng.choice(["tee", "shirt", "sweater", "hoodie", "tank"], p=[0.42, 0.2, 0.2, 0.1, 0.08])
    sleeve_mm = {
        "tee": rng.uniform(130, 215), "shirt": rng.choice([220.0, 400.0, 485.0]), "sweater": rng.uniform(470, 500),
        "hoodie": rng.uniform(485, 505), "tank": rng.uniform(5, 40),
    }[kind]  # fmt: skip
    ease_mm = {"tee": (9, 20), "shirt": (10, 20), "sweater": (14, 24), "hoodie": (18, 28), "tank": (5, 10)}[kind]
    collar = {"tee": (40, 0), "shirt": (55, 60), "sweater": (25, 0), "hoodie": (20, 0), "tank": (70, 0)}[kind]
    v_neck = 70.0 * float(kind in ("tee", "sweater") and rng.random() < 0.25)
    shorts = kind in ("tee", "tank") and rng.random() < 0.3
    return Outfit(
        top=_top(rng, test, kind),
        trousers=_trousers(rng, test, shorts),
        shoes=_shoes(rng, test),
        socks=replace(_cloth(rng, test), colour=_neutral(rng, test) if rng.random() < 0.7 else _dyed(rng, test)),
        sleeve_mm=float(sleeve_mm),
        shirt_hem_mm=float(rng.uniform(835, 905) if kind != "shirt" or rng.random() < 0.6 else 975.0),
        collar=(float(collar[0]), float(collar[1] + v_neck)),
        top_ease_mm=float(rng.uniform(*ease_mm)),
        trouser_hem_mm=float(rng.uniform(470, 560) if shorts else rng.uniform(55, 95)),
        trouser_ease_mm=float(rng.uniform(4, 20)) + 10.0 * shorts,
        shoe_top_mm=float(rng.choice([72.0, 80.0, 120.0], p=[0.45, 0.35, 0.2])),
        sock_top_mm=float(rng.choice([100.0, 140.0, 240.0])),
    )


def _neutral(rng: np.random.Generator, test: bool) -> Colour:
    """Almost grey: brightness in alternate steps for the two splits."""
    step = 2 * rng.integers(6) + int(test)
    return tuple(np.clip((step + rng.uniform(0.15, 0.85)) / 12 * 0.9 + 0.04 + rng.normal(0, 0.006, 3), 0, 1))


def _dyed(rng: np.random.Generator, test: bool) -> Colour:
    strong = rng.random() < 0.45
    return palette_colour(rng, test, (0.55, 0.9) if strong else (0.18, 0.55), (0.25, 0.85))


def _any(rng: np.random.Generator, test: bool) -> Colour:
    return _dyed(rng, test) if rng.random() < 0.62 else _neutral(rng, test)


def _cloth(rng: np.random.Generator, test: bool) -> Material:
    return Material(
        "cloth", _any(rng, test), _any(rng, test), _any(rng, test), specular=float(rng.uniform(0.0, 0.007)), gloss=6.0,
        bump=float(rng.uniform(0.4, 0.85)), bump_wave_mm=(105.0, 105.0, 46.0),
        noise_offset=tuple(rng.uniform(0, 32, 3)),
    )  # fmt: skip


def _top(rng: np.random.Generator, test: bool, kind: str) -> Material:
    names = ["plain", "melange", "rows", "columns", "checks", "dots", "yoke", "print", "camouflage", "zip"]
    shares = {
        "tee": [0.3, 0.08, 0.14, 0.02, 0.0, 0.05, 0.1, 0.28, 0.03, 0.0],
        "shirt": [0.3, 0.02, 0.03, 0.2, 0.38, 0.07, 0.0, 0.0, 0.0, 0.0],
        "sweater": [0.35, 0.25, 0.22, 0.0, 0.03, 0.0, 0.1, 0.05, 0.0, 0.0],
        "hoodie": [0.35, 0.1, 0.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.05, 0.2],
        "tank": [0.6, 0.1, 0.15, 0.0, 0.0, 0.05, 0.0, 0.1, 0.0, 0.0],
    }[kind]
    name, cloth = rng.choice(names, p=shares), _cloth(rng, test)
    pattern, scale_mm, phase, extra = {
        "plain": ("plain", 60.0, 0.0, ()),
        "melange": ("melange", 4.0, 0.0, ()),
        "rows": ("rows", rng.uniform(28, 130), rng.random(), (rng.uniform(0.25, 0.55),)),
        "columns": ("columns", rng.uniform(20, 50), rng.random(), (rng.uniform(0.12, 0.4),)),
        "checks": ("checks", rng.uniform(40, 110), rng.random(), ()),
        "dots": ("dots", rng.uniform(35, 70), rng.random(), (rng.uniform(0.16, 0.3),)),
        "yoke": ("blocks", 60.0, rng.uniform(1130, 1290), (float(rng.random() < 0.5),)),
        "print": ("print", rng.uniform(50, 110), rng.uniform(1180, 1270), (rng.choice([1.0, 1.0, -1.0]),
                                                                           rng.choice([0.0, 0.0, 60.0]), rng.random())),
        "camouflage": ("camouflage", rng.uniform(35, 70), rng.uniform(0, 9), ()),
        "zip": ("trim", 60.0, 0.0, (7.0,)),
    }[name]  # fmt: skip
    if name == "melange":
        cloth = replace(cloth, second=shade(cloth.colour, 0.6, 0.2))
    return replace(cloth, pattern=pattern, scale_mm=float(scale_mm), phase=float(phase), extra=tuple(map(float, extra)))


def _trousers(rng: np.random.Generator, test: bool, shorts: bool) -> Material:
    cloth = replace(_cloth(rng, test), bump=float(rng.uniform(0.4, 0.85)), bump_wave_mm=(90.0, 90.0, 40.0))
    if not shorts and rng.random() < 0.4:  # jeans
        blue = np.array([0.16, 0.24, 0.40]) if not test else np.array([0.13, 0.17, 0.27])
        blue = np.clip(blue * rng.uniform(0.6, 1.4) + rng.normal(0, 0.01, 3), 0, 1)
        worn = tuple(np.clip(1.6 * blue + 0.15, 0, 1))
        return replace(cloth, colour=tuple(blue), second=worn, pattern="denim", extra=(float(rng.uniform(0.1, 0.6)),))
    colour = _neutral(rng, test) if rng.random() < 0.5 else palette_colour(rng, test, (0.15, 0.5), (0.15, 0.65))
    name = rng.choice(["plain", "melange", "checks"], p=[0.75, 0.17, 0.08])
    return replace(cloth, colour=colour, pattern=str(name), scale_mm=4.0 if name == "melange" else 60.0,
                   second=shade(colour, 0.7, 0.12), third=shade(colour, 0.5))  # fmt: skip


def _shoes(rng: np.random.Generator, test: bool) -> Material:
    trainers = rng.random() < 0.6
    colour = _any(rng, test) if trainers else palette_colour(rng, test, (0.2, 0.5), (0.08, 0.3))
    sole = (0.85, 0.84, 0.82) if trainers and rng.random() < 0.7 else (0.12, 0.11, 0.10)
    shine = 0.03 if trainers else 0.07
    return Material("shoe", colour, sole, _neutral(rng, test), specular=shine, gloss=25.0, bump=0.12,
                    bump_wave_mm=(40.0, 40.0, 40.0), extra=(24.0, 95.0, float(trainers)))  # fmt: skip
