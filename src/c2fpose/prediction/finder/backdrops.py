"""Painted surroundings: nothing in them is a person, and much of them is busy."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

Image = UInt8[np.ndarray, "rows columns 3"]


def backdrop(rng: np.random.Generator, rows: int, columns: int) -> Image:
    """Paint a ground, a sky or walls, and up to forty things of plain geometry in and before them."""
    image = _textured(rng, rows, columns)
    if rng.random() < 0.7:  # two surfaces that meet at a horizon or the foot of a wall
        other, line = _textured(rng, rows, columns), int(rows * rng.uniform(0.25, 0.85))
        image[line:] = other[line:]
    if rng.random() < 0.25:
        other, line = _textured(rng, rows, columns), int(columns * rng.uniform(0.1, 0.9))
        image[:, line:] = other[:, line:]
    image = with_things(rng, image, int(rng.integers(0, 40) * rng.random()))
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 2.5))
    return image


def with_things(rng: np.random.Generator, image: Image, count: int) -> Image:
    """Draw things of plain geometry anywhere into a copy of an image."""
    image = np.ascontiguousarray(image).copy()
    for _ in range(count):
        _thing(rng, image)
    return image


def _colour(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    """Draw a colour, mostly muted, as a float of 0 to 255."""
    grey = rng.uniform(15, 245)
    return np.clip(grey + rng.normal(0, 12 if rng.random() < 0.6 else 60, 3), 0, 255)


def _textured(rng: np.random.Generator, rows: int, columns: int) -> Image:
    """Draw a surface of two or three colours, mixed by noise of several sizes and a slope of light."""
    size, share = np.array([columns, rows]), np.zeros((rows, columns), np.float32)
    rough = rng.uniform(0.35, 1.0)
    for octave in range(6):
        cells = tuple(np.maximum(2, (size * 2.0**octave / max(size)).astype(int) + 2))
        grid = rng.standard_normal(cells[::-1]).astype(np.float32)
        share += rough**octave * cv2.resize(grid, (columns, rows), interpolation=cv2.INTER_LINEAR)
    share = share * rng.uniform(0.05, 0.6) + 0.5
    if rng.random() < 0.25:  # stripes, bricks, tiles
        period, phase = rng.uniform(4, 30), rng.uniform(0, 30)
        along = np.arange(columns)[None] if rng.random() < 0.5 else np.arange(rows)[:, None]
        share = share + rng.uniform(-0.6, 0.6) * ((along + phase) % period < rng.uniform(0.1, 0.6) * period)
    down, across = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)[None]
    light = 1 + rng.normal(0, 0.2) * down + rng.normal(0, 0.15) * across
    first, second = _colour(rng), _colour(rng)
    mixed = first + np.clip(share, 0, 1)[..., None] * (second - first)
    return np.clip(mixed * light[..., None], 0, 255).astype(np.uint8)


def _thing(rng: np.random.Generator, image: Image) -> None:
    """Draw one thing into an image: a box, a disc, a pole, a branch, a blob, a window, a torso-like column."""
    rows, columns = image.shape[:2]
    size = max(rows, columns) * np.exp(rng.uniform(np.log(0.02), np.log(0.5)))
    at = rng.uniform(0, 1, 2) * [columns, rows]
    colour = _colour(rng).tolist()
    kind = rng.integers(6)
    if kind == 0:
        box = cv2.boxPoints(
            (at.tolist(), (size, size * rng.uniform(0.2, 3)), float(rng.choice([0, rng.uniform(0, 90)])))
        )
        cv2.fillPoly(image, [box.astype(np.int32)], colour, cv2.LINE_AA)
    elif kind == 1:
        axes = (max(1, int(size / 2)), max(1, int(size * rng.uniform(0.2, 1.2) / 2)))
        cv2.ellipse(image, at.astype(int).tolist(), axes, rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
    elif kind == 2:
        _limbs(rng, image, at, size, colour)
    elif kind == 3:
        turns = np.sort(rng.uniform(0, 2 * np.pi, 9))
        radii = size * rng.uniform(0.2, 0.6, 9)
        outline = at + radii[:, None] * np.stack([np.cos(turns), np.sin(turns)], -1)
        cv2.fillPoly(image, [outline.astype(np.int32)], colour, cv2.LINE_AA)
    elif kind == 4:
        _patch(rng, image, at, size)
    else:
        for row in range(int(rng.integers(1, 5))):  # windows, books, tins on a shelf
            for column in range(int(rng.integers(1, 5))):
                corner = (at + size * 0.3 * np.array([column, row])).astype(int)
                cv2.rectangle(image, corner.tolist(), (corner + int(size * 0.2) + 1).tolist(), colour, -1)


def _limbs(
    rng: np.random.Generator, image: Image, at: Float[np.ndarray, "2"], size: float, colour: list[float]
) -> None:
    """Poles, branches, chair legs: thick lines that may look like limbs, without a body."""
    for _ in range(int(rng.integers(1, 5))):
        turn = rng.choice([np.pi / 2, rng.uniform(0, np.pi)])
        to = at + 1.5 * size * np.array([np.cos(turn), np.sin(turn)])
        width = max(1, int(size * rng.uniform(0.03, 0.25)))
        cv2.line(image, at.astype(int).tolist(), to.astype(int).tolist(), colour, width, cv2.LINE_AA)
        at = to if rng.random() < 0.4 else at + rng.normal(0, size / 4, 2)


def _patch(rng: np.random.Generator, image: Image, at: Float[np.ndarray, "2"], size: float) -> None:
    """Draw a piece of textured cloth, foliage or stone with a soft outline."""
    side = max(4, int(size))
    left, top = (at - side / 2).astype(int)
    y0, y1, x0, x1 = max(top, 0), min(top + side, image.shape[0]), max(left, 0), min(left + side, image.shape[1])
    if y1 <= y0 or x1 <= x0:
        return
    texture = _textured(rng, side, side)[y0 - top : y1 - top, x0 - left : x1 - left].astype(np.float32)
    y, x = np.mgrid[y0 - top : y1 - top, x0 - left : x1 - left] / side - 0.5
    share = np.clip((0.25 - (x**2 * rng.uniform(1, 6) + y**2)) * rng.uniform(8, 60), 0, 1)[..., None]
    under = image[y0:y1, x0:x1].astype(np.float32)
    image[y0:y1, x0:x1] = (under + share * (texture - under)).astype(np.uint8)
