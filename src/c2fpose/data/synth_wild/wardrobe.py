"""What people of synth_wild wear beyond synth36's clothes: skirts, dresses, coats, little or loose clothing, hats,
bags, other hair, things in the hand."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.person.body import BONES, BodyShape, load_pack
from c2fpose.data.synth36.person.dressing import (
    Appearance,
    Edges,
    Part,
    Places,
    assembled,
    places,
    shoe_edge,
    sock_edge,
    surfaces,
    top_edge,
    trouser_edge,
    with_face,
    with_thing,
)
from c2fpose.data.synth36.person.outfit import Look, Outfit
from c2fpose.data.synth36.person.props import grip_of
from c2fpose.data.synth36.render.materials import Material, palette_colour, shade
from c2fpose.data.synth36.render.raster import vertex_normals
from c2fpose.data.synth36.scene.furniture import Workshop

NOWHERE = -100.0  # edge of a garment that is not worn
WAIST_MM = 1000.0  # on the mean body: where skirts begin
# Parts of a dressed person in order; those after the last are things with materials of their own.
ROLES = ("skin", "eyes", "top", "trousers", "socks", "shoes", "hair")


@dataclass(frozen=True)
class Cut:
    """How clothes are cut; lengths are millimetres on the mean body."""

    outfit: Outfit
    top: bool = True
    trousers: bool = True
    shoes: bool = True
    skirt_hem_mm: float | None = None  # height of a skirt's hem; None: no skirt
    skirt_of: str = "trousers"  # whose cloth: "top" makes a dress or a coat
    flare: float = 0.0
    cap_mm: float | None = None  # how far a cap or hat stands off; None: bare head
    cap_line_mm: float = 45.0  # its rim, above the eyes
    peak: str = ""  # "", "peak", "brim"
    hair_mm: float | None = None  # another volume of the hair
    pack: bool = False  # a bag on the back
    held: tuple[str, ...] = ("", "")  # by the left and the right hand: "", "ball", "stick", "box", "phone"


def draw_cut(rng: np.random.Generator, outfit: Outfit, maleness: float) -> Cut:
    """Change the cut of an outfit at random."""
    kind = rng.choice(["plain", "skirt", "dress", "coat", "bare", "sport", "loose", "suit"],
                      p=[0.38, 0.1, 0.1, 0.1, 0.1, 0.1, 0.07, 0.05] if maleness < 0.5 else
                      [0.48, 0.01, 0.01, 0.12, 0.12, 0.11, 0.09, 0.06])  # fmt: skip
    cut = Cut(outfit)
    if kind in ("skirt", "dress"):
        hem = float(
            rng.choice([rng.uniform(560, 760), rng.uniform(300, 560), rng.uniform(150, 300)], p=[0.5, 0.35, 0.15])
        )
        outfit = replace(outfit, shirt_hem_mm=960.0 if kind == "dress" else outfit.shirt_hem_mm)
        bare = rng.random() < 0.7
        cut = Cut(outfit, trousers=not bare, skirt_hem_mm=hem, skirt_of="top" if kind == "dress" else "trousers",
                  flare=float(rng.uniform(0, 0.25)))  # fmt: skip
    elif kind == "coat":
        outfit = replace(outfit, sleeve_mm=float(rng.uniform(480, 510)), shirt_hem_mm=900.0, collar=(20.0, 30.0),
                         top_ease_mm=float(rng.uniform(20, 38)), trouser_hem_mm=float(rng.uniform(55, 95)))  # fmt: skip
        cut = Cut(outfit, skirt_hem_mm=float(rng.uniform(350, 800)), skirt_of="top", flare=float(rng.uniform(0, 0.12)))
    elif kind == "bare":
        outfit = replace(
            outfit, sleeve_mm=float(rng.uniform(0, 40)), collar=(70.0, 30.0), top_ease_mm=float(rng.uniform(3, 9)),
            shirt_hem_mm=float(rng.choice([rng.uniform(1100, 1200), rng.uniform(850, 950)])),
            trouser_hem_mm=float(rng.uniform(560, 850)), trouser_ease_mm=float(rng.uniform(2, 14)),
        )  # fmt: skip
        cut = Cut(outfit, top=maleness < 0.5 or rng.random() < 0.4, shoes=rng.random() < 0.45)
    elif kind == "sport":
        outfit = replace(outfit, top_ease_mm=float(rng.uniform(2, 8)), trouser_ease_mm=float(rng.uniform(1, 5)),
                         trouser_hem_mm=float(rng.choice([rng.uniform(60, 90), rng.uniform(450, 800)])),
                         sleeve_mm=float(rng.choice([rng.uniform(5, 40), rng.uniform(130, 200), 490.0])))  # fmt: skip
        cut = Cut(outfit)
    elif kind == "loose":
        outfit = replace(outfit, top_ease_mm=float(rng.uniform(26, 48)), trouser_ease_mm=float(rng.uniform(22, 45)),
                         shirt_hem_mm=float(rng.uniform(700, 860)))  # fmt: skip
        cut = Cut(outfit)
    elif kind == "suit":
        outfit = replace(outfit, sleeve_mm=490.0, trousers=outfit.top, shirt_hem_mm=905.0, collar=(20.0, 0.0))
        cut = Cut(outfit)
    return _with_things(rng, cut)


def _with_things(rng: np.random.Generator, cut: Cut) -> Cut:
    """Hats, hair, bags, and what hands hold."""
    if rng.random() < 0.27:
        kind = rng.choice(["cap", "beanie", "brim", "helmet"], p=[0.4, 0.25, 0.2, 0.15])
        stands, line = {"cap": (8.0, 48.0), "beanie": (10.0, 36.0), "brim": (10.0, 46.0), "helmet": (26.0, 30.0)}[kind]
        peak = {"cap": "peak", "brim": "brim"}.get(str(kind), "peak" if kind == "helmet" and rng.random() < 0.3 else "")
        cut = replace(cut, cap_mm=float(stands * rng.uniform(0.8, 1.5)), cap_line_mm=float(line), peak=peak)
    elif rng.random() < 0.1:
        cut = replace(cut, hair_mm=float(rng.uniform(40, 85)))
    held = tuple(
        str(rng.choice(["", "ball", "stick", "box", "phone"], p=[0.87, 0.03, 0.04, 0.03, 0.03])) for _ in range(2)
    )
    return replace(cut, pack=bool(rng.random() < 0.1), held=held)


def dressed(rng: np.random.Generator, test: bool, shape: BodyShape, look: Look, cut: Cut) -> Appearance:
    """Dress a person in these clothes; materials come in the order of ``ROLES``, see ``materials_of``."""
    pack, where, outfit = load_pack(), places(), cut.outfit
    rest_mm, mean_mm = shape.rest_vertices_mm, pack.mean_mm
    nothing = np.full(len(rest_mm), NOWHERE)
    top = top_edge(outfit, where, mean_mm) if cut.top else nothing
    trousers = trouser_edge(outfit, where) if cut.trousers else nothing
    if not cut.trousers and not cut.top:
        trousers = trouser_edge(replace(outfit, trouser_hem_mm=820.0), where)
    elif not cut.trousers:
        trousers = trouser_edge(replace(outfit, trouser_hem_mm=860.0), where)
    shoes = shoe_edge(outfit, where) if cut.shoes else nothing
    socks = sock_edge(outfit, where) if cut.shoes else nothing
    hair = look if cut.hair_mm is None else replace(look, hair_volume_mm=cut.hair_mm, hair_style="medium")
    parts = surfaces(shape, hair, outfit, Edges(top, trousers, shoes, socks))
    if len(parts) == len(ROLES):  # always room for long hair, so that what follows has its place
        parts.append(Part(pack.triangles["hair"][:0], rest_mm, nothing, look.hair))
    parts.append(_skirt(cut, shape, where))
    parts.append(_cap(rng, test, cut, where, rest_mm, hair.hair_volume_mm))
    return _holding(rng, test, cut, assembled(shape, parts))


def materials_of(look: Look, outfit: Outfit, cut: Cut) -> Float[np.ndarray, "9 28"]:
    """Rows of all parts but the cap: skin, eyes, top, trousers, socks, shoes, hair twice, skirt."""
    look = with_face(look)
    skirt = outfit.top if cut.skirt_of == "top" else outfit.trousers
    parts = [look.skin, look.eyes, outfit.top, outfit.trousers, outfit.socks, outfit.shoes, look.hair, look.hair]
    return np.stack([part.row() for part in (*parts, skirt)])


def _skirt(cut: Cut, shape: BodyShape, where: Places) -> Part:
    """Make a skirt, or the lower half of a dress or coat."""
    pack, outfit = load_pack(), cut.outfit
    rest_mm, triangles = shape.rest_vertices_mm, pack.triangles["skirt"]
    cloth = outfit.top if cut.skirt_of == "top" else outfit.trousers
    if cut.skirt_hem_mm is None:
        return Part(triangles[:0], rest_mm, np.full(len(rest_mm), NOWHERE), cloth)
    ease = 6.0 + (outfit.top_ease_mm if cut.skirt_of == "top" else 4.0)
    surface = rest_mm + ease * vertex_normals(rest_mm, triangles)
    below = np.clip((WAIST_MM - where.height) / 700.0, 0, 1)[:, None]
    surface[:, :2] *= 1 + cut.flare * below
    edge = np.minimum(WAIST_MM + 5.0 - where.height, where.height - cut.skirt_hem_mm)
    return Part(triangles, surface, edge, cloth)


def _cap(rng, test: bool, cut: Cut, where: Places, rest_mm, hair_mm: float) -> Part:
    """Make what covers the top of the head."""
    pack = load_pack()
    cloth = Material("cloth", palette_colour(rng, test, (0.0, 0.8), (0.05, 0.95)), bump=0.1, specular=0.02)
    if cut.cap_mm is None:
        return Part(pack.triangles["body"][:0], rest_mm, np.full(len(rest_mm), NOWHERE), cloth)
    eye_z = pack.landmarks_mm[pack.landmark_index["eyes"], 2]
    line = np.where(where.on_head > 0.55, where.height - eye_z - cut.cap_line_mm, -50.0)
    thick = cut.cap_mm + min(hair_mm, 22.0)
    normals = vertex_normals(rest_mm, pack.triangles["body"])
    return Part(pack.triangles["body"], rest_mm + thick * normals, line, cloth)


def _holding(rng: np.random.Generator, test: bool, cut: Cut, person: Appearance) -> Appearance:
    """Add stiff things that follow one bone: a hat's rim, a bag on the back, things in the hands."""
    shape, things = person.shape, []
    marks = shape.landmarks_mm
    colour = palette_colour(rng, test, (0.0, 0.8), (0.05, 0.95))
    cloth = Material("cloth", colour, shade(colour, 0.7), bump=0.2, specular=0.02)
    if cut.cap_mm is not None and cut.peak:
        shop, (_, y, z) = Workshop(), marks["eyes"]
        if cut.peak == "peak":
            shop.box((0, y + 48 + cut.cap_mm, z + cut.cap_line_mm + 4), (138, 96, 7), cloth)
        else:
            radius = rng.uniform(140, 200)
            shop.cylinder((0, 0.5 * (y + marks["head"][1]) - 30, z + cut.cap_line_mm), radius, 7, cloth, 0.97 * radius)
        things.append((shop, "head"))
    if cut.pack:
        shop, (_, y, z) = Workshop(), marks["chest"]
        size = rng.uniform((220, 90, 300), (340, 190, 520))
        shop.cushion((0, y - 85 - 0.5 * size[1], z + rng.uniform(-20, 60)), size, cloth, 0.3)
        things.append((shop, "chest"))
    for side, name in zip(("left", "right"), cut.held, strict=True):
        if name:
            things.append((_in_hand(rng, test, name, shape, side), f"{side}_hand"))
    for shop, bone in things:
        person = with_thing(person, shop.placed((0.0, 0.0, 0.0), 0.0), _stiff_vertex(bone))
    return person


def _in_hand(rng: np.random.Generator, test: bool, name: str, shape: BodyShape, side: str) -> Workshop:
    """Something in the hollow of a hand."""
    grip, shop = grip_of(shape, side), Workshop()
    paint = Material("plain", palette_colour(rng, test, (0.1, 0.9), (0.1, 0.95)), specular=0.08, gloss=25.0)
    if name == "ball":
        size = 2 * rng.uniform(35, 125)
        shop.cushion((0, 20, 0.5 * size), (size, size, size), paint, 0.5)
    elif name == "stick":
        length, wide = rng.uniform(250, 1100), rng.uniform(12, 40)
        shop.box((0.5 * length - rng.uniform(60, 200), 0, 14), (length, wide, wide), paint)
        if rng.random() < 0.4:  # a racket, a paddle
            shop.cushion((length, 0, 14), (280, 220, 24), paint, 0.5)
    elif name == "box":
        shop.box((0, 60, 90), rng.uniform((100, 60, 60), (330, 260, 180)), paint)
    else:
        shop.box((0, 22, -6), (72, 146, 10), Material("plain", (0.06, 0.06, 0.07), specular=0.2, gloss=40.0))
    axes = np.stack([grip.across, grip.fingers, grip.palm], axis=1)
    shop.vertices_mm = [grip.place_mm + vertices @ axes.T for vertices in shop.vertices_mm]
    return shop


def _stiff_vertex(bone: str) -> int:
    """Find the pack vertex that follows a bone the most."""
    pack = load_pack()
    share = np.where(pack.skin_frames == BONES.index(bone), pack.skin_weights, 0.0).sum(1)
    return int(np.argmax(share))
