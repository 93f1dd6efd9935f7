"""What joints' names tell: side, part of the body, and so which joint hangs on which; a guess to be looked at."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from c2fpose.pose.skeleton import Skeleton

_SIDES = {"left": "left", "l": "left", "lt": "left", "right": "right", "r": "right", "rt": "right"}
_OTHER = {"l": "r", "r": "l", "L": "R", "R": "L"}
_SYNONYMS = {
    "hips": "pelvis", "root": "pelvis", "midhip": "pelvis", "hipcenter": "pelvis", "sacrum": "pelvis",
    "tailbase": "pelvis", "rootoftail": "pelvis", "torso": "spine", "spine1": "spine", "belly": "spine",
    "spine2": "midspine", "spine3": "thorax", "spine4": "thoraxtop", "chest": "thorax", "upperchest": "thorax",
    "neckbase": "thorax", "sternum": "thorax", "midshoulder": "thorax", "headtop": "headtop", "vertex": "headtop",
    "collar": "clavicle", "foot": "foot", "toes": "toe", "toebase": "toe", "bigtoe": "toe", "snout": "nose",
}  # fmt: skip
# The joints that a part hangs on: the first of these that the skeleton has, on its own side before the middle
_ABOVE = {
    "spine": ("pelvis",), "midspine": ("spine", "pelvis"), "thorax": ("midspine", "spine", "pelvis"),
    "thoraxtop": ("thorax", "spine", "pelvis"),
    "neck": ("thoraxtop", "thorax", "midspine", "spine", "pelvis"),
    "nose": ("neck", "thorax", "head", "spine", "pelvis"),
    "head": ("neck", "nose", "thorax", "spine", "pelvis"), "headtop": ("head", "neck", "nose", "thorax", "pelvis"),
    "eye": ("nose", "head", "neck"), "ear": ("eye", "head", "nose", "neck"), "jaw": ("head", "nose", "neck"),
    "clavicle": ("thoraxtop", "thorax", "neck", "spine", "pelvis"),
    "shoulder": ("clavicle", "thorax", "neck", "spine", "pelvis"),
    "elbow": ("shoulder",), "wrist": ("elbow", "shoulder"), "hand": ("wrist", "elbow"),
    "hip": ("pelvis", "spine"), "knee": ("hip", "pelvis"), "ankle": ("knee", "hip"), "heel": ("ankle", "knee"),
    "foot": ("ankle", "knee"), "toe": ("foot", "ankle", "knee"), "smalltoe": ("foot", "ankle", "knee"),
    "frontpaw": ("elbow", "shoulder"), "backpaw": ("knee", "hip"), "paw": ("wrist", "ankle", "elbow", "knee"),
    "tail": ("pelvis",), "tailtip": ("tail", "pelvis"), "withers": ("pelvis",),
}  # fmt: skip


class Part(NamedTuple):
    """What a joint's name says."""

    side: str  # left, right or middle
    part: str  # small letters, without signs; one of those known here, or the rest of the name


def part_of(name: str) -> Part:
    """Read the side and the part of the body from a joint's name, in any of the usual spellings.

    >>> part_of("LeftKnee"), part_of("r_ankle"), part_of("Hips")
    (Part(side='left', part='knee'), Part(side='right', part='ankle'), Part(side='middle', part='pelvis'))
    """
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]
    for place in (0, len(words) - 1, *range(1, len(words) - 1)):  # the last: such as front_left_paw
        if len(words) > 1 and words[place] in _SIDES:
            rest = "".join(words[:place] + words[place + 1 :])
            return Part(_SIDES[words[place]], _SYNONYMS.get(rest, rest))
    whole = "".join(words) or name.lower()
    for side in ("left", "right"):  # such as leftknee
        rest = whole.removeprefix(side) if whole.startswith(side) else whole.removesuffix(side)
        if rest not in ("", whole):
            return Part(side, _SYNONYMS.get(rest, rest))
    if whole[:1] in "lr" and whole[1:] in _ABOVE:  # such as lknee
        return Part(_SIDES[whole[0]], whole[1:])
    return Part("middle", _SYNONYMS.get(whole, whole))


def parts_of(names: Sequence[str]) -> list[Part]:
    """Read all joints' names; of such as Lfin and Rfin, finl and finr, each tells what the other's letter means."""
    return [_by_letter(name, names) or part_of(name) for name in names]


def _by_letter(name: str, names: Sequence[str]) -> Part | None:
    if part_of(name).side != "middle" or len(name) < 2:
        return None
    for letter, rest, form in ((name[0], name[1:], "{0}{1}"), (name[-1], name[:-1], "{1}{0}")):
        side = _SIDES.get(letter.lower())
        if side and form.format(_OTHER[letter], rest) in names:
            return Part(side, rest.lower())
    return None


def mirror_of(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pair left and right joints by their names."""
    parts = list(zip(names, parts_of(names), strict=True))
    rights = {each.part: name for name, each in parts if each.side == "right"}
    lefts = {each.part: name for name, each in parts if each.side == "left"}
    return [(left, rights[part]) for part, left in lefts.items() if part in rights]


def guessed(
    names: Sequence[str],
    parents: Mapping[str, str] | None = None,
    root: str | None = None,
    limbs: Iterable[tuple[str, str]] = (),
    where: str = "skeleton",
) -> tuple[Skeleton, list[str]]:
    """Make a skeleton of names: what is not said is told by ``limbs`` if they hold together, else by the parts' names.

    Returns it and the joints of which nothing was known, which hang on the root. Raises ``SkeletonError``.
    """
    edges = [edge for edge in limbs if set(edge) <= set(names)]
    pairs = mirror_of(names)
    alone = [name for name in names if not any(name in pair for pair in pairs)]  # where a root may be
    top = root or next((name for name in names if part_of(name) == Part("middle", "pelvis")), None)
    above = _by_limbs(names, top or next(iter([*alone, *names]), ""), edges)
    known = dict(above) if len(above) == len(names) - 1 else _by_names(names)
    known |= parents or {}
    loose = [name for name in names if name not in known and name != top]
    if top is None and loose:
        top = next((name for name in loose if name in alone), loose[0])
        loose.remove(top)
    known = {name: parent for name, parent in known.items() if name != top}
    if top is not None:
        known |= dict.fromkeys(loose, top)
    drawn = edges if len(edges) >= len(names) - 1 else None
    return Skeleton.of(names, known, pairs, top, drawn, where), loose


def _by_limbs(names: Sequence[str], top: str, edges: list[tuple[str, str]]) -> dict[str, str]:
    """Parents of all joints that limbs join to the top."""
    parents: dict[str, str] = {}
    order = [top]
    for parent in order:
        for start, end in edges:
            child = end if start == parent else start if end == parent else None
            if child is not None and child not in order:
                parents[child] = parent
                order.append(child)
    return parents


def _by_names(names: Sequence[str]) -> dict[str, str]:
    """Parents of the joints whose parts are known."""
    owners = {part_of(name): name for name in reversed(names)}
    parents: dict[str, str] = {}
    told = [name for part in _ABOVE for name in names if part_of(name).part == part]  # whatever the order of names
    for name in told:
        side, part = part_of(name)
        candidates = [Part(where, above) for above in _ABOVE[part] for where in (side, "middle")]
        known = [owners[each] for each in candidates if each in owners]
        if found := [above for above in known if not _hangs_on(above, name, parents)]:
            parents[name] = found[0]
    return parents


def _hangs_on(joint: str | None, above: str, parents: Mapping[str, str]) -> bool:
    """Whether a joint is another one or below it: without a neck, nose and head would hang on each other."""
    while joint is not None and joint != above:
        joint = parents.get(joint)
    return joint is not None
