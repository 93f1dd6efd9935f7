"""One photograph: a posed, dressed person before a background, as one camera sees them."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from c2fpose.data.synth36.cameras import Camera
from c2fpose.data.synth36.render.materials import noise_volume
from c2fpose.data.synth36.render.mesh import EDGE, Mesh, joined
from c2fpose.data.synth36.render.raster import NOTHING, camera_screen, cover_map, rasterise, vertex_normals
from c2fpose.data.synth36.render.render import COVER_CELL_MM, COVER_SIZE, CURVE, SAMPLES, develop, shadow_of
from c2fpose.data.synth_wild.light import Light
from c2fpose.data.synth_wild.shade import lay_ground, shade

LINEAR = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)  # of bytes


@dataclass(frozen=True)
class Photograph:
    """An image and how much of each pixel people and things cover: 255 all, 0 background alone."""

    image: UInt8[np.ndarray, "S S 3"]
    mask: UInt8[np.ndarray, "S S"]


@dataclass(frozen=True)
class Setting:
    """What is behind and under people: a picture, and a floor with a texture (none where its period is 0)."""

    behind: UInt8[np.ndarray, "S S 3"]
    texture: UInt8[np.ndarray, "T T 3"]
    period_mm: float
    fade_mm: float
    shadows: bool


@dataclass(frozen=True)
class Solid:
    """Triangles in the world, floor z = 0, and the normals of their vertices."""

    mesh: Mesh
    normals: Float[np.ndarray, "N 3"]

    def and_also(self, other: "Solid") -> "Solid":
        """Both in one."""
        return Solid(joined(self.mesh, other.mesh), np.concatenate([self.normals, other.normals]))


def solid(mesh: Mesh) -> Solid:
    """Give a mesh its normals."""
    return Solid(mesh, vertex_normals(mesh.vertices_mm, mesh.triangles))


class View:
    """What one camera's samples see: solids are drawn one after the other, the nearest stays."""

    def __init__(self, camera: Camera, size: int) -> None:
        self.rotation = np.ascontiguousarray(camera.rotation, np.float64)
        self.intrinsics_px = np.asarray(camera.intrinsics_px, np.float64)
        self.position_mm = np.ascontiguousarray(camera.position_mm, np.float64)
        self._translation_mm = camera.translation_mm
        self.nearness = np.zeros((size * SAMPLES, size * SAMPLES), np.float32)
        self.owner = np.full(self.nearness.shape, NOTHING, np.int32)

    def draw(self, mesh: Mesh, first_triangle: int) -> None:
        """Triangles are counted from ``first_triangle`` in ``owner``."""
        screen = camera_screen(
            mesh.vertices_mm, self.rotation, self._translation_mm, self.intrinsics_px, float(SAMPLES)
        )
        edge = np.ascontiguousarray(mesh.channels[:, EDGE])
        rasterise(screen, mesh.triangles, edge, True, self.nearness, self.owner, first_triangle)


def seen_beside(view: View, person: Solid, others: list[Solid], least: float) -> Solid:
    """Draw a person, then the others as long as they leave at least a share ``least`` of the person to be seen."""
    view.draw(person.mesh, 0)
    whole, everything = max(int((view.owner >= 0).sum()), 1), person
    own = len(person.mesh.triangles)
    for other in others:
        before = view.nearness.copy(), view.owner.copy()
        view.draw(other.mesh, len(everything.mesh.triangles))
        if ((view.owner >= 0) & (view.owner < own)).sum() < least * whole:
            view.nearness, view.owner = before
        else:
            everything = everything.and_also(other)
    return everything


def photograph(
    view: View,
    solids: Solid,
    center_mm: Float[np.ndarray, "3"],
    light: Light,
    setting: Setting,
    rng: np.random.Generator,
) -> Photograph:
    """Shade what was drawn, before its setting. ``rng``: the sensor's noise."""
    size = setting.behind.shape[0]
    mesh = solids.mesh
    shadow_map, shadow_frame = shadow_of(mesh, np.ascontiguousarray(mesh.channels[:, EDGE]), light.rows[0], center_mm)
    radiance, alpha = np.empty((size, size, 3), np.float32), np.empty((size, size), np.float32)
    shade(
        radiance, alpha, view.owner, mesh.vertices_mm, solids.normals, mesh.triangles, mesh.material, mesh.channels,
        mesh.materials, light.rows, shadow_map, shadow_frame, view.rotation, view.position_mm, view.intrinsics_px,
        noise_volume(),
    )  # fmt: skip
    behind = LINEAR[setting.behind]
    if setting.period_mm or setting.shadows:
        fine = LINEAR[setting.texture]
        side = len(fine)
        cover = cover_map(mesh.vertices_mm, center_mm, COVER_CELL_MM, COVER_SIZE, 260.0)
        lay_ground(
            behind, alpha, fine, cv2.resize(fine, (side // 4,) * 2, interpolation=cv2.INTER_AREA),
            cv2.resize(fine, (side // 16,) * 2, interpolation=cv2.INTER_AREA), setting.period_mm, setting.fade_mm,
            light.ground_shadow if setting.shadows else 0.0, shadow_map, shadow_frame, cover, center_mm, view.rotation,
            view.position_mm, view.intrinsics_px,
        )  # fmt: skip
    # The camera's white balance is taken out of the background: such pictures have had theirs.
    radiance += (1 - alpha)[..., None] * behind / light.white_balance.astype(np.float32)
    grain, shifts = rng.standard_normal((size, size), np.float32), rng.integers(0, size, 2)
    image = develop(radiance, grain, shifts, light.white_balance, light.blur, light.grain, CURVE)
    return Photograph(image, np.rint(255 * alpha).astype(np.uint8))
