"""Backgrounds made by procedures: noise, gradients, tilings, foliage, blobs, streets, rooms. RGB bytes, any size.

None of them shows anything that was photographed. Test backgrounds come from other seeds.
"""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float, UInt8

Picture = UInt8[np.ndarray, "S S 3"]


def draw_background(rng: np.random.Generator, size: int) -> Picture:
    """One of ``KINDS``, now and then two of them over each other, and out of focus as it comes."""
    names = list(KINDS)
    chance = np.array([KINDS[name][1] for name in names])
    picture = KINDS[names[rng.choice(len(names), p=chance / chance.sum())]][0](rng, size)
    if rng.random() < 0.15:
        other = KINDS[names[rng.choice(len(names), p=chance / chance.sum())]][0](rng, size)
        chosen = _noise(rng, size, 1.6)[..., None] > rng.uniform(-0.7, 0.7)
        picture = np.where(chosen, other, picture)
    if rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, size / 60)))
    if rng.random() < 0.6:  # most of the world is not gaudy
        grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        share = float(rng.uniform(0.2, 0.8))
        picture = cv2.addWeighted(picture, 1 - share, grey, share, 0)
    return cv2.convertScaleAbs(picture, alpha=float(rng.uniform(0.7, 1.25)), beta=float(max(rng.uniform(-15, 20), 0.0)))


def draw_floor(rng: np.random.Generator, size: int) -> Picture:
    """Draw a texture for the ground: grass, boards, tiles, asphalt, sand, carpet."""
    kind = rng.choice(["tiling", "clouds", "foliage", "plain"], p=[0.35, 0.35, 0.15, 0.15])
    picture = KINDS[kind][0](rng, size)
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    tint = np.array([1.0, rng.uniform(0.85, 1.0), rng.uniform(0.65, 1.0)]) if rng.random() < 0.7 else np.ones(3)
    share = rng.uniform(0.2, 1.0) if kind != "foliage" else 0.2
    return np.clip((picture * (1 - share) + grey * share) * tint, 0, 255).astype(np.uint8)


def cut_out(picture: Picture, rng: np.random.Generator, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Cut out a part of a background, mirrored and toned at random: many pictures from a few."""
    whole = picture.shape[0]
    side = int(rng.uniform(0.45, 1.0) * whole)
    row, column = rng.integers(0, whole - side + 1, 2)
    part = picture[row : row + side, column : column + side]
    part = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        part = part[:, ::-1]
    toned = part.astype(np.float32) * rng.uniform(0.75, 1.2) * np.exp(rng.normal(0, 0.08, 3)).astype(np.float32)
    return np.clip(toned, 0, 255).astype(np.uint8)


def _colour(rng: np.random.Generator, saturation: tuple[float, float] = (0.0, 0.7)) -> Float[np.ndarray, "3"]:
    hsv = np.array([[[rng.uniform(0, 360), rng.uniform(*saturation), rng.uniform(0.1, 1.0)]]], np.float32)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0] * 255


def _noise(rng: np.random.Generator, size: int, roughness: float) -> Float[np.ndarray, "S S"]:
    """Noise of many sizes, about -1..1; a larger ``roughness`` leaves less of the fine ones."""
    cells, weight = 3, 1.0
    total: np.ndarray = rng.standard_normal((cells, cells), dtype=np.float32)
    while 2 * cells <= size:
        cells, weight = 2 * cells, weight / roughness
        total = cv2.resize(total, (cells, cells), interpolation=cv2.INTER_CUBIC)
        total = total + weight * rng.standard_normal((cells, cells), dtype=np.float32)
    total = cv2.resize(total, (size, size), interpolation=cv2.INTER_LINEAR)
    return total / (2.0 * total.std() + 1e-6)


def _mix(share: Float[np.ndarray, "S S"], first: Float[np.ndarray, "3"], second: Float[np.ndarray, "3"]) -> Picture:
    share = np.clip(share, 0, 1).astype(np.float32)
    each = [
        cv2.convertScaleAbs(share, alpha=float(b - a), beta=float(a))
        if b >= a
        else cv2.convertScaleAbs(1 - share, alpha=float(a - b), beta=float(b))
        for a, b in zip(first, second, strict=True)
    ]
    return cv2.merge(each)


def plain(rng: np.random.Generator, size: int) -> Picture:
    """Draw one colour, hardly uneven."""
    return _mix(0.5 + 0.08 * _noise(rng, size, 1.8), *[_colour(rng, (0, 0.4))] * 2)


def gradient(rng: np.random.Generator, size: int) -> Picture:
    """Draw a run of colour in one direction or around a point."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    way = np.cos(angle) * x + np.sin(angle) * y
    if rng.random() < 0.4:
        way = np.hypot(x - rng.uniform(-0.4, 0.4), y - rng.uniform(-0.4, 0.4)) - 0.4
    return _mix(0.5 + way * rng.uniform(0.5, 1.5) + 0.03 * _noise(rng, size, 1.3), _colour(rng), _colour(rng))


def clouds(rng: np.random.Generator, size: int) -> Picture:
    """Coloured noise of many sizes: walls, smoke, water, earth."""
    roughness = rng.uniform(1.1, 2.2)
    first = _mix(0.5 + rng.uniform(0.2, 0.8) * _noise(rng, size, roughness), _colour(rng), _colour(rng)).astype(float)
    share = np.clip(0.5 + _noise(rng, size, roughness), 0, 1)[..., None] * rng.uniform(0, 1)
    return (first * (1 - share) + _colour(rng) * share).astype(np.uint8)


def tiling(rng: np.random.Generator, size: int) -> Picture:
    """Bricks, tiles, planks, stripes, checks, seen at an angle."""
    wide = 2 * size
    y, x = np.mgrid[0:wide, 0:wide].astype(np.float32)
    cell = rng.uniform(0.03, 0.22) * wide
    ratio = rng.choice([1.0, 1.0, 0.4, 0.12, 5.0])
    row = np.floor(y / (cell * ratio))
    shifted = x / cell + (0.5 * (row % 2) if rng.random() < 0.5 else 0)
    column = np.floor(shifted)
    gap = rng.uniform(0.02, 0.12)
    joint = ((shifted - column) < gap) | ((y / (cell * ratio) - row) < gap / max(ratio, 0.3))
    kind = rng.random()
    if kind < 0.3:
        share = (row + column) % 2
    elif kind < 0.5:
        share = row % 2
    else:
        tone = rng.random((64, 64), dtype=np.float32)
        share = 0.5 + rng.uniform(0.1, 0.8) * (tone[row.astype(int) % 64, column.astype(int) % 64] - 0.5)
    picture = _mix(share + 0.12 * _noise(rng, wide, 1.3), _colour(rng), _colour(rng))
    picture[joint] = _colour(rng, (0, 0.3))
    corners = np.array([[0, 0], [wide, 0], [wide, wide], [0, wide]], np.float32)
    target = corners + rng.uniform(-0.3, 0.3, (4, 2)).astype(np.float32) * wide
    target = (target - wide / 4).astype(np.float32)
    # The middle half of it fills the picture.
    warp = cv2.getPerspectiveTransform(corners, target)
    return cv2.warpPerspective(picture, warp, (size, size), borderMode=cv2.BORDER_REFLECT)


def foliage(rng: np.random.Generator, size: int) -> Picture:
    """Leaves over leaves, lit from above; grass where they are thin."""
    green = np.array([rng.uniform(30, 120), rng.uniform(60, 150), rng.uniform(15, 80)])
    if rng.random() < 0.25:
        green = green[[1, 0, 2]]  # autumn
    picture = _mix(0.5 + 0.6 * _noise(rng, size, 1.3), 0.25 * green, 0.7 * green)
    count = int(rng.uniform(250, 700))
    length = np.exp(rng.normal(np.log(size / 28), 0.5, count)) * rng.uniform(0.5, 1.8)
    thin = rng.choice([0.12, 0.35, 0.6])
    places = rng.uniform(-0.05, 1.05, (count, 2)) * size
    shade = np.clip(np.exp(rng.normal(-0.1, 0.45, count)) * (1.2 - 0.5 * places[:, 1] / size), 0.1, 2.2)
    tint = np.exp(rng.normal(0, 0.12, (count, 3)))
    upright = rng.random() < 0.4
    angles = rng.normal(90, 18, count) if upright else rng.uniform(0, 360, count)
    for place, half, light, hue, angle in zip(places, length, shade, tint, angles, strict=True):
        colour = np.clip(green * light * hue, 0, 255).tolist()
        axes = (max(int(half), 1), max(int(half * thin), 1))
        cv2.ellipse(picture, (int(place[0]), int(place[1])), axes, float(angle), 0, 360, colour, -1, cv2.LINE_AA)
    return picture


def blobs(rng: np.random.Generator, size: int) -> Picture:
    """Shapes of any colour over each other, from large to small: crowds, shelves, clutter."""
    picture = clouds(rng, size)
    count = int(rng.uniform(40, 220))
    sizes = size * np.sort(0.5 * rng.pareto(1.6, count).clip(0, 9)[::-1] / 9 + 0.02)[::-1]
    base = rng.uniform(0, 255, (rng.integers(3, 9), 3))
    for extent in sizes:
        colour = np.clip(base[rng.integers(len(base))] + rng.normal(0, 25, 3), 0, 255).tolist()
        x, y = (rng.uniform(-0.1, 1.1, 2) * size).astype(int).tolist()
        other = extent * rng.uniform(0.25, 1.0)
        kind = rng.random()
        if kind < 0.4:
            cv2.ellipse(picture, (x, y), (int(extent) + 1, int(other) + 1), float(rng.uniform(0, 180)), 0, 360, colour,
                        -1, cv2.LINE_AA)  # fmt: skip
        elif kind < 0.75:
            corners = cv2.boxPoints(((x, y), (2 * extent, 2 * other), float(rng.choice([0, rng.uniform(0, 180)]))))
            cv2.fillConvexPoly(picture, corners.astype(np.int32), colour, cv2.LINE_AA)
        elif kind < 0.88:
            corners = (np.array([x, y]) + rng.normal(0, extent, (5, 2))).astype(np.int32)
            cv2.fillPoly(picture, [corners], colour, cv2.LINE_AA)
        else:
            end = (np.array([x, y]) + rng.normal(0, 4 * extent, 2)).astype(int).tolist()
            cv2.line(picture, (x, y), end, colour, int(rng.integers(1, max(size // 40, 2) + 1)), cv2.LINE_AA)
    return picture


def limbs(rng: np.random.Generator, size: int) -> Picture:
    """Long rounded strokes in skin's and cloth's colours: what is not a person, but has such parts."""
    picture = clouds(rng, size)
    for _ in range(int(rng.integers(8, 40))):
        skin = np.array([rng.uniform(90, 240)] * 3) * [1.0, rng.uniform(0.6, 0.85), rng.uniform(0.45, 0.75)]
        colour = np.clip(skin if rng.random() < 0.5 else _colour(rng), 0, 255).tolist()
        place = rng.uniform(0, size, 2)
        width = int(rng.uniform(0.01, 0.08) * size) + 1
        for _ in range(int(rng.integers(1, 4))):
            end = place + rng.normal(0, 0.14 * size, 2)
            cv2.line(picture, place.astype(int).tolist(), end.astype(int).tolist(), colour, width, cv2.LINE_AA)
            place = end
    return picture


def landscape(rng: np.random.Generator, size: int) -> Picture:
    """Sky over hills, trees, and ground that grows coarser towards the viewer."""
    horizon = int(rng.uniform(0.15, 0.7) * size)
    sky = np.array([rng.uniform(120, 220), rng.uniform(160, 225), rng.uniform(190, 250)]) * rng.uniform(0.5, 1.0)
    share = 0.4 * _noise(rng, size, 1.7) + np.linspace(rng.uniform(-0.2, 0.5), 0.8, size)[:, None]
    picture = _mix(share, sky, np.array([235.0, 235.0, 235.0]) * rng.uniform(0.6, 1.0))
    for layer in range(int(rng.integers(0, 4))):
        edge = horizon - size * rng.uniform(0.0, 0.3) / (layer + 1) * (1 + _profile(rng, size))
        mask = np.arange(size)[:, None] > edge
        picture[mask] = _textured(rng, size, _colour(rng, (0.1, 0.6)) * rng.uniform(0.3, 0.9))[mask]
    picture[horizon:] = _ground(rng, size, horizon)
    return picture


def street(rng: np.random.Generator, size: int) -> Picture:
    """Houses with windows, poles, a road."""
    horizon = int(rng.uniform(0.35, 0.75) * size)
    sky = np.array([rng.uniform(120, 235)] * 3) * [0.9, 0.97, 1.0]
    picture = _mix(np.linspace(0, 1, size)[:, None] + 0 * _noise(rng, size, 1.5), sky, np.array([230.0, 230, 228]))
    at = -rng.integers(0, size // 4)
    while at < size:
        width, top = int(rng.uniform(0.12, 0.5) * size), int(horizon - rng.uniform(0.15, 0.95) * size)
        wall = _colour(rng, (0, 0.45))
        shown = slice(max(at, 0), min(at + width, size))
        rows = slice(max(top, 0), horizon)
        picture[rows, shown] = _textured(rng, size, wall)[rows, shown]
        glass = _colour(rng, (0, 0.3)) * rng.uniform(0.2, 0.9)
        across, up = max(int(width / rng.integers(2, 7)), 3), max(int(rng.uniform(0.05, 0.16) * size), 4)
        for x in range(at, at + width, across):
            for y in range(top, horizon - up // 2, up):
                tone = np.clip(glass * rng.uniform(0.6, 1.5), 0, 255).tolist()
                cv2.rectangle(picture, (x + across // 5, y + up // 5), (x + 4 * across // 5, y + 4 * up // 5), tone, -1)
        at += width + (int(rng.uniform(0, 0.1) * size) if rng.random() < 0.4 else 0)
    picture[horizon:] = _ground(rng, size, horizon)
    for _ in range(int(rng.integers(0, 7))):  # cars, poles, signs, people far away
        x, y = int(rng.uniform(0, size)), horizon + int(rng.uniform(-0.02, 0.12) * size)
        height = int(rng.uniform(0.05, 0.5) * size)
        width = max(int(height * rng.choice([0.05, 0.3, 1.8])), 1)
        colour = _colour(rng).tolist()
        cv2.rectangle(
            picture, (x, y - min(height, int(0.2 * size)) if width > 10 else y - height), (x + width, y), colour, -1
        )
    return picture


def interior(rng: np.random.Generator, size: int) -> Picture:
    """Walls, a floor, and things before them."""
    horizon = int(rng.uniform(0.4, 0.85) * size)
    picture = _textured(rng, size, _colour(rng, (0, 0.35)) * 0.5 + 110)
    corner = int(rng.uniform(-0.5, 1.5) * size)
    picture[:, max(corner, 0) :] = np.clip(picture[:, max(corner, 0) :] * rng.uniform(0.7, 1.15), 0, 255).astype(
        np.uint8
    )
    picture[horizon:] = _ground(rng, size, horizon)
    for _ in range(int(rng.integers(2, 12))):
        width, height = (rng.uniform(0.06, 0.45, 2) * size).astype(int) + 1
        x = int(rng.uniform(-0.1, 1.0) * size)
        y = (
            int(rng.uniform(0, 0.8) * horizon)
            if rng.random() < 0.5
            else horizon + int(rng.uniform(-0.02, 0.2) * size) - height
        )
        colour = _colour(rng, (0, 0.6))
        cv2.rectangle(picture, (x, y), (x + int(width), y + int(height)), colour.tolist(), -1)
        for _ in range(int(rng.integers(0, 4))):
            inner = rng.uniform(0.05, 0.95, 4) * [width, height, width, height] + [x, y, x, y]
            (x0, x1), (y0, y1) = sorted(inner[::2].astype(int)), sorted(inner[1::2].astype(int))
            cv2.rectangle(picture, (x0, y0), (x1, y1), np.clip(colour * rng.uniform(0.4, 1.5), 0, 255).tolist(),
                          -1 if rng.random() < 0.7 else 1)  # fmt: skip
    return picture


def _profile(rng: np.random.Generator, size: int) -> Float[np.ndarray, "S"]:
    knots = rng.standard_normal((1, int(rng.integers(3, 40))), dtype=np.float32)
    return 0.5 * cv2.resize(knots, (size, 1), interpolation=cv2.INTER_CUBIC)[0]


def _textured(rng: np.random.Generator, size: int, colour: Float[np.ndarray, "3"]) -> Picture:
    share = rng.uniform(0.05, 0.6)
    return _mix(0.5 + share * _noise(rng, size, rng.uniform(1.0, 1.8)), colour * 0.75, np.minimum(colour * 1.25, 255))


def _ground(rng: np.random.Generator, size: int, horizon: int) -> UInt8[np.ndarray, "R S 3"]:
    """Draw a level ground from the horizon down, its texture in perspective."""
    rows = np.arange(size - horizon, dtype=np.float32)[:, None] + 1.5
    depth = size * rng.uniform(0.5, 2.0) / rows
    across = (np.arange(size, dtype=np.float32)[None] - 0.5 * size) / size * depth
    texture = _textured(rng, 512, _colour(rng, (0, 0.5)))
    if rng.random() < 0.4:
        cells = int(rng.integers(4, 24))
        lines = (np.arange(512) * cells % 512) < 512 * rng.uniform(0.05, 0.5)
        texture[lines] = np.clip(texture[lines] * rng.uniform(0.6, 1.3), 0, 255).astype(np.uint8)
        if rng.random() < 0.6:
            texture[:, lines] = np.clip(texture[:, lines] * rng.uniform(0.6, 1.3), 0, 255).astype(np.uint8)
    u = (across * 160 + 7e3) % 512
    v = np.broadcast_to((depth * 160) % 512, u.shape)
    fine = cv2.remap(texture, u.astype(np.float32), np.ascontiguousarray(v, np.float32), cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_WRAP)  # fmt: skip
    far = np.clip(1.5 / rows * size / 40, 0, 1)[..., None]  # too fine to be seen
    return (fine * (1 - far) + texture.mean((0, 1)) * far).astype(np.uint8)


# Procedure and its share.
KINDS: dict[str, tuple[Callable[[np.random.Generator, int], Picture], float]] = {
    "plain": (plain, 0.05),
    "gradient": (gradient, 0.07),
    "clouds": (clouds, 0.1),
    "tiling": (tiling, 0.12),
    "foliage": (foliage, 0.13),
    "blobs": (blobs, 0.13),
    "limbs": (limbs, 0.05),
    "landscape": (landscape, 0.13),
    "street": (street, 0.1),
    "interior": (interior, 0.12),
}
