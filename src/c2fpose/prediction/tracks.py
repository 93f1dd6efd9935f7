"""Who is who from frame to frame: tracks that are matched to poses by the Hungarian method.

What counts is how far the joints are from where the track expects them, in the picture and in space; no weights of
anybody's are needed.
"""

from dataclasses import dataclass, field

import numpy as np
import scipy  # scipy.optimize, which takes most of a second to import, comes when it is used
from jaxtyping import Float

from c2fpose.pose.skeleton import ROOT
from c2fpose.prediction.person_box import square_box
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import PersonPose

FAR_PX = 0.35  # mean distance of joints, as a share of the box's side, at which two poses are of different people
FAR_MM = 450.0  # and mean distance of joints from each other, relative to the root
SPACE_SHARE = 0.25  # weight of the latter against the former
_SETTLE = 0.6  # share of a new velocity in the track's


@dataclass
class Track:
    """One person through time."""

    id: int
    time_s: float  # of the last pose
    person: PersonPose  # the last pose
    velocity: Float[np.ndarray, "2"] = field(default_factory=lambda: np.zeros(2))  # of the box's centre, px/s
    growth: float = 0.0  # of the box's side, px/s
    found_side_px: float = 0.0  # of the box in which the person was last found
    root: int = ROOT  # the joint that poses are compared relative to
    seen_s: float = 0.0  # when somebody was last found there, not only expected

    def expected_box(self, time_s: float) -> Box:
        """Give the box in which the person should be: that of the last joints, moved on."""
        ahead = time_s - self.time_s
        center, side = square_box(self.person.joints_px)
        center = center + np.clip(self.velocity * ahead, -side, side)
        side_px = float(np.clip(side + self.growth * ahead, 0.8 * side, 1.25 * side))
        return Box(float(center[0] - side_px / 2), float(center[1] - side_px / 2), side_px)

    def cost(self, person: PersonPose, time_s: float) -> float:
        """Tell how unlike a pose is what this track expects: 1 and more is somebody else."""
        center, side = square_box(self.person.joints_px)
        expected = self.expected_box(time_s)
        shift = np.array([expected.left, expected.top]) + expected.side / 2 - center
        apart = np.linalg.norm(person.joints_px - self.person.joints_px - shift, axis=-1).mean()
        apart /= max(side, square_box(person.joints_px)[1])
        poses = [each.joints_cam_mm - each.joints_cam_mm[self.root] for each in (person, self.person)]
        unlike = np.linalg.norm(poses[0] - poses[1], axis=-1).mean()
        return float((apart / FAR_PX + SPACE_SHARE * min(unlike / FAR_MM, 2)) / (1 + SPACE_SHARE))

    def take(self, person: PersonPose, time_s: float) -> None:
        """Go on with a new pose."""
        ahead = time_s - self.time_s
        if ahead > 0:
            (old, old_side), (new, new_side) = (square_box(each.joints_px) for each in (self.person, person))
            self.velocity = (1 - _SETTLE) * self.velocity + _SETTLE * (new - old) / ahead
            self.growth = (1 - _SETTLE) * self.growth + _SETTLE * float(new_side - old_side) / ahead
        self.person, self.time_s = person, time_s


class Tracker:
    """The tracks alive at some time."""

    def __init__(self, root: int = ROOT) -> None:
        self.root = root
        self.tracks: list[Track] = []
        self._next = 0

    def assign(self, people: list[PersonPose], time_s: float) -> list[Track]:
        """Match the poses of one frame to tracks, each to one at most, at the least total cost; others begin new ones.

        Returns each pose's track, which has taken it.
        """
        mine: list[Track | None] = [None] * len(people)
        if people and self.tracks:
            costs = np.array([[track.cost(person, time_s) for person in people] for track in self.tracks])
            for row, column in zip(*scipy.optimize.linear_sum_assignment(np.minimum(costs, 10.0)), strict=True):
                if costs[row, column] < 1:
                    mine[column] = self.tracks[row]
        return [
            self.begin(person, time_s) if track is None else self._taken(track, person, time_s)
            for person, track in zip(people, mine, strict=True)
        ]

    def begin(self, person: PersonPose, time_s: float) -> Track:
        """Start a track."""
        track = Track(self._next, time_s, person, seen_s=time_s, root=self.root)
        self._next += 1
        self.tracks.append(track)
        return track

    def end(self, tracks: list[Track]) -> None:
        """Give tracks up."""
        gone = {track.id for track in tracks}
        self.tracks = [track for track in self.tracks if track.id not in gone]

    @staticmethod
    def _taken(track: Track, person: PersonPose, time_s: float) -> Track:
        track.take(person, time_s)
        return track
