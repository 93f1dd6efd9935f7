"""The scene around the person: a room, what stands in it, light, and the camera's white balance.

All of it is drawn from (seed, subject, action, trial). Colours come from the palettes of ``outfit``, so that rooms of
test subjects are new as well.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.render.materials import Material, palette_colour, shade
from c2fpose.data.synth36.render.mesh import Mesh, joined
from c2fpose.data.synth36.render.render import Surroundings
from c2fpose.data.synth36.render.room import Room, decal_row, face_row, room_of
from c2fpose.data.synth36.scene.furniture import (
    SEAT_SIZE_MM,
    SEATS,
    Furniture,
    Workshop,
    cabinet,
    column,
    lamp,
    normals_of,
    plant,
    table,
)
from c2fpose.pose.protocol import TEST_SUBJECTS

__all__ = ["SEAT_SIZE_MM", "Furniture", "Scene", "SeatRequest", "sequence_scene"]

_STREAM = 104
# Where cameras stand, about (m): nothing is put near them.
CAMERA_SPOTS_MM = np.array([[sx * 1900.0, sy * 4500.0] for sx in (-1, 1) for sy in (-1, 1)])


@dataclass(frozen=True)
class SeatRequest:
    """What a motion needs to sit on. The seat surface is horizontal, ``seat_height_mm`` above the floor.

    ``kind``: "chair", "stool", "sofa" or "box". ``position_mm`` (x, y): centre of the seat surface. ``yaw``: radians
    about z; 0 means that a person sitting there faces +y and the backrest (if any) is at the -y edge.
    """

    kind: str
    seat_height_mm: float
    position_mm: tuple[float, float]
    yaw: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene(Surroundings):
    """Everything in front of the cameras but the person."""

    furniture: tuple[Furniture, ...]


def sequence_scene(
    seed: int,
    subject: int,
    action: int,
    trial: int,
    seat: SeatRequest | None = None,
    keep_out_mm: Float[np.ndarray, "2 2"] | None = None,
) -> Scene:
    """Draw the scene of one sequence. ``keep_out_mm``: low and high corner (x, y) of the floor the person moves over;
    only the requested seat stands there."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM, subject, action, trial]))
    test = subject in TEST_SUBJECTS
    keep_out_mm = (
        np.array([[-900.0, -900.0], [900.0, 900.0]]) if keep_out_mm is None else np.asarray(keep_out_mm)[:, :2]
    )
    room = _room(rng, test, keep_out_mm)
    light = _light(rng)
    meshes, pieces = [], []
    if seat is not None:
        shop = Workshop()
        SEATS[seat.kind](shop, seat.seat_height_mm, _frame(rng, test), _upholstery(rng, test), rng)
        meshes.append(shop.placed(seat.position_mm, seat.yaw))
        width, depth = SEAT_SIZE_MM[seat.kind]
        size = np.array([width, depth, seat.seat_height_mm])
        pieces.append(Furniture(seat.kind, np.array([*seat.position_mm, size[2] / 2]), size, seat.yaw))
    for _ in range(int(rng.integers(3, 9))):
        placed = _piece(rng, test, room, keep_out_mm, pieces)
        if placed is not None:
            meshes.append(placed[0])
            pieces.append(placed[1])
    if not meshes:
        shop = Workshop()
        shop.box((0, 0, 1), (10, 10, 2), _frame(rng, test))
        meshes.append(shop.placed(room.box_mm[0, :2] + 20, 0.0))
    mesh = meshes[0]
    for other in meshes[1:]:
        mesh = joined(mesh, other)
    warmth = rng.normal(0, 0.05)
    balance = np.array([1 + warmth, 1 + rng.normal(0, 0.015), 1 - warmth]) * rng.uniform(0.82, 1.12)
    return Scene(
        room=room, mesh=mesh, normals=normals_of(mesh), light=light, white_balance=balance,
        blur=float(rng.uniform(0.03, 0.16)), grain=float(rng.uniform(1.0, 3.6)), furniture=tuple(pieces),
    )  # fmt: skip


def _light(rng: np.random.Generator) -> Float[np.ndarray, "8 3"]:
    """Rows as ``shading`` reads them: a window or lamp as the key, a weak fill, ambient from above and below."""
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.75, 2.2)
    key = np.array([np.cos(azimuth), np.sin(azimuth), height])
    away = azimuth + np.pi + rng.uniform(-0.9, 0.9)
    fill = np.array([np.cos(away), np.sin(away), 0.4])
    warm = np.array([1.0, 0.93, 0.83]) ** rng.uniform(-0.6, 1.4)
    strength = rng.uniform(0.35, 0.85)
    ambient = rng.uniform(0.42, 0.62)
    light = np.zeros((8, 3))
    light[0], light[1] = key / np.linalg.norm(key), strength * warm
    light[2], light[3] = fill / np.linalg.norm(fill), rng.uniform(0.05, 0.2) * warm[::-1]
    light[4], light[5] = ambient * warm ** rng.uniform(-0.5, 0.5), 0.55 * ambient * np.array([1.0, 0.96, 0.9])
    return light


def _room(rng: np.random.Generator, test: bool, keep_out_mm: Float[np.ndarray, "2 2"]) -> Room:
    half = np.array([rng.uniform(3000, 4800), rng.uniform(6000, 7500)])
    half = np.maximum(half, np.abs(keep_out_mm).max(0) + 700.0)
    height = rng.uniform(2500, 3500)
    box = np.array([[-half[0], -half[1], 0.0], [half[0], half[1], height]])

    def wall_colour() -> tuple:
        pale = rng.random() < 0.75
        return palette_colour(rng, test, (0.01, 0.10) if pale else (0.12, 0.42), (0.70, 0.95) if pale else (0.35, 0.75))

    wall, accent = wall_colour(), wall_colour()
    style = str(rng.choice(["plain", "brick", "panels", "paper", "concrete"], p=[0.5, 0.12, 0.13, 0.13, 0.12]))
    floor_style = str(rng.choice(["planks", "tiles", "carpet", "concrete", "plain"], p=[0.36, 0.2, 0.22, 0.12, 0.1]))
    brown = palette_colour(rng, test, (0.02, 0.1), (0.45, 0.8)) if rng.random() < 0.3 else _wood_colour(rng, test)
    floor = brown if floor_style == "planks" else palette_colour(rng, test, (0.02, 0.24), (0.25, 0.75))
    scale = {"planks": rng.uniform(80, 180), "tiles": rng.uniform(250, 600)}.get(floor_style, 100.0)
    skirting, skirt_colour = float(rng.choice([0.0, 70.0, 120.0])), palette_colour(rng, test, (0.0, 0.2), (0.2, 0.95))
    wall_scale = {"brick": rng.uniform(65, 90), "panels": rng.uniform(90, 220), "paper": rng.uniform(60, 300)}

    def wall_row(colour: tuple, kind: str) -> Float[np.ndarray, "12"]:
        second = tuple(np.clip(np.array(colour) * rng.uniform(0.72, 0.95), 0, 1))
        if kind == "brick":
            second = (0.7, 0.68, 0.65)
        return face_row(kind, colour, second, wall_scale.get(kind, 100.0), skirting, skirt_colour)

    faces = [
        face_row(floor_style, floor, tuple(0.68 * c for c in floor), scale),
        face_row("plain", (0.9, 0.9, 0.88), (0.8,) * 3, 100.0),
    ]
    accented = int(rng.integers(0, 6))
    for k in range(4):
        faces.append(
            wall_row(accent, style) if k == accented else wall_row(wall, style if rng.random() < 0.4 else "plain")
        )
    return room_of(box, np.stack(faces), _decals(rng, test, box))


def _decals(rng: np.random.Generator, test: bool, box: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "D 17"]:
    rows = []
    for face, axis in (("left", 1), ("right", 1), ("back", 0), ("front", 0)):
        low, high = box[0, axis], box[1, axis]
        place = low + rng.uniform(200, 900)
        while place < high - 700:
            kind = str(rng.choice(["window", "picture", "door", "shelf", "curtain", "board", "none"],
                                  p=[0.16, 0.26, 0.1, 0.12, 0.08, 0.08, 0.2]))  # fmt: skip
            width, bottom, top = {
                "window": (rng.uniform(900, 1700), 850.0, 2200.0),
                "picture": (rng.uniform(350, 1000), rng.uniform(1000, 1400), rng.uniform(1600, 2200)),
                "door": (900.0, 0.0, 2080.0), "shelf": (rng.uniform(700, 1500), 0.0, 330.0 * rng.integers(3, 7)),
                "curtain": (rng.uniform(800, 2200), 30.0, 2350.0), "board": (rng.uniform(900, 1800), 950.0, 1950.0),
                "none": (rng.uniform(400, 1200), 0.0, 0.0),
            }[kind]  # fmt: skip
            if place + width > high - 100:
                break
            if kind != "none":
                rows.append(_decal(rng, test, face, kind, (place, bottom), (place + width, top)))
            place += width + rng.uniform(150, 900)
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(0.6 * box[0, :2], 0.6 * box[1, :2])
        rows.append(decal_row("ceiling", "lamp", (x - 300, y - 300), (x + 300, y + 300), (0.98, 0.97, 0.93),
                              (0.9, 0.9, 0.9), (0.9, 0.9, 0.9), 0.0))  # fmt: skip
    return np.stack(rows)


def _decal(rng, test, face, kind, low, high) -> Float[np.ndarray, "17"]:
    if kind == "window":
        sky = np.clip(np.array([0.78, 0.86, 0.95]) * rng.uniform(0.75, 1.05), 0, 1)
        colours = (
            (0.88, 0.87, 0.85),
            tuple(sky),
            tuple(np.clip(np.array([0.45, 0.55, 0.40]) * rng.uniform(0.7, 1.4), 0, 1)),
        )
    elif kind == "door":
        wood = _wood_colour(rng, test) if rng.random() < 0.6 else (0.85, 0.84, 0.82)
        colours = (wood, tuple(0.75 * c for c in wood), (0.6, 0.58, 0.5))
    elif kind == "board":
        colours = ((0.5, 0.5, 0.5), (0.92, 0.93, 0.93), palette_colour(rng, test, (0.4, 0.8), (0.3, 0.8)))
    else:
        frame = _wood_colour(rng, test) if kind == "shelf" else palette_colour(rng, test, (0.1, 0.6), (0.15, 0.9))
        colours = (
            frame,
            palette_colour(rng, test, (0.2, 0.7), (0.3, 0.9)),
            palette_colour(rng, test, (0.2, 0.8), (0.2, 0.8)),
        )
    return decal_row(face, kind, low, high, *colours, float(rng.uniform(0, 30)))


def _wood_colour(rng: np.random.Generator, test: bool) -> tuple:
    """Browns; test rooms have the redder and the darker ones."""
    base = np.array([0.50, 0.30, 0.20]) if test else np.array([0.62, 0.46, 0.30])
    return tuple(np.clip(base * rng.uniform(0.5, 1.25) + rng.normal(0, 0.015, 3), 0, 1))


def _frame(rng: np.random.Generator, test: bool) -> Material:
    if rng.random() < 0.55:
        colour = _wood_colour(rng, test)
        return Material("wood", colour, shade(colour, 0.8), scale_mm=40.0, specular=0.05, gloss=20.0,
                        noise_offset=tuple(rng.uniform(0, 30, 3)))  # fmt: skip
    colour = palette_colour(rng, test, (0.0, 0.25), (0.1, 0.85))
    return Material("plain", colour, specular=0.16, gloss=30.0)


def _upholstery(rng: np.random.Generator, test: bool) -> Material:
    colour = palette_colour(rng, test, (0.1, 0.65), (0.2, 0.8))
    pattern = str(rng.choice(["plain", "melange", "checks", "columns"], p=[0.55, 0.25, 0.1, 0.1]))
    return Material("cloth", colour, shade(colour, 0.75), shade(colour, 0.5), pattern,
                    scale_mm=5.0 if pattern == "melange" else 70.0, specular=0.01, bump=0.15,
                    bump_wave_mm=(90.0, 90.0, 90.0), noise_offset=tuple(rng.uniform(0, 30, 3)),
                    extra=(0.4,))  # fmt: skip


def _piece(rng, test, room: Room, keep_out_mm, others) -> tuple[Mesh, Furniture] | None:
    """One more piece of furniture where there is room for it; tall ones stand along the walls."""
    kind = str(rng.choice(["table", "cabinet", "plant", "lamp", "crate", "chair", "sofa", "column"],
                          p=[0.2, 0.17, 0.14, 0.1, 0.12, 0.12, 0.1, 0.05]))  # fmt: skip
    size = {
        "table": np.array([rng.uniform(700, 1500), rng.uniform(500, 800), rng.choice([430.0, 740.0])]),
        "cabinet": np.array([rng.uniform(600, 1400), rng.uniform(350, 500), rng.uniform(700, 1900)]),
        "plant": np.array([700.0, 700.0, rng.uniform(600, 1500)]),
        "lamp": np.array([420.0, 420.0, rng.uniform(1300, 1700)]),
        "crate": np.array([rng.uniform(300, 600), rng.uniform(300, 600), rng.uniform(250, 700)]),
        "chair": np.array([440.0, 440.0, 880.0]), "sofa": np.array([1740.0, 900.0, 850.0]),
        "column": np.array([rng.uniform(200, 400), rng.uniform(200, 400), room.box_mm[1, 2]]),
    }[kind]  # fmt: skip
    yaw = float(rng.choice([0, 0.5, 1, 1.5]) * np.pi + (rng.normal(0, 0.2) if rng.random() < 0.5 else 0))
    reach = 0.5 * np.array([abs(np.cos(yaw)) * size[0] + abs(np.sin(yaw)) * size[1],
                            abs(np.sin(yaw)) * size[0] + abs(np.cos(yaw)) * size[1]])  # fmt: skip
    for _ in range(12):
        place = rng.uniform(room.box_mm[0, :2] + reach + 20, room.box_mm[1, :2] - reach - 20)
        if size[2] > 950:  # to the nearest wall
            axis = int(np.argmin(np.minimum(place - room.box_mm[0, :2], room.box_mm[1, :2] - place)))
            side = int(place[axis] > 0)
            place[axis] = room.box_mm[side, axis] + (1 - 2 * side) * (reach[axis] + 25)
        gap = np.maximum(keep_out_mm[0] - place - reach, place - reach - keep_out_mm[1]).max()
        free = all(np.abs(place - o.center_mm[:2]).max() > 0.5 * o.size_mm[:2].max() + reach.max() for o in others)
        if gap > 150 and free and np.linalg.norm(CAMERA_SPOTS_MM - place, axis=1).min() > 900 + reach.max():
            shop, frame, cover = Workshop(), _frame(rng, test), _upholstery(rng, test)
            if kind == "table":
                table(shop, size, frame, frame)
            elif kind == "cabinet":
                cabinet(shop, size, frame, _frame(rng, test))
            elif kind == "plant":
                leaf = tuple(np.clip(np.array([0.16, 0.30, 0.12]) * rng.uniform(0.7, 1.6), 0, 1))
                plant(shop, size, cover, Material("plain", leaf, specular=0.06, gloss=12.0), rng)
            elif kind == "lamp":
                lamp(shop, size[2], frame, replace_colour(cover, (0.85, 0.8, 0.68)))
            elif kind == "column":
                column(shop, size, Material("plain", palette_colour(rng, test, (0.0, 0.2), (0.5, 0.95))))
            elif kind == "crate":
                shop.box((0, 0, size[2] / 2), size, frame if rng.random() < 0.5 else cover)
            else:
                SEATS[kind](shop, 440.0, frame, cover, rng)
            center = np.array([*place, size[2] / 2])
            return shop.placed(place, yaw), Furniture(kind, center, size, yaw)
    return None


def replace_colour(material: Material, colour: tuple) -> Material:
    return replace(material, colour=colour, second=tuple(0.9 * c for c in colour))
