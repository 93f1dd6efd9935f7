"""What people hold: phones, cups, bags, and a dog on a leash, as meshes in the rest pose.

Parts follow the body in one of three ways: held fast in the hand, hanging from the hand (upright, turned with the
person), or standing on the floor beside the person.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from c2fpose.data.synth36.person.body import BONES, BodyShape, load_pack
from c2fpose.data.synth36.render.materials import Material, palette_colour
from c2fpose.data.synth36.render.mesh import Mesh
from c2fpose.data.synth36.scene.furniture import Workshop

HELD, HANGING, STANDING = range(3)
PROPS = ("phone", "cup", "food", "camera", "bag", "cigarette", "leash")
DOG_PLACE_MM = np.array([-330.0, 620.0])  # right of the person's front, when the leash is in the right hand: mirrored


@dataclass(frozen=True)
class Prop:
    """A mesh at rest and how each vertex follows (``HELD``, ``HANGING``, ``STANDING``)."""

    mesh: Mesh
    follows: Int[np.ndarray, "N"]
    hand_vertex: int  # the pack vertex whose skinning the hand's things share
    grip_mm: Float[np.ndarray, "3"]  # where the hand closes, at rest


@dataclass(frozen=True)
class Grip:
    """The hollow of a hand at rest: its place, and axes towards the fingers, out of the palm, and across."""

    place_mm: Float[np.ndarray, "3"]
    fingers: Float[np.ndarray, "3"]
    palm: Float[np.ndarray, "3"]
    across: Float[np.ndarray, "3"]
    vertex: int


def grip_of(shape: BodyShape, side: str) -> Grip:
    """Find the hollow of the ``left`` or ``right`` hand of a body at rest."""
    pack = load_pack()
    wrist, knuckle = shape.landmarks_mm[f"{side}_hand"], shape.landmarks_mm[f"{side}_fingers"]
    fingers = (knuckle - wrist) / np.linalg.norm(knuckle - wrist)
    # Fingers close towards the palm: the direction in which their tips move.
    curl = pack.finger_curl_mm[1] * ((pack.mean_mm[:, :1] < 0) == (side == "left"))
    palm = curl[np.linalg.norm(curl, axis=1) > 40].sum(0)
    palm -= fingers * (palm @ fingers)
    palm /= np.linalg.norm(palm)
    bone = BONES.index(f"{side}_hand")
    fast = np.flatnonzero((pack.skin_frames[:, 0] == bone) & (pack.skin_weights[:, 0] > 0.999))
    return Grip(knuckle + 28.0 * palm - 8.0 * fingers, fingers, palm, np.cross(fingers, palm), int(fast[0]))


def make_prop(name: str, side: str, shape: BodyShape, rng: np.random.Generator, test: bool) -> Prop:
    """Make one of ``PROPS`` for a hand; raises ``KeyError`` for another name."""
    grip = grip_of(shape, side)
    shop, follows = {"bag": _bag, "leash": _dog}.get(name, _in_hand)(name, grip, shape, rng, test)
    axes = np.stack([grip.across, grip.fingers, grip.palm], axis=1)
    mesh = shop.placed((0.0, 0.0, 0.0), 0.0)
    vertices = mesh.vertices_mm
    placed = np.where((follows == HELD)[:, None], grip.place_mm + vertices @ axes.T, vertices)
    if name == "leash" and side == "left":
        placed[follows == STANDING, 0] *= -1
    return Prop(
        Mesh(placed, mesh.triangles, mesh.material, mesh.channels, mesh.materials), follows, grip.vertex, grip.place_mm
    )


def _in_hand(
    name: str, grip: Grip, shape: BodyShape, rng: np.random.Generator, test: bool
) -> tuple[Workshop, Int[np.ndarray, "N"]]:
    """Small things in the grip's axes: x across the palm, y along the fingers, z out of the palm."""
    shop = Workshop()
    dark = Material("plain", tuple(rng.uniform(0.03, 0.12) * np.ones(3)), specular=0.2, gloss=40.0)
    colour = Material("plain", palette_colour(rng, test, (0.2, 0.8), (0.3, 0.9)), specular=0.1, gloss=25.0)
    if name == "phone":
        shop.box((0, 22, -6), (72, 146, 10), dark)
    elif name == "cup":
        shop.cylinder((-40, 0, 14), 36, 90, colour, 40)
        _lay_along_x(shop)
    elif name == "food":
        crust = Material("plain", (0.62, 0.42, 0.22), specular=0.03)
        shop.cushion((0, 30, 12), (70, 95, 46), crust if rng.random() < 0.6 else colour, 0.48)
    elif name == "camera":
        shop.cushion((0, 40, 20), (130, 82, 55), dark, 0.2)
        shop.cylinder((20, 40, 45), 32, 55, dark, 30)
    else:
        assert name == "cigarette", name
        shop.cylinder((0, 66, -18), 4.5, 70, Material("plain", (0.93, 0.92, 0.9)))
        shop.cylinder((0, 66, -40), 4.6, 22, Material("plain", (0.72, 0.5, 0.28)))
    return shop, np.full(shop.count, HELD)


def _lay_along_x(shop: Workshop) -> None:
    """Turn what was built upright so that its axis runs across the palm (upright when the thumb is up)."""
    last = shop.vertices_mm[-1]
    shop.vertices_mm[-1] = np.stack([last[:, 2] - 50.0, last[:, 1], last[:, 0] + 60.0], -1)


def _bag(
    name: str, grip: Grip, shape: BodyShape, rng: np.random.Generator, test: bool
) -> tuple[Workshop, Int[np.ndarray, "N"]]:
    first, second = (
        palette_colour(rng, test, (0.05, 0.7), (0.3, 0.95)),
        palette_colour(rng, test, (0.3, 0.8), (0.3, 0.8)),
    )
    cloth = Material("cloth", first, second,
                     pattern=str(rng.choice(["plain", "dots", "checks"])), scale_mm=90.0, extra=(0.25,), bump=0.4,
                     bump_wave_mm=(80.0, 80.0, 60.0))  # fmt: skip
    shop = Workshop()
    width, height, deep = rng.uniform(230, 340), rng.uniform(230, 340), rng.uniform(70, 120)
    x, y, z = grip.place_mm
    shop.cushion((x, y, z - 150 - height / 2), (deep, width, height), cloth, 0.18)
    for dy in (-1, 1):
        shop.box((x, y + dy * 20, z - 75), (10, 9, 160), cloth)
    return shop, np.full(shop.count, HANGING)


def _dog(
    name: str, grip: Grip, shape: BodyShape, rng: np.random.Generator, test: bool
) -> tuple[Workshop, Int[np.ndarray, "N"]]:
    """Build a dog that faces +y, and a leash from the hand to its collar."""
    shop, size = Workshop(), rng.uniform(0.7, 1.2)
    coat = np.array([(0.12, 0.10, 0.09), (0.45, 0.30, 0.17), (0.75, 0.66, 0.52), (0.85, 0.84, 0.82)][rng.integers(4)])
    fur = Material(
        "hair",
        tuple(0.8 * coat),
        tuple(np.clip(1.15 * coat, 0, 1)),
        specular=0.01,
        bump=0.2,
        bump_wave_mm=(12.0, 12.0, 12.0),
    )
    dark = Material("plain", (0.05, 0.04, 0.04), specular=0.2, gloss=30.0)
    x, y = -DOG_PLACE_MM[0], DOG_PLACE_MM[1]

    def part(center, extent, material=fur, roundness=0.48):
        place = np.array([x, y, 0]) + size * np.asarray(center, float)
        shop.cushion(place, size * np.asarray(extent, float), material, roundness)

    part((0, 0, 400), (190, 560, 220))
    part((0, 150, 390), (210, 240, 250))
    part((0, 290, 520), (130, 190, 240), roundness=0.45)
    part((0, 380, 610), (150, 190, 150))
    part((0, 490, 585), (80, 150, 80))
    part((0, 565, 600), (36, 26, 28), dark)
    for sx in (-1, 1):
        part((sx * 70, 340, 680), (30, 60, 110))
        part((sx * 45, 455, 640), (18, 16, 18), dark)
        for sy, ahead in ((-1, rng.uniform(-60, 60)), (1, rng.uniform(-60, 60))):
            part((sx * 65, sy * 190 + 0.5 * ahead, 270), (80, 110, 260))
            part((sx * 65, sy * 190 + ahead, 100), (56, 62, 200))
            part((sx * 65, sy * 190 + ahead + 15, 22), (66, 96, 44))
    part((0, -310, 510), (46, 90, 260))
    follows = np.full(shop.count, STANDING)
    collar = np.array([x, y, 0]) + size * np.array([0, 290, 560])
    half = np.array([[4, 0, 0], [0, 4, 0], [-4, 0, 0], [0, -4, 0]], float)
    start, end = grip.place_mm + half, collar + half
    k = np.arange(4)
    walls = np.concatenate([np.stack([k, (k + 1) % 4, (k + 1) % 4 + 4], -1), np.stack([k, (k + 1) % 4 + 4, k + 4], -1)])
    shop.add(np.concatenate([start, end]), walls, dark)
    return shop, np.concatenate([follows, [HANGING] * 4, [STANDING] * 4])
