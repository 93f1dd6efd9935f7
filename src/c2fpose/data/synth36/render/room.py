"""The room's shell: floor, ceiling and four walls with windows, doors, pictures and shelves, traced by rays."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from c2fpose.data.synth36.render.compiled import compiled
from c2fpose.data.synth36.render.materials import linear
from c2fpose.data.synth36.render.shading import GROUND, KEY, KEY_DIRECTION, SKY, band, noise, noise_value, smoothstep

FACES = ("floor", "ceiling", "left", "right", "back", "front")  # left: low x, right: high x, back: low y, front: high y
STYLES = ("plain", "planks", "tiles", "carpet", "brick", "panels", "paper", "concrete")
DECALS = ("window", "picture", "door", "shelf", "curtain", "lamp", "board")

# Columns of a face: style, two colours, scale (mm), height of the skirting board, its colour.
FACE_COLUMNS, DECAL_COLUMNS = 12, 17


@dataclass(frozen=True)
class Room:
    """``box_mm``: low and high corner. ``faces (6, 12)`` and ``decals (D, 17)`` are rows that the tracer reads; those
    of face f are ``decals[first_decal[f] : first_decal[f + 1]]``."""

    box_mm: Float[np.ndarray, "2 3"]
    faces: Float[np.ndarray, "6 12"]
    decals: Float[np.ndarray, "D 17"]
    first_decal: Int[np.ndarray, "7"]


def room_of(
    box_mm: Float[np.ndarray, "2 3"],
    faces: Float[np.ndarray, "6 12"],
    decals: Float[np.ndarray, "D 17"],
) -> Room:
    """Put a room together: decals sorted by their faces."""
    ordered = decals[np.argsort(decals[:, 0], kind="stable")]
    return Room(box_mm, faces, ordered, np.searchsorted(ordered[:, 0], np.arange(len(FACES) + 1)))


def face_row(style, colour, second, scale_mm, skirting_mm=0.0, skirting=(0.9, 0.9, 0.9)) -> Float[np.ndarray, "12"]:
    """Write a wall, floor or ceiling as a row of ``Room.faces``; colours are sRGB, lengths mm."""
    return np.concatenate(
        [[STYLES.index(style)], linear(colour), linear(second), [scale_mm, skirting_mm], linear(skirting)]
    )


def decal_row(face, kind, low_uv_mm, high_uv_mm, colour, second, third, seed) -> Float[np.ndarray, "17"]:
    """Write a rectangle on a face; u is x or y, v is z (y on floor and ceiling)."""
    places = [*low_uv_mm, *high_uv_mm]
    return np.concatenate(
        [[FACES.index(face), DECALS.index(kind)], places, linear(colour), linear(second), linear(third), [seed, 0.0]]
    )


@compiled
def hit(box, origin, direction):
    """Distance along the ray to the shell from inside, and the face."""
    best, face = 1e12, 0
    for axis in range(3):
        d = direction[axis]
        if abs(d) < 1e-12:
            continue
        side = 1 if d > 0 else 0
        distance = (box[side, axis] - origin[axis]) / d
        if distance < best:
            best = distance
            face = 1 - (1 - side) if axis == 2 else (2 + side if axis == 0 else 4 + side)
    return best, face


@compiled
def face_colour(faces, f, u, v, footprint_mm, volume, colour, work):
    """Put a face's colour at ``u, v`` (mm) into ``colour (3,)``; what is finer than ``footprint_mm`` is left out."""
    style, scale = int(faces[f, 0]), faces[f, 7]
    share = 0.0
    stain = 1.0 + 0.05 * noise_value(volume, u / 420.0, v / 420.0, faces[f, 7])
    if footprint_mm < 12.0:
        stain += 0.03 * noise_value(volume, u / 23.0, v / 23.0, 3.0)
    blur = footprint_mm / scale
    if style == 1:  # planks along v
        plank = math.floor(u / scale)
        along = v / (9.0 * scale) + 0.37 * plank
        gap = max(band(u / scale, 0.05, blur), band(along, 0.006, blur / 9))
        tone = noise_value(volume, plank * 3.3 + math.floor(along) * 1.7, 7.0, 1.0)
        share = min(max(0.5 + 0.35 * tone + 0.25 * noise_value(volume, u / 14.0, v / 260.0, plank * 5.1), 0.0), 1.0)
        stain *= 1 - 0.5 * gap
    elif style == 2:  # tiles
        gap = max(band(u / scale, 0.025, blur), band(v / scale, 0.025, blur))
        stain *= 1 + 0.06 * noise_value(volume, math.floor(u / scale) * 3.7, math.floor(v / scale) * 5.3, 2.0)
        share = gap
    elif style == 3:  # carpet
        share = min(
            max(
                0.5 + 0.6 * noise_value(volume, u / 7.0, v / 7.0, 9.0) * (1 - smoothstep(8.0, 30.0, footprint_mm)), 0.0
            ),
            1.0,
        )
    elif style == 4:  # bricks
        course = math.floor(v / scale)
        shift = 0.5 * (course - 2 * math.floor(course / 2))
        joint = max(band(v / scale, 0.14, blur), band(u / (2.9 * scale) + shift, 0.05, blur / 2.9))
        stain *= 1 + 0.16 * noise_value(volume, math.floor(u / (2.9 * scale) + shift) * 4.3, course * 3.1, 4.0)
        share = joint
    elif style == 5:  # vertical panels
        share = 0.45 * band(u / scale, 0.03, blur)
    elif style == 6:  # wall paper
        share = band(u / scale, 0.5, blur) * 0.6
    elif style == 7:  # concrete
        share = min(max(0.4 + 0.4 * noise_value(volume, u / 150.0, v / 150.0, 5.0), 0.0), 1.0)
    for k in range(3):
        colour[k] = (faces[f, 1 + k] + share * (faces[f, 4 + k] - faces[f, 1 + k])) * stain
        if v < faces[f, 8]:
            colour[k] = faces[f, 9 + k]


@compiled
def decal_colour(row, u, v, footprint_mm, volume, colour, work):
    """Paint a rectangle over ``colour``; returns the light that it gives off."""
    width, height = row[4] - row[2], row[5] - row[3]
    du, dv = u - row[2], v - row[3]
    inside = min(du, width - du, dv, height - dv)
    blur = max(footprint_mm, 2.0)
    kind, seed = int(row[1]), row[15]
    cover = smoothstep(-0.5, 0.5, inside / blur)
    glow = 0.0
    share, third = 0.0, 0.0
    if kind == 0:  # window: frame, cross bars, bright outside
        bars = min(inside, abs(du - 0.5 * width), abs(dv - 0.6 * height))
        glass = smoothstep(-0.5, 0.5, (bars - 35.0) / blur)
        noise(volume, du / 300.0 + seed, dv / 300.0, seed, work)
        share = glass
        third = glass * smoothstep(0.75, 0.25, dv / height + 0.25 * work[0])
        glow = glass
    elif kind == 1 or kind == 6:  # picture (6: board): frame, mount, painted noise
        canvas = smoothstep(-0.5, 0.5, (inside - 28.0) / blur)
        scale = 0.22 * min(width, height)
        noise(volume, du / scale + seed, dv / scale, seed, work)
        share = canvas
        third = canvas * (smoothstep(-0.1, 0.1, work[0]) if kind == 1 else smoothstep(0.5, 0.6, work[0]))
    elif kind == 2:  # door: frame and two panels
        panel = min(abs(du - 0.5 * width) - 0.33 * width, abs(dv - 0.5 * height) - 0.42 * height)
        share = smoothstep(20.0, 5.0, abs(panel)) * 0.6
        third = smoothstep(1.0, 0.0, max(abs(du - 0.9 * width) - 20, abs(dv - 0.48 * height) - 45.0))
    elif kind == 3:  # shelf with books
        level = dv / 330.0
        board = band(level, 0.09, blur / 330.0)
        book = math.floor(du / 34.0)
        noise(volume, book * 3.1 + seed, math.floor(level) * 7.7, 1.0, work)
        tone, other, tall = work[0], work[1], work[2]
        top = 0.72 + 0.2 * tall
        within = smoothstep(0.05, -0.05, (level - math.floor(level)) - top)
        for k in range(3):
            colour[k] += cover * (row[6 + k] * 0.25 - colour[k])
            spine = row[9 + k] if tone > 0 else row[12 + k]
            colour[k] += cover * within * (spine * (1 + 0.6 * other) - colour[k])
            colour[k] += cover * board * (row[6 + k] - colour[k])
        return 0.0
    elif kind == 4:  # curtain
        share = 0.5 + 0.5 * math.sin(du / 28.0 + 5 * noise_value(volume, du / 400.0 + seed, 0.3, seed))
    elif kind == 5:  # lamp
        glow = 1.0
    for k in range(3):
        paint = row[6 + k] + share * (row[9 + k] - row[6 + k])
        paint += third * (row[12 + k] - paint)
        colour[k] += cover * (paint - colour[k])
    return glow * cover


@compiled
def corner_share(distance_mm):
    """Tell how much light reaches a point so far from the next face: less in corners."""
    return 1 - 40000.0 / (110000.0 + distance_mm * distance_mm)


@compiled
def shell_light(
    box, faces, decals, first_decal, x, y, z, face, footprint_mm, key_share, cover, light, volume, colour, work, out
):
    """Light from a place on the shell into ``out (3,)``."""
    if face < 2:
        u, v = x, y
    elif face < 4:
        u, v = y, z
    else:
        u, v = x, z
    face_colour(faces, face, u, v if face >= 2 else v + 1e6, footprint_mm, volume, colour, work)
    glow = 0.0
    for d in range(first_decal[face], first_decal[face + 1]):
        if decals[d, 2] < u < decals[d, 4] and decals[d, 3] < v < decals[d, 5]:
            glow = max(glow, decal_colour(decals[d], u, v, footprint_mm, volume, colour, work))
    # Corners are darker: the nearest neighbouring faces hide some of the room's light.
    corner = 1.0
    if face != 2 and face != 3:
        corner *= corner_share(min(x - box[0, 0], box[1, 0] - x))
    if face < 4:
        corner *= corner_share(min(y - box[0, 1], box[1, 1] - y))
    if face > 1:
        corner *= corner_share(min(z - box[0, 2], box[1, 2] - z))
    nx = 1.0 if face == 2 else (-1.0 if face == 3 else 0.0)
    ny = 1.0 if face == 4 else (-1.0 if face == 5 else 0.0)
    nz = 1.0 if face == 0 else (-1.0 if face == 1 else 0.0)
    key = max(nx * light[KEY_DIRECTION, 0] + ny * light[KEY_DIRECTION, 1] + nz * light[KEY_DIRECTION, 2], 0.0)
    up = 0.5 + 0.5 * nz
    for k in range(3):
        ambient = (light[SKY, k] * up + light[GROUND, k] * (1 - up)) * corner * (1 - cover)
        out[k] = colour[k] * (ambient + key * key_share * light[KEY, k]) * (1 - glow) + glow * 1.6 * colour[k]
