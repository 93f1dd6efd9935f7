"""What stands around people of synth_wild: furniture, cars, trees, fences, poles, balls."""

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.render.materials import Material, palette_colour, shade
from c2fpose.data.synth36.render.mesh import Mesh
from c2fpose.data.synth36.scene.furniture import SEATS, Workshop, cabinet, column, lamp, plant, table

# Kinds, and how often each stands there beside the others.
KINDS = {
    "table": 1.2, "cabinet": 0.8, "plant": 0.8, "lamp": 0.4, "crate": 0.8, "chair": 1.0, "stool": 0.5, "sofa": 0.5,
    "column": 0.4, "car": 0.7, "tree": 0.8, "fence": 0.6, "pole": 0.6, "ball": 0.4, "bench": 0.6,
}  # fmt: skip


def thing(rng: np.random.Generator, test: bool, place_mm: Float[np.ndarray, "2"]) -> tuple[Mesh, float]:
    """Something on the floor at a place, turned at random; and how far it reaches from there, mm."""
    kind, shop = str(rng.choice(list(KINDS), p=np.array(list(KINDS.values())) / sum(KINDS.values()))), Workshop()
    first, second = _paint(rng, test), _paint(rng, test)
    leaf = tuple(np.clip(np.array([0.16, 0.30, 0.12]) * rng.uniform(0.5, 1.7) * np.exp(rng.normal(0, 0.15, 3)), 0, 1))
    green = Material("plain", leaf, specular=0.05, gloss=12.0)
    if kind == "table":
        size = rng.uniform((600, 450, 400), (1700, 900, 800))
        table(shop, size, first, second)
    elif kind == "cabinet":
        size = rng.uniform((500, 300, 500), (1400, 500, 2000))
        cabinet(shop, size, first, second)
    elif kind == "plant":
        size = np.array([700.0, 700.0, rng.uniform(500, 1600)])
        plant(shop, size, first, green, rng)
    elif kind == "lamp":
        size = np.array([420.0, 420.0, rng.uniform(1200, 1800)])
        lamp(shop, size[2], first, second)
    elif kind in SEATS:
        size = np.array([1700.0, 900.0, 900.0]) if kind == "sofa" else np.array([450.0, 450.0, 900.0])
        SEATS[kind](shop, rng.uniform(380, 520), first, second, rng)
    elif kind == "column":
        size = np.array([*rng.uniform(150, 500, 2), rng.uniform(2500, 4000)])
        column(shop, size, first)
    elif kind == "pole":
        size = np.array([80.0, 80.0, rng.uniform(1800, 5000)])
        shop.cylinder((0, 0, 0), rng.uniform(20, 80), size[2], first)
    elif kind == "ball":
        size = np.full(3, rng.uniform(150, 700))
        shop.cushion((0, 0, 0.5 * size[2]), size, first, 0.5)
    else:
        size = {"car": _car, "tree": _tree, "fence": _fence, "bench": _bench, "crate": _crate}[kind](
            rng, shop, first, second, green
        )
    return shop.placed((*place_mm, 0.0), rng.uniform(0, 2 * np.pi)), 0.5 * float(np.hypot(size[0], size[1]))


def _paint(rng: np.random.Generator, test: bool) -> Material:
    kind = str(rng.choice(["plain", "cloth", "wood"], p=[0.5, 0.25, 0.25]))
    colour = palette_colour(rng, test, (0.0, 0.7), (0.1, 0.95))
    if kind == "wood":
        colour = tuple(np.clip(np.array([0.6, 0.43, 0.28]) * rng.uniform(0.3, 1.3), 0, 1))
    pattern = str(rng.choice(["plain", "checks", "melange"], p=[0.8, 0.1, 0.1]))
    return Material(kind, colour, shade(colour, 0.75), pattern=pattern, scale_mm=50.0,
                    specular=float(rng.uniform(0.0, 0.12)), gloss=20.0)  # fmt: skip


def _crate(rng, shop, first, second, green) -> Float[np.ndarray, "3"]:
    size = rng.uniform((250, 250, 150), (1000, 900, 1300))
    shop.box((0, 0, 0.5 * size[2]), size, first)
    return size


def _car(rng, shop, first, second, green) -> Float[np.ndarray, "3"]:
    length, width, height = rng.uniform((3700, 1650, 1350), (4800, 1900, 1800))
    dark = Material("plain", (0.05, 0.05, 0.06), specular=0.2, gloss=40.0)
    shop.cushion((0, 0, 0.38 * height), (length, width, 0.5 * height), first, 0.3)
    shop.cushion((-0.05 * length, 0, 0.72 * height), (0.55 * length, 0.88 * width, 0.56 * height), dark, 0.35)
    shop.cushion((-0.05 * length, 0, 0.95 * height), (0.42 * length, 0.8 * width, 0.1 * height), first, 0.4)
    for x in (-0.3, 0.3):
        for y in (-0.46, 0.46):
            shop.cushion((x * length, y * width, 320), (640, 200, 640), dark, 0.45)
    return np.array([length, width, height])


def _tree(rng, shop, first, second, green) -> Float[np.ndarray, "3"]:
    height, thick = rng.uniform(2000, 5000), rng.uniform(80, 260)
    bark = Material("wood", tuple(np.array([0.35, 0.27, 0.2]) * rng.uniform(0.5, 1.4)), (0.2, 0.15, 0.1), scale_mm=60.0)
    shop.cylinder((0, 0, 0), thick, height, bark, 0.7 * thick)
    for _ in range(int(rng.integers(4, 9))):
        size = rng.uniform(500, 1700, 3)
        shop.cushion((*rng.normal(0, 600, 2), height * rng.uniform(0.7, 1.3)), size, green, 0.48)
    return np.array([2 * thick, 2 * thick, height])


def _fence(rng, shop, first, second, green) -> Float[np.ndarray, "3"]:
    length, height = rng.uniform(1500, 5000), rng.uniform(500, 1400)
    step, thick = rng.uniform(100, 500), rng.uniform(20, 80)
    for x in np.arange(-0.5 * length, 0.5 * length, step):
        shop.box((x, 0, 0.5 * height), (thick, thick, height), first)
    for z in (0.35, 0.95):
        shop.box((0, 0, z * height), (length, thick, thick), first)
    return np.array([length, 2 * thick, height])


def _bench(rng, shop, first, second, green) -> Float[np.ndarray, "3"]:
    length, height = rng.uniform(1000, 2200), rng.uniform(380, 500)
    shop.box((0, 0, height - 20), (length, 420, 40), first)
    for x in (-0.4, 0.4):
        shop.box((x * length, 0, 0.5 * (height - 40)), (60, 380, height - 40), second)
    if rng.random() < 0.6:
        shop.box((0, -200, height + 260), (length, 30, 320), first)
    return np.array([length, 420.0, height])
