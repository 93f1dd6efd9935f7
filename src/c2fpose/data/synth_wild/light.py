"""Light of synth_wild: where it comes from, how hard, of which colour; and what the camera makes of it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Light:
    """``rows`` as ``shading`` reads them; the rest is the camera's."""

    rows: Float[np.ndarray, "8 3"]
    white_balance: Float[np.ndarray, "3"]
    blur: float
    grain: float
    ground_shadow: float  # share of the light that a shadow takes from the ground


def draw_light(rng: np.random.Generator) -> Light:
    """Sun, lamps, overcast skies; a sixth of all in strong colours."""
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.arcsin(rng.uniform(0.02, 0.99))
    key = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    away = azimuth + np.pi + rng.uniform(-1.5, 1.5)
    fill = np.array([np.cos(away), np.sin(away), rng.uniform(-0.2, 0.8)])
    warm = np.array([1.0, 0.93, 0.83])
    strength = rng.choice([rng.uniform(0.0, 0.25), rng.uniform(0.3, 0.8), rng.uniform(0.8, 1.3)], p=[0.25, 0.5, 0.25])
    ambient = rng.uniform(0.12, 0.35) if strength > 0.8 else rng.uniform(0.3, 0.75)
    key_colour, sky, ground = (warm ** rng.uniform(-1.0, 2.0) for _ in range(3))
    if rng.random() < 0.16:
        key_colour = key_colour * rng.uniform(0.3, 1.2, 3)
        sky = sky * rng.uniform(0.45, 1.15, 3)
    rows = np.zeros((8, 3))
    rows[0], rows[1] = key, strength * key_colour
    rows[2], rows[3] = fill / np.linalg.norm(fill), rng.uniform(0.0, 0.3) * warm ** rng.uniform(-1.5, 1.5)
    rows[4], rows[5] = ambient * sky, rng.uniform(0.3, 0.8) * ambient * ground
    level = rows[1].mean() * 0.5 + 0.7 * rows[4].mean() + 0.15
    exposure = rng.lognormal(0.08, 0.2) * (0.6 / level) ** 0.7
    balance = exposure * np.array([1.0, 1.0, 1.0]) * np.exp(rng.normal(0, 0.05, 3))
    return Light(
        rows, balance, float(rng.uniform(0.0, 0.2)), float(rng.exponential(2.5)), float(strength / (strength + ambient))
    )


def plain_light(rng: np.random.Generator) -> Light:
    """Light the person softly from above, white, from one side or another."""
    azimuth = rng.uniform(0, 2 * np.pi)
    rows = np.zeros((8, 3))
    rows[0] = np.array([0.5 * np.cos(azimuth), 0.5 * np.sin(azimuth), np.sqrt(0.75)])
    rows[2] = rows[0] * [-1, -1, 1]
    rows[1], rows[3], rows[4], rows[5] = 0.5, 0.15, 0.45, 0.25
    return Light(rows, np.ones(3), 0.1, 1.0, 0.5)
