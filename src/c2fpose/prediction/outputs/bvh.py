"""A person's motion as BVH: a skeleton whose bones turn, for Blender, MotionBuilder and others.

Metres, y up, the camera at the origin looking along -z: the camera frame turned by half a turn about x. All people of a
source, and all files of it, share that frame and the time.

A BVH skeleton has fixed bone lengths, a network's poses have not. OFFSETs are the person's own median lengths in a
T-pose facing the camera. A joint whose bone changes by more than ``KEPT_MM`` has position channels too, which stand in
place of the OFFSET, as Blender reads them: forward kinematics then give back every joint. Bones turn by the smallest
rotation that points them at the next joint (twist about a bone's own axis is not in points). Joints of other names
than the paper's have no T-pose: their bones rest where they point on average.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from c2fpose.base.files import written_whole
from c2fpose.pose.skeleton import Skeleton
from c2fpose.prediction.outputs.formats import Format, Pictures
from c2fpose.prediction.result import PoseResult

FORMAT = Format(endings=(".bvh",), file_a_person=True)
KEPT_MM = 0.5  # the longest chain has six bones: below 5 mm in all
STILL_FRAME_S = 1 / 25  # of a single picture, where BVH wants a time all the same
_FROM_CAMERA = np.array([1.0, -1.0, -1.0]) / 1000  # to metres, y up
_ORDER = "ZXY"  # of the rotation channels: about z first as written, the order of most files
# Directions of bones at rest, by the joint at their end: a T-pose, the person's left on the right of who looks at it
_UP, _DOWN, _LEFT, _RIGHT = (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0)
_REST = dict(spine=_UP, thorax=_UP, nose=(0, 0.8, 0.6), head=_UP)
_REST |= dict(left_hip=_LEFT, left_knee=_DOWN, left_ankle=_DOWN, right_hip=_RIGHT, right_knee=_DOWN, right_ankle=_DOWN)
_REST |= dict.fromkeys(("left_shoulder", "left_elbow", "left_wrist"), _LEFT)
_REST |= dict.fromkeys(("right_shoulder", "right_elbow", "right_wrist"), _RIGHT)
Joints = Float[np.ndarray, "T J 3"]


def write(result: PoseResult, pictures: Pictures | None, path: Path, stretching: bool = True) -> list[Path]:
    """Write one file a person: ``path``, or ``<name>_<id>.bvh`` where there are several. None where nobody was found.

    Frames without the person are filled in along straight lines, and held before the first and after the last one.
    ``stretching=False``: no position channels but the root's, for programs that add them to the OFFSET (three.js).
    """
    written = []
    for id in result.ids:
        file = path if len(result.ids) == 1 else path.with_name(f"{path.stem}_{id}{path.suffix}")
        joints_m, frame_s = _resampled(result, id)
        with written_whole(file) as partial, open(partial, "w", encoding="utf-8") as stream:
            stream.writelines(
                f"{line}\n" for line in _lines(_Grown(result.skeleton, joints_m, stretching).root(), frame_s)
            )
        written.append(file)
    return written


def _resampled(result: PoseResult, id: int) -> tuple[Joints, float]:
    """Joints in metres, y up, at even times over the whole source, and the time between them."""
    times = np.array([frame.time_s for frame in result.frames])
    track = result.track(id)
    seen = np.array([frame.time_s for frame, _ in track])
    joints_m = np.stack([pose.joints_cam_mm for _, pose in track]) * _FROM_CAMERA
    steps = np.diff(times)
    if not len(steps) or times[-1] <= times[0]:
        return joints_m[:1], STILL_FRAME_S
    span = times[-1] - times[0]
    count = round(span / float(np.median(steps[steps > 0]))) + 1
    grid = np.linspace(times[0], times[-1], count)
    flat = joints_m.reshape(len(seen), -1)
    columns = [np.interp(grid, seen, column) for column in flat.T]
    return np.stack(columns, -1).reshape(count, result.skeleton.joints, 3), float(span / (count - 1))


# --- the skeleton -------------------------------------------------------------------------------------------------


@dataclass
class _Node:
    """A joint, or a bone that leaves a joint with several of them. Positions are relative to the parent."""

    name: str
    offset_m: Float[np.ndarray, " 3"]
    rotation: Rotation | None = None  # relative to the parent, T of them; None: never turned
    positions_m: Float[np.ndarray, "T 3"] | None = None  # in place of the offset
    children: list[_Node] = field(default_factory=list)
    end_m: Float[np.ndarray, " 3"] | None = None  # where the last bone of a limb ends, for the eye alone


@dataclass(frozen=True)
class _Grown:
    """The tree of nodes of a person's motion."""

    skeleton: Skeleton
    joints_m: Joints
    stretching: bool

    def root(self) -> _Node:
        joint = self.skeleton.root
        node = _Node(self._name(joint), np.zeros(3), positions_m=self.joints_m[:, joint])
        self._grow(node, joint, Rotation.identity(len(self.joints_m)))
        return node

    def _name(self, joint: int) -> str:
        """BVH names have no spaces."""
        return "_".join(self.skeleton.names[joint].split())

    def _children(self, joint: int) -> list[int]:
        return [child for child, parent in enumerate(self.skeleton.parents) if parent == joint]

    def _grow(self, node: _Node, joint: int, above: Rotation) -> None:
        """Turn a joint's node so that its bone points at the next joint, and go on there. ``above``: the parent's."""
        children, joints_m = self._children(joint), self.joints_m
        if not children:
            node.end_m = self._rest(joint) * max(self._median_length(joint) / 4, 0.01)
            return
        turned = above
        if len(children) > 1:  # the trunk's own orientation: what fits all of its bones best
            node.rotation = above.inv() * self._fitted(joint, above)
            turned = above * node.rotation
        for child in children:
            bone = node
            if len(children) > 1:
                bone = _Node(f"{self._name(joint)}_to_{self._name(child)}", np.zeros(3))
                node.children.append(bone)
            direction = turned.inv().apply(joints_m[:, child] - joints_m[:, joint])
            rest, length = self._rest(child), self._median_length(child)
            bone.rotation = _swing(rest, direction)
            end = _Node(self._name(child), rest * length)
            lengths = np.linalg.norm(direction, axis=-1)
            if self.stretching and (abs(lengths - length) > KEPT_MM / 1000).any():
                end.positions_m = lengths[:, None] * rest
            bone.children.append(end)
            self._grow(end, child, turned * bone.rotation)

    def _rest(self, joint: int) -> Float[np.ndarray, " 3"]:
        name, parent = self.skeleton.names[joint], self.skeleton.parents[joint]
        mean = (self.joints_m[:, joint] - self.joints_m[:, parent]).mean(0)
        direction = np.array(_REST[name], float) if name in _REST else mean
        length = np.linalg.norm(direction)
        return direction / length if length > 1e-9 else np.array(_UP, float)

    def _median_length(self, joint: int) -> float:
        bones = self.joints_m[:, joint] - self.joints_m[:, self.skeleton.parents[joint]]
        return float(np.median(np.linalg.norm(bones, axis=-1)))

    def _fitted(self, joint: int, above: Rotation) -> Rotation:
        """Rotations that take a joint's bones at rest closest to where they point (Kabsch, 1976).

        Closest by the sum of dot products, so that a long bone counts for more. Where all bones lie on one line, or in
        one point, nothing is said: the parent's.
        """
        children = self._children(joint)
        at_rest = np.stack([self._rest(child) for child in children])
        bones = self.joints_m[:, children] - self.joints_m[:, [joint]]
        left, sizes, right = np.linalg.svd(np.einsum("tbi,bj->tij", bones, at_rest))
        left[:, :, 2] *= np.linalg.det(left @ right)[:, None]  # a rotation, no mirror
        said = sizes[:, 1] > 1e-6
        return Rotation.from_matrix(np.where(said[:, None, None], left @ right, above.as_matrix()))


def _swing(start: Float[np.ndarray, " 3"], end: Float[np.ndarray, "T 3"]) -> Rotation:
    """Find the smallest rotations of a unit vector into the directions of others; none where these have no length."""
    length = np.linalg.norm(end, axis=-1, keepdims=True)
    ahead: Bool[np.ndarray, " T"] = length[:, 0] > 1e-9
    unit = np.where(ahead[:, None], end / np.maximum(length, 1e-9), start)
    across = np.cross(start, unit)
    cosine = unit @ start
    # a quaternion halfway between none and twice the turn; straight back: half a turn about any axis across
    quaternion = np.concatenate([across, 1 + cosine[:, None]], axis=-1)
    aside = np.cross(start, np.eye(3)[np.argmin(np.abs(start))])
    quaternion[cosine < -1 + 1e-9] = [*(aside / np.linalg.norm(aside)), 0]
    return Rotation.from_quat(quaternion)


# --- the text -----------------------------------------------------------------------------------------------------


def _lines(root: _Node, frame_s: float) -> Iterator[str]:
    yield "HIERARCHY"
    yield from _hierarchy(root, 0)
    assert root.positions_m is not None, "the root is always placed"
    values = np.concatenate(list(_motion(root, len(root.positions_m))), axis=-1)
    yield from ("MOTION", f"Frames: {len(values)}", f"Frame Time: {frame_s:.8f}")
    for row in values:
        yield " ".join(f"{value:.6f}" for value in row)


def _hierarchy(node: _Node, level: int) -> Iterator[str]:
    indent = "\t" * level
    yield f"{indent}{'JOINT' if level else 'ROOT'} {node.name}"
    yield indent + "{"
    yield f"{indent}\tOFFSET {_triple(node.offset_m)}"
    positions = ["Xposition", "Yposition", "Zposition"] if node.positions_m is not None else []
    channels = [*positions, *(f"{axis}rotation" for axis in _ORDER)]
    yield f"{indent}\tCHANNELS {len(channels)} {' '.join(channels)}"
    for child in node.children:
        yield from _hierarchy(child, level + 1)
    if node.end_m is not None:
        yield from (f"{indent}\tEnd Site", indent + "\t{", f"{indent}\t\tOFFSET {_triple(node.end_m)}", indent + "\t}")
    yield indent + "}"


def _motion(node: _Node, frames: int) -> Iterator[np.ndarray]:
    """Collect the node's channels for all frames, then its children's, in the order of ``_hierarchy``."""
    if node.positions_m is not None:
        yield node.positions_m
    if node.rotation is None:
        yield np.zeros((frames, 3))
    else:
        with warnings.catch_warnings():  # of two angles about one axis, of which any one will do
            warnings.filterwarnings("ignore", "Gimbal lock")
            angles = node.rotation.as_euler(_ORDER, degrees=True)
        yield np.unwrap(angles, period=360, axis=0)  # no leap from 180 to -180 for who interpolates between frames
    for child in node.children:
        yield from _motion(child, frames)


def _triple(vector: Float[np.ndarray, " 3"]) -> str:
    return " ".join(f"{value:.6f}" for value in vector)
