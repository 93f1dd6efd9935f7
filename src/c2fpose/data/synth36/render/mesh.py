"""Triangles with what the shader needs at their corners."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

# Columns of ``Mesh.channels``
CANONICAL, EDGE, REDNESS, LIPS, LIDS, OPEN = 0, 3, 4, 5, 6, 7
CHANNELS = 8


@dataclass(frozen=True)
class Mesh:
    """Triangles with what the shader needs at their corners."""

    vertices_mm: Float[np.ndarray, "N 3"]
    triangles: Int[np.ndarray, "T 3"]
    material: Int[np.ndarray, "T"]  # row of ``materials``
    channels: Float[np.ndarray, "N 8"]  # canonical place (3), edge, redness, lips, lids, share of open sky
    materials: Float[np.ndarray, "M 28"]


def joined(first: Mesh, second: Mesh) -> Mesh:
    """Put two meshes into one, the second's triangles and materials after the first's."""
    return Mesh(
        np.concatenate([first.vertices_mm, second.vertices_mm]),
        np.concatenate([first.triangles, second.triangles + len(first.vertices_mm)]),
        np.concatenate([first.material, second.material + len(first.materials)]),
        np.concatenate([first.channels, second.channels]),
        np.concatenate([first.materials, second.materials]),
    )
