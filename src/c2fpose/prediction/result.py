"""What prediction gives: one source (an image, a video, arrays), its frames, the people in them. Light: no PyTorch.

Joints are those of ``PoseResult.space``, in its order. ``_px``: pixels of the upright frame, x right, y down, pixel i
covers [i, i + 1). ``_cam_mm``: camera frame, millimetres, x right, y down, z forward; all people of a frame share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from c2fpose.pose.camera import along_rays
from c2fpose.pose.skeleton import Skeleton
from c2fpose.pose.space import PAPER, PoseSpace
from c2fpose.prediction.photo import Box

SourceKind = Literal["image", "video", "arrays"]
FocalFrom = Literal["exif", "fov", "given", "assumed"]
BoxFrom = Literal["given", "whole", "found", "tracked"]


@dataclass(frozen=True)
class Camera:
    """A pinhole without distortion, and how it is known."""

    intrinsics_px: Float[np.ndarray, " 4"]  # fx, fy, cx, cy
    # exif: the picture's own; fov: from a given angle of view; given: in px; assumed: an ordinary camera's
    focal_from: FocalFrom = "assumed"


@dataclass(frozen=True)
class Source:
    """What was looked at."""

    kind: SourceKind
    size_px: tuple[int, int]  # columns, rows of the upright frame
    file: str | None = None  # as it was given; None for arrays
    sha256: str | None = None  # of the file's bytes
    fps: float | None = None  # of a video: frames over seconds, as the container says; times stand in the frames


@dataclass(frozen=True)
class ModelUsed:
    """Which network said it, and how it was asked."""

    file: str | None = None  # of the checkpoint or exported network
    sha256: str | None = None
    code_version: str | None = None  # that trained it
    data_fingerprints: dict[str, str] | None = None  # that it was trained on
    image_size_px: int | None = None  # side of the crop that it sees
    decoding: dict[str, Any] = field(default_factory=dict)  # of ``DecodingConfig``, what the head obeys
    engine: str | None = None
    precision: str | None = None
    device: str | None = None  # ``cpu`` or ``cuda``


@dataclass(frozen=True)
class PersonPose:
    """One person in one frame.

    What a network cannot say of itself is None. ``covariance_mm2`` is the joint's position in the camera frame about
    ``joints_cam_mm`` with the root's depth as it was fitted. A joint without a second mode has NaN there, weight 0.
    """

    id: int  # the same person keeps it through all frames; counts from 0
    box: Box  # square that was shown to the network, px
    joints_px: Float[np.ndarray, "J 2"]
    joints_cam_mm: Float[np.ndarray, "J 3"]
    root_depth_mm: float  # by the result's rule
    box_from: BoxFrom = "given"
    box_score: float | None = None  # of the finder or the file of boxes, 0..1
    observed: bool = True  # False: filled in between frames in which the person was seen
    confidence: Float[np.ndarray, " J"] | None = None  # 0..1; its meaning: PoseResult.confidence_meaning
    covariance_mm2: Float[np.ndarray, "J 3 3"] | None = None
    second_mode_cam_mm: Float[np.ndarray, "J 3"] | None = None
    second_mode_weight: Float[np.ndarray, " J"] | None = None  # share of the volume's mass, 0..1
    # A volume a stack, coarse to fine, where asked for: likelihoods over the depth bins (of the range around the root),
    # rows (H) and columns (W) of the box
    volumes: tuple[Float[np.ndarray, "J _ H W"], ...] | None = None

    @property
    def chance(self) -> float | None:
        """The chance that the box is a person's; None where no calibrated network judged what a finder found."""
        return self.box_score if self.box_from == "found" and self.confidence is not None else None

    def second_mode_at(self, root_depth_mm: float) -> Float[np.ndarray, "J 3"] | None:
        """Place the second modes where they are with the root at another depth: each further along its ray."""
        if self.second_mode_cam_mm is None:
            return None
        return along_rays(self.second_mode_cam_mm, root_depth_mm - self.root_depth_mm)

    @property
    def in_front(self) -> bool:
        """Whether all joints lie in front of the camera; where the fit of the root's depth fails, they do not."""
        return bool(self.joints_cam_mm[:, 2].min() > 0)


@dataclass(frozen=True)
class Frame:
    """The people in one frame of a source; none is an answer."""

    people: tuple[PersonPose, ...]
    index: int = 0  # of the source's frames; counts from 0
    time_s: float = 0.0  # since the beginning, by the container's clock


@dataclass(frozen=True)
class PoseResult:
    """All that is known about one source; ``outputs.write`` makes files of it."""

    source: Source
    camera: Camera
    frames: Sequence[Frame]  # in order; of a long video they may lie on disk: spool.SpooledFrames
    root_depth_rule: str = "mean_limbs"  # of ``camera.ROOT_DEPTH_RULES``
    model: ModelUsed = field(default_factory=ModelUsed)
    confidence_meaning: str | None = None  # a sentence: what a joint's confidence is the probability of
    smoothing: str | None = None  # a sentence: what was done along time; None: every frame by itself
    notes: tuple[str, ...] = ()  # warnings that a reader of the numbers should see
    space: PoseSpace = PAPER  # the network's joints, and the depths that it can tell

    @property
    def skeleton(self) -> Skeleton:
        """The joints of everybody."""
        return self.space.skeleton

    @property
    def ids(self) -> tuple[int, ...]:
        """Everybody who was seen, by rising id."""
        return tuple(sorted({person.id for _, person in self.people()}))

    def people(self) -> Iterator[tuple[Frame, PersonPose]]:
        """Yield every person of every frame, in the order of frames."""
        for frame in self.frames:
            for person in frame.people:
                yield frame, person

    def track(self, id: int) -> list[tuple[Frame, PersonPose]]:
        """List the frames in which a person was seen, in order; empty for an unknown id."""
        return [(frame, person) for frame, person in self.people() if person.id == id]

    def table(self) -> PoseTable:
        """Stack everybody in all frames into arrays, one row a person and frame."""
        return PoseTable.of(self)


@dataclass(frozen=True)
class PoseTable:
    """A result as arrays: N rows, one a person and frame, in the order of ``PoseResult.people``.

    Values that a person lacks are NaN; a column that nobody has is None.
    """

    frame: Int[np.ndarray, " N"]
    time_s: Float[np.ndarray, " N"]
    person: Int[np.ndarray, " N"]
    box_px: Float[np.ndarray, "N 3"]  # left, top, side
    root_depth_mm: Float[np.ndarray, " N"]
    observed: Bool[np.ndarray, " N"]
    joints_px: Float[np.ndarray, "N J 2"]
    joints_cam_mm: Float[np.ndarray, "N J 3"]
    box_score: Float[np.ndarray, " N"] | None = None
    confidence: Float[np.ndarray, "N J"] | None = None
    covariance_mm2: Float[np.ndarray, "N J 3 3"] | None = None
    second_mode_cam_mm: Float[np.ndarray, "N J 3"] | None = None
    second_mode_weight: Float[np.ndarray, "N J"] | None = None

    @classmethod
    def of(cls, result: PoseResult) -> PoseTable:
        """Stack a result; ``N`` is 0 where nobody was found."""
        rows = list(result.people())
        people = [person for _, person in rows]
        joints = result.skeleton.joints

        def column(values: list[Any], *shape: int, kind: type = np.float64) -> np.ndarray:
            return np.array(values, kind).reshape(len(rows), *shape)

        return cls(
            frame=column([frame.index for frame, _ in rows], kind=np.int64),
            time_s=column([frame.time_s for frame, _ in rows]),
            person=column([person.id for person in people], kind=np.int64),
            box_px=column([tuple(person.box) for person in people], 3),
            root_depth_mm=column([person.root_depth_mm for person in people]),
            observed=column([person.observed for person in people], kind=np.bool_),
            joints_px=column([person.joints_px for person in people], joints, 2),
            joints_cam_mm=column([person.joints_cam_mm for person in people], joints, 3),
            box_score=_optional(people, "box_score", ()),
            confidence=_optional(people, "confidence", (joints,)),
            covariance_mm2=_optional(people, "covariance_mm2", (joints, 3, 3)),
            second_mode_cam_mm=_optional(people, "second_mode_cam_mm", (joints, 3)),
            second_mode_weight=_optional(people, "second_mode_weight", (joints,)),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Name the columns that are there."""
        named = {column.name: getattr(self, column.name) for column in fields(self)}
        return {name: values for name, values in named.items() if values is not None}


def _optional(people: list[PersonPose], name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """Make a column of values that people may lack; None if all of them do."""
    values = [getattr(person, name) for person in people]
    if all(value is None for value in values):
        return None
    return np.array([np.full(shape, np.nan) if value is None else value for value in values], np.float64)
