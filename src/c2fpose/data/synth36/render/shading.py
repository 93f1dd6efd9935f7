"""Shading of one surface point in numba: textures from procedural noise, soft diffuse light and a gloss.

Everything is float64 scalars over small arrays: what is slow in Python and quick when compiled. ``out`` arguments are
small work arrays that the caller owns.
"""

import math

from c2fpose.data.synth36.render.compiled import compiled
from c2fpose.data.synth36.render.materials import (
    BUMP,
    BUMP_FREQUENCY,
    COLOUR_A,
    COLOUR_B,
    COLOUR_C,
    EXTRA,
    GLOSS,
    KIND,
    NOISE_SIZE,
    OFFSET,
    PATTERN,
    PHASE,
    SCALE_MM,
    SPECULAR,
)

# Rows of the light array (8, 3): direction to the key light, its colour, direction to the fill light, its colour,
# ambient light from above and from below, colour of the room's bounced light, unused.
KEY_DIRECTION, KEY, FILL_DIRECTION, FILL, SKY, GROUND = range(6)


@compiled
def noise(volume, x, y, z, out):
    """Value and gradient at a place in noise cells, by trilinear interpolation, into ``out (4,)``."""
    ix, iy, iz = math.floor(x), math.floor(y), math.floor(z)
    fx, fy, fz = x - ix, y - iy, z - iz
    x0, y0, z0 = int(ix) & (NOISE_SIZE - 1), int(iy) & (NOISE_SIZE - 1), int(iz) & (NOISE_SIZE - 1)
    x1, y1, z1 = (x0 + 1) & (NOISE_SIZE - 1), (y0 + 1) & (NOISE_SIZE - 1), (z0 + 1) & (NOISE_SIZE - 1)
    for k in range(4):
        a = volume[x0, y0, z0, k] * (1 - fz) + volume[x0, y0, z1, k] * fz
        b = volume[x0, y1, z0, k] * (1 - fz) + volume[x0, y1, z1, k] * fz
        c = volume[x1, y0, z0, k] * (1 - fz) + volume[x1, y0, z1, k] * fz
        d = volume[x1, y1, z0, k] * (1 - fz) + volume[x1, y1, z1, k] * fz
        out[k] = (a * (1 - fy) + b * fy) * (1 - fx) + (c * (1 - fy) + d * fy) * fx


@compiled
def noise_value(volume, x, y, z):
    """Give the value alone, at a third of the cost."""
    ix, iy, iz = math.floor(x), math.floor(y), math.floor(z)
    fx, fy, fz = x - ix, y - iy, z - iz
    x0, y0, z0 = int(ix) & (NOISE_SIZE - 1), int(iy) & (NOISE_SIZE - 1), int(iz) & (NOISE_SIZE - 1)
    x1, y1, z1 = (x0 + 1) & (NOISE_SIZE - 1), (y0 + 1) & (NOISE_SIZE - 1), (z0 + 1) & (NOISE_SIZE - 1)
    a = volume[x0, y0, z0, 0] * (1 - fz) + volume[x0, y0, z1, 0] * fz
    b = volume[x0, y1, z0, 0] * (1 - fz) + volume[x0, y1, z1, 0] * fz
    c = volume[x1, y0, z0, 0] * (1 - fz) + volume[x1, y0, z1, 0] * fz
    d = volume[x1, y1, z0, 0] * (1 - fz) + volume[x1, y1, z1, 0] * fz
    return (a * (1 - fy) + b * fy) * (1 - fx) + (c * (1 - fy) + d * fy) * fx


@compiled
def smoothstep(low, high, x):
    """Rise smoothly from 0 at ``low`` to 1 at ``high``."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@compiled
def band(x, share, blur):
    """Draw a soft stripe: 1 over ``share`` of each unit, edges ``blur`` wide; grey where stripes are too fine."""
    f = x - math.floor(x)
    blur = max(blur, 1e-3)
    if blur > 0.5:
        return share
    up = min(max(f / blur + 0.5, 0.0), 1.0) if f < 0.5 * share else min(max((share - f) / blur + 0.5, 0.0), 1.0)
    wrapped = min(max((f - 1.0) / blur + 0.5, 0.0), 1.0)
    return max(up, wrapped)


@compiled
def mix(colour, row, column, share):
    """Move ``colour (3,)`` by a share towards the one that stands in a material's row from ``column`` on."""
    for k in range(3):
        colour[k] += share * (row[column + k] - colour[k])


@compiled
def pattern_share(row, x, y, z, footprint_mm, volume, work):
    """How much of the second (and third) colour a patterned cloth has at a canonical place; two numbers."""
    pattern, scale, phase = int(row[PATTERN]), row[SCALE_MM], row[PHASE]
    blur = footprint_mm / scale
    if pattern == 1:
        return band(z / scale + phase, row[EXTRA], blur), 0.0
    if pattern == 2:
        return band((x + 0.35 * y) / scale + phase, row[EXTRA], blur), 0.0
    if pattern == 3:
        across, up = band(x / scale + phase, 0.5, blur), band(z / scale + phase, 0.5, blur)
        thin = max(band(x / scale + phase + 0.3, 0.07, blur), band(z / scale + phase + 0.3, 0.07, blur))
        return 0.5 * (across + up), 0.6 * thin
    if pattern == 4:
        u, v = x / scale + phase, z / scale
        row_number = math.floor(v)
        u += 0.5 * (row_number - 2 * math.floor(row_number / 2))
        du, dv = u - math.floor(u) - 0.5, v - row_number - 0.5
        inside = row[EXTRA] - math.sqrt(du * du + dv * dv)
        return min(max(inside / max(blur, 0.05) + 0.5, 0.0), 1.0) * (1 - smoothstep(0.4, 1.0, blur)), 0.0
    if pattern == 5:
        speck = noise_value(volume, x / 4.0, y / 4.0, z / 4.0)
        return min(max(0.5 + 0.5 * speck, 0.0), 1.0) * (1 - smoothstep(4.0, 12.0, footprint_mm)) + 0.5 * smoothstep(
            4.0, 12.0, footprint_mm
        ), 0.0
    if pattern == 6:  # yoke: another colour above a height
        return smoothstep(-0.5, 0.5, (z - phase) / max(footprint_mm, 3.0)), smoothstep(
            -0.5, 0.5, (12.0 - abs(z - phase)) / max(footprint_mm, 3.0)
        ) * row[EXTRA]
    if pattern == 7:  # a print on chest or back
        dx, dz = x - row[EXTRA + 1], z - phase
        noise(volume, x / scale * 3.0, 3.7 + math.copysign(5.0, y), z / scale * 3.0, work)
        reach = 1.0 - max(abs(dx) / scale, abs(dz) / (0.8 * scale)) + 0.35 * work[0] * row[EXTRA + 2]
        if y * row[EXTRA] < 0:
            return 0.0, 0.0
        inside = smoothstep(-0.5, 0.5, reach * scale / max(footprint_mm, 4.0))
        return inside, inside * smoothstep(0.0, 0.3, work[1] + 0.1)
    if pattern == 8:  # denim: worn lighter on the front of thighs and at knees
        noise(volume, x / 60.0, y / 60.0, z / 90.0, work)
        worn = smoothstep(0.0, 90.0, y + 20.0) * smoothstep(350.0, 520.0, z) * (1 - smoothstep(750.0, 950.0, z))
        return min(max(row[EXTRA] * worn + 0.18 * work[0], 0.0), 1.0), 0.0
    if pattern == 9:
        noise(volume, x / scale + phase, y / scale, z / scale, work)
        first, other = work[0], work[1]
        return smoothstep(0.05, 0.15, first), smoothstep(0.1, 0.16, other)
    if pattern == 10 and y > 0:  # a zip down the front
        return smoothstep(-0.5, 0.5, (row[EXTRA] - abs(x)) / max(footprint_mm, 3.0)), 0.0
    return 0.0, 0.0


@compiled
def skin_colour(row, x, y, z, redness, lips, lids, footprint_mm, volume, colour, work):
    """Skin with blotches, freckles, flushed places, lips, brows and a shadow of beard.

    EXTRA: brow darkness, beard darkness, freckles, x of the eyes, z of the eyes, z of the mouth.
    """
    blotch = noise_value(volume, x / 35.0 + row[OFFSET], y / 35.0 + row[OFFSET + 1], z / 35.0 + row[OFFSET + 2])
    noise(volume, x / 9.0, y / 9.0 + row[OFFSET], z / 9.0, work)
    fine = work[0] * (1 - smoothstep(6.0, 20.0, footprint_mm))
    for k in range(3):
        colour[k] *= 1.0 + 0.07 * blotch + 0.06 * fine
    flush = min(0.8 * redness + 0.1 * max(blotch, 0.0), 0.8)
    mix(colour, row, COLOUR_B, flush)
    mix(colour, row, COLOUR_C, 0.8 * lips)
    for k in range(3):
        colour[k] *= 1 - 0.25 * lids
    eye_x, eye_z, mouth_z = row[EXTRA + 3], row[EXTRA + 4], row[EXTRA + 5]
    if z > mouth_z - 120 and y > 60.0:  # face
        side = abs(x) - eye_x
        arch = z - (eye_z + 21.0 - 0.006 * side * side)
        brow = smoothstep(26.0, 18.0, abs(side)) * smoothstep(6.5, 2.5, abs(arch)) * row[EXTRA]
        cheek = math.exp(-(((side - 8.0) / 18.0) ** 2) - ((z - eye_z + 34.0) / 16.0) ** 2)
        nose = math.exp(-((x / 12.0) ** 2) - ((z - eye_z + 38.0) / 12.0) ** 2)
        mix(colour, row, COLOUR_B, 0.35 * cheek + 0.3 * nose)
        jaw = smoothstep(mouth_z + 14.0, mouth_z - 2.0, z - 0.25 * max(abs(x) - 20.0, 0.0)) * (1 - lips)
        beard = row[EXTRA + 1] * jaw * smoothstep(mouth_z - 95.0, mouth_z - 60.0, z) * (0.85 + 0.3 * fine)
        dark = min(max(beard, 0.0), 0.92)
        for k in range(3):
            colour[k] *= 1 - dark * (0.75 if k == 0 else 0.8)
            colour[k] *= 1 - 0.85 * brow
        if row[EXTRA + 2] > 0:
            colour[0] *= 1 - 0.08 * row[EXTRA + 2] * max(fine, 0.0)
            colour[2] *= 1 - 0.2 * row[EXTRA + 2] * max(fine, 0.0)


@compiled
def eye_colour(row, x, y, z, colour):
    """White, iris and pupil by the angle from straight ahead. EXTRA: |x|, y, z of the centre, radius."""
    dx, dy, dz = abs(x) - row[EXTRA], y - row[EXTRA + 1], z - row[EXTRA + 2]
    off = math.sqrt(dx * dx + dz * dz) / row[EXTRA + 3]
    if dy < 0:
        off = 1.0
    mix(colour, row, COLOUR_B, smoothstep(0.56, 0.46, off))
    mix(colour, row, COLOUR_C, smoothstep(0.24, 0.18, off))


@compiled
def surface(row, px, py, pz, normal, redness, lips, lids, footprint_mm, volume, colour, work):
    """Albedo at canonical place p into ``colour``; bends ``normal`` by the material's folds. Returns a gloss factor."""
    for k in range(3):
        colour[k] = row[COLOUR_A + k]
    kind = int(row[KIND])
    gloss = 1.0
    if row[BUMP] > 0:
        u, v, w = px * row[BUMP_FREQUENCY], py * row[BUMP_FREQUENCY + 1], pz * row[BUMP_FREQUENCY + 2]
        noise(volume, u + row[OFFSET], v + row[OFFSET + 1], w + row[OFFSET + 2], work)
        # Folds: the crease |noise|, rounded, has a ridge where the noise changes sign.
        amount = row[BUMP]
        hollow = math.sqrt(work[0] * work[0] + 0.03)
        rounded = work[0] / hollow
        gx, gy, gz = rounded * work[1], rounded * work[2], rounded * work[3]
        noise(volume, 2.1 * u + 0.3 * w + 11.0, 2.1 * v + 5.0, 1.7 * w + 0.4 * u + row[OFFSET], work)
        rounded = 0.6 * work[0] / math.sqrt(work[0] * work[0] + 0.03)
        normal[0] -= amount * (gx + rounded * work[1])
        normal[1] -= amount * (gy + rounded * work[2])
        normal[2] -= amount * (gz + rounded * work[3])
        shade = 1.0 + 0.16 * min(amount, 1.0) * (hollow - 0.45)
        for k in range(3):
            colour[k] *= shade
    if kind == 0:
        skin_colour(row, px, py, pz, redness, lips, lids, footprint_mm, volume, colour, work)
    elif kind == 1:
        second, third = pattern_share(row, px, py, pz, footprint_mm, volume, work)
        mix(colour, row, COLOUR_B, second)
        mix(colour, row, COLOUR_C, third)
        if footprint_mm < 8.0:
            weave = 0.08 * noise_value(volume, px / 3.0, py / 3.0, pz / 3.0) * (1 - smoothstep(3.0, 8.0, footprint_mm))
            for k in range(3):
                colour[k] *= 1 + weave
    elif kind == 2:
        strand = noise_value(volume, px / 5.0 + row[OFFSET], py / 5.0, pz / 45.0)
        lock = noise_value(volume, px / 16.0, py / 16.0 + row[OFFSET], pz / 110.0)
        share = min(max(0.5 + 0.4 * strand + 0.3 * lock, 0.0), 1.0)
        mix(colour, row, COLOUR_B, share)
        normal[0] += 0.15 * strand
        gloss = 0.5 + share
    elif kind == 3:
        eye_colour(row, px, py, pz, colour)
    elif kind == 4:
        scale = row[SCALE_MM]
        ring = 3.0 * noise_value(volume, px / scale * 0.12, py / scale, pz / scale * 0.6 + row[OFFSET])
        mix(colour, row, COLOUR_B, 0.5 + 0.5 * math.sin(6.283 * ring))
    elif kind == 5:
        second, third = pattern_share(row, px, py, pz, footprint_mm, volume, work)
        mix(colour, row, COLOUR_B, second)
        mix(colour, row, COLOUR_C, third)
    elif kind == 6:  # shoe; EXTRA: height of the sole, height of the lining
        sole = smoothstep(-1.0, 1.0, (row[EXTRA] - pz) / max(0.3 * footprint_mm, 1.0))
        toe = smoothstep(row[EXTRA + 1], row[EXTRA + 1] + 15.0, py)
        mix(colour, row, COLOUR_C, 0.7 * toe * row[EXTRA + 2])
        mix(colour, row, COLOUR_B, sole)
    return gloss


@compiled
def lit(row, colour, normal, view, key_share, sky_share, light, out):
    """Light reflected to the viewer into ``out (3,)``: key with shadow, fill, sky and ground, gloss; skin scatters."""
    length = math.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2)
    nx, ny, nz = normal[0] / length, normal[1] / length, normal[2] / length
    lx, ly, lz = light[KEY_DIRECTION, 0], light[KEY_DIRECTION, 1], light[KEY_DIRECTION, 2]
    key = nx * lx + ny * ly + nz * lz
    fill = max(nx * light[FILL_DIRECTION, 0] + ny * light[FILL_DIRECTION, 1] + nz * light[FILL_DIRECTION, 2], 0.0)
    hx, hy, hz = lx + view[0], ly + view[1], lz + view[2]
    half = max((nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz + 1e-12), 0.0)
    facing = max(nx * view[0] + ny * view[1] + nz * view[2], 0.0)
    rim = (1 - facing) ** 3
    specular = row[SPECULAR] * (half ** row[GLOSS] * key_share * 8.0 + 0.8 * rim)
    up = 0.5 + 0.5 * nz
    skin = int(row[KIND]) == 0
    for k in range(3):
        # Skin lets red light travel under the surface: the shadow's edge is softer and warmer.
        wrap = (0.30, 0.14, 0.10)[k] if skin else 0.06
        direct = max((key + wrap) / (1 + wrap), 0.0) * key_share
        ambient = (light[SKY, k] * up + light[GROUND, k] * (1 - up)) * sky_share
        diffuse = direct * light[KEY, k] + fill * light[FILL, k] * (0.4 + 0.6 * sky_share) + ambient
        out[k] = colour[k] * diffuse + specular * (light[KEY, k] + light[SKY, k])


@compiled
def unit(vector):
    """Scale a vector ``(3,)`` in place to length one."""
    length = math.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2) + 1e-12
    for k in range(3):
        vector[k] /= length
