"""One photograph: a posed, dressed person before a background, as one camera sees them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from c2fpose.data.synth36.cameras import Camera
from c2fpose.data.synth36.render.materials import noise_volume
from c2fpose.data.synth36.render.mesh import Mesh
from c2fpose.data.synth36.render.raster import NOTHING, camera_screen, cover_map, rasterise
from c2fpose.data.synth36.render.render import COVER_CELL_MM, COVER_SIZE, CURVE, EDGE, SAMPLES, _develop, _shadow
from c2fpose.data.synth_wild.light import Light
from c2fpose.data.synth_wild.shade import compose, shade

LINEAR = (np.arange(256) / 255.0) ** 2.2  # of bytes


@dataclass(frozen=True)
class Photograph:
    """An image and how much of each pixel people and things cover: 255 all, 0 background alone."""

    image: UInt8[np.ndarray, "S S 3"]
    mask: UInt8[np.ndarray, "S S"]


def photograph(
    mesh: Mesh,
    normals: Float[np.ndarray, "N 3"],
    center_mm: Float[np.ndarray, "3"],
    camera: Camera,
    light: Light,
    behind: UInt8[np.ndarray, "S S 3"],
    *,
    ground_shadow: bool,
    rng: np.random.Generator,
) -> Photograph:
    """Render everything in ``mesh`` (world, floor z = 0) and put ``behind`` behind it. ``rng``: the sensor's noise."""
    size = behind.shape[0]
    rotation = np.ascontiguousarray(camera.rotation, np.float64)
    intrinsics_px = np.asarray(camera.intrinsics_px, np.float64)
    edge = np.ascontiguousarray(mesh.channels[:, EDGE])
    shadow_map, shadow_frame = _shadow(mesh, edge, light.rows[0], center_mm)
    cover = cover_map(mesh.vertices_mm, center_mm, COVER_CELL_MM, COVER_SIZE, 260.0)
    nearness = np.zeros((size * SAMPLES, size * SAMPLES), np.float32)
    owner = np.full(nearness.shape, NOTHING, np.int32)
    screen = camera_screen(mesh.vertices_mm, rotation, camera.translation_mm, intrinsics_px, float(SAMPLES))
    rasterise(screen, mesh.triangles, edge, True, nearness, owner, 0)
    radiance, alpha, ground = (np.empty(shape, np.float32) for shape in ((size, size, 3), (size, size), (size, size)))
    shade(
        radiance, alpha, ground, owner, mesh.vertices_mm, normals, mesh.triangles, mesh.material, mesh.channels,
        mesh.materials, light.rows, light.ground_shadow if ground_shadow else 0.0, shadow_map, shadow_frame, cover,
        center_mm, rotation, np.ascontiguousarray(camera.position_mm), intrinsics_px, noise_volume(),
    )  # fmt: skip
    compose(radiance, alpha, ground, behind, LINEAR, light.white_balance)
    grain, shifts = rng.standard_normal((size, size), np.float32), rng.integers(0, size, 2)
    image = _develop(radiance, grain, shifts, light.white_balance, light.blur, light.grain, CURVE)
    return Photograph(image, np.rint(255 * alpha).astype(np.uint8))
