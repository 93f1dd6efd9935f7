"""Materials: what a surface looks like, as one row of numbers that the shader reads.

Colours are written in sRGB (0..1) and stored linear. Textures are functions of the canonical place, that is of the
coordinates in the mean rest body (or in a piece of furniture), never of UVs: so they know no seams.
"""

import colorsys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

Colour = tuple[float, float, float]

KINDS = ("skin", "cloth", "hair", "eye", "wood", "plain", "shoe")
PATTERNS = ("plain", "rows", "columns", "checks", "dots", "melange", "blocks", "print", "denim", "camouflage", "trim")

# Columns of a material row.
KIND, COLOUR_A, COLOUR_B, COLOUR_C = 0, 1, 4, 7
PATTERN, SCALE_MM, PHASE, SPECULAR, GLOSS, BUMP = 10, 11, 12, 13, 14, 15
BUMP_FREQUENCY, OFFSET, EXTRA = 16, 19, 22  # per mm (3); place in the noise (3); by kind (up to 6)
COLUMNS = 28

NOISE_SIZE = 32
HUE_CELLS = 24


def linear(srgb: Colour | Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Turn sRGB, 0..1, into linear light, 0..1."""
    return np.clip(np.asarray(srgb, np.float64), 0, 1) ** 2.2


@dataclass(frozen=True)
class Material:
    """One material; see ``KINDS`` and ``PATTERNS`` for the words, ``shading`` for what ``extra`` means by kind."""

    kind: str
    colour: Colour
    second: Colour = (0.5, 0.5, 0.5)
    third: Colour = (0.5, 0.5, 0.5)
    pattern: str = "plain"
    scale_mm: float = 60.0
    phase: float = 0.0
    specular: float = 0.03
    gloss: float = 12.0
    bump: float = 0.0
    bump_wave_mm: tuple[float, float, float] = (100.0, 100.0, 100.0)
    noise_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    extra: tuple[float, ...] = ()

    def row(self) -> Float[np.ndarray, "28"]:
        """Write the material as the renderer reads it; the columns are named above."""
        row = np.zeros(COLUMNS)
        row[KIND], row[PATTERN] = KINDS.index(self.kind), PATTERNS.index(self.pattern)
        for column, colour in ((COLOUR_A, self.colour), (COLOUR_B, self.second), (COLOUR_C, self.third)):
            row[column : column + 3] = linear(colour)
        row[SCALE_MM], row[PHASE] = self.scale_mm, self.phase
        row[SPECULAR], row[GLOSS], row[BUMP] = self.specular, self.gloss, self.bump
        row[BUMP_FREQUENCY : BUMP_FREQUENCY + 3] = 1.0 / np.asarray(self.bump_wave_mm)
        row[OFFSET : OFFSET + 3] = self.noise_offset
        row[EXTRA : EXTRA + len(self.extra)] = self.extra
        return row


def palette_colour(
    rng: np.random.Generator, test: bool, saturation: tuple[float, float], value: tuple[float, float]
) -> Colour:
    """Draw a colour whose hue lies in every second of ``HUE_CELLS`` cells: even ones for training, odd for test."""
    cell = 2 * rng.integers(HUE_CELLS // 2) + int(test)
    hue = (cell + rng.uniform(0.1, 0.9)) / HUE_CELLS
    return colorsys.hsv_to_rgb(hue, rng.uniform(*saturation), rng.uniform(*value))


def shade(colour: Colour, share: float, more: float = 0.0) -> Colour:
    """Give ``share`` of a colour, and ``more`` of white."""
    red, green, blue = colour
    return share * red + more, share * green + more, share * blue + more


@lru_cache(maxsize=1)
def noise_volume() -> Float[np.ndarray, "32 32 32 4"]:
    """Smooth noise that repeats in all directions: value (about -1..1) and gradient per cell."""
    rng = np.random.default_rng(np.random.SeedSequence([36, 7]))
    white = rng.standard_normal((NOISE_SIZE,) * 3)
    for axis in range(3):  # a separable binomial filter: features of about three cells
        white = 0.25 * np.roll(white, 1, axis) + 0.5 * white + 0.25 * np.roll(white, -1, axis)
    value = white / (2.0 * white.std())
    gradient = [0.5 * (np.roll(value, -1, axis) - np.roll(value, 1, axis)) for axis in range(3)]
    return np.stack([value, *gradient], axis=-1).astype(np.float32)
