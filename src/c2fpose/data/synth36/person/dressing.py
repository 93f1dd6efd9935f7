"""Clothes and hair as surfaces of their own over the body: shells that stand off and are cut at hems.

Each garment is a signed distance to its hems (``edge``, millimetres on the mean body, positive inside); the renderer
cuts surfaces where it is negative. The body is cut away where it lies deep under a garment.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from c2fpose.data.synth36.person.body import SKIN_FRAMES, SOLE_MM, BodyShape, load_pack, skin, skin_frames
from c2fpose.data.synth36.person.outfit import Look, Outfit, sequence_outfit, subject_look
from c2fpose.data.synth36.person.props import HANGING, HELD, STANDING, Prop, make_prop
from c2fpose.data.synth36.person.skinning import relax
from c2fpose.data.synth36.render.materials import Material
from c2fpose.data.synth36.render.mesh import CANONICAL, CHANNELS, EDGE, LIDS, LIPS, OPEN, REDNESS, Mesh, joined
from c2fpose.data.synth36.render.raster import vertex_normals
from c2fpose.data.synth36.render.render import Person
from c2fpose.pose.protocol import TEST_SUBJECTS

_STREAM = 105  # key of this module in seed sequences
OVERLAP_MM = 22.0  # what lies deeper than this under a garment is not drawn


@dataclass(frozen=True, kw_only=True, eq=False)
class Appearance(Person):
    """A dressed person at rest, with what the hand holds, ready to be posed and rendered."""

    shape: BodyShape
    vertex_index: Int[np.ndarray, "N"]  # the pack vertex whose skinning each vertex follows
    prop: Prop | None = None  # its vertices are the last ones

    def pose(
        self,
        local_rotations: Float[np.ndarray, "19 3 3"],
        root_mm: Float[np.ndarray, "3"],
        frames: tuple[Float[np.ndarray, "27 3 3"], Float[np.ndarray, "27 3"]] | None = None,
    ) -> Float[np.ndarray, "N 3"]:
        """Pose the dressed surface in the world, mm. ``frames``: this pose's ``body.skin_frames``, if known."""
        if frames is None:
            frames = skin_frames(self.shape, local_rotations, root_mm)
        posed_mm = skin(self.shape, local_rotations, root_mm, self.rest_vertices_mm, self.vertex_index, frames)
        if self.prop is not None and (self.prop.follows != HELD).any():
            held = np.array([self.prop.hand_vertex])
            grip_mm = skin(self.shape, local_rotations, root_mm, self.prop.grip_mm[None], held, frames)[0]
            self._set_down(posed_mm[-len(self.prop.follows) :], grip_mm, np.asarray(local_rotations)[0], root_mm)
        return posed_mm

    def _set_down(
        self,
        posed_mm: Float[np.ndarray, "K 3"],
        grip_mm: Float[np.ndarray, "3"],
        pelvis: Float[np.ndarray, "3 3"],
        root_mm: Float[np.ndarray, "3"],
    ) -> None:
        """Place what hangs from the hand or stands beside the person: upright, turned with the pelvis."""
        forward = pelvis @ [0.0, 1.0, 0.0]
        sine, cosine = np.array([-forward[0], forward[1]]) / np.hypot(forward[0], forward[1])
        turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        assert self.prop is not None, "asked for where there is one"
        rest_mm, follows = self.prop.mesh.vertices_mm, self.prop.follows
        hanging, standing = follows == HANGING, follows == STANDING
        posed_mm[hanging] = grip_mm + (rest_mm[hanging] - self.prop.grip_mm) @ turn.T
        posed_mm[standing] = [root_mm[0], root_mm[1], 0.0] + rest_mm[standing] @ turn.T


def sequence_appearance(
    seed: int,
    subject: int,
    action: int,
    trial: int,
    shape: BodyShape,
    hand_prop: str | None = None,
    prop_side: str = "right",
) -> Appearance:
    """Draw what ``subject`` looks like in one sequence: the look is the subject's own; clothes and fingers change.

    ``hand_prop``: one of ``props.PROPS`` or None, held by the hand of ``prop_side``.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM, subject, action, trial]))
    relaxed, grip = rng.uniform(0.3, 1.2, 2), rng.uniform(0.0, 0.35, 2)
    if hand_prop is not None:
        grip[["left", "right"].index(prop_side)] = 0.8
    shape = BodyShape(shape.betas, np.stack([relaxed, grip], axis=1))
    person = dressed(shape, subject_look(seed, subject, shape.maleness), sequence_outfit(seed, subject, action, trial))
    if hand_prop is None:
        return person
    prop = make_prop(hand_prop, prop_side, shape, rng, subject in TEST_SUBJECTS)
    return replace(with_thing(person, prop.mesh, prop.hand_vertex), prop=prop)


def with_thing(person: Appearance, thing: Mesh, vertex: int) -> Appearance:
    """Add something stiff that moves as one vertex of the pack does."""
    both = joined(person.mesh(), thing)
    return replace(
        person,
        rest_vertices_mm=both.vertices_mm,
        triangles=both.triangles,
        material=both.material,
        channels=both.channels,
        materials=both.materials,
        vertex_index=np.concatenate([person.vertex_index, np.full(len(thing.vertices_mm), vertex)]),
    )


@dataclass(frozen=True)
class Places:
    """Where each pack vertex lies on the mean body, in terms that tailors use; millimetres."""

    along_arm: Float[np.ndarray, "V"]  # from the shoulder towards the hand; small or negative on the trunk
    on_arm: Float[np.ndarray, "V"]  # 0..1
    on_foot: Float[np.ndarray, "V"]  # 0..1
    on_head: Float[np.ndarray, "V"]  # 0..1
    height: Float[np.ndarray, "V"]
    neck_radius: Float[np.ndarray, "V"]  # horizontal distance from the axis of the neck
    neck_y: float
    neck_z: float
    hairline: Float[np.ndarray, "V"]  # height above the line where hair begins; negative off the head


@lru_cache(maxsize=1)
def places() -> Places:
    """Measure the pack's vertices on the mean body, once."""
    pack = load_pack()
    mean_mm = pack.mean_mm
    marks = {name: pack.landmarks_mm[index] for name, index in pack.landmark_index.items()}
    dense = np.zeros((len(mean_mm), len(SKIN_FRAMES)))
    for k in range(pack.skin_frames.shape[1]):
        np.add.at(dense, (np.arange(len(mean_mm)), pack.skin_frames[:, k]), pack.skin_weights[:, k])

    def share(*parts: str) -> Float[np.ndarray, "V"]:
        return dense[:, [i for i, name in enumerate(SKIN_FRAMES) if any(part in name for part in parts)]].sum(1)

    on_arm = share("upper_arm", "forearm", "hand", "wrist")
    along = np.zeros(len(mean_mm))
    for side, here in (("left", mean_mm[:, 0] < 0), ("right", mean_mm[:, 0] >= 0)):
        shoulder, elbow, wrist = (marks[f"{side}_{bone}"] for bone in ("upper_arm", "forearm", "hand"))
        upper, fore = elbow - shoulder, wrist - elbow
        length = np.linalg.norm(upper)
        first = np.minimum((mean_mm - shoulder) @ upper / length, length)
        second = np.maximum((mean_mm - elbow) @ fore / np.linalg.norm(fore), 0)
        along = np.where(here, first + second, along)
    along_arm = along * _smooth(0.15, 0.6, on_arm) - 60 * (1 - _smooth(0.15, 0.6, on_arm))
    neck = marks["neck"]
    radius = np.hypot(mean_mm[:, 0], mean_mm[:, 1] - neck[1])
    on_head = share("head", "neck")
    return Places(along_arm, on_arm, share("foot"), on_head, mean_mm[:, 2], radius, neck[1], neck[2],
                  _hairline(mean_mm, marks, share("head"), pack.masks["ears"]))  # fmt: skip


def _hairline(
    mean_mm: Float[np.ndarray, "V 3"],
    marks: dict[str, Float[np.ndarray, "3"]],
    on_head: Float[np.ndarray, "V"],
    ears: Float[np.ndarray, "V"],
) -> Float[np.ndarray, "V"]:
    eyes, skull = marks["eyes"], marks["head"]
    angle = np.degrees(np.arctan2(np.abs(mean_mm[:, 0]), mean_mm[:, 1] - skull[1]))  # 0 in front, 180 behind
    line = np.interp(angle, [0, 25, 45, 60, 78, 100, 118, 140, 180], [62, 60, 44, 20, 2, 12, -30, -62, -72])
    above = mean_mm[:, 2] - eyes[2] - line
    above = np.where(ears > 0.3, np.minimum(above, -4.0), above)
    return np.where(on_head > 0.55, above, -50.0)


def _smooth(low: float, high: float, x: Float[np.ndarray, "V"]) -> Float[np.ndarray, "V"]:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def top_edge(outfit: Outfit, where: Places, mean_mm: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, "V"]:
    """Cut a shirt: mm inside its hems for each vertex of the pack, negative outside."""
    sleeve = outfit.sleeve_mm - where.along_arm
    front = _smooth(-20, 60, mean_mm[:, 1] - where.neck_y)
    fall, v = outfit.collar
    v_drop = v * front * np.clip(1 - np.abs(mean_mm[:, 0]) / 65.0, 0, 1)
    collar_z = where.neck_z + 2.0 - fall * front - v_drop
    # Above the collar's height only what is far from the neck (the shoulders) belongs to the shirt.
    neck = np.maximum(where.neck_radius - 66.0 - 0.3 * fall, collar_z - where.height)
    neck = np.minimum(neck, where.neck_z + 45.0 - where.height)
    hem = where.height - outfit.shirt_hem_mm + 3000 * (where.on_arm > 0.5)
    return np.minimum(np.minimum(sleeve, hem), neck)


def trouser_edge(outfit: Outfit, where: Places) -> Float[np.ndarray, "V"]:
    """Cut trousers: mm inside waist and hem for each vertex of the pack, negative outside."""
    waist = 985.0 - where.height - 3000 * (where.on_arm > 0.3)
    return np.minimum(waist, where.height - outfit.trouser_hem_mm)


def shoe_edge(outfit: Outfit, where: Places) -> Float[np.ndarray, "V"]:
    """Cut shoes: mm below their upper rim for each vertex of the foot, negative outside."""
    return np.where(where.on_foot > 0.05, outfit.shoe_top_mm - where.height, -100.0)


def sock_edge(outfit: Outfit, where: Places) -> Float[np.ndarray, "V"]:
    """Cut socks: mm below their upper rim for each vertex of the pack, negative above."""
    return outfit.sock_top_mm - where.height


@dataclass(frozen=True)
class Edges:
    """How far each vertex of the pack lies inside the garments, mm on the mean body; negative where none is worn."""

    top: Float[np.ndarray, "V"]
    trousers: Float[np.ndarray, "V"]
    shoes: Float[np.ndarray, "V"]
    socks: Float[np.ndarray, "V"]


@dataclass(frozen=True)
class Part:
    """One surface over the pack's vertices; only the vertices that its triangles use count."""

    triangles: Int[np.ndarray, "T 3"]
    rest_mm: Float[np.ndarray, "V 3"]
    edge: Float[np.ndarray, "V"]
    material: Material
    canonical_mm: Float[np.ndarray, "V 3"] | None = None  # if not the mean surface itself


def dressed(shape: BodyShape, look: Look, outfit: Outfit) -> Appearance:
    """Put an outfit on a body."""
    where, mean_mm = places(), load_pack().mean_mm
    edges = Edges(top_edge(outfit, where, mean_mm), trouser_edge(outfit, where), shoe_edge(outfit, where),
                  sock_edge(outfit, where))  # fmt: skip
    return assembled(shape, surfaces(shape, with_face(look), outfit, edges))


def with_face(look: Look) -> Look:
    """Tell the materials of skin and eyes where on the mean body brows, mouth and eyes are, see ``shading``."""
    pack = load_pack()
    eye = pack.landmarks_mm[pack.landmark_index["left_eye"]]
    mouth_z = pack.landmarks_mm[pack.landmark_index["mouth"], 2]
    eye_radius = np.ptp(pack.mean_mm[:, 2][pack.triangles["eyes"]]) / 2
    return replace(
        look,
        skin=replace(look.skin, extra=(*look.skin.extra[:3], abs(eye[0]), eye[2], mouth_z)),
        eyes=replace(look.eyes, extra=(abs(eye[0]), eye[1], eye[2], eye_radius)),
    )


def surfaces(shape: BodyShape, look: Look, outfit: Outfit, edges: Edges) -> list[Part]:
    """Lay out skin, eyes, top, trousers, socks, shoes, hair, and locks where hair is long."""
    pack, where = load_pack(), places()
    rest_mm, tights = shape.rest_vertices_mm, pack.triangles["tights"]
    garments = (edges.top, edges.trousers, edges.shoes, edges.socks)
    body_edge = np.minimum.reduce([OVERLAP_MM - garment for garment in garments])
    normals, body_normals = vertex_normals(rest_mm, tights), vertex_normals(rest_mm, pack.triangles["body"])
    smooth_mm, smooth_mean_mm = _without_relief(rest_mm), _mean_without_relief()

    hang = _smooth(0, 330, 1290 - where.height) * (1 - _smooth(0.2, 0.6, where.on_arm))  # cloth falls from the chest
    sleeve_room = 0.5 + 0.5 * _smooth(40, 160, where.along_arm)
    top_mm = 5 + outfit.top_ease_mm * np.where(where.on_arm > 0.4, 0.75 * sleeve_room, 0.55 + 0.7 * hang)
    flare = _smooth(780, 300, where.height)
    trousers_mm = 4 + outfit.trouser_ease_mm * (0.35 + 0.65 * flare)
    return [
        Part(pack.triangles["body"], rest_mm, body_edge, look.skin),
        Part(pack.triangles["eyes"], rest_mm, np.full(len(rest_mm), 50.0), look.eyes),
        Part(tights, smooth_mm + top_mm[:, None] * normals, edges.top, outfit.top, smooth_mean_mm),
        Part(tights, smooth_mm + trousers_mm[:, None] * normals, np.minimum(edges.trousers, 45.0 - edges.top),
             outfit.trousers, smooth_mean_mm),
        Part(tights, rest_mm + 1.5 * normals,
             np.minimum(edges.socks, OVERLAP_MM - np.maximum(edges.shoes, edges.trousers)), outfit.socks),
        Part(tights, _shoe_surface(rest_mm, normals, where), edges.shoes, outfit.shoes),
        *_hair_parts(look, where, rest_mm, body_normals),
    ]  # fmt: skip


def _shoe_surface(
    rest_mm: Float[np.ndarray, "V 3"], normals: Float[np.ndarray, "V 3"], where: Places
) -> Float[np.ndarray, "V 3"]:
    """Make a thicker foot on a flat sole that reaches the floor."""
    shoe_mm = rest_mm + normals * (4.0 + 4.0 * _smooth(70, 20, where.height))[:, None]
    low = _smooth(48, 14, where.height)
    shoe_mm[:, 2] = np.maximum(shoe_mm[:, 2] - SOLE_MM * low, 1.0)
    return shoe_mm


def _hair_parts(
    look: Look, where: Places, rest_mm: Float[np.ndarray, "V 3"], normals: Float[np.ndarray, "V 3"]
) -> list[Part]:
    pack = load_pack()
    height = pack.mean_mm[:, 2]
    eye_z = pack.landmarks_mm[pack.landmark_index["eyes"], 2]
    edge = where.hairline + (6.0 if look.hair_style in ("medium", "long") else 0.0)
    on_top = _smooth(eye_z + 40, eye_z + 110, height)
    thick_mm = look.hair_volume_mm * (0.55 + 0.45 * on_top) * _smooth(-2, 26, edge) + 1.5
    parts = [Part(pack.triangles["body"], rest_mm + thick_mm[:, None] * normals, edge, look.hair)]
    if look.hair_style == "long":
        # Open in front: the face, and below it the throat.
        angle = np.degrees(np.arctan2(np.abs(pack.mean_mm[:, 0]), pack.mean_mm[:, 1] - where.neck_y))
        opening = np.interp(height - eye_z, [-320, -140, -40, 40, 75], [80, 74, 56, 46, -20])
        locks = np.minimum(height - (eye_z - look.hair_length_mm), 1.6 * (angle - opening))
        parts.append(Part(pack.triangles["hair"], rest_mm, locks, look.hair))
    return parts


def _without_relief(surface_mm: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, "V 3"]:
    """Smooth the tights over a body: cloth does not follow the skin."""
    return relax(surface_mm, *_tights_edges(), 4)


@lru_cache(maxsize=1)
def _mean_without_relief() -> Float[np.ndarray, "V 3"]:
    return _without_relief(load_pack().mean_mm)


@lru_cache(maxsize=1)
def _tights_edges() -> tuple[Int[np.ndarray, "E 2"], Int[np.ndarray, "V"]]:
    """Collect the sides of all triangles, and how many end at each vertex of the pack (1 if none does)."""
    pack = load_pack()
    triangles = pack.triangles["tights"]
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    return edges, np.maximum(np.bincount(edges.ravel(), minlength=len(pack.mean_mm)), 1)


@lru_cache(maxsize=1)
def _channels_of_mean() -> Float[np.ndarray, "V 8"]:
    """Fill the channels of a pack vertex that no garment changes."""
    pack = load_pack()
    channels = np.zeros((len(pack.mean_mm), CHANNELS))
    channels[:, CANONICAL : CANONICAL + 3] = pack.mean_mm
    channels[:, REDNESS] = np.maximum(0.7 * pack.masks["ears"], 0.6 * pack.masks["fingernails"])
    channels[:, LIPS], channels[:, LIDS] = pack.masks["lips"], pack.masks["eyelids"]
    channels[:, OPEN] = 0.35 + 0.65 * pack.sky
    return channels


def assembled(shape: BodyShape, parts: list[Part]) -> Appearance:
    """All surfaces in one list of triangles; what is cut away as a whole is left out."""
    rest, index, triangles, material, channels = [], [], [], [], []
    first = 0
    for number, part in enumerate(parts):
        within = part.edge >= 0
        a, b, c = part.triangles.T
        kept = part.triangles[within[a] | within[b] | within[c]]
        is_used = np.zeros(len(part.edge), bool)
        is_used[kept] = True
        used = np.flatnonzero(is_used)
        place = np.cumsum(is_used) - 1 + first  # of a pack vertex among all that are kept
        channel = _channels_of_mean()[used]
        if part.canonical_mm is not None:
            channel[:, CANONICAL : CANONICAL + 3] = part.canonical_mm[used]
        channel[:, EDGE] = part.edge[used]
        rest.append(part.rest_mm[used])
        index.append(used)
        triangles.append(place[kept])
        material.append(np.full(len(kept), number))
        channels.append(channel)
        first += len(used)
    return Appearance(
        rest_vertices_mm=np.concatenate(rest), triangles=np.concatenate(triangles), material=np.concatenate(material),
        channels=np.concatenate(channels), materials=np.stack([part.material.row() for part in parts]),
        shape=shape, vertex_index=np.concatenate(index),
    )  # fmt: skip
