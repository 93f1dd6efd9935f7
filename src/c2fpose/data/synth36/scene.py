"""The room around the person."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


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


# Width (left-right) and depth (front-back) of the seat surface by kind.
SEAT_SIZE_MM = {"chair": (440.0, 430.0), "stool": (360.0, 360.0), "sofa": (1500.0, 560.0), "box": (460.0, 460.0)}


@dataclass(frozen=True)
class Furniture:
    """A box turned about z: ``size_mm`` (x, y, z) before the turn by ``yaw`` radians."""

    kind: str
    center_mm: Float[np.ndarray, "3"]
    size_mm: Float[np.ndarray, "3"]
    yaw: float
