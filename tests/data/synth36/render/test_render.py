"""The renderer against analytic scenes, and its determinism."""

import re
from pathlib import Path

import numpy as np
import pytest

from c2fpose.data.synth36.cameras import subject_cameras
from c2fpose.data.synth36.person.body import BONES, joints_mm, subject_shape
from c2fpose.data.synth36.person.dressing import sequence_appearance
from c2fpose.data.synth36.render import compiled as compiled_module
from c2fpose.data.synth36.render.compiled import SOURCES
from c2fpose.data.synth36.render.materials import NOISE_SIZE, noise_volume
from c2fpose.data.synth36.render.raster import NOTHING, camera_screen, rasterise
from c2fpose.data.synth36.render.render import render
from c2fpose.data.synth36.render.shading import noise, noise_value
from c2fpose.data.synth36.scene.scene import sequence_scene
from c2fpose.pose.camera import project
from c2fpose.pose.skeleton import JOINTS

SIZE = 128
INTRINSICS = np.array([150.0, 145.0, 61.0, 66.0])


def draw(vertices_mm, triangles, edge=None, size=SIZE):
    """Nearness and owner of each pixel of a camera at the origin."""
    vertices_mm = np.asarray(vertices_mm, float)
    screen = camera_screen(vertices_mm, np.eye(3), np.zeros(3), INTRINSICS, 1.0)
    nearness, owner = np.zeros((size, size), np.float32), np.full((size, size), NOTHING, np.int32)
    edge = np.ones(len(vertices_mm)) if edge is None else np.asarray(edge, float)
    rasterise(screen, np.asarray(triangles), edge, True, nearness, owner, 0)
    return nearness, owner


def pixel_rays() -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
    fx, fy, cx, cy = INTRINSICS
    return np.stack([(columns - cx) / fx, (rows - cy) / fy, np.ones_like(columns)], -1)


def test_a_triangle_covers_what_lies_between_its_projected_edges_at_its_planes_depth():
    corners = np.array([[-500.0, -400, 2000], [700, -200, 3000], [-100, 900, 2500]])
    nearness, owner = draw(corners, [[0, 1, 2]])
    px = project(corners, INTRINSICS)
    columns, rows = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
    sides = [
        (px[(k + 1) % 3, 0] - px[k, 0]) * (rows - px[k, 1]) - (px[(k + 1) % 3, 1] - px[k, 1]) * (columns - px[k, 0])
        for k in range(3)
    ]
    inside = np.all([s > 0.5 for s in sides], axis=0) | np.all([s < -0.5 for s in sides], axis=0)
    outside = ~(np.all([s > -0.5 for s in sides], axis=0) | np.all([s < 0.5 for s in sides], axis=0))
    assert inside.sum() > 500
    assert (owner[inside] == 0).all() and (owner[outside] == NOTHING).all()
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    depth = corners[0] @ normal / (pixel_rays() @ normal)
    np.testing.assert_allclose(1 / nearness[inside], depth[inside], rtol=1e-5)


def test_a_sphere_shows_its_analytic_outline_and_depth():
    center, radius, steps = np.array([150.0, -100.0, 2500.0]), 400.0, 64
    polar, around = np.meshgrid(np.linspace(0, np.pi, steps), np.linspace(0, 2 * np.pi, 2 * steps), indexing="ij")
    unit = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(steps - 1), np.arange(2 * steps - 1), indexing="ij")
    a = (i * 2 * steps + j).ravel()
    triangles = np.concatenate(
        [np.stack([a, a + 1, a + 2 * steps], -1), np.stack([a + 1, a + 2 * steps + 1, a + 2 * steps], -1)]
    )
    nearness, owner = draw(center + radius * unit, triangles)
    rays = pixel_rays()
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    along = rays @ center
    gap = np.sqrt(np.maximum(center @ center - along**2, 0))
    assert (owner[gap < 0.985 * radius] != NOTHING).all()
    assert (owner[gap > 1.005 * radius] == NOTHING).all()
    deep = gap < 0.9 * radius
    distance = along - np.sqrt(np.maximum(radius**2 - gap**2, 0))
    np.testing.assert_allclose(1 / nearness[deep], (distance * rays[..., 2])[deep], rtol=2e-3)


def test_spans_of_a_row_leave_no_sample_out():
    """Triangles of all sizes, slivers and those beyond the border among them, against a test of every sample."""
    rng = np.random.default_rng(3)
    size = rng.choice([3.0, 12.0, 60.0, 400.0], 300)[:, None, None]
    corners = rng.uniform(0, SIZE, (300, 1, 2)) + size * rng.standard_normal((300, 3, 2))
    corners[::5, 2, 1] = corners[::5, 1, 1]  # with a level side
    nearness = np.concatenate([corners, rng.uniform(1.0, 2.0, (300, 3, 1))], -1).astype(np.float32)
    sample = np.arange(SIZE) + 0.5
    for screen in nearness:
        drawn, owner = np.zeros((SIZE, SIZE), np.float32), np.full((SIZE, SIZE), NOTHING, np.int32)
        rasterise(screen, np.array([[0, 1, 2]]), np.ones(3), True, drawn, owner, 0)
        affine = np.linalg.inv(np.concatenate([screen[:, :2].T, np.ones((1, 3))]).astype(float))
        share = (
            affine[:, 0, None, None] * sample + affine[:, 1, None, None] * sample[:, None] + affine[:, 2, None, None]
        )
        least, near = share.min(0), np.tensordot(screen[:, 2].astype(float), share, 1)
        assert (owner[least > 1e-4] == 0).all() and (owner[least < -1e-4] == NOTHING).all()
        np.testing.assert_allclose(drawn[least > 1e-4], near[least > 1e-4], rtol=1e-4)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_of_two_crossing_surfaces_is_seen_whatever_is_drawn_first(order):
    near_left = np.array([[-900.0, -600, 1500], [900, -600, 2500], [0, 1200, 2000]])
    near_right = near_left * [1, 1, 0] + [[0, 0, 2500], [0, 0, 1500], [0, 0, 2000]]
    triangles = np.array([[0, 1, 2], [3, 4, 5]])[list(order)]
    _, owner = draw(np.concatenate([near_left, near_right]), triangles)
    middle = INTRINSICS[2]
    drawn = owner != NOTHING
    columns = np.broadcast_to(np.arange(SIZE) + 0.5, owner.shape)
    first = np.where(owner >= 0, np.asarray(order)[np.maximum(owner, 0)], -1)
    assert drawn.sum() > 1000
    assert (first[drawn & (columns < middle - 1)] == 0).all()
    assert (first[drawn & (columns > middle + 1)] == 1).all()


def test_hems_are_cut_where_the_edge_is_zero_on_the_surface():
    """The cut of a slanted surface at x = 120 mm must project to the projection of that line, not to screen halves."""
    quad = np.array([[-600.0, -500, 1500], [600, -500, 3500], [600, 700, 3500], [-600, 700, 1500]])
    _, owner = draw(quad, [[0, 1, 2], [0, 2, 3]], edge=120.0 - quad[:, 0])
    depth = 1500 + 2000 * (120 + 600) / 1200
    limit = project(np.array([[120.0, 0.0, depth]]), INTRINSICS)[0, 0]
    drawn = np.flatnonzero(owner[60] != NOTHING)
    assert drawn.max() + 0.5 == pytest.approx(limit, abs=1.0)


def test_what_is_behind_the_camera_is_not_drawn():
    _, owner = draw([[-500.0, -400, -2000], [700, -200, -3000], [-100, 900, -2500]], [[0, 1, 2]])
    assert (owner == NOTHING).all()


def test_noise_repeats_and_its_value_is_the_volumes_at_grid_points():
    volume, out = noise_volume(), np.empty(4)
    noise(volume, 3.0, 5.0, 7.0, out)
    np.testing.assert_allclose(out, volume[3, 5, 7], atol=1e-6)
    noise(volume, 3.4 - NOISE_SIZE, 5.2, 7.9 + NOISE_SIZE, out)
    assert noise_value(volume, 3.4, 5.2, 7.9) == pytest.approx(out[0], abs=1e-6)


# ------------------------------------------------------------------------------------------------- whole pictures


def arms_down() -> np.ndarray:
    local = np.tile(np.eye(3), (len(BONES), 1, 1))
    for side, sign in (("left", -1), ("right", 1)):
        angle = sign * np.radians(35)
        local[BONES.index(f"{side}_upper_arm")] = [
            [np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]
        ]  # fmt: skip
    return local


@pytest.fixture(scope="module")
def standing():
    """A person, a scene without furniture near, and a camera that sees the whole person."""
    shape = subject_shape(0, 5)
    person = sequence_appearance(0, 5, 0, 1, shape)
    scene = sequence_scene(0, 5, 0, 1, None, np.array([[-2500.0, -5500], [2500, 5500]]))
    local, root_mm = arms_down(), np.array([0.0, 0.0, shape.rest_heads_mm[0, 2]])
    camera = subject_cameras(0, 5)[0].cut(np.array([250.0, 250.0]), 500 / 256)
    return shape, person, scene, local, root_mm, camera


def picture(standing, vertices_mm=None, seed=3, size=256):
    _, person, scene, local, root_mm, camera = standing
    vertices_mm = person.pose(local, root_mm) if vertices_mm is None else vertices_mm
    return render(
        vertices_mm, person, scene, camera.intrinsics_px, camera.rotation, camera.translation_mm, size=size,
        rng=np.random.default_rng(seed),
    )  # fmt: skip


def test_the_same_keys_give_the_same_pixels(standing):
    first = picture(standing)
    held = [np.full(n, np.nan) for n in (3, 4, 8, 100, 65536 * 3)]  # memory that a careless kernel would read
    del held
    assert first.dtype == np.uint8 and first.shape == (256, 256, 3)
    np.testing.assert_array_equal(first, picture(standing))
    again = sequence_appearance(0, 5, 0, 1, subject_shape(0, 5))
    np.testing.assert_array_equal(again.rest_vertices_mm, standing[1].rest_vertices_mm)
    np.testing.assert_array_equal(again.materials, standing[1].materials)


def test_other_noise_changes_little_and_another_sequence_changes_much(standing):
    first, noisy = picture(standing).astype(int), picture(standing, seed=4).astype(int)
    assert 0 < np.abs(first - noisy).mean() < 6
    other = sequence_appearance(0, 5, 0, 2, standing[0])
    assert not np.allclose(other.materials[2, :10], standing[1].materials[2, :10])


def test_the_person_is_where_the_joints_are(standing):
    shape, person, _, local, root_mm, camera = standing
    here = picture(standing).astype(int)
    away = picture(standing, vertices_mm=person.pose(local, root_mm - np.array([0, 0, 5000.0]))).astype(int)
    changed = np.abs(here - away).max(-1) > 25
    joints = camera.to_image(joints_mm(shape, local, root_mm))
    hits = [changed[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].mean() > 0.5 for x, y in joints]
    assert sum(hits) >= 16, [name for name, hit in zip(JOINTS, hits, strict=True) if not hit]
    rows, columns = np.nonzero(changed)
    assert rows.min() > joints[:, 1].min() - 25, "something changed far above the person"
    middle = np.median(columns)
    assert abs(middle - joints[:, 0].mean()) < 25


def test_nothing_in_a_picture_is_undefined(standing):
    for seed in range(3):
        image = picture(standing, seed=seed)
        black = (image.max(-1) == 0).mean()
        assert black < 0.01
        assert image.std() > 15


def test_the_cache_is_named_after_all_files_that_hold_compiled_code():
    folder = Path(compiled_module.__file__).parents[1]
    compiled_files = 0
    for path in folder.rglob("*.py"):
        text = path.read_text()
        if "@compiled" in text:
            compiled_files += 1
            assert path.relative_to(folder).with_suffix("").as_posix() in SOURCES, path.name
            for used in re.findall(r"from c2fpose\.data\.synth36\.(\w+\.\w+) import", text):
                if path.stem in ("raster", "room", "shading", "skinning"):
                    assert used.replace(".", "/") in SOURCES, f"{path.name} imports {used}"
    assert compiled_files > 3
