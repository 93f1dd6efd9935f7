"""Joints: names, order, tree, mirror pairs. Those of any data set, and the paper's 17 (``C2F17``).

The C2F order (the order of the paper's released data) puts the LEFT leg first. Most other code puts the right leg
first: ``RIGHT_LEG_FIRST`` converts, and is its own inverse.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jaxtyping import Float

from c2fpose.base.errors import UserError, readable
from c2fpose.base.files import write_text

MOST_JOINTS = 64
_KEYS = ("joints", "parents", "mirror", "root", "limbs")


class SkeletonError(UserError):
    """A skeleton that cannot be one; the message names the joint and what is wrong with it."""


@dataclass(frozen=True)
class Skeleton:
    """Which joints a pose has, in which order; indices into ``names`` everywhere else.

    Made by ``of`` (names) or ``from_file``, which check it; ``to_dict`` and ``to_file`` write what they read.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]  # -1 for the root
    mirror_pairs: tuple[tuple[int, int], ...]  # left, right; joints in none of them are their own mirror image
    root: int
    limbs: tuple[tuple[int, int], ...]  # pairs of joints that are drawn, and whose lengths are measured

    @classmethod
    def of(
        cls,
        joints: Sequence[Any],
        parents: Mapping[Any, Any],
        mirror: Iterable[Any] = (),
        root: Any = None,
        limbs: Iterable[Any] | None = None,
        where: str = "skeleton",
    ) -> "Skeleton":
        """Make a skeleton of joints' names, which may come from anywhere: everything is checked.

        ``parents``: of each joint but the root. ``mirror``: pairs of left and right. ``root``: the one without a
        parent, if not said; in no pair of ``mirror``. ``limbs``: pairs of joints; parents and children, if not said.
        Raises ``SkeletonError``, one line that begins with ``where``.

        >>> Skeleton.of(["tail", "hip", "head"], {"tail": "hip", "head": "hip"}).limbs
        ((1, 0), (1, 2))
        """
        names = tuple(joints)
        _check_names(names, where)
        index = {name: place for place, name in enumerate(names)}

        def known(name: Any, key: str) -> int:
            if not isinstance(name, str) or name not in index:
                raise SkeletonError(f"{where}: {key}: no joint is called {name!r}; one of {', '.join(names)}")
            return index[name]

        tree = [-1] * len(names)
        for child, parent in parents.items():
            tree[known(child, "parents")] = known(parent, "parents")
        tops = [name for name, parent in zip(names, tree, strict=True) if parent < 0]
        _check_tree(names, tree, where)
        if root is not None and tree[known(root, "root")] >= 0:
            raise SkeletonError(f"{where}: root: {root} has a parent, {names[tree[index[root]]]}; the root has none")
        if len(tops) > 1:
            lost = next(name for name in tops if name != root)
            raise SkeletonError(f"{where}: parents: {lost} has none; every joint but one, the root, has a parent")
        pairs = [_pair(pair, known, "mirror", where) for pair in mirror]
        _check_pairs(names, pairs, where)
        _check_root(names, index[tops[0]], pairs, where)
        edges = (
            [(parent, child) for child, parent in enumerate(tree) if parent >= 0]
            if limbs is None
            else [_pair(pair, known, "limbs", where) for pair in limbs]
        )
        if not edges:
            raise SkeletonError(f"{where}: limbs: none; give pairs of joints, or leave the key out")
        return cls(names, tuple(tree), tuple(pairs), index[tops[0]], tuple(edges))

    @property
    def joints(self) -> int:
        """How many there are."""
        return len(self.names)

    @property
    def mirror(self) -> tuple[int, ...]:
        """Where each joint of a mirrored image comes from; its own inverse."""
        order = list(range(len(self.names)))
        for left, right in self.mirror_pairs:
            order[left], order[right] = right, left
        return tuple(order)

    @property
    def sides(self) -> tuple[str, ...]:
        """``left``, ``right`` or ``middle`` for each joint."""
        sides = ["middle"] * len(self.names)
        for left, right in self.mirror_pairs:
            sides[left], sides[right] = "left", "right"
        return tuple(sides)

    @property
    def downwards(self) -> tuple[int, ...]:
        """All joints, parents before children: the root first."""
        order = [self.root]
        for above in order:
            order += [joint for joint, parent in enumerate(self.parents) if parent == above]
        return tuple(order)

    @property
    def label(self) -> str:
        """A few words for messages and tables: the name of one of ``SKELETONS``, or how many joints it has."""
        return next((name for name, known in SKELETONS.items() if known == self), f"{self.joints} joints")

    def index(self, name: str) -> int | None:
        """Find the place of a joint, None if there is none of this name."""
        return self.names.index(name) if name in self.names else None

    def subset(self, names: Sequence[str], where: str = "skeleton") -> "Skeleton":
        """Keep some joints, in the order given: each hangs on its nearest ancestor that is kept.

        The joint that stands highest in the tree becomes the root. Raises ``SkeletonError`` for unknown names, and
        where there is not one such joint.
        """
        if unknown := [name for name in names if name not in self.names]:
            raise SkeletonError(f"{where}: no joint is called {unknown[0]!r}; one of {', '.join(self.names)}")
        parents = {}
        for name in names:
            above = self.parents[self.names.index(name)]
            while above >= 0 and self.names[above] not in names:
                above = self.parents[above]
            if above >= 0:
                parents[name] = self.names[above]
        pairs = [(self.names[left], self.names[right]) for left, right in self.mirror_pairs]
        return Skeleton.of(names, parents, [pair for pair in pairs if set(pair) <= set(names)], where=where)

    def limb_lengths_mm(self, joints_mm: Float[np.ndarray, "*batch J 3"]) -> Float[np.ndarray, "*batch limbs"]:
        """Measure the lengths of ``limbs``, millimetres."""
        start, end = np.transpose(self.limbs)
        return np.linalg.norm(joints_mm[..., end, :] - joints_mm[..., start, :], axis=-1)

    # --- files --------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return what ``of`` takes, by names: fit for JSON and YAML."""
        names = self.names
        return {
            "joints": list(names),
            "parents": {names[child]: names[parent] for child, parent in enumerate(self.parents) if parent >= 0},
            "mirror": [[names[left], names[right]] for left, right in self.mirror_pairs],
            "root": names[self.root],
            "limbs": [[names[start], names[end]] for start, end in self.limbs],
        }

    @classmethod
    def from_dict(cls, values: Any, where: str = "skeleton") -> "Skeleton":
        """Read what ``to_dict`` gives. Raises ``SkeletonError``."""
        if not isinstance(values, Mapping):
            raise SkeletonError(f"{where}: expected the keys {', '.join(_KEYS)}")
        if unknown := [key for key in values if key not in _KEYS]:
            raise SkeletonError(f"{where}: {unknown[0]}: no such key; expected {', '.join(_KEYS)}")
        if missing := [key for key in ("joints", "parents") if key not in values]:
            raise SkeletonError(f"{where}: lacks {missing[0]}")
        shapes = {"joints": list, "parents": Mapping, "mirror": list, "limbs": list}
        for key, shape in shapes.items():
            if values.get(key) is not None and not isinstance(values[key], shape):
                raise SkeletonError(
                    f"{where}: {key}: expected {'joint: parent' if shape is Mapping else 'a list'}, each by its name"
                )
        return cls.of(
            values["joints"] or (),
            values["parents"] or {},
            values.get("mirror") or (),
            values.get("root"),
            values.get("limbs"),
            where,
        )

    def to_json(self) -> str:
        """One line of JSON, the same for equal skeletons."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, where: str = "skeleton") -> "Skeleton":
        """Read what ``to_json`` gives. Raises ``SkeletonError``."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise SkeletonError(f"{where}: no JSON ({error})") from None
        return cls.from_dict(values, where)

    @classmethod
    def from_file(cls, path: str | Path) -> "Skeleton":
        """Read a ``skeleton.yaml`` (docs/own_data.md). Raises ``SkeletonError``, and ``DataError`` for no YAML."""
        if not Path(path).is_file():
            raise SkeletonError(f"{path}: no such file")
        with readable(path, "not readable as YAML", "see docs/own_data.md for what it holds"):
            values = yaml.safe_load(Path(path).read_text("utf-8"))
        return cls.from_dict(values, str(path))

    def to_file(self, path: str | Path) -> None:
        """Write a ``skeleton.yaml``, whole. Raises ``OutputError``."""
        text = yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
        write_text(path, text)


def difference(ours: Skeleton, theirs: Skeleton) -> str:
    """Say in a few words in what two skeletons first differ."""
    if ours.names != theirs.names:
        lacks = [name for name in ours.names if name not in theirs.names]
        more = [name for name in theirs.names if name not in ours.names]
        if lacks or more:
            return "; ".join([f"{name} is missing" for name in lacks[:1]] + [f"{name} is there" for name in more[:1]])
        return f"{theirs.names} in this order"
    for key, value in theirs.to_dict().items():
        if value != ours.to_dict()[key]:
            return f"{key} {value} instead of {ours.to_dict()[key]}"
    return "none"


def _check_names(names: tuple[Any, ...], where: str) -> None:
    if not 2 <= len(names) <= MOST_JOINTS:
        raise SkeletonError(f"{where}: joints: {len(names)} of them; expected 2 to {MOST_JOINTS}")
    for place, name in enumerate(names):
        if not isinstance(name, str) or not name.strip() or len(name) > 64 or not name.isprintable():
            raise SkeletonError(f"{where}: joints: {name!r} is no name; give each joint a word of its own")
        if name in names[:place]:
            raise SkeletonError(f"{where}: joints: {name} stands there twice")


def _check_tree(names: tuple[str, ...], tree: list[int], where: str) -> None:
    for joint in range(len(names)):
        above, steps = joint, 0
        while tree[above] >= 0 and steps <= len(names):
            above, steps = tree[above], steps + 1
        if steps > len(names):
            raise SkeletonError(
                f"{where}: parents: {names[above]} is its own ancestor; the tree goes round in a circle"
            )


def _pair(pair: Any, known: Any, key: str, where: str) -> tuple[int, int]:
    if not isinstance(pair, list | tuple) or len(pair) != 2 or pair[0] == pair[1]:
        raise SkeletonError(f"{where}: {key}: {pair!r} is no pair of two joints")
    return known(pair[0], key), known(pair[1], key)


def _check_pairs(names: tuple[str, ...], pairs: list[tuple[int, int]], where: str) -> None:
    flat = [joint for pair in pairs for joint in pair]
    for place, joint in enumerate(flat):
        if joint in flat[:place]:
            raise SkeletonError(f"{where}: mirror: {names[joint]} is in two pairs; each joint has one mirror image")


def _check_root(names: tuple[str, ...], root: int, pairs: list[tuple[int, int]], where: str) -> None:
    """Refuse a root that is another joint in a mirrored picture: its depths would count from there."""
    for pair in pairs:
        if root in pair:
            first, second = (names[joint] for joint in pair)
            raise SkeletonError(
                f"{where}: root: {names[root]} has a mirror image; depths count from a joint in the middle, if need be "
                f"from a further one halfway between {first} and {second}"
            )


# --- the paper's ------------------------------------------------------------------------------------------------------

JOINTS = (
    "pelvis",
    "left_hip", "left_knee", "left_ankle",
    "right_hip", "right_knee", "right_ankle",
    "spine", "thorax", "nose", "head",
    "left_shoulder", "left_elbow", "left_wrist",
    "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip
NUM_JOINTS = len(JOINTS)
ROOT = 0

PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)

# Limbs in the order of the authors' table of mean lengths (``protocol.MEAN_LIMB_LENGTHS_MM``).
EDGES = (
    (0, 1), (0, 4), (0, 7), (1, 2), (2, 3), (4, 5), (5, 6), (7, 8),
    (8, 9), (8, 11), (8, 14), (9, 10), (11, 12), (12, 13), (14, 15), (15, 16),
)  # fmt: skip

C2F17 = Skeleton(JOINTS, PARENTS, ((1, 4), (2, 5), (3, 6), (11, 14), (12, 15), (13, 16)), ROOT, EDGES)
MIRROR = C2F17.mirror
SKELETONS = {"c2f17": C2F17}  # those that have names

RIGHT_LEG_FIRST = (0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
# Human3.6M's own 32-joint layout (``D3_Positions``) to C2F order.
FROM_HUMAN36M_32 = (0, 6, 7, 8, 1, 2, 3, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)

LEFT_SHOULDER, RIGHT_SHOULDER = JOINTS.index("left_shoulder"), JOINTS.index("right_shoulder")
LEFT_HIP, RIGHT_HIP = JOINTS.index("left_hip"), JOINTS.index("right_hip")


def limb_lengths_mm(joints_mm: Float[np.ndarray, "*batch 17 3"]) -> Float[np.ndarray, "*batch 16"]:
    """Measure the lengths of ``EDGES``, millimetres.

    >>> limb_lengths_mm(np.arange(51.0).reshape(17, 3))[:2].round(2)
    array([ 5.2 , 20.78])
    """
    return C2F17.limb_lengths_mm(joints_mm)


def left_is_left(joints_mm: Float[np.ndarray, "*batch J 3"], skeleton: Skeleton = C2F17) -> np.ndarray | None:
    """Whether shoulders and hips marked left lie on the body's left, ``(*batch, 2)`` bool: shoulders, hips.

    With up = thorax - pelvis and forward = nose - thorax, up x forward points to the left in any right-handed frame
    (camera frames with y down included). It holds on nearly all frames of correct data, not on each. None for joints
    that lack any of these.
    """
    pairs = [tuple(skeleton.index(f"{side}_{part}") for side in ("left", "right")) for part in ("shoulder", "hip")]
    pelvis, thorax, nose = (skeleton.index(name) for name in ("pelvis", "thorax", "nose"))
    if None in (pelvis, thorax, nose, *pairs[0], *pairs[1]):
        return None
    forward = joints_mm[..., nose, :] - joints_mm[..., thorax, :]
    to_left = np.cross(joints_mm[..., thorax, :] - joints_mm[..., pelvis, :], forward)
    apart = [joints_mm[..., left, :] - joints_mm[..., right, :] for left, right in pairs]
    return np.stack([(to_left * each).sum(-1) > 0 for each in apart], axis=-1)
