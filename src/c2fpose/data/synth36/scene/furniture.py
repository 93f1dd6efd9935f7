"""Furniture and props as meshes: boxes, cylinders and cushions put together. Lengths are millimetres."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from c2fpose.data.synth36.render.materials import Material
from c2fpose.data.synth36.render.mesh import CANONICAL, CHANNELS, EDGE, OPEN, Mesh
from c2fpose.data.synth36.render.raster import vertex_normals

# Width (left-right) and depth (front-back) of the seat surface by kind.
SEAT_SIZE_MM = {"chair": (440.0, 430.0), "stool": (360.0, 360.0), "sofa": (1500.0, 560.0), "box": (460.0, 460.0)}


@dataclass(frozen=True)
class Furniture:
    """A box turned about z: ``size_mm`` (x, y, z) before the turn by ``yaw`` radians."""

    kind: str
    center_mm: Float[np.ndarray, "3"]
    size_mm: Float[np.ndarray, "3"]
    yaw: float


@dataclass
class Workshop:
    """Collects pieces in local coordinates; each piece has one material."""

    vertices_mm: list[Float[np.ndarray, "_ 3"]] = field(default_factory=list)
    triangles: list[Int[np.ndarray, "_ 3"]] = field(default_factory=list)
    material: list[Int[np.ndarray, "_"]] = field(default_factory=list)
    canonical_mm: list[Float[np.ndarray, "_ 3"]] = field(default_factory=list)
    open_share: list[Float[np.ndarray, "_"]] = field(default_factory=list)
    materials: list[Material] = field(default_factory=list)
    count: int = 0

    def add(self, vertices_mm: Float[np.ndarray, "N 3"], triangles: Int[np.ndarray, "T 3"], material: Material) -> None:
        """Add a piece: vertices ``(N, 3)`` mm, z up, and rows of them as triangles."""
        if material not in self.materials:
            self.materials.append(material)
        self.vertices_mm.append(vertices_mm)
        self.canonical_mm.append(vertices_mm.copy())
        # Low parts of furniture stand in its own shade.
        self.open_share.append(np.clip(0.55 + vertices_mm[:, 2] / 1500.0, 0.45, 1.0))
        self.triangles.append(triangles + self.count)
        self.material.append(np.full(len(triangles), self.materials.index(material)))
        self.count += len(vertices_mm)

    def box(self, center_mm, size_mm, material: Material) -> None:
        """Add a box with flat sides; (0, 0) is its middle, z the height of its centre."""
        corners, quads = _BOX_CORNERS * (0.5 * np.asarray(size_mm, float)) + np.asarray(center_mm, float), []
        for k in range(6):
            quads += [[4 * k, 4 * k + 1, 4 * k + 2], [4 * k, 4 * k + 2, 4 * k + 3]]
        self.add(corners, np.array(quads), material)

    def cylinder(self, low_mm, radius_mm: float, height_mm: float, material: Material, top_radius_mm=None) -> None:
        """Add an upright cylinder or cone without a bottom; ``low_mm``: the middle of its lower end."""
        sides = 14
        angle = 2 * np.pi * np.arange(sides) / sides
        ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(sides)], -1)
        top_radius_mm = radius_mm if top_radius_mm is None else top_radius_mm
        low, high = ring * radius_mm, ring * top_radius_mm + [0, 0, height_mm]
        vertices = np.concatenate([low, high, high, [[0, 0, height_mm]]]) + np.asarray(low_mm, float)
        k = np.arange(sides)
        n = (k + 1) % sides
        wall = np.concatenate([np.stack([k, n, n + sides], -1), np.stack([k, n + sides, k + sides], -1)])
        cap = np.stack([k + 2 * sides, n + 2 * sides, np.full(sides, 3 * sides)], -1)
        self.add(vertices, np.concatenate([wall, cap]), material)

    def cushion(self, center_mm, size_mm, material: Material, roundness: float = 0.35) -> None:
        """Add a box with rounded edges."""
        steps = 7
        grid = np.linspace(-1, 1, steps)
        u, v = np.meshgrid(grid, grid, indexing="ij")
        size_mm, faces = np.asarray(size_mm, float), []
        for axis in range(3):
            for sign in (-1.0, 1.0):
                point = np.empty((steps, steps, 3))
                point[..., axis], point[..., (axis + 1) % 3], point[..., (axis + 2) % 3] = sign, u, v * sign
                faces.append(point.reshape(-1, 3))
        cube = np.concatenate(faces)
        # Rounding: the inner box plus a ball of the corner's radius.
        radius = roundness * size_mm.min()
        inner = np.clip(cube * 0.5 * size_mm, -(0.5 * size_mm - radius), 0.5 * size_mm - radius)
        off = cube * 0.5 * size_mm - inner
        length = np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1e-9)
        vertices = inner + off / length * radius
        i, j = np.meshgrid(np.arange(steps - 1), np.arange(steps - 1), indexing="ij")
        a = (i * steps + j).ravel()
        one = np.concatenate([np.stack([a, a + steps, a + steps + 1], -1), np.stack([a, a + steps + 1, a + 1], -1)])
        triangles = np.concatenate([one + k * steps * steps for k in range(6)])
        self.add(vertices + np.asarray(center_mm, float), triangles, material)

    def placed(self, position_mm, yaw: float) -> Mesh:
        """Everything collected, turned by ``yaw`` and moved to ``position_mm`` (x, y) or (x, y, z)."""
        position = np.zeros(3)
        position[: len(position_mm)] = position_mm
        turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        channels = np.zeros((self.count, CHANNELS))
        channels[:, CANONICAL : CANONICAL + 3] = np.concatenate(self.canonical_mm)
        channels[:, EDGE] = 1.0
        channels[:, OPEN] = np.concatenate(self.open_share)
        return Mesh(
            np.concatenate(self.vertices_mm) @ turn.T + position, np.concatenate(self.triangles),
            np.concatenate(self.material), channels, np.stack([m.row() for m in self.materials]),
        )  # fmt: skip


_BOX_CORNERS = np.array([
    [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1], [-1, 1, -1], [1, 1, -1], [1, -1, -1], [-1, -1, -1],
    [-1, -1, -1], [1, -1, -1], [1, -1, 1], [-1, -1, 1], [1, 1, -1], [-1, 1, -1], [-1, 1, 1], [1, 1, 1],
    [1, -1, -1], [1, 1, -1], [1, 1, 1], [1, -1, 1], [-1, 1, -1], [-1, -1, -1], [-1, -1, 1], [-1, 1, 1],
], float)  # fmt: skip


def normals_of(mesh: Mesh) -> Float[np.ndarray, "N 3"]:
    """Give each vertex its normal, ``(N, 3)``."""
    return vertex_normals(mesh.vertices_mm, mesh.triangles)


def chair(shop: Workshop, height: float, frame: Material, seat: Material, rng: np.random.Generator) -> None:
    """Build a chair; the seat surface is at ``height``, the back at -y."""
    width, depth = SEAT_SIZE_MM["chair"]
    soft = rng.random() < 0.5
    if soft:
        shop.cushion((0, 0, height - 30), (width, depth, 60), seat)
    else:
        shop.box((0, 0, height - 14), (width, depth, 28), seat)
    leg = rng.uniform(22, 42)
    if rng.random() < 0.75:
        for x in (-1, 1):
            for y in (-1, 1):
                tall = height + 430 if y < 0 else height - 30
                shop.box((x * (width / 2 - leg / 2), y * (depth / 2 - leg / 2), tall / 2), (leg, leg, tall), frame)
    else:  # an office chair: a column on a foot
        shop.cylinder((0, 0, 60), 28, height - 90, frame)
        shop.box((0, 0, 45), (560, 60, 40), frame)
        shop.box((0, 0, 45), (60, 560, 40), frame)
        shop.box((0, -depth / 2 + 10, height + 60), (60, 24, 320), frame)
    if soft:
        shop.cushion((0, -depth / 2 + 8, height + 300), (width - 30, 50, 280), seat)
    else:
        for k in range(int(rng.integers(1, 4))):
            shop.box((0, -depth / 2 + 15, height + 380 - 130 * k), (width, 20, 80), frame)


def stool(shop: Workshop, height: float, frame: Material, seat: Material, rng: np.random.Generator) -> None:
    """Build a round stool on four legs; the seat surface is at ``height``."""
    radius = 0.5 * SEAT_SIZE_MM["stool"][0]
    shop.cylinder((0, 0, height - 45), radius, 45, seat)
    for angle in np.pi * (0.25 + 0.5 * np.arange(4)):
        shop.box(
            (0.72 * radius * np.cos(angle), 0.72 * radius * np.sin(angle), (height - 40) / 2),
            (32, 32, height - 40),
            frame,
        )
    shop.box((0, 0, 0.35 * height), (1.1 * radius, 24, 24), frame)


def sofa(shop: Workshop, height: float, frame: Material, seat: Material, rng: np.random.Generator) -> None:
    """Build a sofa; the seat surface is at ``height``, the back at -y."""
    width, depth = SEAT_SIZE_MM["sofa"]
    shop.box((0, -60, (height - 120) / 2 + 30), (width + 240, depth + 180, height - 180), seat)
    shop.cushion((0, 0, height - 75), (width - 8, depth, 150), seat, 0.3)
    for k in (-1, 1):
        shop.cushion((k * width / 4, -depth / 2 - 40, height + 190), (width / 2 - 12, 170, 430), seat, 0.4)
        shop.cushion((k * (width / 2 + 80), -60, height - 40), (150, depth + 180, 2 * 240), seat, 0.3)
        shop.box((k * width / 2, depth / 2 - 60, 25), (60, 60, 50), frame)
    shop.cushion((0, -depth / 2 - 130, height + 60), (width + 240, 110, 560), seat, 0.3)


def crate(shop: Workshop, height: float, frame: Material, seat: Material, rng: np.random.Generator) -> None:
    """Build a crate to sit on; its top is at ``height``."""
    width, depth = SEAT_SIZE_MM["box"]
    shop.box((0, 0, height / 2), (width, depth, height), seat)
    shop.box((0, depth / 2 + 2, 0.7 * height), (width + 6, 4, 60), frame)
    shop.box((0, -depth / 2 - 2, 0.7 * height), (width + 6, 4, 60), frame)


SEATS = {"chair": chair, "stool": stool, "sofa": sofa, "box": crate}


def table(shop: Workshop, size_mm: Float[np.ndarray, "3"], frame: Material, top: Material) -> None:
    """Build a table on four legs; ``size_mm``: width, depth, height."""
    x, y, z = size_mm
    shop.box((0, 0, z - 18), (x, y, 36), top)
    for sx in (-1, 1):
        for sy in (-1, 1):
            shop.box((sx * (x / 2 - 50), sy * (y / 2 - 50), (z - 36) / 2), (50, 50, z - 36), frame)


def cabinet(shop: Workshop, size_mm: Float[np.ndarray, "3"], frame: Material, front: Material) -> None:
    """Build a cabinet with doors and handles at +y; ``size_mm``: width, depth, height."""
    x, y, z = size_mm
    shop.box((0, 0, z / 2), (x, y, z), frame)
    rows = max(int(z // 420), 1)
    for k in range(rows):
        for sx in (-1, 1):
            middle = (k + 0.5) * z / rows
            shop.box((sx * x / 4, y / 2 + 6, middle), (x / 2 - 24, 14, z / rows - 30), front)
            shop.box((sx * 40, y / 2 + 22, middle), (18, 20, 90), frame)


def plant(
    shop: Workshop, size_mm: Float[np.ndarray, "3"], pot: Material, leaf: Material, rng: np.random.Generator
) -> None:
    """Build a plant in a pot; ``size_mm``: width, depth, height."""
    radius, height = 0.5 * min(size_mm[0], size_mm[1]), size_mm[2]
    shop.cylinder((0, 0, 0), 0.42 * radius, 0.3 * height, pot, 0.55 * radius)
    leaves = 46
    start = np.array([0.0, 0.0, 0.3 * height])
    azimuth, lift = rng.uniform(0, 2 * np.pi, leaves), rng.uniform(0.15, 1.0, leaves)
    reach = radius * rng.uniform(0.5, 1.0, leaves)
    for a, up, r in zip(azimuth, lift, reach, strict=True):
        out = np.array([np.cos(a), np.sin(a), 0])
        side = np.array([-np.sin(a), np.cos(a), 0]) * rng.uniform(22, 48)
        middle = start + out * 0.55 * r + [0, 0, 0.68 * height * up]
        tip = start + out * r + [0, 0, 0.68 * height * up - 0.25 * r]
        vertices = np.stack([start + 0.1 * side, start - 0.1 * side, middle + side, middle - side, tip])
        shop.add(vertices, np.array([[0, 2, 1], [1, 2, 3], [2, 4, 3]]), leaf)


def lamp(shop: Workshop, height: float, metal: Material, shade: Material) -> None:
    """Build a standing lamp of ``height`` mm."""
    shop.cylinder((0, 0, 0), 150, 30, metal)
    shop.cylinder((0, 0, 30), 14, height - 330, metal)
    shop.cylinder((0, 0, height - 330), 210, 300, shade, 140)


def column(shop: Workshop, size_mm: Float[np.ndarray, "3"], material: Material) -> None:
    """Build a pillar; ``size_mm``: width, depth, height."""
    shop.box((0, 0, size_mm[2] / 2), size_mm, material)
